package io.farwarp.cli.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.cli.CommandException;
import io.farwarp.function.FunctionSpec;
import io.farwarp.function.ManifestJson;
import io.farwarp.v1.ElementType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CallPlanTest {
  private static final String ROWS =
      """
      {"name": "rows", "version": "1",
       "parameters": [
         {"name": "m", "type": "F64", "tensor": {"direction": "IN", "shape": ["rows", "cols"]}},
         {"name": "w", "type": "F32", "tensor": {"direction": "IN", "shape": ["k"]}},
         {"name": "sum", "type": "F64", "tensor": {"direction": "OUT", "shape": ["rows + 1"]}},
         {"name": "rows", "type": "I32", "scalar": {}},
         {"name": "cols", "type": "I32", "scalar": {}}],
       "modules": [{"file": "rows.ptx", "kind": "PTX"}],
       "plan": [{"kernel": "k", "grid": ["rows"], "block": ["64"],
                 "arguments": ["m", "w", "sum", "rows", "cols", "k"]}]}
      """;

  @TempDir private Path directory;
  private final Arena arena = Arena.ofShared();

  @AfterEach
  void close() {
    arena.close();
  }

  private TensorFile npy(String name, ElementType type, long bytes, Long... shape) {
    Path file = directory.resolve(name);
    TensorFile.write(file, type, List.of(shape), arena.allocate(bytes));
    return TensorFile.map(file, arena);
  }

  private static CallPlan plan(
      Map<String, TensorFile> inputs, Map<String, String> scalars, Map<String, String> shapes)
      throws Exception {
    return new CallPlan(
        FunctionSpec.of(ManifestJson.read(ROWS)), inputs, Set.of("sum"), scalars, shapes);
  }

  private static void assertRefused(
      String part,
      Map<String, TensorFile> inputs,
      Map<String, String> scalars,
      Map<String, String> shapes) {
    String message =
        assertThrows(CommandException.class, () -> plan(inputs, scalars, shapes)).getMessage();
    assertTrue(message.contains(part), message);
  }

  @Test
  void scalars_and_extents_follow_from_files() throws Exception {
    TensorFile m = npy("m.npy", ElementType.F64, 3 * 4 * 8, 3L, 4L);
    TensorFile w = npy("w.npy", ElementType.F32, 5 * 4, 5L);
    CallPlan plan = plan(Map.of("m", m, "w", w), Map.of(), Map.of());
    FunctionSpec spec = FunctionSpec.of(ManifestJson.read(ROWS));
    assertEquals(3, plan.scalarBits(spec.parameters().get(3)));
    assertEquals(4, plan.scalarBits(spec.parameters().get(4)));
    assertEquals(List.of(4L), plan.shape(spec.parameters().get(2)));
    assertTrue(plan.windowBytes() >= 96 + 20 + 32);
  }

  @Test
  void bare_elements_need_what_their_length_does_not_tell() throws Exception {
    Path bin = Files.write(directory.resolve("m.bin"), new byte[96]);
    TensorFile m = TensorFile.map(bin, arena);
    TensorFile w = TensorFile.map(Files.write(directory.resolve("w.bin"), new byte[20]), arena);
    Map<String, TensorFile> inputs = Map.of("m", m, "w", w);
    assertRefused("scalar rows i32 is missing", inputs, Map.of(), Map.of());
    CallPlan plan = plan(inputs, Map.of("rows", "3", "cols", "4"), Map.of());
    assertEquals(
        List.of(3L, 4L), plan.shape(FunctionSpec.of(ManifestJson.read(ROWS)).parameters().get(0)));
    CallPlan shaped = plan(inputs, Map.of(), Map.of("m", "3x4"));
    assertEquals(plan.windowBytes(), shaped.windowBytes());
    assertRefused("96 bytes", inputs, Map.of("rows", "3", "cols", "5"), Map.of());
  }

  @Test
  void what_does_not_fit_is_refused() {
    TensorFile m = npy("m.npy", ElementType.F64, 3 * 4 * 8, 3L, 4L);
    TensorFile w = npy("w.npy", ElementType.F32, 5 * 4, 5L);
    TensorFile flat = npy("flat.npy", ElementType.F64, 3 * 4 * 8, 12L);
    TensorFile doubles = npy("doubles.npy", ElementType.F64, 5 * 8, 5L);
    Map<String, TensorFile> both = Map.of("m", m, "w", w);
    assertRefused("m f64[rows, cols] is missing", Map.of("w", w), Map.of(), Map.of());
    assertRefused("[12]", Map.of("m", flat, "w", w), Map.of(), Map.of());
    assertRefused("astype('<f4')", Map.of("m", m, "w", doubles), Map.of(), Map.of());
    assertRefused("--scalar rows says 7", both, Map.of("rows", "7"), Map.of());
    assertRefused("no scalar q", both, Map.of("q", "7"), Map.of());
    assertRefused("no tensor q", both, Map.of(), Map.of("q", "7"));
    assertRefused("a shape is like", both, Map.of(), Map.of("sum", "-7"));
    assertRefused("written only", Map.of("m", m, "w", w, "sum", flat), Map.of(), Map.of());
  }

  @Test
  void file_is_written_whole_or_not_at_all() throws Exception {
    Path file = directory.resolve("out.npy");
    Files.writeString(file, "before");
    MemorySegment elements = arena.allocate(40);
    elements.setAtIndex(java.lang.foreign.ValueLayout.JAVA_DOUBLE, 2, 1.25);
    TensorFile.write(file, ElementType.F64, List.of(5L), elements);
    TensorFile read = TensorFile.map(file, arena);
    assertEquals(-1, read.elements().mismatch(elements));
    try (var files = Files.list(directory)) {
      assertEquals(1, files.count());
    }
    Path missing = directory.resolve("no-such-directory").resolve("out.npy");
    assertThrows(
        CommandException.class,
        () -> TensorFile.write(missing, ElementType.F64, List.of(5L), elements));
    assertThrows(CommandException.class, () -> TensorFile.checkWritable(missing));
    assertThrows(
        CommandException.class, () -> TensorFile.checkWritable(directory.resolve("out.csv")));
  }

  @Test
  void truncated_npy_is_refused() throws Exception {
    TensorFile w = npy("w.npy", ElementType.F32, 5 * 4, 5L);
    byte[] bytes = Files.readAllBytes(w.path());
    Path file = Files.write(directory.resolve("t.npy"), java.util.Arrays.copyOf(bytes, 130));
    assertTrue(
        assertThrows(CommandException.class, () -> TensorFile.map(file, arena))
            .getMessage()
            .contains("its header says 20"));
  }
}
