package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.farwarp.ptx.PtxFault.Kind;
import java.util.Random;
import java.util.function.IntBinaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the lanes of a warp do together, against the text of the PTX ISA. */
final class WarpTest {
  /** Some value of each thread, as the kernels below compute it into {@code %r1}. */
  private static final String VALUE =
      "mad.lo.u32 %r1, %tid, 0x9E3779B1, 12345;\nshr.u32 %r2, %r1, 7;\nxor.b32 %r1, %r1, %r2;\n";

  private static int value(int thread) {
    int v = thread * 0x9E3779B1 + 12345;
    return v ^ v >>> 7;
  }

  /** The lane that {@code shfl} reads, or -1 - lane when it is out of range and reads itself. */
  private static int source(String mode, int lane, int b, int c) {
    int clamp = c & 31;
    int segment = c >> 8 & 31;
    int most = lane & segment | clamp & ~segment;
    int least = lane & segment;
    int j =
        switch (mode) {
          case "up" -> lane - (b & 31);
          case "down" -> lane + (b & 31);
          case "bfly" -> lane ^ b & 31;
          default -> least | b & 31 & ~segment;
        };
    boolean inside = mode.equals("up") ? j >= most : j <= most;
    return inside ? j : -1 - lane;
  }

  @ParameterizedTest
  @ValueSource(strings = {"up", "down", "bfly", "idx"})
  void shuffle_reads_the_lane_that_the_isa_says_and_tells_whether_it_was_in_range(String mode)
      throws Exception {
    Random random = new Random(mode.hashCode());
    for (int round = 0; round < 40; round++) {
      int b = random.nextInt(round < 20 ? 32 : 64);
      int segment = new int[] {0, 0, 0x10, 0x18, 0x1C, 0x1E, 0x1F, 0x0A}[random.nextInt(8)];
      int clamp = random.nextInt(4) == 0 ? random.nextInt(32) : mode.equals("up") ? 0 : 31;
      int c = segment << 8 | clamp;
      String operands = round % 2 == 0 ? b + ", " + c : "%r4, %r5";
      String sync = round % 3 == 0 ? "" : ".sync";
      String mask = round % 3 == 0 ? "" : round % 3 == 1 ? ", -1" : ", %r6";
      String code =
          VALUE
              + "xor.b32 %r4, %size, %size;\nadd.u32 %r4, %r4, "
              + b
              + ";\n"
              + "sub.u32 %r5, %r4, "
              + (b - c)
              + ";\nnot.b32 %r6, 0;\n"
              + "shfl"
              + sync
              + "."
              + mode
              + ".b32 %r3|%p1, %r1, "
              + operands
              + mask
              + ";\n"
              + "selp.u32 %r2, 1, 0, %p1;\nand.b32 %d, %r3, -2;\nor.b32 %d, %d, %r2;\n";
      int[] got = BlockKernel.run(code, 64);
      for (int thread = 0; thread < 64; thread++) {
        int from = source(mode, thread % 32, b, c);
        int lane = from < 0 ? thread % 32 : from;
        int expected = value(thread / 32 * 32 + lane) & -2 | (from < 0 ? 0 : 1);
        assertEquals(expected, got[thread], mode + " by " + b + ", c " + c + ", at " + thread);
      }
    }
  }

  @Test
  void shuffle_moves_floats_and_may_be_read_by_others_in_a_loop() throws Exception {
    String code =
        """
        cvt.rn.f32.u32 %f1, %tid;
        mov.u32 %r1, 1;
        again:
        shfl.sync.bfly.b32 %f2, %f1, %r1, 31, -1;
        add.rn.f32 %f1, %f1, %f2;
        shl.b32 %r1, %r1, 1;
        setp.lt.u32 %p1, %r1, 32;
        @%p1 bra again;
        cvt.rzi.s32.f32 %d, %f1;
        """;
    int[] got = BlockKernel.run(code, 128);
    for (int i = 0; i < 128; i++) {
      assertEquals(i / 32 * 1024 + 496, got[i]);
    }
  }

  @Test
  void lanes_of_two_arms_shuffle_apart_by_their_masks() throws Exception {
    String code =
        """
        and.b32 %r1, %tid, 1;
        setp.eq.u32 %p1, %r1, 0;
        @%p1 bra even;
        shfl.sync.idx.b32 %d, %tid, 31, 31, 0xAAAAAAAA;
        shfl.sync.idx.b32 %r2, %d, 1, 31, 0xAAAAAAAA;
        add.u32 %d, %d, %r2;
        bra joined;
        even:
        shfl.sync.idx.b32 %d, %tid, 0, 31, 0x55555555;
        joined:
        shfl.sync.down.b32 %r3, %d, 1, 31, -1;
        mad.lo.u32 %d, %d, 1000, %r3;
        """;
    int[] got = BlockKernel.run(code, 64);
    for (int i = 0; i < 64; i++) {
      int odd = 2 * (i / 32 * 32 + 31);
      int even = i / 32 * 32;
      int mine = i % 2 == 0 ? even : odd;
      int next = i % 32 == 31 ? mine : i % 2 == 0 ? odd : even;
      assertEquals(mine * 1000 + next, got[i]);
    }
  }

