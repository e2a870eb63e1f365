package io.farwarp.ptx.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/** Sparse matrices and graphs. */
final class GraphCases {
  private static final Graph GRAPH = Graph.random(1, 500);
  private static final int NODES = GRAPH.nodes();
  private static final int FAR = 1 << 28;

  private GraphCases() {}

  static List<CorpusCase> all() {
    return List.of(
        new CorpusCase("graphs", "spmvScalar", GraphCases::spmvScalar),
        new CorpusCase("graphs", "spmvVector", GraphCases::spmvVector),
        new CorpusCase("graphs", "spmvEllpack", GraphCases::spmvEllpack),
        new CorpusCase("graphs", "bfsMasks", GraphCases::bfsMasks),
        new CorpusCase("graphs", "bfsQueue", GraphCases::bfsQueue),
        new CorpusCase("graphs", "floydWarshall", GraphCases::floydWarshall),
        new CorpusCase("graphs", "relaxEdges", GraphCases::bellmanFord),
        new CorpusCase("graphs", "components", GraphCases::components),
        new CorpusCase("graphs", "countTriangles", GraphCases::triangles),
        new CorpusCase("graphs", "pageRank", GraphCases::pageRank));
  }

  private static double[] product(double[] values, double[] x) {
    double[] y = new double[NODES];
    for (int edge = 0; edge < values.length; edge++) {
      y[GRAPH.source(edge)] += values[edge] * x[GRAPH.targets()[edge]];
    }
    return y;
  }

  private static void spmvScalar(Device device) throws Exception {
    float[] values = Inputs.floats(2, GRAPH.targets().length, -1, 1);
    float[] x = Inputs.floats(3, NODES, -1, 1);
    MemorySegment y = device.zeros(NODES * 4L);
    device
        .kernel("spmvScalar")
        .grid(8)
        .block(64)
        .run(
            device.copy(GRAPH.first()),
            device.copy(GRAPH.targets()),
            device.copy(values),
            device.copy(x),
            y,
            NODES);
    Expect.floats(product(Inputs.widened(values), Inputs.widened(x)), y, 1e-5);
  }

  private static void spmvVector(Device device) throws Exception {
    double[] values = Inputs.doubles(4, GRAPH.targets().length, -1, 1);
    double[] x = Inputs.doubles(5, NODES, -1, 1);
    MemorySegment y = device.zeros(NODES * 8L);
    device
        .kernel("spmvVector")
        .grid(3)
        .block(128)
        .run(
            device.copy(GRAPH.first()),
            device.copy(GRAPH.targets()),
            device.copy(values),
            device.copy(x),
            y,
            NODES);
    Expect.doubles(product(values, x), y, 1e-13);
  }

  private static void spmvEllpack(Device device) throws Exception {
    int width = 80;
    float[] values = Inputs.floats(6, GRAPH.targets().length, -1, 1);
    float[] x = Inputs.floats(7, NODES, -1, 1);
    int[] columns = new int[NODES * width];
    float[] padded = new float[NODES * width];
    Arrays.fill(columns, -1);
    for (int edge = 0; edge < values.length; edge++) {
      int row = GRAPH.source(edge);
      int at = (edge - GRAPH.first()[row]) * NODES + row;
      columns[at] = GRAPH.targets()[edge];
      padded[at] = values[edge];
    }
    MemorySegment y = device.zeros(NODES * 4L);
    device
        .kernel("spmvEllpack")
        .grid(8)
        .block(64)
        .run(device.copy(columns), device.copy(padded), device.copy(x), y, NODES, width);
    Expect.floats(product(Inputs.widened(values), Inputs.widened(x)), y, 1e-5);
  }

