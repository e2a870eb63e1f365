package io.farwarp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.farwarp.client.ByteSize;
import io.farwarp.client.Device;
import io.farwarp.client.LeaseRequest;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.ParameterException;

class LeaseOptionsTest {
  @Command
  private static final class Leasing {
    @Mixin private LeaseOptions options;
  }

  private static LeaseRequest request(String... arguments) {
    return CommandLine.populateCommand(new Leasing(), arguments).options.request();
  }

  @Test
  void request_is_what_the_options_say() {
    assertEquals(LeaseRequest.on(Device.ANY), request());
    assertEquals(
        LeaseRequest.on(Device.CUDA)
            .minComputeCapability("8.6")
            .deviceName("*A10*")
            .minDeviceMemory(ByteSize.GIB.of(24))
            .priority(7)
            .preemptible(true),
        request(
            "--device",
            "cuda",
            "--min-compute-capability",
            "8.6",
            "--device-name",
            "*A10*",
            "--min-device-memory",
            "24GiB",
            "--priority",
            "7",
            "--preemptible"));
  }

  @Test
  void option_that_is_none_is_wrong_usage_with_the_reason() {
    ParameterException wrong =
        assertThrows(ParameterException.class, () -> request("--priority", "10"));
    assertEquals("priority of a lease is 10; it takes 0 to 9", wrong.getMessage());
    wrong = assertThrows(ParameterException.class, () -> request("--device-name", "*".repeat(65)));
    assertEquals("deviceName (characters) of a lease is 65; it takes 0 to 64", wrong.getMessage());
  }
}