  @Test
  void lanes_that_have_ended_are_not_waited_for() throws Exception {
    String code =
        """
        mov.u32 %r1, %laneid;
        setp.gt.u32 %p1, %r1, 20;
        @%p1 bra out;
        vote.sync.ballot.b32 %d, !%p1, -1;
        add.u32 %r2, %r1, 1;
        setp.ne.u32 %p2, %r2, 21;
        vote.sync.all.pred %p3, %p2, -1;
        @%p3 mov.u32 %d, 0;
        shfl.sync.down.b32 %r3|%p4, %d, 1, 31, -1;
        @!%p4 mov.u32 %d, 1;
        out:
        """;
    int[] got = BlockKernel.run(code, 64);
    for (int i = 0; i < 64; i++) {
      assertEquals(i % 32 > 20 ? 0 : (1 << 21) - 1, got[i]);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'vote.sync.all.pred %p2, %p1, -1;', 0",
    "'vote.sync.any.pred %p2, %p1, -1;', 1",
    "'vote.sync.uni.pred %p2, %p1, -1;', 0",
    "'vote.sync.uni.pred %p2, !%p3, -1;', 1",
    "'vote.sync.all.pred %p2, !%p3, -1;', 1",
    "'vote.all.pred %p2, %p1;', 0",
    "'vote.any.pred %p2, !%p1;', 1",
    "'vote.uni.pred %p2, %p3;', 1",
  })
  void votes_see_the_predicates_of_all_lanes(String vote, int expected) throws Exception {
    String code =
        "and.b32 %r1, %tid, 3;\nsetp.eq.u32 %p1, %r1, 2;\nsetp.eq.u32 %p3, %r1, 9;\n"
            + vote
            + "\nselp.u32 %d, 1, 0, %p2;\n";
    for (int threads : new int[] {32, 40, 3}) {
      int[] got = BlockKernel.run(code, threads);
      for (int i = 0; i < threads; i++) {
        assertEquals(expected, got[i]);
      }
    }
  }

  @Test
  void ballots_hold_a_bit_for_each_lane_there_is() throws Exception {
    String code =
        VALUE
            + "setp.lt.s32 %p1, %r1, 0;\nvote.sync.ballot.b32 %r3, %p1, -1;\n"
            + "vote.ballot.b32 %r4, %p1;\nsetp.eq.u32 %p2, %r3, %r4;\n@%p2 mov.u32 %d, %r3;\n";
    int[] got = BlockKernel.run(code, 75);
    for (int i = 0; i < 75; i++) {
      int ballot = 0;
      for (int j = i / 32 * 32; j < Math.min(75, i / 32 * 32 + 32); j++) {
        ballot |= value(j) < 0 ? 1 << j : 0;
      }
      assertEquals(ballot, got[i]);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"b32", "b64"})
  void match_finds_lanes_of_equal_value(String type) throws Exception {
    String code =
        """
        rem.u32 %r1, %tid, 5;
        cvt.u64.u32 %rd1, %r1;
        shl.b64 %rd1, %rd1, 33;
        setp.ge.u32 %p2, %tid, 32;
        match.any.sync.TYPE %r2, VALUE, -1;
        selp.u32 %r1, %r1, 7, %p2;
        cvt.u64.u32 %rd1, %r1;
        match.all.sync.TYPE %r3|%p1, VALUE, -1;
        selp.u32 %r4, 1, 0, %p1;
        xor.b32 %d, %r2, %r3;
        xor.b32 %d, %d, %r4;
        """
            .replace("TYPE", type)
            .replace("VALUE", type.equals("b64") ? "%rd1" : "%r1");
    int[] got = BlockKernel.run(code, 64);
    for (int i = 0; i < 64; i++) {
      int any = 0;
      for (int j = i / 32 * 32; j < i / 32 * 32 + 32; j++) {
        any |= j % 5 == i % 5 ? 1 << j : 0;
      }
      assertEquals(i < 32 ? ~any ^ 1 : any, got[i]);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "add.s32", "add.u32", "min.s32", "min.u32", "max.s32", "max.u32", "and.b32", "or.b32",
        "xor.b32"
      })
  void redux_reduces_over_the_members(String operation) throws Exception {
    IntBinaryOperator reduce =
        switch (operation) {
          case "add.s32", "add.u32" -> Integer::sum;
          case "min.s32" -> Math::min;
          case "max.s32" -> Math::max;
          case "min.u32" -> (a, b) -> Integer.compareUnsigned(a, b) < 0 ? a : b;
          case "max.u32" -> (a, b) -> Integer.compareUnsigned(a, b) > 0 ? a : b;
          case "and.b32" -> (a, b) -> a & b;
          case "or.b32" -> (a, b) -> a | b;
          default -> (a, b) -> a ^ b;
        };
    String code =
        VALUE
            + "setp.lt.u32 %p1, %tid, 7;\n"
            + "@%p1 redux.sync.OP %d, %r1, 0x7F;\n@%p1 bra out;\n".replace("OP", operation)
            + "redux.sync.OP %d, %r1, 0xFFFFFF80;\nout:\n".replace("OP", operation);
    int[] got = BlockKernel.run(code, 32);
    for (int i = 0; i < 32; i++) {
      int from = i < 7 ? 0 : 7;
      int expected = value(from);
      for (int j = from + 1; j < (i < 7 ? 7 : 32); j++) {
        expected = reduce.applyAsInt(expected, value(j));
      }
      assertEquals(expected, got[i], operation + " at " + i);
    }
  }

