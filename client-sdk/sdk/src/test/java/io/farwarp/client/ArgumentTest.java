package io.farwarp.client;

import static io.farwarp.client.Argument.in;
import static io.farwarp.client.Argument.inout;
import static io.farwarp.client.Argument.out;
import static io.farwarp.client.Argument.scalar;
import static io.farwarp.v1.ElementType.F32;
import static io.farwarp.v1.ElementType.F64;
import static io.farwarp.v1.ElementType.I32;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.v1.ElementType;
import io.farwarp.wire.Status;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ArgumentTest {
  private TestCloud cloud;
  private Lease lease;
  private Session session;
  private RemoteFunction add;
  private RemoteFunction scalars;

  @BeforeEach
  void start(@TempDir Path directory) throws IOException {
    cloud = new TestCloud(directory);
    lease = cloud.farwarp.lease(TestCloud.request().functions("add:1", "scalars")).await();
    session = lease.open();
    add = session.function("add:1");
    scalars = session.function("scalars:1");
  }

  @AfterEach
  void stop() throws IOException {
    lease.close();
    cloud.close();
  }

  private void refused(Status status, RemoteFunction function, String why, Argument... arguments) {
    ArgumentException e =
        assertThrows(ArgumentException.class, () -> function.invoke(arguments), why);
    assertEquals(status, e.status());
    assertTrue(e.getMessage().contains(why), e.getMessage());
    assertEquals(0, session.metrics().posted(), "nothing was sent");
  }

  private void refused(RemoteFunction function, String why, Argument... arguments) {
    refused(Status.INVALID_ARGUMENT, function, why, arguments);
  }

  @Test
  void tensors_that_do_not_fit_are_refused_by_parameter() {
    Tensor a = session.tensor(F32, 8);
    Tensor b = session.tensor(F32, 8);
    Tensor c = session.tensor(F32, 8);
    refused(add, "3 arguments", in(a), in(b));
    refused(add, "parameter 3, c", in(a), in(b), in(c));
    refused(add, "parameter 1, a", inout(a), in(b), out(c));
    refused(add, "parameter 2, b", in(a), in(session.tensor(F64, 8)), out(c));
    refused(add, "parameter 1, a", scalar(3), in(b), out(c));
    refused(scalars, "parameter 1, flag", in(a), scalar(1), scalar(1), scalar(1f), scalar(1.0));
    refused(add, "32 bytes", in(a), in(b), out(session.tensor(F32, 9)));
    refused(Status.OUT_OF_RANGE, add, "overlaps parameter a", in(a), in(b), out(a));
    Tensor whole = session.tensor(F32, 256);
    refused(
        Status.OUT_OF_RANGE,
        add,
        "overlaps",
        in(whole.slice(0, 128)),
        in(whole.slice(128, 128)),
        out(whole.slice(64, 128)));
    add.invoke(in(a), in(a), out(c)).await();
  }

  @Test
  void tensor_of_another_session_is_refused() throws IOException {
    Tensor a = session.tensor(F32, 8);
    Tensor b = session.tensor(F32, 8);
    Tensor c = session.tensor(F32, 8);
    session.close();
    TestCloud.await(() -> !cloud.worker.isServing(), "the worker has seen the goodbye");
    session = lease.open();
    refused(session.function("add:1"), "another session", in(a), in(b), out(c));
  }

  @Test
  void scalars_that_do_not_fit_are_refused_by_parameter() {
    refused(scalars, "flag", scalar(128), scalar(1), scalar(1), scalar(1f), scalar(1.0));
    refused(scalars, "count", scalar(1), scalar(1L << 31), scalar(1), scalar(1f), scalar(1.0));
    refused(scalars, "big", scalar(1), scalar(1), scalar(-1), scalar(1f), scalar(1.0));
  }

  @Test
  void kinds_of_numbers_are_not_mixed() {
    refused(scalars, "a float", scalar(1), scalar(1), scalar(1), scalar(1.0), scalar(1.0));
    refused(scalars, "an integer", scalar(1f), scalar(1), scalar(1), scalar(1f), scalar(1.0));
    refused(scalars, "a double", scalar(1), scalar(1), scalar(1), scalar(1f), scalar(1));
    refused(scalars, "count", scalar(1), scalar(F32, 0), scalar(1), scalar(1f), scalar(1.0));
  }

  @Test
  void scalars_travel_as_zero_extended_bits_of_their_type() {
    List<TestWorker.Call> calls = new CopyOnWriteArrayList<>();
    cloud.worker.script(
        TestFunctions.SCALARS,
        call -> {
          calls.add(call);
          call.ok();
        });
    scalars.invoke(scalar(-1), scalar(I32, -2), scalar(7), scalar(1.5f), scalar(-0.0)).await();
    TestWorker.Call call = calls.getFirst();
    assertEquals(0xFFL, call.scalar(0));
    assertEquals(0xFFFF_FFFEL, call.scalar(1));
    assertEquals(7, call.scalar(2));
    assertEquals(Integer.toUnsignedLong(Float.floatToRawIntBits(1.5f)), call.scalar(3));
    assertEquals(Long.MIN_VALUE, call.scalar(4));
    assertEquals(ElementType.I8.getNumber(), call.arguments.get(0).type());
    assertEquals(60_000_000_000L, call.timeoutNs);
    scalars.invoke(scalar(1), scalar(1), scalar(1), scalar(1f), scalar(1f)).await();
    assertEquals(Double.doubleToRawLongBits(1), calls.get(1).scalar(4));
  }

  @Test
  void shapes_of_tensors_are_checked() {
    assertThrows(TensorException.class, () -> session.tensor(F32));
    assertThrows(TensorException.class, () -> session.tensor(F32, 0));
    assertThrows(TensorException.class, () -> session.tensor(F32, 4, -1));
    assertThrows(TensorException.class, () -> session.tensor(F32, 1L << 62));
    assertThrows(TensorException.class, () -> session.tensor(F32, 1L << 31, 1L << 31, 2));
    assertThrows(TensorException.class, () -> session.tensor(F32, 1, 1, 1, 1, 1, 1, 1, 1, 1));
    assertThrows(
        TensorException.class, () -> session.tensor(ElementType.ELEMENT_TYPE_UNSPECIFIED, 1));
    assertEquals(TestCloud.WINDOW_BYTES, session.freeBytes());
  }
}
