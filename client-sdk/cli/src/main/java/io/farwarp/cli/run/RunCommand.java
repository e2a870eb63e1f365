package io.farwarp.cli.run;

import com.google.gson.JsonObject;
import io.farwarp.cli.CommandException;
import io.farwarp.cli.DurationText;
import io.farwarp.cli.GatewayOptions;
import io.farwarp.cli.Json;
import io.farwarp.cli.LeaseOptions;
import io.farwarp.cli.Quantities;
import io.farwarp.client.Argument;
import io.farwarp.client.Farwarp;
import io.farwarp.client.Invocation;
import io.farwarp.client.Lease;
import io.farwarp.client.LeaseRequest;
import io.farwarp.client.Session;
import io.farwarp.client.SessionOptions;
import io.farwarp.client.Tensor;
import io.farwarp.client.Timings;
import io.farwarp.function.FunctionPackageException;
import io.farwarp.function.FunctionSpec;
import io.farwarp.function.ParameterSpec;
import io.farwarp.v1.Direction;
import io.farwarp.v1.FunctionVersion;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Calls one function once, with tensors from and to files. */
@Command(
    name = "run",
    mixinStandardHelpOptions = true,
    description = {
      "Call a function once, with tensors from and to files.",
      "Files are NumPy .npy, or .bin with the little-endian elements alone. Scalars and extents that"
          + " follow from the shapes of the files need not be given."
    })
public final class RunCommand implements Callable<Integer> {
  private static final long LEAST_WINDOW_BYTES = 2L << 20;

  @Spec private CommandSpec spec;
  @Mixin private GatewayOptions gateway;
  @Mixin private LeaseOptions leaseOptions;

  @Parameters(paramLabel = "NAME[:VERSION]", description = "The function.")
  private String function;

  @Option(names = "--in", paramLabel = "NAME=FILE", description = "File of a tensor that is read.")
  private List<String> in = new ArrayList<>();

  @Option(
      names = "--out",
      paramLabel = "NAME=FILE",
      description = "File for a tensor that is written.")
  private List<String> out = new ArrayList<>();

  @Option(
      names = "--inout",
      paramLabel = "NAME=FILE",
      description = "Both: the file is replaced. (--in and --out of one name use two files.)")
  private List<String> inout = new ArrayList<>();

  @Option(names = "--scalar", paramLabel = "NAME=VALUE", description = "Value of a scalar.")
  private List<String> scalars = new ArrayList<>();

  @Option(
      names = "--shape",
      paramLabel = "NAME=N[xN...]",
      description = "Shape of a tensor, where it follows from no file.")
  private List<String> shapes = new ArrayList<>();

  @Option(
      names = "--timeout",
      converter = DurationText.class,
      defaultValue = "60s",
      description = "What the call may take (default: ${DEFAULT-VALUE}).")
  private Duration timeout;

  @Option(
      names = "--wait",
      converter = DurationText.class,
      defaultValue = "60s",
      description = "How long to wait for a free device (default: ${DEFAULT-VALUE}).")
  private Duration wait;

  @Option(names = "--json", description = "Print data path, device and times as JSON.")
  private boolean json;

  @Override
  public Integer call() {
    LeaseRequest request = leaseOptions.request().waitAtMost(wait);
    Map<String, String> inFiles = assignments("--in", in);
    Map<String, String> outFiles = assignments("--out", out);
    for (Map.Entry<String, String> both : assignments("--inout", inout).entrySet()) {
      if (inFiles.put(both.getKey(), both.getValue()) != null
          || outFiles.put(both.getKey(), both.getValue()) != null) {
        throw new ParameterException(
            spec.commandLine(), both.getKey() + " is given by --inout and by --in or --out");
      }
    }
    outFiles.values().forEach(file -> TensorFile.checkWritable(Path.of(file)));
    try (Arena arena = Arena.ofShared();
        Farwarp farwarp = gateway.connect()) {
      Map<String, TensorFile> inputs = new LinkedHashMap<>();
      inFiles.forEach((name, file) -> inputs.put(name, TensorFile.map(Path.of(file), arena)));
      FunctionVersion version = farwarp.functions().resolve(function);
      FunctionSpec manifest = FunctionSpec.of(version.getManifest());
      CallPlan plan =
          new CallPlan(
              manifest,
              inputs,
              outFiles.keySet(),
              assignments("--scalar", scalars),
              assignments("--shape", shapes));
      run(farwarp, request, manifest, plan, inputs, outFiles);
    } catch (FunctionPackageException e) {
      throw new CommandException("the manifest of " + function + ": " + e.getMessage(), e);
    }
    return 0;
  }

