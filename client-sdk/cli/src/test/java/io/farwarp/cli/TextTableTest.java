package io.farwarp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class TextTableTest {
  @Test
  void columns_are_aligned() {
    TextTable table = new TextTable("NAME", "SIZE>").row("a", 1).row("longer", 1234);
    assertEquals(
        """
        NAME    SIZE
        a          1
        longer  1234
        """,
        table.toString());
    assertThrows(IllegalArgumentException.class, () -> table.row("only one"));
  }

  @Test
  void what_others_have_written_steers_no_terminal() {
    TextTable table =
        new TextTable("REASON", "N>").row("\u001b[2Jgone\nL-1\u202e\u009b1m\u2028", 1);
    assertEquals(
        """
        REASON             N
        ?[2Jgone L-1??1m   1
        """,
        table.toString());
  }

  @Test
  void quantities_have_the_unit_that_fits() {
    assertEquals("512 B", Quantities.bytes(512));
    assertEquals("1.5 KiB", Quantities.bytes(1536));
    assertEquals("229 MiB", Quantities.bytes(240_000_000));
    assertEquals("12.5 us", Quantities.duration(12.5e-6));
    assertEquals("12.5 ms", Quantities.duration(12.5e-3));
    assertEquals("2.50 s", Quantities.duration(2.5));
  }
}
