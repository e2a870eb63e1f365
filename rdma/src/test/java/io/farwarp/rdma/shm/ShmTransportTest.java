package io.farwarp.rdma.shm;

import io.farwarp.rdma.ConnectionContract;
import io.farwarp.rdma.HandshakeContract;
import io.farwarp.rdma.TransportContract;
import io.farwarp.rdma.TransportUnderTest;
import io.farwarp.rdma.WaitingContract;
import org.junit.jupiter.api.Nested;

final class ShmTransportTest {
  @Nested
  final class Data extends TransportContract {
    @Override
    protected TransportUnderTest provider() {
      return new ShmUnderTest();
    }
  }

  @Nested
  final class Waiting extends WaitingContract {
    @Override
    protected TransportUnderTest provider() {
      return new ShmUnderTest();
    }
  }

  @Nested
  final class Handshakes extends HandshakeContract {
    @Override
    protected TransportUnderTest provider() {
      return new ShmUnderTest();
    }
  }

  @Nested
  final class Ends extends ConnectionContract {
    @Override
    protected TransportUnderTest provider() {
      return new ShmUnderTest();
    }
  }
}
