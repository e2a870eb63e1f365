package io.farwarp.gateway.simulation;

import static io.farwarp.gateway.simulation.World.check;

import io.farwarp.gateway.simulation.DataMessage.Kind;
import io.farwarp.gateway.simulation.DataMessage.ToClient;
import io.farwarp.gateway.simulation.DataMessage.ToWorker;
import io.farwarp.wire.Status;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a holder knows of one page of its window: zero at first, then what it has written there.
 * After a connection has broken it may be any of what was on its way.
 */
final class PageView {
  /** What it may hold now. */
  private final Set<Long> possible = new TreeSet<>(Set.of(0L));

  /**
   * What it has held since the last answer that proves one of them, for when the session is lost.
   */
  private final Set<Long> since = new TreeSet<>(Set.of(0L));

  /** Requests for it that are in flight; one that invokes has it for itself. */
  private int inFlight;

  boolean isBusy() {
    return inFlight > 0;
  }

  void sessionBegins() {
    inFlight = 0;
    possible.addAll(since);
  }

  void written(long value) {
    since.addAll(possible);
    since.add(value);
    possible.clear();
    possible.add(value);
  }

  void posted(ToWorker.Post post) {
    if (post.kind() == Kind.FENCE) {
      return;
    }
    inFlight++;
    if (post.kind() == Kind.INVOKE) {
      for (long content : possible) {
        since.add(content);
        since.add(DataMessage.result(content, post.argument()));
      }
    }
  }

  void answered(ToWorker.Post post, ToClient.Completion answer, String who) {
    if (post.kind() == Kind.FENCE) {
      return;
    }
    inFlight--;
    if (answer.status() != Status.OK) {
      return; // it has done nothing
    }
    Set<Long> right = new TreeSet<>();
    for (long content : possible) {
      right.add(post.kind() == Kind.PULL ? content : DataMessage.result(content, post.argument()));
    }
    check(
        right.contains(answer.value()),
        "%s is answered %s to %s; right is %s",
        who,
        answer,
        post,
        right);
    possible.clear();
    possible.add(answer.value());
    since.clear();
    since.add(answer.value());
  }
}
