package io.farwarp.cli.demo;

import static io.farwarp.client.Argument.in;
import static io.farwarp.client.Argument.out;

import io.farwarp.client.Invocation;
import io.farwarp.client.Offload;
import io.farwarp.client.RemoteFunction;
import io.farwarp.client.Session;
import io.farwarp.client.Tensor;
import io.farwarp.client.Timings;
import io.farwarp.client.Transfer;
import io.farwarp.samples.BlackScholes;
import io.farwarp.samples.OptionBook;
import io.farwarp.samples.PriceErrors;
import io.farwarp.v1.ElementType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Options in seven tensors of a session, priced by local threads, by the worker, or by both at
 * once. Local code works on the tensors' own memory: on shm the pages that the worker sees, on tcp
 * this side's slab.
 */
final class PricingJob {
  private static final int COLUMNS = 7;

  /** So that a chunk's kernel outweighs the way of its messages. */
  private static final long LEAST_CHUNK = 16 * 1024;

  private static final long MOST_CHUNK = 2 * 1024 * 1024;

  private static final long LEAST_WINDOW_BYTES = 2L << 20;

  private final RemoteFunction function;
  private final List<Tensor> columns;
  private final OptionBook book;

  /** One run, and where the worker's time went, in seconds summed over its invocations. */
  record Run(Offload.Result result, double queue, double kernel) {
    double optionsPerSecond() {
      return result.perSecond();
    }
  }

  /** Lays the tensors out in the session's window. */
  PricingJob(Session session, String function, long options) {
    this.function = session.function(function);
    this.columns =
        Stream.generate(() -> session.tensor(ElementType.F32, options)).limit(COLUMNS).toList();
    this.book = OptionBook.of(columns.stream().map(Tensor::segment).toList());
  }

  /** Window bytes that a job over so many options takes. */
  static long windowBytes(long options) {
    return Math.max(LEAST_WINDOW_BYTES, COLUMNS * (options * Float.BYTES + 256));
  }

  long options() {
    return book.size();
  }

  /** Fills the inputs from {@code seed}. */
  void fill(long seed, int threads) {
    local(threads, (from, to) -> book.fill(seed, 0, from, to));
  }

  /** Makes every price wrong, so that a run that skips one is found out. */
  void clearPrices(int threads) {
    local(
        threads,
        (from, to) ->
            book.price().asSlice(from * Float.BYTES, (to - from) * Float.BYTES).fill((byte) 0xFF));
  }

  /** Prices all options with local threads only. */
  Run local(int threads) {
    return run(offload().local(threads, this::priceHere), List.of());
  }

  /** Prices all options on the worker only. */
  Run remote() {
    List<Invocation> invocations = Collections.synchronizedList(new ArrayList<>());
    return run(offload().remote((from, to) -> post(from, to, invocations)), invocations);
  }

  /** Prices the options on both sides at once. */
  Run both(int localThreads, OffloadShare share) {
    List<Invocation> invocations = Collections.synchronizedList(new ArrayList<>());
    Offload offload =
        offload()
            .local(localThreads, this::priceHere)
            .remote((from, to) -> post(from, to, invocations));
    share.fixed().ifPresent(offload::fraction);
    return run(offload, invocations);
  }

  /** Seconds that the inputs of so many options take to the worker, with nothing else going on. */
  double pushSeconds(long count) {
    return seconds(count, columns.subList(0, OptionBook.INPUTS), Tensor::push);
  }

  /** Seconds that so many prices take back. */
  double returnSeconds(long count) {
    return seconds(count, columns.subList(OptionBook.INPUTS, COLUMNS), Tensor::pull);
  }

  private static double seconds(
      long count, List<Tensor> tensors, Function<Tensor, Transfer> transfer) {
    if (count == 0) {
      return 0;
    }
    long startNs = System.nanoTime();
    List<Transfer> transfers =
        tensors.stream().map(tensor -> transfer.apply(tensor.slice(0, count))).toList();
    transfers.forEach(Transfer::await);
    return (System.nanoTime() - startNs) * 1e-9;
  }

  /** Holds every price against the double-precision reference. */
  PriceErrors verify(int threads) {
    List<PriceErrors> parts = Collections.synchronizedList(new ArrayList<>());
    local(threads, (from, to) -> parts.add(BlackScholes.compare(book, from, to)));
    return parts.stream().reduce(PriceErrors.NONE, PriceErrors::plus);
  }

  private void local(int threads, Offload.LocalCode code) {
    var _ = offload().local(threads, code).run();
  }

  private Offload offload() {
    return Offload.over(options()).chunk(LEAST_CHUNK, MOST_CHUNK);
  }

  private void priceHere(long from, long to) {
    BlackScholes.price(book, from, to);
  }

  private Invocation post(long from, long to, List<Invocation> invocations) {
    long count = to - from;
    Invocation invocation =
        function.invoke(
            in(columns.get(0).slice(from, count)),
            in(columns.get(1).slice(from, count)),
            in(columns.get(2).slice(from, count)),
            in(columns.get(3).slice(from, count)),
            in(columns.get(4).slice(from, count)),
            in(columns.get(5).slice(from, count)),
            out(columns.get(6).slice(from, count)));
    invocations.add(invocation);
    return invocation;
  }

  private static Run run(Offload offload, List<Invocation> invocations) {
    Offload.Result result = offload.run();
    double queue = 0;
    double kernel = 0;
    for (Invocation invocation : invocations) {
      Timings timings = invocation.timings();
      queue += timings.queueNs() * 1e-9;
      kernel += timings.kernelNs() * 1e-9;
    }
    return new Run(result, queue, kernel);
  }
}
