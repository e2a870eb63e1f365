package io.farwarp.ptx.syntax;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Which line of the source a line of PTX was made from, by {@code .file} and {@code .loc}. */
public final class SourceLines {
  /** A line of a source file. */
  public record Place(String file, int line) {
    @Override
    public String toString() {
      return file + ":" + line;
    }
  }

  /** From here on instructions come from this line; from none when the line is 0. */
  private record Mark(int ptxLine, long file, int line) {}

  /** In the order of the text, so their PTX lines ascend. */
  private final List<Mark> marks = new ArrayList<>();

  private final Map<Long, String> files = new HashMap<>();

  void file(long number, String name) {
    files.put(number, name);
  }

  void mark(int ptxLine, long file, int line) {
    marks.add(new Mark(ptxLine, file, line));
  }

  /** What one function's directives say ends with it. */
  void end(int ptxLine) {
    if (!marks.isEmpty() && marks.getLast().line() != 0) {
      marks.add(new Mark(ptxLine, 0, 0));
    }
  }

  /** The source of a line of PTX, or null when the text does not tell. */
  public @Nullable Place of(int ptxLine) {
    int low = 0;
    int high = marks.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (marks.get(middle).ptxLine() <= ptxLine) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low == 0) {
      return null;
    }
    Mark mark = marks.get(low - 1);
    String file = files.get(mark.file());
    return mark.line() == 0 || file == null ? null : new Place(file, mark.line());
  }

  /** Writes all of it. */
  public void writeTo(DataOutput out) throws IOException {
    out.writeInt(files.size());
    for (Map.Entry<Long, String> file : files.entrySet()) {
      out.writeLong(file.getKey());
      out.writeUTF(file.getValue());
    }
    out.writeInt(marks.size());
    for (Mark mark : marks) {
      out.writeInt(mark.ptxLine());
      out.writeLong(mark.file());
      out.writeInt(mark.line());
    }
  }

  /** Reads what {@link #writeTo} has written. */
  public static SourceLines readFrom(DataInput in) throws IOException {
    SourceLines lines = new SourceLines();
    int files = in.readInt();
    for (int i = 0; i < files; i++) {
      lines.file(in.readLong(), in.readUTF());
    }
    int marks = in.readInt();
    for (int i = 0; i < marks; i++) {
      lines.mark(in.readInt(), in.readLong(), in.readInt());
    }
    return lines;
  }
}
