package io.farwarp.executor.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.DeviceReport;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class DeviceHealthTest {
  private static final AgentDevice GPU =
      new AgentDevice(
          DeviceReport.newBuilder().setDeviceId("cuda-0").setDeviceClass(DeviceClass.CUDA).build(),
          Map.of());

  private final List<String> reports = new ArrayList<>();
  private final List<DeviceHealth.Answer> checks = new ArrayList<>();
  private final DeviceHealth health =
      new DeviceHealth(
          new DeviceHealth.Peer() {
            @Override
            public void check(AgentDevice device, DeviceHealth.Answer answer) {
              checks.add(answer);
            }

            @Override
            public void report(String deviceId, String outOfService) {
              reports.add(deviceId + ": " + outOfService);
            }
          });

  /** Seconds until it is checked, after {@code nowS}. */
  private long nextCheckS(long nowS) {
    int before = checks.size();
    long waitS = 0;
    while (checks.size() == before) {
      waitS++;
      health.tick(TimeUnit.SECONDS.toNanos(nowS + waitS));
    }
    assertEquals(before + 1, checks.size());
    return waitS;
  }

  @Test
  void a_device_that_fails_is_out_of_service_and_told_once() {
    assertEquals("", health.outOfService("cuda-0"));
    health.failed(GPU, "cuInit: lost", 0);
    health.failed(GPU, "cuInit: lost again", 1);
    assertEquals("cuInit: lost", health.outOfService("cuda-0"));
    assertEquals("", health.outOfService("cuda-1"));
    assertEquals(List.of("cuda-0: cuInit: lost"), reports);
  }

  @Test
  void checks_come_at_doubling_pauses_up_to_five_minutes() {
    health.failed(GPU, "lost", 0);
    long nowS = 0;
    for (long pauseS : new long[] {2, 4, 8, 16, 32, 64, 128, 256, 300, 300}) {
      assertEquals(pauseS, nextCheckS(nowS));
      nowS += pauseS;
      health.tick(TimeUnit.SECONDS.toNanos(nowS + 1000)); // one check at a time
      checks.getLast().checked("lost", TimeUnit.SECONDS.toNanos(nowS));
    }
    assertEquals(10, checks.size());
    assertEquals(List.of("cuda-0: lost"), reports);
  }

  @Test
  void a_device_that_works_again_is_back_and_begins_with_a_short_pause_the_next_time() {
    health.failed(GPU, "lost", 0);
    var _ = nextCheckS(0);
    checks.getLast().checked("still lost", 0);
    var _ = nextCheckS(0);
    checks.getLast().checked("", 0);
    assertEquals("", health.outOfService("cuda-0"));
    assertEquals(List.of("cuda-0: lost", "cuda-0: still lost", "cuda-0: "), reports);
    health.failed(GPU, "lost", 0);
    assertEquals(2, nextCheckS(0));
  }
}
