package io.farwarp.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class PeerTextTest {
  @Test
  void nothing_that_steers_a_terminal_is_left() {
    assertEquals("a b c?[31m?d e", PeerText.printable("a\nb\tc\u001b[31m\u202ed\u2028e"));
  }

  @Test
  void letters_of_every_script_stay() {
    assertEquals("größe 大 𝄞", PeerText.printable("größe 大 𝄞"));
  }

  @Test
  void what_is_too_long_is_cut_between_characters() {
    String text = "x" + "大".repeat(Wire.MAX_DETAIL_BYTES);
    byte[] bytes = PeerText.encode(text);
    String kept = new String(bytes, UTF_8);
    assertEquals(0, (Wire.MAX_DETAIL_BYTES - bytes.length) / 3);
    assertEquals(text.substring(0, kept.length()), kept);
  }

  @Test
  void what_fits_is_sent_whole() {
    assertArrayEquals("größe".getBytes(UTF_8), PeerText.encode("größe"));
  }

  @Test
  void bytes_that_are_no_text_become_replacement_characters() {
    assertEquals("a\ufffd b", PeerText.decode(new byte[] {'a', (byte) 0xC0, '\r', 'b', '\n'}));
  }
}
