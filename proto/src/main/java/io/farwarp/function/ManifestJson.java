package io.farwarp.function;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import io.farwarp.v1.FunctionManifest;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Manifests as text: the proto3 JSON form of {@link FunctionManifest}. */
public final class ManifestJson {
  private ManifestJson() {}

  /** A manifest's text never exceeds this. */
  public static final int MAX_BYTES = 256 * 1024;

  /** Reads a manifest; fields that this version does not know are refused, by name. */
  public static FunctionManifest read(byte[] utf8) throws FunctionPackageException {
    if (utf8.length > MAX_BYTES) {
      throw new FunctionPackageException(
          "the manifest has " + utf8.length + " bytes; at most " + MAX_BYTES + " are allowed");
    }
    try {
      return read(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString());
    } catch (CharacterCodingException e) {
      throw new FunctionPackageException("the manifest is not UTF-8 text", e);
    }
  }

  /** Reads a manifest; fields that this version does not know are refused, by name. */
  public static FunctionManifest read(String json) throws FunctionPackageException {
    FunctionManifest.Builder manifest = FunctionManifest.newBuilder();
    try {
      JsonFormat.parser().merge(json, manifest);
    } catch (InvalidProtocolBufferException e) {
      throw new FunctionPackageException(
          "the manifest is not valid JSON for a function: " + firstLine(e.getMessage()), e);
    }
    return manifest.build();
  }

  /** The manifest as text that a person can edit. */
  public static String write(FunctionManifest manifest) {
    try {
      return JsonFormat.printer().print(manifest) + "\n";
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException("the manifest cannot be written as JSON", e);
    }
  }

  private static String firstLine(@Nullable String message) {
    return message == null ? "no reason given" : message.lines().findFirst().orElse("");
  }
}
