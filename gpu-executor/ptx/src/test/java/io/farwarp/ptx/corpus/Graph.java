package io.farwarp.ptx.corpus;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Random;
import java.util.TreeSet;

/**
 * A random directed graph in compressed rows.
 *
 * @param first where each node's edges begin, and where the last one's end
 * @param targets sorted for each node, without itself or the same twice
 */
record Graph(int[] first, int[] targets) {
  /** Of mixed degrees: most nodes have few edges, some have many and some none. */
  static Graph random(int seed, int nodes) {
    Random random = new Random(seed);
    int[] first = new int[nodes + 1];
    int[] targets = new int[nodes * 80];
    for (int node = 0; node < nodes; node++) {
      int degree = random.nextInt(20) == 0 ? 70 : random.nextInt(4);
      TreeSet<Integer> chosen = new TreeSet<>();
      for (int i = 0; i < degree; i++) {
        chosen.add(random.nextInt(nodes));
      }
      chosen.remove(node);
      int at = first[node];
      for (int target : chosen) {
        targets[at++] = target;
      }
      first[node + 1] = at;
    }
    return new Graph(first, Arrays.copyOf(targets, first[nodes]));
  }

  int nodes() {
    return first.length - 1;
  }

  int degree(int node) {
    return first[node + 1] - first[node];
  }

  /** The node that an edge comes from. */
  int source(int edge) {
    int at = Arrays.binarySearch(first, edge);
    at = at < 0 ? -at - 2 : at;
    while (first[at + 1] == edge) {
      at++;
    }
    return at;
  }

  /** The graph with every edge in both directions. */
  Graph symmetric() {
    boolean[][] joined = new boolean[nodes()][nodes()];
    for (int edge = 0; edge < targets.length; edge++) {
      joined[source(edge)][targets[edge]] = true;
      joined[targets[edge]][source(edge)] = true;
    }
    return of(joined);
  }

  Graph reversed() {
    boolean[][] joined = new boolean[nodes()][nodes()];
    for (int edge = 0; edge < targets.length; edge++) {
      joined[targets[edge]][source(edge)] = true;
    }
    return of(joined);
  }

  private static Graph of(boolean[][] joined) {
    int[] first = new int[joined.length + 1];
    int[] targets = new int[joined.length * joined.length];
    for (int from = 0; from < joined.length; from++) {
      int at = first[from];
      for (int to = 0; to < joined.length; to++) {
        if (joined[from][to]) {
          targets[at++] = to;
        }
      }
      first[from + 1] = at;
    }
    return new Graph(first, Arrays.copyOf(targets, first[joined.length]));
  }

  /** How many edges each node is from a start, or -1. */
  int[] levels(int start) {
    int[] levels = new int[nodes()];
    Arrays.fill(levels, -1);
    levels[start] = 0;
    ArrayDeque<Integer> queue = new ArrayDeque<>();
    queue.add(start);
    while (!queue.isEmpty()) {
      int node = queue.remove();
      for (int edge = first[node]; edge < first[node + 1]; edge++) {
        if (levels[targets[edge]] < 0) {
          levels[targets[edge]] = levels[node] + 1;
          queue.add(targets[edge]);
        }
      }
    }
    return levels;
  }

  /** Pairs of where a node's edges begin and how many there are. */
  int[] firstsAndDegrees() {
    int[] pairs = new int[2 * nodes()];
    for (int node = 0; node < nodes(); node++) {
      pairs[2 * node] = first[node];
      pairs[2 * node + 1] = degree(node);
    }
    return pairs;
  }
}
