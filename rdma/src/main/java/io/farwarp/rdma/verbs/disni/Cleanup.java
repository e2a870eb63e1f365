package io.farwarp.rdma.verbs.disni;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Releases native objects, the last one first, each whatever becomes of the others: what a
 * half-done start has made, unless it is kept, or all that an owner holds.
 */
final class Cleanup implements AutoCloseable {
  private final Deque<AutoCloseable> releases = new ArrayDeque<>();

  /** A call that releases an object and answers 0, or -errno. */
  @FunctionalInterface
  interface Release {
    int call() throws Exception;
  }

  void add(Release release) {
    releases.push(() -> {
      int error = release.call();
      if (error != 0) {
        throw new IOException("an RDMA object could not be released: errno " + -error);
      }
    });
  }

  /** The same object, so that it can be written where it is made. */
  <C extends AutoCloseable> C closing(C object) {
    releases.push(object);
    return object;
  }

  /** Nothing is released: its owner does that later. */
  void keep() {
    releases.clear();
  }

  @Override
  public void close() throws IOException {
    IOException failure = null;
    while (!releases.isEmpty()) {
      try {
        releases.pop().close();
      } catch (IOException e) {
        failure = join(failure, e);
      } catch (Exception e) {
        failure = join(failure, new IOException("releasing an RDMA object", e));
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  private static IOException join(@Nullable IOException first, IOException next) {
    if (first == null) {
      return next;
    }
    first.addSuppressed(next);
    return first;
  }
}
