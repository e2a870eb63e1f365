package io.farwarp.function;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExpressionTest {
  /** x and y are the two scalars; the expression is what the kernel gets. */
  private static FunctionSpec spec(String expression) throws FunctionPackageException {
    return FunctionSpec.of(
        ManifestJson.read(
            """
            {"name": "e", "version": "1",
             "parameters": [{"name": "x", "type": "I64", "scalar": {}},
                            {"name": "y", "type": "I64", "scalar": {}}],
             "modules": [{"file": "e.ptx", "kind": "PTX"}],
             "plan": [{"kernel": "e", "grid": ["1"], "block": ["1"], "arguments": ["%s"]}]}
            """
                .formatted(expression)));
  }

  private static Object evaluate(String expression, long x, long y)
      throws FunctionPackageException {
    FunctionSpec spec = spec(expression);
    long[] work = new long[spec.slots()];
    String reason = spec.bind(new long[] {x, y}, new long[2], work);
    return reason != null
        ? reason
        : ((Expression) spec.launch(0).arguments().getFirst()).value(work);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1 + 2 * 3 | 7",
        "(1 + 2) * 3 | 9",
        "10 - 3 - 2 | 5",
        "100 / 7 / 2 | 7",
        "17 % 5 | 2",
        "-7 / 2 | -3",
        "-7 % 2 | -1",
        "--7 | 7",
        "- (x + y) | -13",
        "ceildiv(x, y) | 4",
        "ceildiv(9, 3) | 3",
        "ceildiv(-7, 2) | -3",
        "min(x, y) + max(x, y) | 13",
        "min(max(1, 2), ceildiv(5, 2)) | 2",
        "9223372036854775807 | 9223372036854775807",
        "x*y+x%y-x/y | 28",
      })
  void expression_has_the_value_of_ordinary_arithmetic(String text, long value) throws Exception {
    assertEquals(value, evaluate(text.strip(), 10, 3));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x + 9223372036854775807",
        "-9223372036854775807 - x",
        "x * 9223372036854775807",
        "-(0 - 9223372036854775807 - 1)",
        "(0 - 9223372036854775807 - 1) / -1",
        "ceildiv(0 - 9223372036854775807 - 1, -1)",
        "(0 - 9223372036854775807 - 1) % -1",
      })
  void overflow_is_an_error(String text) throws Exception {
    assertTrue(evaluate(text, 10, 3).toString().contains("overflows"), text);
  }

  @ParameterizedTest
  @ValueSource(strings = {"x / (y - 3)", "x % (y - 3)", "ceildiv(x, y - 3)", "1 / 0"})
  void division_by_zero_is_an_error(String text) throws Exception {
    assertTrue(evaluate(text, 10, 3).toString().contains("divides by zero"), text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        " ",
        "1 +",
        "+ 1",
        "(1",
        "1)",
        "1 2",
        "x y",
        "z",
        "1.5",
        "0x10",
        "1e3",
        "sin(x)",
        "min(x)",
        "min(x, y, x)",
        "min x",
        "ceildiv",
        "9223372036854775808",
        "x ** y",
        "x && y",
        "x = y",
        "3x",
        "x[0]",
        "_x",
        "x;",
        "min(,)",
        "()",
        "é",
      })
  void text_that_is_no_expression_is_refused(String text) {
    String message = assertThrows(FunctionPackageException.class, () -> spec(text)).getMessage();
    assertTrue(message.contains("argument 0 of launch 0"), message);
  }

  @Test
  void nesting_has_a_limit() throws Exception {
    assertEquals(10L, evaluate("(".repeat(31) + "x + 0" + ")".repeat(31), 10, 3));
    for (String deep :
        new String[] {
          "(".repeat(32) + "x" + ")".repeat(32), "-".repeat(33) + "x", "(".repeat(500)
        }) {
      assertTrue(
          assertThrows(FunctionPackageException.class, () -> spec(deep))
              .getMessage()
              .contains("nested deeper than 32"));
    }
    String right = "x" + " + (x".repeat(31) + ")".repeat(31);
    assertEquals(320L, evaluate(right, 10, 3));
    assertThrows(FunctionPackageException.class, () -> spec("x" + "+x".repeat(300)));
  }

  @Test
  void random_expressions_agree_with_big_integers() throws Exception {
    Random random = new Random(42);
    long[] interesting = {0, 1, -1, 7, 1L << 31, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 62};
    for (int round = 0; round < 3_000; round++) {
      long x = interesting[random.nextInt(interesting.length)];
      long y = random.nextBoolean() ? random.nextLong() : random.nextInt(100);
      StringBuilder text = new StringBuilder();
      BigInteger expected = build(random, 4, x, y, text.append("0 + "));
      Object value = evaluate(text.toString(), x, y);
      if (expected == null) {
        assertNotNull(assertString(value), text.toString());
      } else {
        assertEquals(expected.toString(), value.toString(), text + " with " + x + ", " + y);
      }
    }
  }

  private static String assertString(Object value) {
    return value instanceof String text ? text : null;
  }

  /**
   * Writes an expression and returns its exact value; null once it leaves 64 bits or divides by 0.
   */
  private static BigInteger build(Random random, int depth, long x, long y, StringBuilder text) {
    if (depth == 0 || random.nextInt(5) == 0) {
      switch (random.nextInt(3)) {
        case 0 -> {
          text.append("(x + 0)");
          return BigInteger.valueOf(x);
        }
        case 1 -> {
          text.append("y");
          return BigInteger.valueOf(y);
        }
        default -> {
          int number = random.nextInt(1000);
          text.append(number);
          return BigInteger.valueOf(number);
        }
      }
    }
    int operation = random.nextInt(6);
    text.append(operation == 5 ? "ceildiv(" : "(");
    BigInteger a = build(random, depth - 1, x, y, text);
    text.append(operation == 5 ? ", " : " " + "+-*/%".charAt(operation) + " ");
    BigInteger b = build(random, depth - 1, x, y, text);
    text.append(")");
    if (a == null || b == null || (operation >= 3 && b.signum() == 0)) {
      return null;
    }
    BigInteger result =
        switch (operation) {
          case 0 -> a.add(b);
          case 1 -> a.subtract(b);
          case 2 -> a.multiply(b);
          case 3 -> a.divide(b);
          case 4 -> a.remainder(b);
          default -> {
            BigInteger[] both = a.divideAndRemainder(b);
            boolean up = both[1].signum() != 0 && a.signum() == b.signum();
            yield up ? both[0].add(BigInteger.ONE) : both[0];
          }
        };
    boolean remainderOfOverflow =
        operation == 4
            && a.equals(BigInteger.valueOf(Long.MIN_VALUE))
            && b.equals(BigInteger.ONE.negate());
    return result.bitLength() > 63 || remainderOfOverflow ? null : result;
  }
}
