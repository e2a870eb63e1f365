package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModuleCacheTest {
  private static final String SUM =
      """
      .version 6.3
      .target sm_75
      .address_size 64
      .visible .entry sum(.param .u64 out) .reqntid 64
      {
        .reg .b32 %r<4>;
        .reg .b64 %rd<2>;
        .reg .pred %p<2>;
        ld.param.u64 %rd1, [out];
        mov.u32 %r1, %tid.x;
        bar.sync 0;
        redux.sync.add.s32 %r2, %r1, -1;
        setp.eq.s32 %p1, %r1, 32;
        @%p1 st.global.u32 [%rd1], %r2;
        ret;
      }
      .visible .entry wild()
      {
        .reg .b32 %r<2>;
        .reg .b64 %rd<2>;
        mov.u64 %rd1, 64;
        .loc 1 7 0
        ld.global.u32 %r1, [%rd1];
        ret;
      }
      .file 1 "wild.cu"
      """;

  @TempDir private Path temporary;
  private Path cache = Path.of("");

  @BeforeEach
  void setUp() {
    cache = temporary.resolve("cache");
  }

  private PtxModule load(String text) throws PtxException {
    return PtxModule.load(text, PtxOptions.defaults().cachedIn(cache));
  }

  private List<Path> files() throws IOException {
    try (var files = Files.list(cache)) {
      return files.sorted().toList();
    }
  }

  private static int sum(PtxModule module) throws PtxFault {
    try (PtxExecutor executor = PtxExecutor.create(1);
        Arena arena = Arena.ofShared()) {
      MemorySegment out = arena.allocate(4, 16);
      PtxLaunch launch = module.kernel("sum").newLaunch().block(64, 1, 1).pointer(0, out, 0, 4);
      executor.run(launch, Ptx.NEVER);
      return out.get(ValueLayout.JAVA_INT, 0);
    }
  }

  @Test
  void a_module_from_the_cache_is_what_it_was() throws Exception {
    try (PtxModule first = load(SUM)) {
      assertEquals(1520, sum(first));
    }
    List<Path> kept = files();
    assertEquals(1, kept.size());
    FileTime written = FileTime.fromMillis(1_000_000);
    Files.setLastModifiedTime(kept.getFirst(), written);
    try (PtxModule second = load(SUM);
        PtxExecutor executor = PtxExecutor.create(1)) {
      assertEquals(written, Files.getLastModifiedTime(kept.getFirst()), "it was written again");
      assertEquals(List.of("sum", "wild"), second.kernelNames());
      assertEquals(SUM, second.text());
      assertEquals(1520, sum(second));
      PtxLaunch wrong = second.kernel("sum").newLaunch().block(32, 1, 1).scalar(0, 0);
      assertThrows(PtxFault.class, () -> executor.run(wrong, Ptx.NEVER), "reqntid is forgotten");
      PtxLaunch wild = second.kernel("wild").newLaunch();
      PtxFault fault = assertThrows(PtxFault.class, () -> executor.run(wild, Ptx.NEVER));
      assertEquals("wild.cu:7", fault.source());
    }
  }

  @Test
  void a_damaged_file_is_compiled_again_and_replaced() throws Exception {
    load(SUM).close();
    Path file = files().getFirst();
    byte[] good = Files.readAllBytes(file);
    for (int at = 0; at < good.length; at += 97) {
      byte[] bad = good.clone();
      bad[at] ^= 1;
      Files.write(file, bad);
      try (PtxModule module = load(SUM)) {
        assertEquals(1520, sum(module));
      }
      assertArrayEquals(good, Files.readAllBytes(file));
    }
    for (int length : new int[] {0, 5, 100, good.length - 1}) {
      Files.write(file, Arrays.copyOf(good, length));
      try (PtxModule module = load(SUM)) {
        assertEquals(1520, sum(module));
      }
      assertArrayEquals(good, Files.readAllBytes(file));
    }
  }

  @Test
  void another_text_and_other_options_have_files_of_their_own() throws Exception {
    load(SUM).close();
    load(SUM.replace("32;", "33;")).close();
    PtxModule.load(SUM, new PtxOptions(1 << 20, 0, 1 << 10).cachedIn(cache)).close();
    assertEquals(3, files().size());
  }

  @Test
  void a_file_of_another_text_is_not_taken_for_this_one() throws Exception {
    load(SUM.replace("sync.add", "sync.max")).close();
    byte[] ofOther = Files.readAllBytes(files().getFirst());
    Files.delete(files().getFirst());
    load(SUM).close();
    Path file = files().getFirst();
    Files.write(file, ofOther);
    try (PtxModule module = load(SUM)) {
      assertEquals(1520, sum(module));
    }
    assertFalse(Arrays.equals(ofOther, Files.readAllBytes(file)), "it was not replaced");
  }

  @Test
  void a_directory_that_others_may_enter_is_not_used() throws Exception {
    Files.createDirectory(cache);
    Files.setPosixFilePermissions(cache, PosixFilePermissions.fromString("rwxrwx---"));
    try (PtxModule module = load(SUM)) {
      assertEquals(1520, sum(module));
    }
    assertEquals(List.of(), files());
  }

  @Test
  void what_is_made_is_for_this_user_alone() throws Exception {
    load(SUM).close();
    assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(cache)));
    assertEquals(
        "rw-------",
        PosixFilePermissions.toString(Files.getPosixFilePermissions(files().getFirst())));
  }

  @Test
  void a_link_in_place_of_a_file_is_not_followed() throws Exception {
    load(SUM).close();
    Path file = files().getFirst();
    Path elsewhere = Files.move(file, temporary.resolve("elsewhere"));
    Files.createSymbolicLink(file, elsewhere);
    byte[] before = Files.readAllBytes(elsewhere);
    try (PtxModule module = load(SUM)) {
      assertEquals(1520, sum(module));
    }
    assertArrayEquals(before, Files.readAllBytes(elsewhere));
  }

  @Test
  void a_module_with_variables_is_compiled_by_each_process() throws Exception {
    String text = SUM + ".global .align 4 .u32 counter;\n";
    try (PtxModule module = load(text)) {
      assertEquals(1520, sum(module));
    }
    assertFalse(Files.exists(cache) && !files().isEmpty(), "its addresses are constants");
  }

  @Test
  void what_is_refused_is_not_kept() throws Exception {
    String text = SUM.replace("redux.sync.add", "redux.sync.frobnicate");
    assertThrows(PtxException.class, () -> load(text));
    assertTrue(files().isEmpty());
    assertThrows(PtxException.class, () -> load(text));
  }

  @Test
  void the_oldest_files_go_when_there_is_too_much() throws Exception {
    load(SUM).close();
    Path first = files().getFirst();
    Path large = cache.resolve("large");
    try (var file = new RandomAccessFile(large.toFile(), "rw")) {
      file.setLength(256L << 20); // a hole, not so many bytes of disk
    }
    Files.setLastModifiedTime(large, FileTime.fromMillis(1_000_000));
    load(SUM.replace("32;", "33;")).close();
    assertFalse(Files.exists(large), "the oldest");
    assertTrue(Files.exists(first), "which had room");
    assertEquals(2, files().size());
  }
}
