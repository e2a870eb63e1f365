package io.farwarp.gateway;

import static io.farwarp.gateway.GatewayFixture.lastEvent;
import static io.farwarp.gateway.GatewayFixture.refused;
import static io.farwarp.gateway.GatewayFixture.request;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.hash.Hashing;
import com.google.protobuf.ByteString;
import io.farwarp.v1.DeleteFunctionRequest;
import io.farwarp.v1.FetchFunctionRequest;
import io.farwarp.v1.FunctionChunk;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.GatewayMessage.MessageCase;
import io.farwarp.v1.Lease;
import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.ListFunctionsRequest;
import io.farwarp.v1.PrepareFunctionRequest;
import io.farwarp.v1.PreparedFunction;
import io.farwarp.v1.ReleaseRequest;
import io.farwarp.v1.ResolveFunctionRequest;
import io.grpc.Channel;
import io.grpc.Status.Code;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The function registry from the outside. */
class GatewayFunctionTest {
  private static final byte[] PACKAGE = TestPackages.of("scale", "1", "// first");

  private static final RegistryLimits LIMITS =
      new RegistryLimits(5, 70L << 20, 2, TimeUnit.SECONDS.toNanos(30));

  @TempDir Path directory;
  private GatewayFixture gateway;

  @BeforeEach
  void start() throws GatewayException {
    gateway =
        new GatewayFixture(directory.resolve("data"), config -> config.withRegistryLimits(LIMITS));
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  private FunctionVersion push(byte[] bytes) {
    return TestPackages.push(gateway.as("tenant"), bytes);
  }

  private byte[] fetch(String role, ByteString digest, String leaseId) {
    Iterator<FunctionChunk> chunks =
        gateway
            .functions(role)
            .fetch(FetchFunctionRequest.newBuilder().setDigest(digest).setLeaseId(leaseId).build());
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    chunks.forEachRemaining(chunk -> bytes.writeBytes(chunk.getChunk().toByteArray()));
    return bytes.toByteArray();
  }

  private List<Path> blobs() throws Exception {
    try (Stream<Path> files = Files.list(directory.resolve("data/functions/blobs"))) {
      return files.toList();
    }
  }

  @Test
  void pushed_function_is_resolved_fetched_listed_and_deleted() throws Exception {
    FunctionVersion pushed = push(PACKAGE);
    assertEquals("scale", pushed.getName());
    assertEquals(PACKAGE.length, pushed.getSizeBytes());
    byte[] digest = Hashing.sha256().hashBytes(PACKAGE).asBytes();
    assertArrayEquals(digest, pushed.getDigest().toByteArray());
    assertEquals(pushed, push(PACKAGE));
    FunctionVersion second = push(TestPackages.of("scale", "2", "// second"));
    assertEquals(second, resolve("scale", ""));
    assertEquals(pushed, resolve("scale", "1"));
    assertArrayEquals(PACKAGE, fetch("tenant", pushed.getDigest(), ""));
    assertEquals(
        List.of(listed(pushed), listed(second)),
        gateway
            .functions("tenant")
            .list(ListFunctionsRequest.getDefaultInstance())
            .getFunctionsList());
    gateway
        .functions("tenant")
        .delete(DeleteFunctionRequest.newBuilder().setName("scale").setVersion("1").build());
    String gone = refused(Code.NOT_FOUND, () -> resolve("scale", "1"));
    assertEquals("tenant default has no function scale:1: there is 2", gone);
    assertEquals(1, blobs().size());
  }

  /** As a list has it. */
  private static FunctionVersion listed(FunctionVersion version) {
    return version.toBuilder().clearManifest().build();
  }

  private FunctionVersion resolve(String name, String version) {
    return gateway
        .functions("tenant")
        .resolve(ResolveFunctionRequest.newBuilder().setName(name).setVersion(version).build());
  }

  @Test
  void other_bytes_under_a_taken_version_are_refused() {
    push(PACKAGE);
    String taken =
        refused(Code.ALREADY_EXISTS, () -> push(TestPackages.of("scale", "1", "// other")));
    assertTrue(taken.startsWith("scale:1 is taken"), taken);
  }

  @Test
  void truncated_altered_and_foreign_packages_are_refused_and_leave_nothing() throws Exception {
    byte[] altered = PACKAGE.clone();
    altered[altered.length / 2] ^= 1;
    for (byte[] bad :
        List.of(Arrays.copyOf(PACKAGE, PACKAGE.length - 1), altered, new byte[] {1, 2, 3})) {
      String why = refused(Code.INVALID_ARGUMENT, () -> push(bad));
      assertTrue(why.startsWith("the package is refused: "), why);
    }
    refused(Code.INVALID_ARGUMENT, () -> push(new byte[0]));
    assertTrue(blobs().isEmpty());
  }

  @Test
  void package_beyond_the_limit_is_refused_while_it_arrives() {
    String why = refused(Code.RESOURCE_EXHAUSTED, () -> push(new byte[(64 << 20) + 1]));
    assertTrue(why.contains("67108864"), why);
  }

  @Test
  void tenant_keeps_no_more_functions_than_its_quota() {
    for (int i = 0; i < 5; i++) {
      push(TestPackages.of("scale", "v" + i, "// " + i));
    }
    String why =
        refused(Code.RESOURCE_EXHAUSTED, () -> push(TestPackages.of("scale", "v5", "// 5")));
    assertTrue(why.contains("5 functions"), why);
  }

  @Test
  void tenants_have_name_spaces_of_their_own() throws Exception {
    FunctionVersion mine = push(PACKAGE);
    String token = TestCredentials.add(gateway.directory, "other", "tenant");
    gateway.restart();
    Channel other = gateway.withToken(token);
    byte[] same = TestPackages.of("scale", "1", "// other");
    FunctionVersion theirs = TestPackages.push(other, same);
    assertEquals(mine, resolve("scale", ""));
    refused(Code.NOT_FOUND, () -> fetch("tenant", theirs.getDigest(), ""));
  }

  @Test
  void registry_survives_a_restart_and_sweeps_what_a_crash_left() throws Exception {
    FunctionVersion pushed = push(PACKAGE);
    Path blobs = directory.resolve("data/functions/blobs");
    Files.write(blobs.resolve("sha256-00.tmp"), new byte[3]);
    Files.write(blobs.resolve("sha256-" + "0".repeat(64)), new byte[3]);
    gateway.restart();
    assertEquals(pushed, resolve("scale", "1"));
    assertArrayEquals(PACKAGE, fetch("tenant", pushed.getDigest(), ""));
    assertEquals(1, blobs().size());
  }

  @Test
  void registry_that_cannot_be_written_says_so_and_stays_whole() throws Exception {
    FunctionVersion pushed = push(PACKAGE);
    Path tenants = directory.resolve("data/functions/tenants");
    Path aside = directory.resolve("aside");
    Files.move(tenants, aside);
    String why =
        refused(Code.FAILED_PRECONDITION, () -> push(TestPackages.of("other", "1", "// x")));
    assertTrue(why.contains("nothing was changed"), why);
    refused(
        Code.FAILED_PRECONDITION,
        () ->
            gateway
                .functions("tenant")
                .delete(
                    DeleteFunctionRequest.newBuilder().setName("scale").setVersion("1").build()));
    assertEquals(pushed, resolve("scale", "1"));
    refused(Code.NOT_FOUND, () -> resolve("other", ""));
    assertEquals(1, blobs().size());
    Files.move(aside, tenants);
    push(TestPackages.of("other", "1", "// x"));
  }

  @Test
  void agent_fetches_only_what_a_lease_that_it_holds_needs() {
    FunctionVersion pushed = push(PACKAGE);
    FunctionVersion unused = push(TestPackages.of("unused", "1", "// x"));
    FakeAgent agent = gateway.agent("exec-1", 64);
    Lease lease = gateway.acquire(request(2).addFunctions("scale:1"));
    assertEquals(pushed, lease.getFunctions(0).getVersion());
    assertEquals(
        pushed.toBuilder().clearManifest().build(),
        agent.prepares().getFirst().getFunctions(0).getVersion());
    String leaseId = lease.getLeaseId();
    assertArrayEquals(PACKAGE, fetch("agent", pushed.getDigest(), leaseId));
    refused(Code.PERMISSION_DENIED, () -> fetch("agent", pushed.getDigest(), ""));
    refused(Code.PERMISSION_DENIED, () -> fetch("agent", unused.getDigest(), leaseId));
    gateway.leases().release(ReleaseRequest.newBuilder().setLeaseId(leaseId).build());
    refused(Code.PERMISSION_DENIED, () -> fetch("agent", pushed.getDigest(), leaseId));
  }

  @Test
  void deleted_function_stays_for_the_lease_that_uses_it_and_goes_with_it() throws Exception {
    FunctionVersion pushed = push(PACKAGE);
    FakeAgent agent = gateway.agent("exec-1", 64);
    Lease lease = gateway.acquire(request(2).addFunctions("scale:1"));
    delete("1");
    refused(Code.NOT_FOUND, () -> resolve("scale", "1"));
    refused(Code.NOT_FOUND, () -> prepare(lease, "scale:1"));
    assertArrayEquals(PACKAGE, fetch("agent", pushed.getDigest(), lease.getLeaseId()));
    gateway.restart();
    FakeAgent back = gateway.agentUnattached("exec-1");
    back.attach(back.hello(64).addAllHeld(agent.held()).build()).ready();
    assertArrayEquals(PACKAGE, fetch("agent", pushed.getDigest(), lease.getLeaseId()));
    Iterator<LeaseEvent> freed = gateway.leases().acquire(request(64).build());
    gateway.leases().release(ReleaseRequest.newBuilder().setLeaseId(lease.getLeaseId()).build());
    lastEvent(freed, LeaseState.ACTIVE);
    assertEquals(List.of(), blobs());
  }

  @Test
  void deleted_function_that_a_lease_uses_counts_in_the_quota() {
    push(PACKAGE);
    gateway.agent("exec-1", 64);
    Lease lease = gateway.acquire(request(2).addFunctions("scale:1"));
    delete("1");
    for (int i = 0; i < 4; i++) {
      push(TestPackages.of("scale", "v" + i, "// " + i));
    }
    String why =
        refused(Code.RESOURCE_EXHAUSTED, () -> push(TestPackages.of("scale", "v4", "// 4")));
    assertTrue(why.contains("4 functions, and 1 deleted ones that its leases use"), why);
    Iterator<LeaseEvent> freed = gateway.leases().acquire(request(64).build());
    gateway.leases().release(ReleaseRequest.newBuilder().setLeaseId(lease.getLeaseId()).build());
    lastEvent(freed, LeaseState.ACTIVE);
    push(TestPackages.of("scale", "v4", "// 4"));
  }

  private void delete(String version) {
    gateway
        .functions("tenant")
        .delete(DeleteFunctionRequest.newBuilder().setName("scale").setVersion(version).build());
  }

  @Test
  void prepared_function_has_one_number_however_often_it_is_asked_for() {
    FunctionVersion pushed = push(PACKAGE);
    push(TestPackages.of("other", "1", "// x"));
    FakeAgent agent = gateway.agent("exec-1", 64);
    Lease lease = gateway.acquire(request(2));
    PreparedFunction first = prepare(lease, "scale");
    assertEquals(1, first.getFunctionId());
    assertEquals(pushed, first.getVersion());
    assertEquals(5, first.getLoadMs());
    assertEquals(first, prepare(lease, "scale:1"));
    assertEquals(2, prepare(lease, "other").getFunctionId());
    assertEquals(2, agent.count(MessageCase.PREPARE_FUNCTION));
    String unknown = refused(Code.NOT_FOUND, () -> prepare(lease, "nothing:7"));
    assertEquals("tenant default has no function nothing:7: push it first", unknown);
  }

  private PreparedFunction prepare(Lease lease, String function) {
    return gateway
        .leases()
        .prepareFunction(
            PrepareFunctionRequest.newBuilder()
                .setLeaseId(lease.getLeaseId())
                .setFunction(function)
                .build());
  }

  @Test
  void function_that_the_executor_refuses_is_refused_with_its_reason() {
    push(PACKAGE);
    FakeAgent agent = gateway.agent("exec-1", 64);
    Lease lease = gateway.acquire(request(2));
    agent.functionError = "code.ptx line 3: opcode wmma is not supported";
    String why = refused(Code.FAILED_PRECONDITION, () -> prepare(lease, "scale"));
    assertTrue(why.contains("line 3"), why);
    agent.functionError = "";
    assertEquals(1, prepare(lease, "scale").getFunctionId());
  }

  @Test
  void function_whose_answer_was_lost_with_the_agents_stream_is_ordered_again_for_who_waits() {
    push(PACKAGE);
    FakeAgent agent = gateway.agent("exec-1", 64);
    agent.answersFunctions = false;
    Lease lease = gateway.acquire(request(2));
    CompletableFuture<PreparedFunction> waiting =
        CompletableFuture.supplyAsync(() -> prepare(lease, "scale"));
    agent.await(MessageCase.PREPARE_FUNCTION, 1);
    agent.close();
    FakeAgent back = gateway.agentUnattached("exec-1");
    back.attach(back.hello(64).addAllHeld(agent.held()).build()).ready();
    assertEquals(1, Await.future(waiting).getFunctionId());
    assertEquals(1, back.count(MessageCase.PREPARE_FUNCTION));
  }

  @Test
  void number_that_an_executor_was_told_is_no_other_functions_after_a_restart() throws Exception {
    push(PACKAGE);
    push(TestPackages.of("other", "1", "// x"));
    FakeAgent agent = gateway.agent("exec-1", 64);
    agent.answersFunctions = false;
    Lease lease = gateway.acquire(request(2));
    CompletableFuture<PreparedFunction> unanswered =
        CompletableFuture.supplyAsync(() -> prepare(lease, "scale"));
    agent.await(MessageCase.PREPARE_FUNCTION, 1);
    gateway.restart();
    assertThrows(Exception.class, () -> unanswered.get(30, TimeUnit.SECONDS));
    FakeAgent back = gateway.agentUnattached("exec-1");
    back.attach(back.hello(64).addAllHeld(agent.held()).build()).ready();
    assertEquals(2, prepare(lease, "other").getFunctionId());
    assertEquals(1, prepare(lease, "scale").getFunctionId());
  }

  @Test
  void function_is_not_waited_for_longer_than_the_lease_lives() {
    push(PACKAGE);
    FakeAgent agent = gateway.agent("exec-1", 64);
    agent.answersFunctions = false;
    Lease lease = gateway.acquire(request(2).setDurationMs(1000));
    String why = refused(Code.FAILED_PRECONDITION, () -> prepare(lease, "scale"));
    assertTrue(why.contains("EXPIRED"), why);
  }

  @Test
  void lease_with_an_unknown_function_is_not_granted() {
    FakeAgent agent = gateway.agent("exec-1", 64);
    refused(
        Code.NOT_FOUND,
        () -> gateway.leases().acquire(request(2).addFunctions("scale").build()).next());
    assertTrue(agent.prepares().isEmpty());
    LeaseEvent active = lastEvent(gateway.leases().acquire(request(2).build()), LeaseState.ACTIVE);
    assertFalse(active.getLeaseId().isEmpty());
  }
}