  private static void bfsMasks(Device device) throws Exception {
    MemorySegment nodes = device.copy(GRAPH.firstsAndDegrees());
    MemorySegment edges = device.copy(GRAPH.targets());
    byte[] start = new byte[NODES];
    start[0] = 1;
    int[] none = new int[NODES];
    Arrays.fill(none, 1, NODES, -1);
    MemorySegment mask = device.copy(start);
    MemorySegment visited = device.copy(start);
    MemorySegment updating = device.zeros(NODES);
    MemorySegment cost = device.copy(none);
    MemorySegment over = device.zeros(1);
    do {
      over.fill((byte) 0);
      device
          .kernel("bfsExpand")
          .grid(4)
          .block(128)
          .run(nodes, edges, mask, updating, visited, cost, NODES);
      device.kernel("bfsUpdate").grid(4).block(128).run(mask, updating, visited, over, NODES);
    } while (Device.bytes(over)[0] != 0);
    Expect.ints(GRAPH.levels(0), cost);
  }

  private static void bfsQueue(Device device) throws Exception {
    MemorySegment nodes = device.copy(GRAPH.firstsAndDegrees());
    MemorySegment edges = device.copy(GRAPH.targets());
    int[] none = new int[NODES];
    Arrays.fill(none, 1, NODES, -1);
    MemorySegment level = device.copy(none);
    MemorySegment queue = device.zeros(NODES * 4L);
    int size = 1;
    for (int depth = 1; size > 0; depth++) {
      MemorySegment next = device.zeros(NODES * 4L);
      MemorySegment nextSize = device.zeros(4);
      device
          .kernel("bfsQueue")
          .grid(1 + size / 100)
          .block(64)
          .run(nodes, edges, level, queue, size, next, nextSize, depth);
      queue = next;
      size = Device.ints(nextSize)[0];
    }
    Expect.ints(GRAPH.levels(0), level);
  }

  private static int[] lengths(int seed) {
    return Inputs.ints(seed, GRAPH.targets().length, 1, 100);
  }

  private static void floydWarshall(Device device) throws Exception {
    int n = 75;
    int tiles = 5;
    Graph graph = Graph.random(8, n);
    int[] distances = new int[n * n];
    Arrays.fill(distances, FAR);
    for (int edge = 0; edge < graph.targets().length; edge++) {
      distances[graph.source(edge) * n + graph.targets()[edge]] = 1 + edge * 7 % 50;
    }
    MemorySegment memory = device.copy(distances);
    for (int round = 0; round < tiles; round++) {
      device.kernel("floydWarshall").block(16, 16, 1).run(memory, n, round, 1);
      device
          .kernel("floydWarshall")
          .grid(tiles - 1, 2, 1)
          .block(16, 16, 1)
          .run(memory, n, round, 2);
      device
          .kernel("floydWarshall")
          .grid(tiles - 1, tiles - 1, 1)
          .block(16, 16, 1)
          .run(memory, n, round, 3);
    }
    for (int k = 0; k < n; k++) {
      for (int i = 0; i < n * n; i++) {
        int through = distances[i / n * n + k] + distances[k * n + i % n];
        distances[i] = Math.min(distances[i], through);
      }
    }
    int[] actual = Device.ints(memory);
    for (int i = 0; i < n * n; i++) {
      assertEquals(Math.min(distances[i], FAR), Math.min(actual[i], FAR), "pair " + i);
    }
  }

  private static void bellmanFord(Device device) throws Exception {
    int count = GRAPH.targets().length;
    int[] lengths = lengths(9);
    int[] edges = new int[3 * count];
    for (int edge = 0; edge < count; edge++) {
      edges[3 * edge] = GRAPH.source(edge);
      edges[3 * edge + 1] = GRAPH.targets()[edge];
      edges[3 * edge + 2] = lengths[edge];
    }
    long none = 0x7fffffffL << 32;
    long[] best = new long[NODES];
    Arrays.fill(best, none);
    best[0] = 0;
    MemorySegment memory = device.copy(best);
    MemorySegment list = device.copy(edges);
    MemorySegment changed = device.zeros(4);
    do {
      changed.fill((byte) 0);
      device
          .kernel("relaxEdges")
          .grid((count + 127) / 128)
          .block(128)
          .run(list, memory, count, changed);
    } while (Device.ints(changed)[0] != 0);
    boolean[] settled = new boolean[NODES];
    long[] distance = new long[NODES];
    Arrays.fill(distance, 1, NODES, 0x7fffffffL);
    for (int turn = 0; turn < NODES; turn++) {
      int node = -1;
      for (int i = 0; i < NODES; i++) {
        node = !settled[i] && (node < 0 || distance[i] < distance[node]) ? i : node;
      }
      settled[node] = true;
      for (int edge = GRAPH.first()[node]; edge < GRAPH.first()[node + 1]; edge++) {
        int to = GRAPH.targets()[edge];
        distance[to] =
            Math.min(distance[to], Math.min(0x7fffffffL, distance[node] + lengths[edge]));
      }
    }
    long[] actual = Device.longs(memory);
    for (int i = 0; i < NODES; i++) {
      assertEquals(distance[i], actual[i] >>> 32, "node " + i);
    }
  }

