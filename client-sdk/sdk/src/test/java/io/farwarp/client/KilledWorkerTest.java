package io.farwarp.client;

import static io.farwarp.client.Argument.in;
import static io.farwarp.client.Argument.out;
import static io.farwarp.v1.ElementType.F32;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.wire.Status;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KilledWorkerTest {
  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void every_future_of_a_killed_worker_fails_with_the_reason(
      String transport, @TempDir Path directory) throws IOException {
    try (TestGateway gateway = new TestGateway(directory);
        TestWorkerProcess worker = new TestWorkerProcess(directory, gateway.publicKey());
        Farwarp farwarp = Farwarp.connect(gateway.options())) {
      worker.serveAt(gateway);
      try (Lease lease = farwarp.lease(TestCloud.request()).await();
          Session session = lease.open(SessionOptions.transport(transport))) {
        Tensor a = session.tensor(F32, 4096);
        Tensor b = session.tensor(F32, 4096);
        RemoteFunction add = session.function("add:1");
        List<CompletableFuture<Invocation>> futures = new ArrayList<>();
        for (int i = 0; i < session.maxInFlight(); i++) {
          Tensor c = session.tensor(F32, 4096);
          futures.add(add.invoke(in(a), in(b), out(c)).future());
        }
        worker.kill();
        // A second is what is promised; the rest is for a machine that has other things to do.
        assertThrows(
            ExecutionException.class,
            () ->
                CompletableFuture.allOf(futures.toArray(CompletableFuture[]::new))
                    .get(5, TimeUnit.SECONDS));
        for (CompletableFuture<Invocation> future : futures) {
          CompletionException e = assertThrows(CompletionException.class, future::join);
          SessionLostException lost = (SessionLostException) e.getCause();
          assertEquals(
              transport.equals("shm") ? Status.WORKER_LOST : Status.LINK_BROKEN, lost.status());
        }
        assertEquals(futures.size(), session.metrics().failed());
        assertTrue(!session.isOpen());
        session.engine().inFlight().validate();
      }
    }
  }
}
