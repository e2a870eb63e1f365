package io.farwarp.executor.agent;

import java.io.IOException;
import java.util.concurrent.Executor;

/** Tries devices in processes of their own, and lets the agent's thread and the gateway know. */
final class DeviceChecks implements DeviceHealth.Peer {
  private final Executor loop;
  private final GatewayReports reports;

  /** {@code loop}: the agent's thread. */
  DeviceChecks(Executor loop, GatewayReports reports) {
    this.loop = loop;
    this.reports = reports;
  }

  @Override
  public void check(AgentDevice device, DeviceHealth.Answer answer) {
    Thread.ofVirtual()
        .name("check of " + device.id())
        .start(() -> {
          String reason = reason(device);
          loop.execute(() -> answer.checked(reason, System.nanoTime()));
        });
  }

  private static String reason(AgentDevice device) {
    try {
      return ProbeProcess.check(device.environment());
    } catch (IOException e) {
      return "it cannot be checked: " + e.getMessage();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "the check was interrupted";
    }
  }

  @Override
  public void report(String deviceId, String outOfService) {
    reports.deviceState(deviceId, outOfService);
  }
}
