package io.farwarp.ptx.cache;

import io.farwarp.ptx.PtxParameter;
import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.codegen.CompiledKernel;
import io.farwarp.ptx.ir.ParameterLayout;
import io.farwarp.ptx.runtime.BlockThreads;
import io.farwarp.ptx.runtime.Stop;
import io.farwarp.ptx.runtime.WarpOperation;
import io.farwarp.ptx.syntax.SourceLines;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Module images as bytes. Only this build of the compiler reads what it has written, and only
 * whole; so there are no versions of the form, and no checks but those of the reader's streams.
 */
final class ImageCodec {
  private static final int CUT = 0;
  private static final int POLL = 1;
  private static final int BARRIER = 2;
  private static final int WARP = 3;
  private static final int STEP = 4;

  private ImageCodec() {}

  static void write(DataOutputStream out, ModuleImage image) throws IOException {
    image.sourceLines().writeTo(out);
    out.writeInt(image.kernels().size());
    for (ModuleImage.Kernel kernel : image.kernels()) {
      out.writeUTF(kernel.name());
      out.writeInt(kernel.maxThreads());
      out.writeInt(kernel.requiredBlock().size());
      for (int extent : kernel.requiredBlock()) {
        out.writeInt(extent);
      }
      writeLayout(out, kernel.layout());
      writeCompiled(out, kernel.compiled());
    }
  }

  static ModuleImage read(DataInputStream in) throws IOException {
    SourceLines lines = SourceLines.readFrom(in);
    List<ModuleImage.Kernel> kernels = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      String name = in.readUTF();
      int maxThreads = in.readInt();
      List<Integer> requiredBlock = new ArrayList<>();
      for (int extents = in.readInt(); extents > 0; extents--) {
        requiredBlock.add(in.readInt());
      }
      kernels.add(
          new ModuleImage.Kernel(
              name, readLayout(in), maxThreads, List.copyOf(requiredBlock), readCompiled(in)));
    }
    return new ModuleImage(kernels, lines);
  }

  private static void writeLayout(DataOutputStream out, ParameterLayout layout) throws IOException {
    out.writeInt(layout.sizeBytes());
    out.writeInt(layout.parameters().size());
    for (PtxParameter parameter : layout.parameters()) {
      out.writeUTF(parameter.name());
      out.writeUTF(parameter.type().name());
      out.writeInt(parameter.sizeBytes());
      out.writeInt(parameter.alignBytes());
      out.writeInt(parameter.offsetBytes());
    }
  }

  private static ParameterLayout readLayout(DataInputStream in) throws IOException {
    int sizeBytes = in.readInt();
    List<PtxParameter> parameters = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      parameters.add(
          new PtxParameter(
              in.readUTF(),
              PtxType.valueOf(in.readUTF()),
              in.readInt(),
              in.readInt(),
              in.readInt()));
    }
    return new ParameterLayout(List.copyOf(parameters), sizeBytes);
  }

  private static void writeCompiled(DataOutputStream out, CompiledKernel compiled)
      throws IOException {
    out.writeInt(compiled.classFile().length);
    out.write(compiled.classFile());
    out.writeInt(compiled.largestMethodBytes());
    out.writeInt(compiled.staticSharedBytes());
    out.writeInt(compiled.callBytes());
    BlockThreads.Shape shape = compiled.shape();
    out.writeBoolean(shape != null);
    if (shape != null) {
      out.writeInt(shape.ints());
      out.writeInt(shape.longs());
      out.writeInt(shape.floats());
      out.writeInt(shape.doubles());
      out.writeInt(shape.localBytes());
    }
    out.writeInt(compiled.stops().size());
    for (Stop stop : compiled.stops()) {
      writeStop(out, stop);
    }
  }

  private static CompiledKernel readCompiled(DataInputStream in) throws IOException {
    byte[] classFile = in.readNBytes(in.readInt());
    int largest = in.readInt();
    int staticShared = in.readInt();
    int callBytes = in.readInt();
    BlockThreads.Shape shape =
        in.readBoolean()
            ? new BlockThreads.Shape(
                in.readInt(), in.readInt(), in.readInt(), in.readInt(), in.readInt())
            : null;
    List<Stop> stops = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      stops.add(readStop(in));
    }
    return new CompiledKernel(classFile, stops, largest, staticShared, callBytes, shape);
  }

  private static void writeStop(DataOutputStream out, Stop stop) throws IOException {
    int kind =
        switch (stop) {
          case Stop.Cut cut -> CUT;
          case Stop.Poll poll -> POLL;
          case Stop.Step step -> STEP;
          case Stop.Barrier barrier -> BARRIER;
          case Stop.Warp warp -> WARP;
        };
    out.writeByte(kind);
    out.writeInt(stop.region());
    out.writeInt(stop.line());
    switch (stop) {
      case Stop.Cut cut -> {}
      case Stop.Poll poll -> {}
      case Stop.Step step -> out.writeInt(step.place());
      case Stop.Barrier barrier -> {
        out.writeUTF(barrier.role().name());
        out.writeInt(barrier.id());
        out.writeInt(barrier.count());
      }
      case Stop.Warp warp -> {
        out.writeUTF(warp.operation().name());
        out.writeInt(warp.group());
        out.writeBoolean(warp.convergent());
        out.writeInt(warp.constants());
        out.writeInt(warp.second());
        out.writeInt(warp.third());
        out.writeInt(warp.members());
      }
    }
  }

  private static Stop readStop(DataInputStream in) throws IOException {
    int kind = in.readByte();
    int region = in.readInt();
    int line = in.readInt();
    return switch (kind) {
      case CUT -> new Stop.Cut(region, line);
      case POLL -> new Stop.Poll(region, line);
      case STEP -> new Stop.Step(region, line, in.readInt());
      case BARRIER ->
          new Stop.Barrier(
              region, line, Stop.Barrier.Role.valueOf(in.readUTF()), in.readInt(), in.readInt());
      case WARP ->
          new Stop.Warp(
              region,
              line,
              WarpOperation.valueOf(in.readUTF()),
              in.readInt(),
              in.readBoolean(),
              in.readInt(),
              in.readInt(),
              in.readInt(),
              in.readInt());
      default -> throw new IOException("a stop of kind " + kind);
    };
  }
}
