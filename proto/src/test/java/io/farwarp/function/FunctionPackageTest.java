package io.farwarp.function;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.v1.FunctionManifest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;

class FunctionPackageTest {
  private static final byte[] CODE = ".version 6.3\n// code\n".getBytes(StandardCharsets.US_ASCII);

  private static FunctionPackage axpy() throws FunctionPackageException {
    return FunctionPackage.build(
        ManifestJson.read(Manifests.AXPY),
        Map.of("axpy.ptx", CODE, "axpy.cu", "// source".getBytes(StandardCharsets.US_ASCII)));
  }

  private static String refusal(byte[] bytes) {
    return assertThrows(FunctionPackageException.class, () -> FunctionPackage.read(bytes))
        .getMessage();
  }

  private static void assertRefused(String part, byte[] bytes) {
    String message = refusal(bytes);
    assertTrue(message.contains(part), message);
  }

  @Test
  void package_reads_back_as_it_was_built() throws Exception {
    FunctionPackage built = axpy();
    FunctionPackage read = FunctionPackage.read(built.bytes());
    assertEquals(built.manifest(), read.manifest());
    assertArrayEquals(CODE, read.file("axpy.ptx"));
    assertArrayEquals(built.digest(), read.digest());
    assertArrayEquals(MessageDigest.getInstance("SHA-256").digest(built.bytes()), read.digest());
    assertEquals("[axpy.cu, axpy.ptx]", read.fileNames().toString());
    assertEquals(built.bytes().length, read.sizeBytes());
    assertThrows(IllegalArgumentException.class, () -> read.file("other.ptx"));
  }

  @Test
  void equal_content_gives_equal_bytes() throws Exception {
    Map<String, byte[]> other = new LinkedHashMap<>();
    other.put("axpy.ptx", CODE.clone());
    other.put("axpy.cu", "// source".getBytes(StandardCharsets.US_ASCII));
    FunctionManifest manifest = ManifestJson.read(ManifestJson.write(axpy().manifest()));
    assertArrayEquals(axpy().bytes(), FunctionPackage.build(manifest, other).bytes());
  }

  @Test
  void package_is_a_zip_that_ordinary_tools_open() throws Exception {
    try (var zip = new ZipInputStream(new ByteArrayInputStream(axpy().bytes()))) {
      assertEquals("manifest.json", zip.getNextEntry().getName());
      assertEquals("axpy.cu", zip.getNextEntry().getName());
      assertEquals("axpy.ptx", zip.getNextEntry().getName());
      assertArrayEquals(CODE, zip.readAllBytes());
    }
  }

  @Test
  void truncated_package_is_refused_at_every_length() throws Exception {
    byte[] bytes = axpy().bytes();
    for (int length = 0; length < bytes.length; length++) {
      refusal(Arrays.copyOf(bytes, length));
    }
    refusal(Arrays.copyOf(bytes, bytes.length + 1));
  }

  @Test
  void package_with_any_byte_altered_is_refused() throws Exception {
    byte[] bytes = axpy().bytes();
    for (int i = 0; i < bytes.length; i++) {
      byte[] altered = bytes.clone();
      altered[i] ^= 1;
      refusal(altered);
    }
  }

  @Test
  void random_mutations_end_in_a_refusal_and_nothing_else() throws Exception {
    byte[] bytes = axpy().bytes();
    Random random = new Random(20260101);
    for (int round = 0; round < 20_000; round++) {
      byte[] altered = bytes.clone();
      for (int i = random.nextInt(1, 6); i > 0; i--) {
        int at = random.nextInt(altered.length);
        switch (random.nextInt(3)) {
          case 0 -> altered[at] = (byte) random.nextInt();
          case 1 -> altered = Arrays.copyOf(altered, Math.max(1, at));
          default -> {
            int from = random.nextInt(altered.length);
            int length = Math.min(altered.length - Math.max(at, from), random.nextInt(64));
            System.arraycopy(altered, from, altered, at, length);
          }
        }
      }
      if (!Arrays.equals(altered, bytes)) {
        refusal(altered);
      }
    }
  }

  @Test
  void ordinary_zip_is_refused_with_the_reason() throws Exception {
    byte[] manifest = Manifests.AXPY.getBytes(StandardCharsets.UTF_8);
    assertRefused("compressed", zip(ZipEntry.DEFLATED, "manifest.json", manifest));
    assertRefused("altered", zip(ZipEntry.STORED, "manifest.json", manifest));
    assertRefused("not a function package", "hello, this is no package at all".getBytes("UTF-8"));
  }

  @Test
  void names_with_paths_are_refused() throws Exception {
    byte[] manifest = Manifests.AXPY.getBytes(StandardCharsets.UTF_8);
    for (String name : new String[] {"../x", "/etc/passwd", "a/b", "a\\b", "..", ".", "a b", "ä"}) {
      assertRefused("file name", zip(ZipEntry.STORED, name, manifest));
      FunctionManifest axpy = ManifestJson.read(Manifests.AXPY);
      assertThrows(
          FunctionPackageException.class,
          () -> FunctionPackage.build(axpy, Map.of("axpy.ptx", CODE, name, CODE)));
    }
  }

