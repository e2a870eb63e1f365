package io.farwarp.ptx.runtime;

/**
 * What the threads of a block keep while they are stopped, by linear thread index: their states,
 * their registers, and what they give each other. One for each worker thread of a launch whose
 * kernel has stops. The public fields are read by generated code.
 */
public final class BlockThreads {
  /**
   * How many arrays of each kind hold saved registers.
   *
   * @param localBytes local memory of the kernel's own variables, for each thread
   */
  public record Shape(int ints, int longs, int floats, int doubles, int localBytes) {}

  static final int WARP = 32;
  private static final int MAX_WARPS = 32;

  /**
   * Where each thread is: the number of the stop at which it waits, the complement of the region
   * that it is ready for, or {@link RegionCode#EXITED}.
   */
  public int[] states = {};

  public int[] xs = {};
  public int[] ys = {};
  public int[] zs = {};

  /** Operands of the stops. */
  public int[] first = {};

  public int[] second = {};
  public int[] third = {};
  public int[] members = {};
  public long[] wide = {};

  /** What a thread finds when it goes on: a value and a predicate. */
  public int[] results = {};

  public int[] flags = {};

  /** Saved registers: arrays by number, then by thread. */
  public final int[][] ints;

  public final long[][] longs;
  public final float[][] floats;
  public final double[][] doubles;

  final Barriers barriers = new Barriers();

  /** By warp: the lanes that are ready because they poll. */
  final int[] pollers = new int[MAX_WARPS];

  /** By warp: whether lanes wait for an operation of the warp. */
  final boolean[] meeting = new boolean[MAX_WARPS];

  /** For how many rounds lanes of each warp have waited to go in step with others. */
  final int[] held = new int[MAX_WARPS];

  /** By warp: whether all its threads have ended or wait at barriers. */
  final boolean[] quiet = new boolean[MAX_WARPS];

  private final Shape shape;
  private int count;
  private int threadsX;
  private int threadsY;

  public BlockThreads(Shape shape) {
    this.shape = shape;
    ints = new int[shape.ints()][0];
    longs = new long[shape.longs()][0];
    floats = new float[shape.floats()][0];
    doubles = new double[shape.doubles()][0];
  }

  public Shape shape() {
    return shape;
  }

  /** Makes room for blocks of a shape; allocates only for more threads than ever before. */
  public void reshape(int x, int y, int z) {
    int threads = x * y * z;
    if (threads > states.length) {
      allocate(threads);
      threadsX = 0;
    }
    if (threads != count || x != threadsX || y != threadsY) {
      for (int i = 0; i < threads; i++) {
        xs[i] = i % x;
        ys[i] = i / x % y;
        zs[i] = i / x / y;
      }
      count = threads;
      threadsX = x;
      threadsY = y;
    }
  }

  private void allocate(int threads) {
    states = new int[threads];
    xs = new int[threads];
    ys = new int[threads];
    zs = new int[threads];
    first = new int[threads];
    second = new int[threads];
    third = new int[threads];
    members = new int[threads];
    wide = new long[threads];
    results = new int[threads];
    flags = new int[threads];
    for (int i = 0; i < ints.length; i++) {
      ints[i] = new int[threads];
    }
    for (int i = 0; i < longs.length; i++) {
      longs[i] = new long[threads];
    }
    for (int i = 0; i < floats.length; i++) {
      floats[i] = new float[threads];
    }
    for (int i = 0; i < doubles.length; i++) {
      doubles[i] = new double[threads];
    }
  }

  /** Threads of a block. */
  public int count() {
    return count;
  }

  int warps() {
    return (count + WARP - 1) / WARP;
  }

  /** The lanes that a warp has; the last warp of a block may be short. */
  int lanes(int warp) {
    int rest = count - warp * WARP;
    return rest >= WARP ? -1 : (1 << rest) - 1;
  }
}
