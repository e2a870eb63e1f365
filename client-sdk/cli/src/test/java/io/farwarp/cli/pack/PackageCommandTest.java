package io.farwarp.cli.pack;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.farwarp.cli.CommandException;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionSpec;
import io.farwarp.function.ManifestJson;
import io.farwarp.function.ParameterSpec;
import io.farwarp.ptx.PtxModule;
import io.farwarp.ptx.PtxOptions;
import io.farwarp.samples.Sample;
import io.farwarp.v1.FunctionManifest;
import io.farwarp.v1.ModuleKind;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import picocli.CommandLine;

class PackageCommandTest {
  private static final String TWICE =
      """
      extern "C" __global__ void twice(const float *in, float *out, int n) {
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i < n) out[i] = 2 * in[i];
      }
      """;

  @TempDir private Path directory;

  private Path sample(Sample sample) throws Exception {
    FunctionPackage built = sample.functionPackage();
    Files.writeString(directory.resolve("manifest.json"), ManifestJson.write(built.manifest()));
    for (String file : built.fileNames()) {
      Files.write(directory.resolve(file), built.file(file));
    }
    return directory;
  }

  private void assertRefused(String part) {
    String message =
        assertThrows(CommandException.class, () -> new PackageBuilder(directory).build())
            .getMessage();
    assertTrue(message.contains(part), message);
  }

  private void edit(String file, String from, String to) throws Exception {
    Path path = directory.resolve(file);
    String text = Files.readString(path);
    assertTrue(text.contains(from), text);
    Files.writeString(path, text.replace(from, to));
  }

  @Test
  void a_skeleton_comes_from_a_cuda_source_where_nvcc_is() throws Exception {
    assumeTrue(Nvcc.isInstalled(), "skipped: no nvcc on PATH");
    Path source = Files.writeString(directory.resolve("twice.cu"), TWICE);
    assertEquals(0, new CommandLine(new PackageCommand()).execute("init", source.toString()));
    FunctionManifest manifest =
        ManifestJson.read(Files.readAllBytes(directory.resolve("manifest.json")));
    assertEquals("twice.ptx", manifest.getModules(0).getFile());
    assertEquals("twice", manifest.getPlan(0).getKernel());
  }

  @Test
  void a_cuda_source_without_nvcc_or_without_itself_is_told() {
    Path absent = directory.resolve("absent.cu");
    String message =
        assertThrows(CommandException.class, () -> Nvcc.ptx(absent, "absent.ptx")).getMessage();
    assertTrue(message.startsWith(absent.toString()), message);
  }

  @ParameterizedTest
  @EnumSource
  void package_of_a_sample_directory_is_the_samples_own(Sample sample) throws Exception {
    FunctionPackage built = new PackageBuilder(sample(sample)).build();
    assertArrayEquals(sample.functionPackage().bytes(), built.bytes());
  }

  @Test
  void command_writes_the_package_file() throws Exception {
    Path file = directory.resolve("out.fwp");
    CommandLine command = new CommandLine(new PackageCommand());
    StringWriter out = new StringWriter();
    command.setOut(new PrintWriter(out));
    assertEquals(
        0, command.execute("build", sample(Sample.HELLO).toString(), "-o", file.toString()));
    assertEquals("hello", FunctionPackage.read(Files.readAllBytes(file)).manifest().getName());
    assertTrue(out.toString().contains("hello:1"), out.toString());
  }

  @Test
  void manifest_that_disagrees_with_the_ptx_is_refused() throws Exception {
    sample(Sample.HELLO);
    edit("manifest.json", "\"z\", \"n\"]", "\"z\"]");
    assertRefused("3 arguments; the kernel takes 4");
    sample(Sample.HELLO);
    edit("manifest.json", "\"vector_add\"", "\"vector_sub\"");
    assertRefused("vector_add");
  }

  @Test
  void opcode_that_is_not_supported_is_refused_by_name_and_line() throws Exception {
    sample(Sample.HELLO);
    edit("hello.ptx", "add.f32", "frobnicate.f32");
    assertRefused("frobnicate");
    assertRefused("line ");
  }

  @Test
  void directory_that_lacks_something_is_refused() throws Exception {
    assertRefused("manifest.json: no such file");
    sample(Sample.HELLO);
    Files.delete(directory.resolve("hello.ptx"));
    Files.delete(directory.resolve("hello.cu"));
    assertRefused("hello.ptx: no such file");
  }

