package io.farwarp.cli;

import io.farwarp.cli.bench.BenchCommand;
import io.farwarp.cli.demo.DemoCommand;
import io.farwarp.cli.pack.PackageCommand;
import io.farwarp.cli.run.RunCommand;
import io.farwarp.executor.agent.AgentCommand;
import io.farwarp.gateway.GatewayCommand;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/**
 * The program {@code farwarp}. Exit codes: 0 done, 1 failed, 2 wrong usage. An error is one line on
 * standard error, with the stack trace after it only if {@code --verbose} asks for it.
 */
@Command(
    name = "farwarp",
    mixinStandardHelpOptions = true,
    description = "Lends GPUs to programs on nodes that have none.",
    subcommands = {
      DemoCommand.class,
      UpCommand.class,
      GatewayCommand.class,
      AgentCommand.class,
      PackageCommand.class,
      FunctionCommand.class,
      RunCommand.class,
      LeaseCommand.class,
      ExecutorCommand.class,
      TenantCommand.class,
      BenchCommand.class,
    },
    synopsisSubcommandLabel = "COMMAND")
public final class Main implements Runnable {
  @Spec private CommandSpec spec;

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Show the stack trace of an error.")
  private boolean verbose;

  private Main() {}

  public static void main(String[] arguments) {
    ParentWatch.startIfAsked();
    int code = commandLine().execute(arguments);
    System.out.flush();
    System.exit(code);
  }

  /** The program as picocli knows it. */
  static CommandLine commandLine() {
    Main main = new Main();
    CommandLine command = new CommandLine(main);
    setVersion(command, "farwarp " + version());
    return command
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setUsageHelpAutoWidth(true)
        .setParameterExceptionHandler(Main::usageError)
        .setExecutionExceptionHandler((e, failed, parsed) -> main.failure(e, failed));
  }

  private static void setVersion(CommandLine command, String version) {
    command.getCommandSpec().version(version);
    command.getSubcommands().values().forEach(each -> setVersion(each, version));
  }

  private static String version() {
    try (InputStream in = Main.class.getResourceAsStream("version.txt")) {
      return in == null ? "unknown" : new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      throw new UncheckedIOException("version.txt cannot be read", e);
    }
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is missing");
  }

  private static int usageError(ParameterException e, String[] arguments) {
    CommandLine command = e.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("farwarp: " + message(e));
    err.println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
    err.flush();
    return CommandLine.ExitCode.USAGE;
  }

  private int failure(Exception e, CommandLine command) {
    PrintWriter err = command.getErr();
    err.println("farwarp: " + message(e));
    if (verbose) {
      e.printStackTrace(err);
    }
    err.flush();
    return CommandLine.ExitCode.SOFTWARE;
  }

  private static String message(Throwable e) {
    String message = e.getMessage();
    if (message == null || message.isBlank()) {
      return e.getClass().getSimpleName() + " (--verbose shows where)";
    }
    // A library's exception often makes sense only together with its type.
    boolean ours =
        e.getClass().getName().startsWith("io.farwarp.") || e instanceof ParameterException;
    return oneLine(ours ? message : e.getClass().getSimpleName() + ": " + message);
  }

  private static String oneLine(String text) {
    return String.valueOf(text).strip().replaceAll("\\s*\\R\\s*", " ");
  }
}
