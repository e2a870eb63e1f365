package io.farwarp.executor.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class LogTailTest {
  @Test
  void the_last_three_lines_are_told() throws IOException {
    LogTail tail = new LogTail();
    List<String> all = new ArrayList<>();
    tail.read(new StringReader("one\ntwo\nthree\nfour"), all::add);
    assertEquals(List.of("one", "two", "three", "four"), all);
    assertEquals("two | three | four", tail.last());
  }

  @Test
  void a_line_without_end_takes_no_memory() throws IOException {
    LogTail tail = new LogTail();
    List<String> all = new ArrayList<>();
    tail.read(new Endless(3L << 30), all::add);
    assertEquals(1, all.size());
    assertEquals(LogTail.MAX_LINE, all.getFirst().length());
    assertTrue(tail.last().startsWith("xxx"));
  }

  /** Characters without a line's end, more than a heap or a String holds. */
  private static final class Endless extends Reader {
    private long left;

    Endless(long length) {
      this.left = length;
    }

    @Override
    public int read() {
      return left-- > 0 ? 'x' : -1;
    }

    @Override
    public int read(char[] buffer, int offset, int length) {
      throw new UnsupportedOperationException("read one by one");
    }

    @Override
    public void close() {}
  }
}
