package io.farwarp.cli.bench.gateway;

import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * A process with many agents that have no workers, each with a connection of its own. Started as
 * {@code FleetPeer ADDRESS TOKEN_FILE AGENTS HEARTBEAT_MS}; prints "attached" when all are, and
 * ends when its standard input does.
 */
public final class FleetPeer {
  /** Attaching: so many at a time, or the gateway's backlog of connections overflows. */
  private static final int AT_A_TIME = 128;

  private static final long ATTACH_LIMIT_S = 60;

  private FleetPeer() {}

  public static void main(String[] args) throws Exception {
    String token = Files.readString(Path.of(args[1])).strip();
    int count = Integer.parseInt(args[2]);
    long heartbeatMs = Long.parseLong(args[3]);
    ScheduledExecutorService heart = Executors.newScheduledThreadPool(1);
    for (int from = 0; from < count; from += AT_A_TIME) {
      List<WorkerlessAgent> some = new ArrayList<>();
      for (int i = from; i < Math.min(count, from + AT_A_TIME); i++) {
        some.add(attach(args[0], token, i));
      }
      for (int i = 0; i < some.size(); i++) {
        WorkerlessAgent agent = some.get(i);
        boolean _ = agent.attached.get(ATTACH_LIMIT_S, TimeUnit.SECONDS);
        // Each at its own moment of the interval, as agents that were started one by one.
        var _ =
            heart.scheduleAtFixedRate(
                agent::beat, heartbeatMs * i / AT_A_TIME, heartbeatMs, TimeUnit.MILLISECONDS);
      }
    }
    System.out.println("attached");
    awaitEndOfInput();
    System.exit(0);
  }

  private static WorkerlessAgent attach(String address, String token, int number) {
    ManagedChannel channel =
        NettyChannelBuilder.forTarget(address).usePlaintext().directExecutor().build();
    Channel withToken = Tokens.attach(channel, token);
    return WorkerlessAgent.attach(withToken, "executor-" + number, number);
  }

  private static void awaitEndOfInput() throws IOException {
    while (System.in.read() >= 0) {
      // Nothing it could be told.
    }
  }
}
