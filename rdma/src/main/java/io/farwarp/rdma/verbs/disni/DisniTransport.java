package io.farwarp.rdma.verbs.disni;

import com.ibm.disni.verbs.RdmaCm;
import io.farwarp.rdma.Admission;
import io.farwarp.rdma.Introduction;
import io.farwarp.rdma.Listener;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.Transport;
import java.io.IOException;
import java.util.Optional;

/** The verbs transport, loaded beside DiSNI. */
public final class DisniTransport implements Transport {
  /** Loads libdisni. */
  public DisniTransport() throws IOException {
    RdmaCm.open();
  }

  @Override
  public String name() {
    return "verbs";
  }

  @Override
  public boolean sharesWindow() {
    return false;
  }

  @Override
  public Optional<String> unavailable() {
    try {
      return NativeVerbs.deviceNames().isEmpty()
          ? Optional.of("this host has no RDMA device (ibv_devices lists none)")
          : Optional.empty();
    } catch (IOException e) {
      return Optional.of("the RDMA devices cannot be listed: " + e.getMessage());
    }
  }

  @Override
  public Listener listen(String address, Admission admission) throws IOException {
    return VerbsListener.bind(VerbsAddress.parse(address), admission);
  }

  @Override
  public QueuePair connect(String address, Introduction introduction, long timeoutNs)
      throws IOException {
    long deadlineNs = System.nanoTime() + timeoutNs;
    try (Opening opening =
        Opening.connect(VerbsAddress.parse(address), VerbsAddress.source(), deadlineNs)) {
      return opening.introduce(introduction);
    }
  }
}
