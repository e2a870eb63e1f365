package io.farwarp.gateway.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.farwarp.gateway.SimulatedGateway;
import io.farwarp.gateway.book.Command;
import io.farwarp.gateway.book.Event;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Three thousand histories; {@code ci/simulate} runs more of them, and replays one. */
class SimulationTest {
  private static final int HISTORIES = 3_000;

  @TempDir Path directory;

  @Test
  void every_history_keeps_what_the_design_promises() {
    Defects.areFailures();
    SimulatedGateway.Shared shared =
        SimulatedGateway.Shared.in(directory, History.TENANTS, Client.FUNCTIONS);
    Set<Class<?>> seen = new HashSet<>();
    for (long seed = 1; seed <= HISTORIES; seed++) {
      History history = new History(seed, shared);
      history.run();
      seen.addAll(history.seen());
    }
    assertEquals(Set.of(), missing(seen), "commands and events that no history has");
  }

  private static Set<String> missing(Set<Class<?>> seen) {
    return Stream.of(Command.class, Event.class)
        .flatMap(kind -> Arrays.stream(kind.getPermittedSubclasses()))
        .filter(kind -> !seen.contains(kind))
        .map(Class::getSimpleName)
        .collect(Collectors.toSet());
  }
}
