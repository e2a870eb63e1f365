package io.farwarp.gateway.store;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedStoreTest extends StoreContractTest {
  @TempDir Path directory;
  private long nowNs;

  @Override
  Store open() throws IOException {
    return EmbeddedStore.open(file().toString(), () -> nowNs);
  }

  @Override
  void pass(long ns) {
    nowNs += ns;
  }

  private Path file() {
    return directory.resolve("gateway.db");
  }

  @Test
  void file_that_is_open_is_refused_to_a_second() {
    IOException refused = assertThrows(IOException.class, this::open);
    assertTrue(refused.getMessage().contains(file().toString()), refused.getMessage());
  }

  @Test
  void file_that_is_no_store_is_refused() throws IOException {
    closeStore();
    Files.writeString(file(), "something else. ".repeat(1024));
    IOException refused = assertThrows(IOException.class, this::open);
    assertTrue(refused.getMessage().contains(file().toString()), refused.getMessage());
  }
}
