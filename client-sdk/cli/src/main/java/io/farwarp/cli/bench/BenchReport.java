package io.farwarp.cli.bench;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.Locale;

/**
 * Prints rows: for people a table, for programs an array of {@code {figure, unit, ours, p99,
 * baseline, …}}.
 */
final class BenchReport {
  private BenchReport() {}

  static JsonArray json(List<BenchRow> rows) {
    JsonArray array = new JsonArray();
    for (BenchRow row : rows) {
      JsonObject object = new JsonObject();
      object.addProperty("figure", row.figure());
      object.addProperty("unit", row.unit());
      number(object, "ours", row.ours());
      number(object, "p99", row.p99());
      number(object, "baseline", row.baseline());
      object.addProperty("baselineName", row.baselineName());
      number(object, "ratio", row.ratio());
      object.addProperty("reach", row.reach());
      object.addProperty("met", row.met());
      array.add(object);
    }
    return array;
  }

  static String table(List<BenchRow> rows) {
    StringBuilder text = new StringBuilder();
    text.append(
        "%-62s %10s %10s %-8s %10s  %-34s %6s  %s%n"
            .formatted(
                "figure", "ours", "p99", "unit", "baseline", "baseline is", "ratio", "reach"));
    for (BenchRow row : rows) {
      String verdict = row.met() == null ? "" : row.met() ? " (met)" : " (MISSED)";
      text.append(
          "%-62s %10s %10s %-8s %10s  %-34s %6s  %s%s%n"
              .formatted(
                  row.figure(),
                  shown(row.ours()),
                  shown(row.p99()),
                  row.unit(),
                  shown(row.baseline()),
                  row.baselineName(),
                  Double.isNaN(row.ratio()) ? "" : String.format(Locale.ROOT, "%.2f", row.ratio()),
                  row.reach(),
                  verdict));
    }
    return text.toString();
  }

  private static void number(JsonObject object, String name, double value) {
    if (Double.isNaN(value)) {
      object.add(name, JsonNull.INSTANCE);
    } else {
      object.addProperty(name, value);
    }
  }

  private static String shown(double value) {
    if (Double.isNaN(value)) {
      return "";
    }
    String format = Math.abs(value) >= 1000 ? "%.0f" : Math.abs(value) >= 10 ? "%.1f" : "%.3f";
    return String.format(Locale.ROOT, format, value);
  }
}
