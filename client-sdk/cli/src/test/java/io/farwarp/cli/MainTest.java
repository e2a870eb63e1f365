package io.farwarp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class MainTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int execute(String... arguments) {
    CommandLine command = Main.commandLine();
    command.setOut(new PrintWriter(out, true));
    command.setErr(new PrintWriter(err, true));
    return command.execute(arguments);
  }

  @Test
  void every_command_has_help() {
    visit(Main.commandLine());
  }

  private void visit(CommandLine command) {
    for (CommandLine each : command.getSubcommands().values()) {
      String path = each.getCommandSpec().qualifiedName().replaceFirst("farwarp ", "");
      assertEquals(0, execute((path + " --help").split(" ")), path);
      assertTrue(out.toString().contains("Usage: farwarp " + path), out.toString());
      visit(each);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "nonsense",
        "run",
        "run f --in x",
        "run f --in x=a.npy --in x=b.npy",
        "run f --transport pigeon",
        "run f --timeout soon",
        "run f --min-compute-capability sm_90",
        "run f --min-device-memory 80X",
        "run f --priority 10",
        "demo --priority high",
        "demo --min-compute-capability 9",
        "demo --offload 2",
        "demo --options x",
        "demo --options 0",
        "demo --device gpu",
        "function",
        "function delete hello",
        "package",
        "lease",
        "executor",
        "demo --local-threads 0",
        "run f --inout x=a.npy --in x=b.npy",
        "up --max-workers many",
      })
  void wrong_usage_exits_with_2_and_says_where_help_is(String arguments) {
    assertEquals(2, execute(arguments.isEmpty() ? new String[0] : arguments.split(" ")), arguments);
    assertTrue(err.toString().startsWith("farwarp: "), err.toString());
    assertTrue(err.toString().contains("--help'"), err.toString());
    assertEquals(2, err.toString().lines().count(), err.toString());
  }

  @Test
  void failure_exits_with_1_and_one_line(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("x.fwp");
    assertEquals(1, execute("function", "push", file.toString()));
    assertEquals("farwarp: " + file + ": no such file\n", err.toString());
    Files.writeString(file, "no package");
    err.getBuffer().setLength(0);
    assertEquals(1, execute("function", "push", file.toString()));
    assertEquals(1, err.toString().lines().count(), err.toString());
  }

  @Test
  void verbose_shows_the_stack_trace(@TempDir Path directory) {
    String file = directory.resolve("x.fwp").toString();
    assertEquals(1, execute("function", "push", file, "--verbose"));
    assertTrue(err.toString().contains("at io.farwarp.cli"), err.toString());
  }

  @Test
  void gateway_that_is_not_there_is_named(@TempDir Path directory) throws Exception {
    Path token = Files.writeString(directory.resolve("token"), "secret");
    assertEquals(
        1, execute("lease", "list", "--gateway", "127.0.0.1:1", "--token-file", token.toString()));
    assertTrue(err.toString().contains("127.0.0.1:1"), err.toString());
    assertFalse(err.toString().contains("secret"), err.toString());
    assertEquals(1, err.toString().lines().count(), err.toString());
  }
}
