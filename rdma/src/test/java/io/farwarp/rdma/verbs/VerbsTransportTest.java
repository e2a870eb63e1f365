package io.farwarp.rdma.verbs;

import io.farwarp.rdma.ConnectionContract;
import io.farwarp.rdma.HandshakeContract;
import io.farwarp.rdma.TransportContract;
import io.farwarp.rdma.TransportUnderTest;
import io.farwarp.rdma.WaitingContract;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** Needs an RDMA device; skipped, with the reason, where there is none. */
@Tag("verbs")
final class VerbsTransportTest {
  private static final String USABLE = "io.farwarp.rdma.verbs.VerbsUnderTest#isUsable";

  /** Where it is skipped, all the others are. */
  @Test
  void there_is_a_device_to_test_on() {
    var _ = new VerbsUnderTest();
  }

  @Nested
  @EnabledIf(USABLE)
  final class Data extends TransportContract {
    @Override
    protected TransportUnderTest provider() {
      return new VerbsUnderTest();
    }
  }

  @Nested
  @EnabledIf(USABLE)
  final class Waiting extends WaitingContract {
    @Override
    protected TransportUnderTest provider() {
      return new VerbsUnderTest();
    }
  }

  @Nested
  @EnabledIf(USABLE)
  final class Handshakes extends HandshakeContract {
    @Override
    protected TransportUnderTest provider() {
      return new VerbsUnderTest();
    }
  }

  @Nested
  @EnabledIf(USABLE)
  final class Ends extends ConnectionContract {
    @Override
    protected TransportUnderTest provider() {
      return new VerbsUnderTest();
    }
  }
}
