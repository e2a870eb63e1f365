package io.farwarp.cli;

import io.farwarp.wire.PeerText;
import java.util.ArrayList;
import java.util.List;

/** Rows of text in aligned columns. */
public final class TextTable {

  private final List<List<String>> rows = new ArrayList<>();
  private final boolean[] right;

  /**
   * A table with these headings; one that ends in {@code >} is of numbers, aligned to the right.
   */
  public TextTable(String... headings) {
    right = new boolean[headings.length];
    List<String> first = new ArrayList<>();
    for (int i = 0; i < headings.length; i++) {
      right[i] = headings[i].endsWith(">");
      first.add(right[i] ? headings[i].substring(0, headings[i].length() - 1) : headings[i]);
    }
    rows.add(first);
  }

  /**
   * Adds a row with a cell for each heading, made printable: what others have written steers no
   * terminal.
   */
  public TextTable row(Object... cells) {
    if (cells.length != right.length) {
      throw new IllegalArgumentException(cells.length + " cells for " + right.length + " columns");
    }
    List<String> row = new ArrayList<>();
    for (Object cell : cells) {
      row.add(PeerText.printable(String.valueOf(cell)));
    }
    rows.add(row);
    return this;
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < right.length; i++) {
        String cell = row.get(i);
        String padding = " ".repeat(width(i) - cell.length());
        line.append(i == 0 ? "" : "  ").append(right[i] ? padding + cell : cell + padding);
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }

  private int width(int column) {
    return rows.stream().mapToInt(row -> row.get(column).length()).max().orElse(0);
  }
}
