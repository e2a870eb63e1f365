package io.farwarp.cli.bench;

import io.farwarp.cli.CommandException;
import io.farwarp.cli.TemporaryDirectory;
import java.io.IOException;
import java.util.List;
import java.util.StringTokenizer;
import org.HdrHistogram.Histogram;

/** Baseline: bytes there and back as RDMA WRITE_WITH_IMM between two processes in C. */
final class VerbsPingPong implements AutoCloseable {
  private final TemporaryDirectory directory;
  private final PeerProcess process;

  private VerbsPingPong(TemporaryDirectory directory, PeerProcess process) {
    this.directory = directory;
    this.process = process;
  }

  /**
   * Compiles and starts it.
   *
   * @param address of the RDMA device that both processes use
   * @param bytes of each message
   */
  static VerbsPingPong start(String address, int bytes) throws IOException {
    TemporaryDirectory directory = TemporaryDirectory.create("farwarp-verbs-pingpong");
    try {
      String binary =
          CCompiler.compile(
                  directory.path(),
                  "verbs_pingpong.c",
                  List.of("-std=gnu11", "-O2"),
                  List.of("-lrdmacm", "-libverbs"))
              .toString();
      PeerProcess process =
          new PeerProcess("verbs_pingpong", List.of(binary, address, Integer.toString(bytes)));
      try {
        if (!process.line().equals("ready")) {
          throw new IOException("the RDMA ping-pong did not start");
        }
        return new VerbsPingPong(directory, process);
      } catch (IOException e) {
        process.close();
        throw e;
      }
    } catch (IOException e) {
      directory.close();
      throw new CommandException(
          "the RDMA ping-pong that calls are held against: "
              + e.getMessage()
              + " (it needs gcc, libibverbs-dev and librdmacm-dev)",
          e);
    }
  }

  /** Both sides spin. */
  Timed polling() {
    return new Mode("poll");
  }

  /** Both sides sleep on their completion channels. */
  Timed byEvents() {
    return new Mode("events");
  }

  @Override
  public void close() throws IOException {
    try {
      process.close();
    } finally {
      directory.close();
    }
  }

  /** One way of waiting. The process takes one turn at a time, so the two can alternate. */
  private final class Mode implements Timed {
    private final String name;

    Mode(String name) {
      this.name = name;
    }

    @Override
    public void warmUp(int roundTrips) throws IOException {
      turn(roundTrips, 1, new Histogram(3));
    }

    @Override
    public void turn(int leadIn, int roundTrips, Histogram into) throws IOException {
      process.tell(name + " " + leadIn + " " + roundTrips);
      StringTokenizer times = new StringTokenizer(process.line());
      if (times.countTokens() != roundTrips) {
        throw new IOException("%d times instead of %d".formatted(times.countTokens(), roundTrips));
      }
      while (times.hasMoreTokens()) {
        into.recordValue(Math.max(1, Long.parseLong(times.nextToken())));
      }
    }

    @Override
    public void close() {}
  }
}
