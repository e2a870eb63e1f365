package io.farwarp.cli.bench.gateway;

import io.farwarp.cli.Quantities;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** How the gateway's figures grow with its fleet, drawn as SVG: a small panel for each figure. */
final class GrowthPlot {
  /** What was measured with one fleet. */
  record Point(int agents, double cores, double mib, double pairsPerSecond, double p99Ms) {}

  private static final int WIDTH = 260;
  private static final int HEIGHT = 190;
  private static final int LEFT = 55;
  private static final int TOP = 30;
  private static final int RIGHT = 245;
  private static final int BOTTOM = 150;

  private GrowthPlot() {}

  static String svg(List<Point> points) {
    StringBuilder svg = new StringBuilder();
    svg.append(
        Quantities.format(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\""
                + " font-family=\"sans-serif\" font-size=\"11\">%n"
                + "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>%n",
            2 * WIDTH, 2 * HEIGHT));
    panel(svg, 0, 0, "acquire and release, pairs/s", points, Point::pairsPerSecond);
    panel(svg, WIDTH, 0, "a pair, p99, ms", points, Point::p99Ms);
    panel(svg, 0, HEIGHT, "without load, cores", points, Point::cores);
    panel(svg, WIDTH, HEIGHT, "without load, memory, MiB", points, Point::mib);
    return svg.append("</svg>\n").toString();
  }

  private static void panel(
      StringBuilder svg,
      int x,
      int y,
      String title,
      List<Point> points,
      ToDoubleFunction<Point> value) {
    double mostAgents = points.stream().mapToInt(Point::agents).max().orElse(1);
    double most = Math.max(1e-9, points.stream().mapToDouble(value).max().orElse(1));
    svg.append(Quantities.format("<g transform=\"translate(%d,%d)\">%n", x, y));
    svg.append(
        Quantities.format("<text x=\"%d\" y=\"18\" font-weight=\"bold\">%s</text>%n", LEFT, title));
    svg.append(
        Quantities.format(
            "<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"#888\"/>%n",
            LEFT, TOP, BOTTOM, RIGHT));
    svg.append(
        Quantities.format(
            "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>%n",
            LEFT - 4, TOP + 4, number(most)));
    svg.append(
        Quantities.format(
            "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">0</text>%n", LEFT - 4, BOTTOM + 4));
    StringBuilder line = new StringBuilder();
    for (Point point : points) {
      double px = LEFT + (RIGHT - LEFT) * point.agents / mostAgents;
      double py = BOTTOM - (BOTTOM - TOP) * value.applyAsDouble(point) / most;
      line.append(Quantities.format("%s%.1f %.1f", line.isEmpty() ? "M" : "L", px, py));
      svg.append(
          Quantities.format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"#06c\"/>%n", px, py));
      svg.append(
          Quantities.format(
              "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>%n",
              px, BOTTOM + 16, thousands(point.agents)));
    }
    svg.append(Quantities.format("<path d=\"%s\" fill=\"none\" stroke=\"#06c\"/>%n", line));
    svg.append(
        Quantities.format(
            "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">agents</text>%n", RIGHT, BOTTOM + 32));
    svg.append("</g>\n");
  }

  private static String thousands(int agents) {
    return agents % 1000 == 0 ? agents / 1000 + "k" : Integer.toString(agents);
  }

  private static String number(double value) {
    return value >= 100 ? Quantities.format("%.0f", value) : Quantities.format("%.2f", value);
  }
}
