package io.farwarp.function;

import com.google.common.hash.Hashing;
import io.farwarp.v1.FunctionManifest;
import io.farwarp.v1.Module;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeMap;

/**
 * A function as one file: the manifest, then the modules it names, in a zip whose bytes follow from
 * its content alone (entries stored, sorted, without times). The SHA-256 of these bytes is the
 * function's identity. Immutable.
 */
public final class FunctionPackage {
  /** A package never exceeds this. */
  public static final long MAX_BYTES = 64L << 20;

  /** Files of one package, the manifest included. */
  public static final int MAX_FILES = 64;

  /** Name of the manifest's entry, the first of the package. */
  public static final String MANIFEST = "manifest.json";

  private final byte[] bytes;
  private final byte[] digest;
  private final FunctionManifest manifest;
  private final SequencedMap<String, byte[]> files;

  private FunctionPackage(
      byte[] bytes, FunctionManifest manifest, SequencedMap<String, byte[]> files) {
    this.bytes = bytes;
    this.digest = Hashing.sha256().hashBytes(bytes).asBytes();
    this.manifest = manifest;
    this.files = files;
  }

  /**
   * Packs a manifest with its files, by name; every module's file must be among them. The same
   * content gives the same bytes everywhere.
   */
  public static FunctionPackage build(FunctionManifest manifest, Map<String, byte[]> files)
      throws FunctionPackageException {
    FunctionSpec.of(manifest);
    if (files.containsKey(MANIFEST)) {
      throw new FunctionPackageException(
          MANIFEST + " is written from the manifest; it cannot be among the files");
    }
    SequencedMap<String, byte[]> entries = new LinkedHashMap<>();
    entries.put(MANIFEST, ManifestJson.write(manifest).getBytes(StandardCharsets.UTF_8));
    for (Map.Entry<String, byte[]> file : new TreeMap<>(files).entrySet()) {
      ManifestRules.checkFileName(file.getKey());
      entries.put(file.getKey(), file.getValue().clone());
    }
    checkFiles(manifest, entries.keySet());
    checkSize(StoredZip.size(entries));
    return new FunctionPackage(StoredZip.write(entries), manifest, withoutManifest(entries));
  }

  /**
   * Reads and checks a package from anywhere: its form, its checksums, every name and length, and
   * the manifest.
   */
  public static FunctionPackage read(byte[] bytes) throws FunctionPackageException {
    checkSize(bytes.length);
    byte[] own = bytes.clone();
    SequencedMap<String, byte[]> entries = StoredZip.read(own);
    if (!entries.firstEntry().getKey().equals(MANIFEST)) {
      throw new FunctionPackageException("the package does not start with " + MANIFEST);
    }
    FunctionManifest manifest = ManifestJson.read(entries.firstEntry().getValue());
    FunctionSpec.of(manifest);
    SequencedMap<String, byte[]> files = withoutManifest(entries);
    if (!files.keySet().stream().toList().equals(files.keySet().stream().sorted().toList())) {
      throw new FunctionPackageException("the files of the package are not in order of name");
    }
    checkFiles(manifest, entries.keySet());
    return new FunctionPackage(own, manifest, files);
  }

  private static void checkFiles(FunctionManifest manifest, Set<String> names)
      throws FunctionPackageException {
    if (names.size() > MAX_FILES) {
      throw new FunctionPackageException(
          names.size() + " files: a package holds at most " + MAX_FILES);
    }
    for (Module module : manifest.getModulesList()) {
      if (!names.contains(module.getFile())) {
        throw new FunctionPackageException(
            "the manifest names the module " + module.getFile() + ", which the package lacks");
      }
    }
  }

  private static void checkSize(long size) throws FunctionPackageException {
    if (size > MAX_BYTES) {
      throw new FunctionPackageException(
          "the package has " + size + " bytes; at most " + MAX_BYTES + " are allowed");
    }
  }

  private static SequencedMap<String, byte[]> withoutManifest(
      SequencedMap<String, byte[]> entries) {
    SequencedMap<String, byte[]> files = new LinkedHashMap<>(entries);
    files.remove(MANIFEST);
    return Collections.unmodifiableSequencedMap(files);
  }

  /** The package file; a copy. */
  public byte[] bytes() {
    return bytes.clone();
  }

  /** Bytes of the package file. */
  public long sizeBytes() {
    return bytes.length;
  }

  /** SHA-256 of the package file, 32 bytes; a copy. */
  public byte[] digest() {
    return digest.clone();
  }

  public FunctionManifest manifest() {
    return manifest;
  }

  /** Names of the files beside the manifest, sorted. */
  public Set<String> fileNames() {
    return files.keySet();
  }

  /**
   * A file's content; a copy.
   *
   * @throws IllegalArgumentException if there is no such file
   */
  public byte[] file(String name) {
    byte[] content = files.get(name);
    if (content == null) {
      throw new IllegalArgumentException(
          "the package of " + manifest.getName() + " has no file " + name);
    }
    return content.clone();
  }
}
