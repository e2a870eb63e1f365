package io.farwarp.samples;

import static io.farwarp.client.Argument.in;
import static io.farwarp.client.Argument.out;
import static io.farwarp.v1.ElementType.F32;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.farwarp.client.Argument;
import io.farwarp.client.ByteSize;
import io.farwarp.client.Device;
import io.farwarp.client.Farwarp;
import io.farwarp.client.Lease;
import io.farwarp.client.LeaseRequest;
import io.farwarp.client.Session;
import io.farwarp.client.Tensor;
import java.util.List;
import java.util.stream.Stream;
import org.apache.commons.numbers.gamma.Erfc;

/**
 * Prices of European options after Black and Scholes (1973): the f32 code of the kernel in plain
 * Java, and the same formula in double precision to hold both against.
 */
public final class BlackScholes {
  /**
   * What an f32 price may be off, relative to spot plus strike: the error of the kernel's
   * cumulative normal distribution (7.5e-8) with f32 rounding on top. Measured over 10 million
   * options: 2.4e-7.
   */
  public static final double TOLERANCE = 1e-6;

  private static final long MAIN_OPTIONS = 1_000_000;

  private BlackScholes() {}

  /** Prices a million options on a leased worker. Takes HOST:PORT of a gateway. */
  public static void main(String[] arguments) {
    String gateway = arguments.length > 0 ? arguments[0] : "127.0.0.1:7070";
    LeaseRequest request = LeaseRequest.on(Device.ANY).memory(ByteSize.MIB.of(64));
    try (Farwarp farwarp = Farwarp.connect(gateway)) {
      var _ = farwarp.functions().push(Sample.BLACK_SCHOLES.functionPackage());
      try (Lease lease = farwarp.lease(request).await();
          Session session = lease.open()) {
        List<Tensor> columns =
            Stream.generate(() -> session.tensor(F32, MAIN_OPTIONS)).limit(7).toList();
        OptionBook book = OptionBook.of(columns.stream().map(Tensor::segment).toList());
        book.fill(1, 0, 0, MAIN_OPTIONS);
        Argument[] call = new Argument[7];
        for (int i = 0; i < call.length; i++) {
          call[i] = i < OptionBook.INPUTS ? in(columns.get(i)) : out(columns.get(i));
        }
        var done = session.function("black-scholes:1").invoke(call).await();
        PriceErrors errors = compare(book, 0, MAIN_OPTIONS);
        System.out.printf(
            "%,d options by %s over %s in %.1f ms, greatest error %.1e, wrong: %d%n",
            MAIN_OPTIONS,
            lease.deviceName(),
            session.dataPath(),
            done.timings().totalNs() / 1e6,
            errors.greatest(),
            errors.wrong());
      }
    }
  }

  /** Prices options {@code from} to {@code to} on the calling thread. */
  public static void price(OptionBook book, long from, long to) {
    for (long i = from; i < to; i++) {
      book.price()
          .setAtIndex(
              JAVA_FLOAT,
              i,
              price(
                  book.spot().getAtIndex(JAVA_FLOAT, i),
                  book.strike().getAtIndex(JAVA_FLOAT, i),
                  book.rate().getAtIndex(JAVA_FLOAT, i),
                  book.volatility().getAtIndex(JAVA_FLOAT, i),
                  book.time().getAtIndex(JAVA_FLOAT, i),
                  book.type().getAtIndex(JAVA_FLOAT, i)));
    }
  }

  /** One price in f32, by the steps of black-scholes.cu. */
  public static float price(float s, float k, float r, float v, float t, float type) {
    float sign = 1 - 2 * type;
    float deviation = v * (float) Math.sqrt(t);
    float d1 = ((float) Math.log(s / k) + (r + 0.5f * v * v) * t) / deviation;
    float d2 = d1 - deviation;
    float discounted = k * (float) Math.exp(-r * t);
    return sign * (s * cumulativeNormal(sign * d1) - discounted * cumulativeNormal(sign * d2));
  }

  /** Abramowitz and Stegun, formula 26.2.17, with the coefficients' nearest f32. */
  private static float cumulativeNormal(float d) {
    float k = 1 / (1 + 0.2316419f * Math.abs(d));
    float polynomial =
        k
            * (0.31938154f
                + k * (-0.35656378f + k * (1.7814779f + k * (-1.8212559f + k * 1.3302745f))));
    float tail = 0.3989423f * (float) Math.exp(-0.5f * d * d) * polynomial;
    return d > 0 ? 1 - tail : tail;
  }

  /** One price in double precision. */
  public static double reference(double s, double k, double r, double v, double t, double type) {
    double sign = type > 0.5 ? -1 : 1;
    double deviation = v * Math.sqrt(t);
    double d1 = (Math.log(s / k) + (r + v * v / 2) * t) / deviation;
    double d2 = d1 - deviation;
    return sign * (s * normal(sign * d1) - k * Math.exp(-r * t) * normal(sign * d2));
  }

  private static double normal(double d) {
    return 0.5 * Erfc.value(-d * Math.sqrt(0.5));
  }

  /** Compares the prices of options {@code from} to {@code to} with the reference. */
  public static PriceErrors compare(OptionBook book, long from, long to) {
    long wrong = 0;
    long firstWrong = -1;
    double greatest = 0;
    double sum = 0;
    for (long i = from; i < to; i++) {
      double s = book.spot().getAtIndex(JAVA_FLOAT, i);
      double k = book.strike().getAtIndex(JAVA_FLOAT, i);
      double reference =
          reference(
              s,
              k,
              book.rate().getAtIndex(JAVA_FLOAT, i),
              book.volatility().getAtIndex(JAVA_FLOAT, i),
              book.time().getAtIndex(JAVA_FLOAT, i),
              book.type().getAtIndex(JAVA_FLOAT, i));
      double error = Math.abs(book.price().getAtIndex(JAVA_FLOAT, i) - reference);
      // Not written as "error > limit": that would let a NaN pass.
      if (!(error <= TOLERANCE * (s + k))) {
        firstWrong = wrong++ == 0 ? i : firstWrong;
      }
      greatest = Math.max(greatest, error);
      sum += error;
    }
    return new PriceErrors(to - from, wrong, firstWrong, greatest, sum);
  }
}