  @Test
  void skeleton_of_black_scholes_knows_tensors_and_directions() throws Exception {
    FunctionManifest manifest = skeleton(Sample.BLACK_SCHOLES);
    FunctionSpec spec = FunctionSpec.of(manifest);
    List<String> types =
        spec.parameters().stream().map(p -> p.typeText() + " " + p.direction()).toList();
    assertEquals(List.of("f32[n] IN", "f32[n] IN"), types.subList(0, 2));
    assertEquals(List.of("f32[n] OUT", "i64 IN"), types.subList(6, 8));
    assertTrue(manifest.getDescription().contains("EDIT ME"));
    assertEquals("black-scholes", spec.name());
  }

  @Test
  void skeleton_of_sgemm_knows_that_c_goes_both_ways() throws Exception {
    FunctionSpec spec = FunctionSpec.of(skeleton(Sample.SGEMM));
    assertEquals(
        List.of("i32", "i32", "i32", "f32", "f32[n]", "f32[n]", "f32", "f32[n]"),
        spec.parameters().stream().map(ParameterSpec::typeText).toList());
    assertTrue(spec.parameters().get(7).isRead() && spec.parameters().get(7).isWritten());
  }

  @ParameterizedTest
  @EnumSource
  void skeleton_builds_into_a_package(Sample sample) throws Exception {
    sample(sample);
    Files.writeString(directory.resolve("manifest.json"), ManifestJson.write(skeleton(sample)));
    FunctionPackage built = new PackageBuilder(directory).build();
    assertEquals(sample.functionName(), built.manifest().getName());
  }

  @Test
  void required_block_is_taken_from_the_ptx() throws Exception {
    String ptx = ".visible .entry k(\n)\n.reqntid 16, 8, 1\n{\nret;\n}";
    assertEquals(List.of("16", "8", "1"), PtxUsage.requiredBlock(ptx, "k"));
    assertEquals(List.of(), PtxUsage.requiredBlock(ptx.replace(".reqntid", ".maxntid"), "k"));
  }

  /** A container with one plain entry, as nvcc --no-compress writes it. */
  private static byte[] fatbin(int kind, byte[] code) {
    ByteBuffer file = ByteBuffer.allocate(16 + 64 + code.length).order(ByteOrder.LITTLE_ENDIAN);
    file.putInt(0xBA55ED50).putShort((short) 1).putShort((short) 16).putLong(64 + code.length);
    file.putShort((short) kind).putShort((short) 0x101).putInt(64).putLong(code.length);
    file.putInt(16 + 28, 75);
    file.position(16 + 64).put(code);
    return file.array();
  }

  @Test
  void a_fatbin_is_a_module_from_skeleton_to_package() throws Exception {
    Sample sample = Sample.values()[0];
    Path fatbin = directory.resolve("k.fatbin");
    Files.write(fatbin, fatbin(1, sample.ptx()));
    StringWriter out = new StringWriter();
    CommandLine command = new CommandLine(new PackageCommand()).setOut(new PrintWriter(out));
    assertEquals(0, command.execute("init", fatbin.toString()), out.toString());
    FunctionPackage built = new PackageBuilder(directory).build();
    assertEquals(ModuleKind.FATBIN, built.manifest().getModules(0).getKind());
  }

  @Test
  void a_fatbin_for_gpus_only_is_packaged_unchecked() throws Exception {
    sample(Sample.values()[0]);
    String file = Sample.values()[0].functionPackage().manifest().getModules(0).getFile();
    edit("manifest.json", "\"PTX\"", "\"FATBIN\"");
    Files.write(directory.resolve(file), fatbin(2, new byte[100]));
    FunctionPackage built = new PackageBuilder(directory).build();
    assertEquals(ModuleKind.FATBIN, built.manifest().getModules(0).getKind());
  }

  private static FunctionManifest skeleton(Sample sample) throws Exception {
    String text = new String(sample.ptx(), StandardCharsets.US_ASCII);
    try (PtxModule module = PtxModule.load(text, PtxOptions.defaults())) {
      return new ManifestSkeleton(
              sample.functionName() + ".ptx", ModuleKind.PTX, text, module, module.kernelNames())
          .manifest();
    }
  }
}
