package io.farwarp.gateway;

import static io.farwarp.gateway.GatewayFixture.lastEvent;
import static io.farwarp.gateway.GatewayFixture.refused;
import static io.farwarp.gateway.GatewayFixture.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.DeviceReport;
import io.farwarp.v1.ExecutorRow;
import io.farwarp.v1.Lease;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.ListExecutorsRequest;
import io.farwarp.v1.ReleaseRequest;
import io.grpc.Status.Code;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where leases go, from the outside: real calls, agents that speak for themselves. */
class GatewayPlacementTest {
  @TempDir Path directory;
  private GatewayFixture gateway;

  @BeforeEach
  void start() throws GatewayException {
    gateway = new GatewayFixture(directory.resolve("data"));
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  private List<ExecutorRow> executors() {
    return gateway
        .admin("operator")
        .listExecutors(ListExecutorsRequest.getDefaultInstance())
        .getExecutorsList();
  }

  @Test
  void constraints_choose_the_device_and_a_refusal_names_the_one_that_none_meets() {
    FakeAgent gpu = gateway.agentUnattached("exec-gpu");
    DeviceReport a100 =
        DeviceReport.newBuilder()
            .setDeviceId("cuda-0")
            .setDeviceClass(DeviceClass.CUDA)
            .setName("NVIDIA A100-SXM4-40GB")
            .setMemoryBytes(64 << 20)
            .setComputeUnits(108)
            .setComputeCapability(80)
            .build();
    gpu.attach(gpu.hello(64).clearDevices().addDevices(a100).build()).ready();
    gateway.agent("exec-cpu", 64);
    Lease lease =
        gateway.acquire(
            request(2)
                .setMinComputeCapability(80)
                .setDeviceName("*a100*")
                .setMinDeviceMemoryBytes(64 << 20));
    assertEquals("exec-gpu", lease.getExecutorId());
    assertEquals("NVIDIA A100-SXM4-40GB", lease.getDeviceName());
    AcquireRequest newer = request(2).setMinComputeCapability(90).setWaitMs(0).build();
    String reason = lastEvent(gateway.leases().acquire(newer), LeaseState.FAILED).getReason();
    assertTrue(reason.contains("any device with compute capability 9.0 or more"), reason);
    assertTrue(
        reason.contains(
            "\"NVIDIA A100-SXM4-40GB\" on executor exec-gpu, has compute capability 8.0"),
        reason);
    AcquireRequest cpu =
        request(2).setDeviceClass(DeviceClass.PTX_CPU).setMinComputeCapability(90).build();
    String refused = refused(Code.INVALID_ARGUMENT, () -> gateway.leases().acquire(cpu).hasNext());
    assertTrue(refused.contains("PTX_CPU, which has no compute capability"), refused);
    assertEquals(
        List.of(0, 80),
        executors().stream()
            .map(row -> row.getDevices(0).getComputeCapability())
            .sorted()
            .toList());
  }

  @Test
  void lease_goes_where_its_function_was_prepared_before() {
    TestPackages.push(gateway.as("tenant"), TestPackages.of("scale", "1", "// code"));
    gateway.agent("exec-large", 64);
    Lease first = gateway.acquire(request(2).addFunctions("scale:1"));
    gateway.leases().release(ReleaseRequest.newBuilder().setLeaseId(first.getLeaseId()).build());
    Await.answer("exec-large is free", () -> executors().getFirst().getLeases() == 0);
    gateway.agent("exec-small", 8);
    Lease other = gateway.acquire(request(2).setShareMillis(100));
    assertEquals("exec-small", other.getExecutorId());
    Lease again = gateway.acquire(request(2).setShareMillis(100).addFunctions("scale:1"));
    assertEquals("exec-large", again.getExecutorId());
  }
}
