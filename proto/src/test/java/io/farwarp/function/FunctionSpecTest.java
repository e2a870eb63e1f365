package io.farwarp.function;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.v1.Direction;
import io.farwarp.v1.ElementType;
import io.farwarp.wire.Status;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FunctionSpecTest {

  private static FunctionSpec spec(String json) throws FunctionPackageException {
    return FunctionSpec.of(ManifestJson.read(json));
  }

  private static void assertRefused(String part, String json) {
    String message = assertThrows(FunctionPackageException.class, () -> spec(json)).getMessage();
    assertTrue(message.contains(part), message);
  }

  private static void assertReason(String part, String reason) {
    assertNotNull(reason);
    assertTrue(reason.contains(part), reason);
  }

  @Test
  void free_extent_follows_from_the_tensor() throws Exception {
    FunctionSpec axpy = spec(Manifests.AXPY);
    long[] work = new long[axpy.slots()];
    assertNull(axpy.bind(new long[3], new long[] {0, 4000, 4000}, work));
    assertEquals(Status.OK, axpy.status(work));
    LaunchSpec launch = axpy.launch(0);
    assertEquals("axpy", launch.kernel());
    assertEquals(4, launch.grid(0, work));
    assertEquals(1, launch.grid(1, work));
    assertEquals(256, launch.block(0, work));
    assertEquals(1, launch.repeat(work));
    assertEquals(0, launch.dynamicSharedBytes(work));
    assertEquals(new Argument.ParameterRef(0), launch.arguments().get(0));
    assertEquals(1000, assertInstanceOf(Expression.class, launch.arguments().get(3)).value(work));
    assertEquals(List.of("n"), axpy.freeExtents());
    ParameterSpec y = axpy.parameters().get(2);
    assertEquals("f32[n]", y.typeText());
    assertEquals(Direction.INOUT, y.direction());
    assertTrue(y.isRead() && y.isWritten());
  }

  @Test
  void scalars_give_shapes_scratch_and_launches() throws Exception {
    FunctionSpec reduce = spec(Manifests.REDUCE);
    long[] work = new long[reduce.slots()];
    assertNull(reduce.bind(new long[] {3, 100, 0, 0}, new long[] {0, 0, 2400, 24}, work));
    assertEquals(3 * 4, reduce.elements(0, work));
    assertEquals(4, reduce.launch(0).grid(0, work));
    assertEquals(3, reduce.launch(0).grid(1, work));
    assertEquals(256, reduce.launch(0).dynamicSharedBytes(work));
    assertEquals(2, reduce.launch(1).repeat(work));
    assertEquals(new Argument.ScratchRef(0), reduce.launch(1).arguments().get(0));
    assertEquals(4, ((Expression) reduce.launch(1).arguments().get(2)).value(work));
    assertNull(reduce.example());
  }

  @Test
  void tensor_whose_length_is_not_its_shape_is_refused() throws Exception {
    FunctionSpec axpy = spec(Manifests.AXPY);
    long[] work = new long[axpy.slots()];
    String reason = axpy.bind(new long[3], new long[] {0, 4000, 3996}, work);
    assertReason("tensor y f32[n] (1000) takes 4000 bytes, not 3996", reason);
    assertEquals(Status.INVALID_ARGUMENT, axpy.status(work));
    assertReason("no whole number", axpy.bind(new long[3], new long[] {0, 4001, 4001}, work));
    assertReason("no whole number", axpy.bind(new long[3], new long[] {0, -4, -4}, work));
    FunctionSpec reduce = spec(Manifests.REDUCE);
    long[] wide = new long[reduce.slots()];
    assertReason(
        "tensor x", reduce.bind(new long[] {-1, 100, 0, 0}, new long[] {0, 0, 800, 8}, wide));
    assertReason(
        "of negative or overflowing size",
        reduce.bind(
            new long[] {Integer.MAX_VALUE, 0xFFFF_FFFFL, 0, 0}, new long[] {0, 0, 8, 8}, wide));
  }

  @Test
  void scalar_bits_beyond_the_type_are_not_seen() throws Exception {
    FunctionSpec reduce = spec(Manifests.REDUCE);
    long[] work = new long[reduce.slots()];
    long[] bits = {0xFFFF_FFFF_0000_0003L, 0x7000_0000_0000_0064L, 0, 0};
    assertNull(reduce.bind(bits, new long[] {0, 0, 2400, 24}, work));
  }

  @Test
  void launch_beyond_the_limits_is_refused() throws Exception {
    FunctionSpec reduce = spec(Manifests.REDUCE);
    long[] work = new long[reduce.slots()];
    assertReason(
        "launch 0 (partial): grid y is 65536; it must be 1 to 65535",
        reduce.bind(new long[] {65_536, 1, 0, 0}, new long[] {0, 0, 65_536 * 8, 65_536 * 8}, work));
    assertEquals(Status.INVALID_LAUNCH, reduce.status(work));
    assertReason(
        "grid x is 0", reduce.bind(new long[] {0, 0, 0, 0}, new long[] {0, 0, 0, 0}, work));
    String wide = Manifests.AXPY.replace("[\"256\"]", "[\"n\", \"8\"]");
    FunctionSpec axpy = spec(wide.replace("\"1000\"", "\"100\""));
    long[] own = new long[axpy.slots()];
    assertReason("block x is 1025", axpy.bind(new long[3], new long[] {0, 4100, 4100}, own));
    assertReason("2400 threads", axpy.bind(new long[3], new long[] {0, 1200, 1200}, own));
  }

  @Test
  void names_that_mean_nothing_are_refused() {
    assertRefused("called m", Manifests.AXPY.replace("ceildiv(n, 256)", "ceildiv(m, 256)"));
    assertRefused("x is a tensor", Manifests.AXPY.replace("ceildiv(n, 256)", "x"));
    assertRefused("a is no integer", Manifests.AXPY.replace("ceildiv(n, 256)", "a"));
    assertRefused("partial", Manifests.REDUCE.replace("\"32 * 8\"", "\"partial\""));
    assertRefused(
        "called rows2", Manifests.REDUCE.replace("[\"rows\", \"ceil", "[\"rows2\", \"ceil"));
  }

  @Test
  void extent_that_nothing_binds_is_refused() {
    assertRefused(
        "the extent m is not the only extent",
        Manifests.AXPY.replace("\"IN\", \"shape\": [\"n\"]", "\"IN\", \"shape\": [\"n\", \"m\"]"));
    assertRefused(
        "the extent n", Manifests.AXPY.replace("\"shape\": [\"n\"]", "\"shape\": [\"n + 1\"]"));
  }

  @Test
  void manifest_that_breaks_a_rule_is_refused() {
    assertRefused(
        "must not say pure", Manifests.AXPY.replace("\"version\"", "\"pure\": true, \"version\""));
    assertRefused(
        "function name", Manifests.AXPY.replace("\"name\": \"axpy\"", "\"name\": \"Axpy\""));
    assertRefused("version", Manifests.AXPY.replace("\"version\": \"1\"", "\"version\": \"\""));
    assertRefused("used twice", Manifests.AXPY.replace("\"name\": \"x\"", "\"name\": \"y\""));
    assertRefused(
        "element type", Manifests.AXPY.replace("\"type\": \"F32\", \"tensor\"", "\"tensor\""));
    assertRefused("no direction", Manifests.AXPY.replace("\"direction\": \"IN\",", ""));
    assertRefused("neither", Manifests.AXPY.replace(", \"scalar\": {}", ""));
    assertRefused(
        "modules", Manifests.AXPY.replace("{\"file\": \"axpy.ptx\", \"kind\": \"PTX\"}", ""));
    assertRefused("no known kind", Manifests.AXPY.replace(", \"kind\": \"PTX\"", ""));
    assertRefused("architecture", Manifests.AXPY.replace("\"PTX\"", "\"CUBIN\""));
    assertRefused("file name", Manifests.AXPY.replace("axpy.ptx", "../axpy.ptx"));
    assertRefused("kernel", Manifests.AXPY.replace("\"kernel\": \"axpy\"", "\"kernel\": \"a b\""));
    assertRefused("grid axes", Manifests.AXPY.replace("[\"ceildiv(n, 256)\"]", "[]"));
    assertRefused("type", Manifests.AXPY.replace("\"F32\"", "99"));
    assertRefused("colour", Manifests.AXPY.replace("\"version\"", "\"colour\": 1, \"version\""));
  }

  @Test
  void limits_of_counts_hold() {
    String parameter = "{\"name\": \"p%d\", \"type\": \"I32\", \"scalar\": {}},";
    StringBuilder many = new StringBuilder();
    for (int i = 0; i < 28; i++) {
      many.append(parameter.formatted(i));
    }
    assertRefused(
        "31 parameters", Manifests.AXPY.replace("\"parameters\": [", "\"parameters\": [" + many));
    assertRefused(
        "dimensions",
        Manifests.REDUCE.replace(
            "\"shape\": [\"rows\"]", "\"shape\": [" + "\"1\",".repeat(8) + "\"rows\"]"));
    assertRefused(
        "description",
        Manifests.AXPY.replace(
            "\"version\"", "\"description\": \"" + "d".repeat(1025) + "\", \"version\""));
  }

  @Test
  void example_gives_sizes_to_warm_up_with() throws Exception {
    FunctionSpec.Sizes example = spec(Manifests.AXPY).example();
    assertNotNull(example);
    assertEquals(4000, example.tensorLengthBytes()[1]);
    assertEquals(1.5f, Float.intBitsToFloat((int) example.scalarBits()[0]));
    assertEquals(List.of(1000L), example.extents().get(2));
    assertRefused(
        "example: no value is given for the scalar a",
        Manifests.AXPY.replace("\"a\": \"1.5\", ", ""));
    assertRefused("called b", Manifests.AXPY.replace("\"a\": \"1.5\"", "\"b\": \"1.5\""));
    assertRefused("is no f32", Manifests.AXPY.replace("\"1.5\"", "\"one\""));
    assertRefused("extent n", Manifests.AXPY.replace("\"1000\"", "\"-1\""));
    assertRefused("grid x is 0", Manifests.AXPY.replace("\"1000\"", "\"0\""));
  }

  @Test
  void function_that_needs_no_values_has_an_example_without_any() throws Exception {
    FunctionSpec none =
        spec(
            """
            {"name": "null", "version": "1", "modules": [{"file": "n.ptx", "kind": "PTX"}],
             "plan": [{"kernel": "k", "grid": ["1"], "block": ["1"]}]}
            """);
    assertNotNull(none.example());
    assertNull(none.bind(new long[0], new long[0], new long[none.slots()]));
  }

  @Test
  void sizes_follow_from_names() throws Exception {
    FunctionSpec reduce = spec(Manifests.REDUCE);
    FunctionSpec.Sizes sizes = reduce.sizes(Map.of("rows", "3", "columns", "100"));
    assertEquals(2400, sizes.tensorLengthBytes()[2]);
    assertEquals(List.of(3L, 100L), sizes.extents().get(2));
    assertThrows(
        FunctionPackageException.class,
        () -> reduce.sizes(Map.of("rows", "3000000000", "columns", "1")));
    assertThrows(
        FunctionPackageException.class, () -> reduce.sizes(Map.of("rows", "-3", "columns", "1")));
  }

  @Test
  void u64_scalar_above_the_signed_range_is_refused_only_where_it_counts() throws Exception {
    String unsigned = Manifests.REDUCE.replace("\"U32\"", "\"U64\"");
    FunctionSpec reduce = spec(unsigned);
    assertReason(
        "above 2^63-1",
        reduce.bind(new long[] {1, -1, 0, 0}, new long[] {0, 0, 8, 8}, new long[reduce.slots()]));
    FunctionSpec axpy =
        spec(
            Manifests.AXPY
                .replace("\"a\", \"type\": \"F32\"", "\"a\", \"type\": \"U64\"")
                .replace("1.5", "18446744073709551615"));
    assertNull(axpy.bind(new long[] {-1, 0, 0}, new long[] {0, 4, 4}, new long[axpy.slots()]));
  }

  @Test
  void bind_allocates_nothing() throws Exception {
    FunctionSpec reduce = spec(Manifests.REDUCE);
    long[] scalars = {3, 100, 0, 0};
    long[] lengths = {0, 0, 2400, 24};
    long[] work = new long[reduce.slots()];
    long sum = 0;
    for (int i = 0; i < 20_000; i++) {
      sum += reduce.bind(scalars, lengths, work) == null ? reduce.launch(0).grid(0, work) : 0;
    }
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < 100_000; i++) {
      sum += reduce.bind(scalars, lengths, work) == null ? reduce.elements(0, work) : 0;
    }
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    assertTrue(allocated < 100_000, allocated + " bytes for 100,000 calls; sum " + sum);
  }

  @Test
  void element_types_know_their_sizes_and_values() {
    assertEquals(2, ElementTypes.bytes(ElementType.BF16));
    assertEquals("bf16", ElementTypes.label(ElementType.BF16));
    assertEquals(0xFFL, ElementTypes.parseBits(ElementType.I8, "-1"));
    assertEquals(0x3F80L, ElementTypes.parseBits(ElementType.BF16, "1"));
    assertEquals(0x3C00L, ElementTypes.parseBits(ElementType.F16, "1"));
    assertEquals(-1L, ElementTypes.parseBits(ElementType.U64, "18446744073709551615"));
    assertEquals(-128, ElementTypes.integerValue(ElementType.I8, 0x80));
    for (String bad : List.of("", "256", "-1", "1.5", "x")) {
      assertThrows(NumberFormatException.class, () -> ElementTypes.parseBits(ElementType.U8, bad));
    }
  }
}
