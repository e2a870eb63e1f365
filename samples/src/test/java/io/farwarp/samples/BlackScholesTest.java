package io.farwarp.samples;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class BlackScholesTest {
  static OptionBook book(Arena arena, long options) {
    return OptionBook.of(
        Stream.generate(() -> arena.allocate(options * Float.BYTES, 64)).limit(7).toList());
  }

  /**
   * Hull, Options, Futures, and Other Derivatives, example 15.6: S 42, K 40, r 10%, v 20%, 6
   * months.
   */
  @Test
  void textbook_option_has_the_textbook_price() {
    assertEquals(4.759422, BlackScholes.reference(42, 40, 0.1, 0.2, 0.5, 0), 1e-6);
    assertEquals(0.808600, BlackScholes.reference(42, 40, 0.1, 0.2, 0.5, 1), 1e-6);
    assertEquals(4.759422, BlackScholes.price(42, 40, 0.1f, 0.2f, 0.5f, 0), 1e-5);
    assertEquals(0.808600, BlackScholes.price(42, 40, 0.1f, 0.2f, 0.5f, 1), 1e-5);
  }

  @Test
  void call_and_put_keep_parity() {
    double call = BlackScholes.reference(20, 35, 0.03, 0.4, 3, 0);
    double put = BlackScholes.reference(20, 35, 0.03, 0.4, 3, 1);
    assertEquals(20 - 35 * Math.exp(-0.09), call - put, 1e-12);
  }

  @Test
  void f32_prices_agree_with_the_reference() {
    try (Arena arena = Arena.ofConfined()) {
      OptionBook book = book(arena, 200_000);
      book.fill(7, 0, 0, book.size());
      BlackScholes.price(book, 0, book.size());
      PriceErrors errors = BlackScholes.compare(book, 0, book.size());
      assertEquals(0, errors.wrong(), errors.toString());
      assertTrue(errors.greatest() < 1e-4 && errors.mean() < 1e-5, errors.toString());
    }
  }

  @Test
  void wrong_price_is_found() {
    try (Arena arena = Arena.ofConfined()) {
      OptionBook book = book(arena, 1000);
      book.fill(7, 0, 0, book.size());
      BlackScholes.price(book, 0, book.size());
      book.price().setAtIndex(JAVA_FLOAT, 500, Float.NaN);
      book.price().setAtIndex(JAVA_FLOAT, 700, book.price().getAtIndex(JAVA_FLOAT, 700) + 1e-3f);
      PriceErrors errors =
          BlackScholes.compare(book, 0, 600).plus(BlackScholes.compare(book, 600, 1000));
      assertEquals(2, errors.wrong());
      assertEquals(500, errors.firstWrong());
      assertEquals(1000, errors.options());
    }
  }

  @Test
  void options_do_not_depend_on_how_the_filling_is_split() {
    try (Arena arena = Arena.ofConfined()) {
      OptionBook whole = book(arena, 1000);
      whole.fill(42, 0, 0, 1000);
      OptionBook part = book(arena, 400);
      part.fill(42, 600, 200, 400);
      part.fill(42, 600, 0, 200);
      assertEquals(-1, whole.spot().asSlice(2400).mismatch(part.spot()));
      assertEquals(-1, whole.type().asSlice(2400).mismatch(part.type()));
      long puts = 0;
      for (long i = 0; i < 1000; i++) {
        puts += (long) whole.type().getAtIndex(JAVA_FLOAT, i);
      }
      assertTrue(puts > 400 && puts < 600, puts + " puts");
    }
  }
}
