package io.farwarp.cli.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VerbsPingPongTest {
  @TempDir private Path directory;

  @BeforeEach
  void requireHeaders() {
    assumeTrue(
        Files.exists(Path.of("/usr/include/rdma/rdma_cma.h"))
            && Files.exists(Path.of("/usr/include/infiniband/verbs.h")),
        "skipped: needs libibverbs-dev and librdmacm-dev");
  }

  @Test
  void the_ping_pong_compiles_without_a_warning_and_refuses_what_is_no_address() throws Exception {
    Path binary =
        CCompiler.compile(
            directory,
            "verbs_pingpong.c",
            List.of("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"),
            List.of("-lrdmacm", "-libverbs"));
    Process process =
        new ProcessBuilder(binary.toString(), "not.an.address", "64")
            .redirectErrorStream(true)
            .start();
    assertTrue(process.waitFor(30, TimeUnit.SECONDS));
    assertEquals(2, process.exitValue());
    assertEquals(
        "usage: verbs_pingpong IPV4-ADDRESS BYTES (1 to 1073741824)",
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip());
  }
}