  @Test
  void active_mask_shows_the_lanes_of_an_arm_and_one_of_them_is_elected() throws Exception {
    String code =
        """
        and.b32 %r1, %tid, 1;
        setp.eq.u32 %p1, %r1, 0;
        @%p1 bra even;
        activemask.b32 %r2;
        bra joined;
        even:
        activemask.b32 %r2;
        joined:
        elect.sync %r3|%p2, %r2;
        selp.u32 %r4, 100, 0, %p2;
        add.u32 %r3, %r3, %r4;
        bar.warp.sync -1;
        mov.u32 %d, %r3;
        setp.ne.u32 %p3, %r2, 0x55555555;
        setp.ne.and.u32 %p3, %r2, 0xAAAAAAAA, %p3;
        @%p3 mov.u32 %d, -1;
        elect.sync _|%p2, 0xffffffff;
        @%p2 add.u32 %d, %d, 1000;
        """;
    int[] got = BlockKernel.run(code, 64);
    for (int i = 0; i < 64; i++) {
      int lane = i % 32;
      assertEquals(lane % 2 + (lane < 2 ? 100 : 0) + (lane == 0 ? 1000 : 0), got[i]);
    }
  }

  @Test
  void lanes_come_together_again_behind_loops_of_different_length() throws Exception {
    String code =
        """
        mov.u32 %r1, %laneid;
        mov.u32 %r4, %lanemask_eq;
        mov.u32 %r2, 0;
        again:
        setp.ge.u32 %p1, %r2, %r1;
        @%p1 bra done;
        add.u32 %r2, %r2, 1;
        vote.sync.any.pred %p2, %p1, %r4;
        bra again;
        done:
        activemask.b32 %r3;
        popc.b32 %d, %r3;
        """;
    int[] got = BlockKernel.run(code, 64);
    for (int i = 0; i < 64; i++) {
      assertEquals(32, got[i]);
    }
  }

  @ParameterizedTest
  @CsvSource({"eq, 1", "lt, 2", "le, 3", "gt, 4", "ge, 5"})
  void lane_masks_are_those_of_the_lane(String mask, int which) throws Exception {
    int[] got = BlockKernel.run("bar.sync 0;\nmov.u32 %d, %lanemask_" + mask + ";\n", 70);
    for (int i = 0; i < 70; i++) {
      int bit = 1 << i;
      int expected =
          switch (which) {
            case 1 -> bit;
            case 2 -> bit - 1;
            case 3 -> bit | bit - 1;
            case 4 -> ~(bit | bit - 1);
            default -> ~(bit - 1);
          };
      assertEquals(expected, got[i]);
    }
  }

  @Test
  void mask_of_a_lane_that_never_comes_is_a_deadlock() {
    String code =
        """
        mov.u32 %r1, %laneid;
        setp.eq.u32 %p1, %r1, 3;
        @%p1 bra other;
        shfl.sync.idx.b32 %d, %r1, 0, 31, -1;
        bra out;
        other:
        vote.sync.ballot.b32 %d, %p1, -1;
        out:
        """;
    PtxFault fault = assertThrows(PtxFault.class, () -> BlockKernel.run(code, 32));
    assertEquals(Kind.DEADLOCK, fault.kind());
  }
}