  private static void components(Device device) throws Exception {
    int n = 400;
    int count = 250;
    int[] edges = Inputs.ints(10, 2 * count, 0, n);
    int[] parents = new int[n];
    Arrays.setAll(parents, i -> i);
    MemorySegment memory = device.copy(parents);
    device.kernel("hookEdges").grid(4).block(64).run(device.copy(edges), memory, count);
    device.kernel("flattenParents").grid(7).block(64).run(memory, n);
    for (boolean moved = true; moved; ) {
      moved = false;
      for (int edge = 0; edge < count; edge++) {
        int a = edges[2 * edge];
        int b = edges[2 * edge + 1];
        moved |= parents[a] != parents[b];
        parents[a] = Math.min(parents[a], parents[b]);
        parents[b] = parents[a];
      }
    }
    Expect.ints(parents, memory);
  }

  private static void triangles(Device device) throws Exception {
    Graph graph = Graph.random(11, 200).symmetric();
    int n = graph.nodes();
    boolean[][] joined = new boolean[n][n];
    for (int edge = 0; edge < graph.targets().length; edge++) {
      joined[graph.source(edge)][graph.targets()[edge]] = true;
    }
    long expected = 0;
    for (int a = 0; a < n; a++) {
      for (int b = a + 1; b < n; b++) {
        for (int c = b + 1; c < n && joined[a][b]; c++) {
          expected += joined[a][c] && joined[b][c] ? 1 : 0;
        }
      }
    }
    MemorySegment total = device.zeros(8);
    device
        .kernel("countTriangles")
        .grid(n / 2)
        .block(64)
        .run(device.copy(graph.first()), device.copy(graph.targets()), total, n);
    assertTrue(expected > 100);
    assertEquals(expected, Device.longs(total)[0]);
  }

  private static void pageRank(Device device) throws Exception {
    Graph incoming = GRAPH.reversed();
    int[] degrees = new int[NODES];
    Arrays.setAll(degrees, GRAPH::degree);
    float[] ranks = new float[NODES];
    Arrays.fill(ranks, 1f / NODES);
    MemorySegment first = device.copy(incoming.first());
    MemorySegment sources = device.copy(incoming.targets());
    MemorySegment outDegrees = device.copy(degrees);
    MemorySegment now = device.copy(ranks);
    double[] expected = Inputs.widened(ranks);
    for (int turn = 0; turn < 4; turn++) {
      MemorySegment next = device.zeros(NODES * 4L);
      MemorySegment difference = device.zeros(4);
      device
          .kernel("pageRank")
          .grid(8)
          .block(64)
          .run(first, sources, outDegrees, now, next, difference, NODES);
      double[] ranked = new double[NODES];
      double change = 0;
      for (int node = 0; node < NODES; node++) {
        for (int edge = incoming.first()[node]; edge < incoming.first()[node + 1]; edge++) {
          int source = incoming.targets()[edge];
          ranked[node] += 0.85 * expected[source] / degrees[source];
        }
        ranked[node] += 0.15 / NODES;
        change += Math.abs(ranked[node] - expected[node]);
      }
      expected = ranked;
      now = next;
      assertEquals(change, Device.floats(difference)[0], 1e-5);
    }
    Expect.floats(expected, now, 1e-7);
  }
}
