package io.farwarp.executor.agent;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Which devices are out of service: a fresh worker could not use them. Each is tried again after a
 * pause that doubles with every failure, and is back in service when it works. Used by the agent's
 * thread only; time is a parameter.
 */
final class DeviceHealth {
  private static final Logger LOG = System.getLogger(DeviceHealth.class.getName());
  private static final long FIRST_PAUSE_NS = TimeUnit.SECONDS.toNanos(2);
  private static final long LONGEST_PAUSE_NS = TimeUnit.MINUTES.toNanos(5);
  private static final int MAX_REASON = 1024;

  /** What came of trying a device; {@code reason} is empty if it works. */
  interface Answer {
    void checked(String reason, long nowNs);
  }

  /** What it needs of the agent. */
  interface Peer {
    /** Tries a device, on another thread; the answer comes on the agent's. */
    void check(AgentDevice device, Answer answer);

    /** Tells the gateway; an empty reason: it is in service. */
    void report(String deviceId, String outOfService);
  }

  private static final class Outage {
    final AgentDevice device;
    String reason;
    long pauseNs = FIRST_PAUSE_NS;
    long nextCheckNs;
    boolean isBeingChecked;

    Outage(AgentDevice device, String reason, long nowNs) {
      this.device = device;
      this.reason = reason;
      this.nextCheckNs = nowNs + pauseNs;
    }
  }

  private final Peer peer;
  private final Map<String, Outage> outages = new LinkedHashMap<>();

  DeviceHealth(Peer peer) {
    this.peer = peer;
  }

  /** Why a device takes no lease; empty: it does. */
  String outOfService(String deviceId) {
    Outage outage = outages.get(deviceId);
    return outage == null ? "" : outage.reason;
  }

  /** A fresh worker could not use the device. */
  void failed(AgentDevice device, String reason, long nowNs) {
    if (outages.containsKey(device.id())) {
      return; // a worker that was started before that was known
    }
    String cut = cut(reason);
    outages.put(device.id(), new Outage(device, cut, nowNs));
    LOG.log(Level.ERROR, "{0} is out of service: {1}", device.id(), cut);
    peer.report(device.id(), cut);
  }

  /** Has those tried again whose pause is over. */
  void tick(long nowNs) {
    for (Outage outage : outages.values()) {
      if (!outage.isBeingChecked && nowNs - outage.nextCheckNs >= 0) {
        outage.isBeingChecked = true;
        peer.check(outage.device, (reason, thenNs) -> checked(outage, reason, thenNs));
      }
    }
  }

  private void checked(Outage outage, String reason, long nowNs) {
    AgentDevice device = outage.device;
    outage.isBeingChecked = false;
    if (reason.isEmpty()) {
      outages.remove(device.id());
      LOG.log(Level.INFO, "{0} is in service again", device.id());
      peer.report(device.id(), "");
      return;
    }
    outage.pauseNs = Math.min(2 * outage.pauseNs, LONGEST_PAUSE_NS);
    outage.nextCheckNs = nowNs + outage.pauseNs;
    String cut = cut(reason);
    if (!cut.equals(outage.reason)) {
      outage.reason = cut;
      peer.report(device.id(), cut);
    }
  }

  private static String cut(String reason) {
    return reason.length() <= MAX_REASON ? reason : reason.substring(0, MAX_REASON);
  }
}
