package io.farwarp.cli.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.function.ElementTypes;
import io.farwarp.v1.ElementType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class NpyHeaderTest {

  /** A header as NumPy writes it. */
  private static byte[] header(int major, String text) {
    byte[] content = text.getBytes(StandardCharsets.UTF_8);
    int lengthBytes = major == 1 ? 2 : 4;
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + lengthBytes + content.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) major, 0});
    if (major == 1) {
      bytes.putShort((short) content.length);
    } else {
      bytes.putInt(content.length);
    }
    return bytes.put(content).array();
  }

  private static String dictionary(String descr, String order, String shape) {
    return "{'descr': %s, 'fortran_order': %s, 'shape': %s, }    \n".formatted(descr, order, shape);
  }

  private static void assertRefused(String part, byte[] bytes) {
    String message = assertThrows(NpyException.class, () -> NpyHeader.read(bytes)).getMessage();
    assertTrue(message.contains(part), message);
  }

  @Test
  void every_format_version_is_read() throws Exception {
    for (int major = 1; major <= 3; major++) {
      byte[] bytes = header(major, dictionary("'<f4'", "False", "(3, 4)"));
      NpyHeader header = NpyHeader.read(bytes);
      assertEquals(ElementType.F32, header.type());
      assertEquals(List.of(3L, 4L), header.shape());
      assertEquals(12, header.elements());
      assertEquals(bytes.length, header.dataOffset());
    }
  }

  @Test
  void written_header_reads_back_and_is_aligned() throws Exception {
    for (ElementType type : ElementType.values()) {
      if (ElementTypes.isKnown(type)) {
        for (List<Long> shape : List.of(List.<Long>of(), List.of(5L), List.of(2L, 3L, 1L << 33))) {
          byte[] bytes = NpyHeader.write(type, shape);
          assertEquals(0, bytes.length % 64);
          assertEquals('\n', bytes[bytes.length - 1]);
          assertEquals(new NpyHeader(type, shape, bytes.length), NpyHeader.read(bytes));
        }
      }
    }
  }

  @Test
  void shapes_of_every_form_are_read() throws Exception {
    assertEquals(List.of(), NpyHeader.read(header(1, dictionary("'<i8'", "False", "()"))).shape());
    assertEquals(
        List.of(7L), NpyHeader.read(header(1, dictionary("'<i8'", "False", "(7,)"))).shape());
    assertEquals(
        List.of(7L, 0L),
        NpyHeader.read(header(1, dictionary("'<i8'", "False", "(7L, 0)"))).shape());
    assertEquals(
        List.of(7L), NpyHeader.read(header(1, dictionary("'<i8'", "True", "(7,)"))).shape());
  }

  @Test
  void what_cannot_be_taken_is_refused_with_the_way_out() {
    assertRefused("big-endian", header(1, dictionary("'>f4'", "False", "(3,)")));
    assertRefused("ascontiguousarray", header(1, dictionary("'<f4'", "True", "(3, 4)")));
    assertRefused("'<c8'", header(1, dictionary("'<c8'", "False", "(3,)")));
    assertRefused("records", header(1, dictionary("[('a', '<f4')]", "False", "(3,)")));
    assertRefused("too large", header(1, dictionary("'<f4'", "False", "(99999999999999999999,)")));
    assertRefused("too large", header(1, dictionary("'<f4'", "False", "(4294967296, 4294967296)")));
    assertRefused("shape", header(1, dictionary("'<f4'", "False", "(-1,)")));
    assertRefused("shape", header(1, "{'descr': '<f4', 'fortran_order': False}"));
    assertRefused("fortran_order", header(1, "{'descr': '<f4', 'shape': (1,)}"));
    assertRefused("dictionary", header(1, "hello"));
    assertRefused("version 4", header(4, dictionary("'<f4'", "False", "(3,)")));
    assertRefused("not a .npy", "PK and more of that".getBytes(StandardCharsets.US_ASCII));
    byte[] whole = header(1, dictionary("'<f4'", "False", "(3,)"));
    assertRefused("truncated", Arrays.copyOf(whole, whole.length - 1));
  }

  @Test
  void mutated_headers_end_in_a_header_or_a_refusal() {
    Random random = new Random(3);
    byte[] whole = header(2, dictionary("'<f4'", "False", "(3, 4)"));
    for (int round = 0; round < 20_000; round++) {
      byte[] bytes = whole.clone();
      for (int i = random.nextInt(1, 5); i > 0; i--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      }
      try {
        NpyHeader header = NpyHeader.read(bytes);
        assertTrue(header.elements() >= 0 && header.dataOffset() <= bytes.length);
      } catch (NpyException e) {
        assertTrue(e.getMessage().length() < 1000);
      }
    }
  }
}