  private Map<String, String> assignments(String option, List<String> texts) {
    return Assignments.of(spec.commandLine(), option, texts);
  }

  private void run(
      Farwarp farwarp,
      LeaseRequest wanted,
      FunctionSpec manifest,
      CallPlan plan,
      Map<String, TensorFile> inputs,
      Map<String, String> outputs) {
    String name = manifest.name() + ":" + manifest.version();
    LeaseRequest request =
        wanted.memory(Math.max(LEAST_WINDOW_BYTES, plan.windowBytes())).functions(name);
    SessionOptions options = SessionOptions.transport(leaseOptions.transport()).deadline(timeout);
    try (Lease lease = farwarp.lease(request).await();
        Session session = lease.open(options)) {
      List<Argument> arguments = new ArrayList<>();
      Map<ParameterSpec, Tensor> results = new LinkedHashMap<>();
      for (ParameterSpec parameter : manifest.parameters()) {
        arguments.add(argument(session, parameter, plan, inputs, results));
      }
      Invocation done =
          session
              .function(name)
              .invoke(arguments.toArray(Argument[]::new))
              .await(timeout.plusSeconds(5));
      results.forEach((parameter, tensor) ->
          TensorFile.write(
              Path.of(outputs.get(parameter.name())),
              parameter.type(),
              plan.shape(parameter),
              tensor.segment()));
      report(name, lease, session, done.timings());
    }
  }

  private static Argument argument(
      Session session,
      ParameterSpec parameter,
      CallPlan plan,
      Map<String, TensorFile> inputs,
      Map<ParameterSpec, Tensor> results) {
    if (!parameter.isTensor()) {
      return Argument.scalar(parameter.type(), plan.scalarBits(parameter));
    }
    long[] shape = plan.shape(parameter).stream().mapToLong(Long::longValue).toArray();
    TensorFile file = inputs.get(parameter.name());
    if (file != null && parameter.direction() == Direction.IN) {
      return Argument.in(session.wrap(file.elements(), parameter.type(), shape));
    }
    Tensor tensor = session.tensor(parameter.type(), shape);
    results.put(parameter, tensor);
    if (file == null) {
      return Argument.out(tensor);
    }
    MemorySegment.copy(file.elements(), 0, tensor.segment(), 0, tensor.sizeBytes());
    return Argument.inout(tensor);
  }

  private void report(String name, Lease lease, Session session, Timings timings) {
    PrintWriter print = spec.commandLine().getOut();
    if (json) {
      JsonObject object = new JsonObject();
      object.addProperty("function", name);
      object.addProperty("device", lease.deviceName());
      object.addProperty("dataPath", session.dataPath().transport());
      object.addProperty("dataPathReason", session.dataPath().reason());
      JsonObject seconds = new JsonObject();
      seconds.addProperty("lease", lease.queued().toNanos() / 1e9);
      seconds.addProperty("prepare", lease.prepare().toNanos() / 1e9);
      seconds.addProperty("queue", timings.queueNs() / 1e9);
      seconds.addProperty("copyIn", timings.copyInNs() / 1e9);
      seconds.addProperty("kernel", timings.kernelNs() / 1e9);
      seconds.addProperty("copyOut", timings.copyOutNs() / 1e9);
      seconds.addProperty("total", timings.totalNs() / 1e9);
      object.add("seconds", seconds);
      Json.print(print, object);
      return;
    }
    print.printf("%s on %s over %s%n", name, lease.deviceName(), session.dataPath());
    print.printf(
        "total %s: queue %s, copy in %s, kernel %s, copy out %s, the rest %s%n",
        Quantities.duration(timings.totalNs() / 1e9),
        Quantities.duration(timings.queueNs() / 1e9),
        Quantities.duration(timings.copyInNs() / 1e9),
        Quantities.duration(timings.kernelNs() / 1e9),
        Quantities.duration(timings.copyOutNs() / 1e9),
        Quantities.duration(timings.wire().toNanos() / 1e9));
    print.flush();
  }
}