  @Test
  void duplicate_file_is_refused() throws Exception {
    byte[] bytes = axpy().bytes();
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    byte[] altered = text.replaceAll("axpy\\.cu", "axpy.ptx").getBytes(StandardCharsets.ISO_8859_1);
    refusal(altered);
    byte[] sameLength =
        new String(
                FunctionPackage.build(
                        ManifestJson.read(Manifests.AXPY),
                        Map.of("axpy.ptx", CODE, "axpy.pty", CODE))
                    .bytes(),
                StandardCharsets.ISO_8859_1)
            .replace("axpy.pty", "axpy.ptx")
            .getBytes(StandardCharsets.ISO_8859_1);
    assertRefused("axpy.ptx is in the package twice", sameLength);
  }

  @Test
  void package_without_the_module_or_the_manifest_is_refused() throws Exception {
    FunctionManifest axpy = ManifestJson.read(Manifests.AXPY);
    assertTrue(
        assertThrows(FunctionPackageException.class, () -> FunctionPackage.build(axpy, Map.of()))
            .getMessage()
            .contains("axpy.ptx"));
    var files = new LinkedHashMap<String, byte[]>();
    files.put("axpy.ptx", CODE);
    assertRefused("does not start with manifest.json", StoredZip.write(files));
    files.putFirst("manifest.json", Manifests.AXPY.getBytes(StandardCharsets.UTF_8));
    FunctionPackage.read(StoredZip.write(files));
    files.put("a.txt", CODE);
    assertRefused("order", StoredZip.write(files));
  }

  @Test
  void oversized_package_is_refused() throws Exception {
    FunctionManifest axpy = ManifestJson.read(Manifests.AXPY);
    byte[] large = new byte[(int) FunctionPackage.MAX_BYTES];
    assertThrows(
        FunctionPackageException.class,
        () -> FunctionPackage.build(axpy, Map.of("axpy.ptx", large)));
    assertRefused("at most", new byte[(int) FunctionPackage.MAX_BYTES + 1]);
    Map<String, byte[]> many = new LinkedHashMap<>();
    many.put("axpy.ptx", CODE);
    for (int i = 0; i < FunctionPackage.MAX_FILES; i++) {
      many.put("file-" + i, CODE);
    }
    assertThrows(FunctionPackageException.class, () -> FunctionPackage.build(axpy, many));
  }

  @Test
  void manifest_that_is_no_manifest_is_refused() throws Exception {
    for (String json :
        new String[] {
          "",
          "{",
          "[]",
          "null",
          "{\"name\": 7}",
          "{\"unknown\": 1}",
          "{\"name\": \"x\"}",
          "{\"parameters\": [[]]}",
          "[".repeat(100_000),
          "{\"a\":".repeat(50_000),
          "{\"parameters\":[{\"type\":1e400}]}",
          "{\"plan\": {\"x\": 1}}",
        }) {
      var files = new LinkedHashMap<String, byte[]>();
      files.put("manifest.json", json.getBytes(StandardCharsets.UTF_8));
      refusal(StoredZip.write(files));
    }
    var files = new LinkedHashMap<String, byte[]>();
    files.put("manifest.json", new byte[] {(byte) 0xFF, (byte) 0xFE, 1});
    assertRefused("UTF-8", StoredZip.write(files));
    files.put("manifest.json", new byte[ManifestJson.MAX_BYTES + 1]);
    assertRefused("at most", StoredZip.write(files));
  }

  @Test
  void mutated_manifest_is_read_or_refused_and_nothing_else() throws Exception {
    Random random = new Random(7);
    int accepted = 0;
    for (int round = 0; round < 5_000; round++) {
      StringBuilder json = new StringBuilder(Manifests.REDUCE);
      for (int i = random.nextInt(1, 4); i > 0; i--) {
        int at = random.nextInt(json.length());
        String piece =
            switch (random.nextInt(4)) {
              case 0 -> String.valueOf("\"[]{}:,()+-*/%09nx".charAt(random.nextInt(18)));
              case 1 -> String.valueOf((char) random.nextInt(1, 0x3000));
              case 2 -> "";
              default -> piece(at);
            };
        json.replace(at, Math.min(json.length(), at + random.nextInt(3)), piece);
      }
      var files = new LinkedHashMap<String, byte[]>();
      files.put("manifest.json", json.toString().getBytes(StandardCharsets.UTF_8));
      files.put("reduce.ptx", CODE);
      try {
        FunctionPackage.read(StoredZip.write(files));
        accepted++;
      } catch (FunctionPackageException e) {
        assertTrue(e.getMessage().length() < 4000, e.getMessage());
      }
    }
    assertTrue(accepted > 0 && accepted < 5_000, "accepted " + accepted);
  }

  private static String piece(int at) {
    int from = Math.min(at, Manifests.REDUCE.length());
    return Manifests.REDUCE.substring(from, Math.min(from + 30, Manifests.REDUCE.length()));
  }

  private static byte[] zip(int method, String name, byte[] content) throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (var zip = new ZipOutputStream(bytes)) {
      ZipEntry entry = new ZipEntry(name);
      entry.setMethod(method);
      CRC32 crc = new CRC32();
      crc.update(content);
      entry.setCrc(crc.getValue());
      entry.setSize(content.length);
      if (method == ZipEntry.STORED) {
        entry.setCompressedSize(content.length);
      } else {
        // Sizes in the local header, as a tool that can seek would write them.
        var deflater = new java.util.zip.Deflater(-1, true);
        deflater.setInput(content);
        deflater.finish();
        entry.setCompressedSize(deflater.deflate(new byte[content.length + 64]));
        deflater.end();
      }
      zip.putNextEntry(entry);
      zip.write(content);
      zip.closeEntry();
    }
    return bytes.toByteArray();
  }
}
