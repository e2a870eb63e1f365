package io.farwarp.cli.bench;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Baseline: a 64-byte ping-pong over shared memory between two processes, spinning or asleep in a
 * futex.
 */
final class SharedRoundTrip implements RoundTrip {
  private final Path file;
  private final Arena arena = Arena.ofShared();
  private final SharedLines lines;
  private final PeerProcess peer;
  private final boolean futex;
  private long sequence;

  SharedRoundTrip(boolean futex) throws IOException {
    this.futex = futex;
    Path memory = Path.of("/dev/shm");
    file =
        Files.isWritable(memory)
            ? Files.createTempFile(memory, "farwarp-bench", ".lines")
            : Files.createTempFile("farwarp-bench", ".lines");
    lines = new SharedLines(SharedLines.map(file, arena), SharedLines.PING, SharedLines.PONG);
    peer = new PeerProcess(futex ? "futex" : "spin", file.toString());
    peer.line();
  }

  @Override
  public void resume() throws IOException {
    peer.run();
  }

  @Override
  public void once() {
    exchange(0);
  }

  @Override
  public void pause() {
    exchange(SharedLines.LAST);
  }

  private void exchange(long word) {
    sequence++;
    lines.post(sequence, word, futex);
    if (futex) {
      lines.awaitFutex(sequence);
    } else {
      lines.awaitSpinning(sequence);
    }
  }

  @Override
  public void close() throws IOException {
    peer.close();
    arena.close();
    Files.deleteIfExists(file);
  }
}
