package io.farwarp.rdma.tcp;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.security.SecureRandom;
import org.jspecify.annotations.Nullable;

/**
 * The regions that one queue pair has registered. A key is 56 random bits above the region's 8-bit
 * place, so that a peer can name only what it was told of, and a closed region's key fits no
 * successor.
 */
final class RegionTable {
  static final int CAPACITY = 256;

  private static final SecureRandom RANDOM = new SecureRandom();

  private final @Nullable TcpRegion[] regions = new TcpRegion[CAPACITY];

  TcpRegion add(MemorySegment memory) throws IOException {
    for (int place = 0; place < CAPACITY; place++) {
      if (regions[place] == null) {
        long key = RANDOM.nextLong() << 8 | place;
        TcpRegion region = new TcpRegion(this, key, memory);
        regions[place] = region;
        return region;
      }
    }
    throw new IOException("a tcp queue pair has at most " + CAPACITY + " registered regions");
  }

  /** The region with that key; null if there is none. */
  @Nullable TcpRegion find(long key) {
    TcpRegion region = regions[(int) (key & (CAPACITY - 1))];
    return region != null && region.key() == key ? region : null;
  }

  void remove(TcpRegion region) {
    regions[(int) (region.key() & (CAPACITY - 1))] = null;
  }
}
