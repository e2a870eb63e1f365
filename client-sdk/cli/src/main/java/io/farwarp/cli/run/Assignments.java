package io.farwarp.cli.run;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** Options of the form {@code --in NAME=VALUE}, each name once. */
final class Assignments {
  private Assignments() {}

  static Map<String, String> of(CommandLine command, String option, List<String> texts) {
    Map<String, String> assignments = new LinkedHashMap<>();
    for (String text : texts) {
      int equals = text.indexOf('=');
      if (equals < 1 || equals == text.length() - 1) {
        throw new ParameterException(command, option + " takes NAME=VALUE, not \"" + text + "\"");
      }
      String name = text.substring(0, equals);
      if (assignments.put(name, text.substring(equals + 1)) != null) {
        throw new ParameterException(command, option + " " + name + " is given twice");
      }
    }
    return assignments;
  }
}
