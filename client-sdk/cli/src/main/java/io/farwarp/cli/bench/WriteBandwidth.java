package io.farwarp.cli.bench;

import io.farwarp.cli.CommandException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.HdrHistogram.Histogram;

/**
 * Baseline: {@code ib_write_bw} of Debian's package perftest, one run for each round trip. What is
 * timed is the same number of bytes as there and back, at the bandwidth that it reports.
 */
final class WriteBandwidth implements Timed {
  /** The least that it takes. */
  private static final int WRITES = 5;

  private static final int FIRST_PORT = 18515;
  private static final double BITS_PER_BYTE = 8;
  private static final int TRIES = 5;
  private static final String PROGRAM = "ib_write_bw";
  private static final String WAITING = "Waiting for client";

  private final String address;
  private final int bytes;
  private int runs;

  /**
   * @param address of the RDMA device that both ends use
   * @param bytes of one WRITE
   */
  WriteBandwidth(String address, int bytes) {
    this.address = address;
    this.bytes = bytes;
  }

  /** Each run is a process of its own, and its first WRITE is not the one that counts. */
  @Override
  public void warmUp(int roundTrips) {}

  @Override
  public void turn(int leadIn, int roundTrips, Histogram into) throws IOException {
    for (int i = 0; i < roundTrips; i++) {
      into.recordValue(Math.max(1, Math.round(2 * BITS_PER_BYTE * bytes / gigabitsPerSecond())));
    }
  }

  private double gigabitsPerSecond() throws IOException {
    int port = FIRST_PORT + runs++ % 100;
    try (PeerProcess server = new PeerProcess(PROGRAM, command(port, List.of()))) {
      String line = server.line();
      while (!line.contains(WAITING)) {
        line = server.line();
      }
      return Double.parseDouble(connect(port).strip());
    } catch (IOException | NumberFormatException e) {
      throw new CommandException(
          PROGRAM
              + ", which bandwidth is held against: "
              + e.getMessage()
              + " (it is in Debian's package perftest)",
          e);
    }
  }

  /** The server says that it waits a moment before it listens. */
  private String connect(int port) throws IOException {
    IOException failure = new IOException("not tried");
    for (int tries = 0; tries < TRIES; tries++) {
      try (PeerProcess client =
          new PeerProcess(PROGRAM, command(port, List.of("--output=bandwidth", address)))) {
        return client.line();
      } catch (IOException e) {
        failure = e;
      }
    }
    throw failure;
  }

  /** Lines as they are written: the server's tell when it can be connected to. */
  private List<String> command(int port, List<String> more) {
    List<String> command =
        new ArrayList<>(
            List.of(
                "stdbuf",
                "-oL",
                PROGRAM,
                "--rdma_cm",
                "--CPU-freq",
                "--report_gbits",
                "--size=" + bytes,
                "--iters=" + WRITES,
                "--port=" + port));
    command.addAll(more);
    return command;
  }

  @Override
  public void close() {}
}
