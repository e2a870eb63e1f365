package io.farwarp.gateway;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.bouncycastle.math.ec.rfc8032.Ed25519.SECRET_KEY_SIZE;
import static org.bouncycastle.math.ec.rfc8032.Ed25519.SIGNATURE_SIZE;

import com.google.common.primitives.Bytes;
import com.google.protobuf.ByteString;
import io.farwarp.v1.LeaseToken;
import io.farwarp.v1.SignedLeaseToken;
import io.farwarp.wire.Ed25519;
import io.farwarp.wire.Wire;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/**
 * The key that signs lease tokens, made at the first start and kept in a file of two lines (private
 * key in PKCS #8, raw public key, both Base64) that only its owner can read.
 *
 * <p>Signs by Bouncy Castle, which is much quicker at it than the JDK: each lease wants a token for
 * each of its workers, and again with each renewal. The signatures are the same.
 */
final class SigningKey {
  private final byte[] seed;
  private final byte[] publicKey;

  private SigningKey(PrivateKey privateKey, byte[] publicKey) {
    // RFC 8410, section 7: the seed ends the PKCS #8 form.
    byte[] encoded = Ed25519.encodePrivateKey(privateKey);
    this.seed = Arrays.copyOfRange(encoded, encoded.length - SECRET_KEY_SIZE, encoded.length);
    this.publicKey = publicKey;
  }

  static SigningKey loadOrCreate(Path file) throws IOException, GatewayException {
    if (Files.exists(file)) {
      return load(file);
    }
    KeyPair pair = Ed25519.generate();
    byte[] publicKey = Ed25519.rawPublicKey(pair.getPublic());
    Base64.Encoder base64 = Base64.getEncoder();
    String text =
        base64.encodeToString(Ed25519.encodePrivateKey(pair.getPrivate()))
            + "\n"
            + base64.encodeToString(publicKey)
            + "\n";
    DurableFiles.write(file, text.getBytes(US_ASCII));
    return new SigningKey(pair.getPrivate(), publicKey);
  }

  private static SigningKey load(Path file) throws IOException, GatewayException {
    List<String> lines = Files.readAllLines(file, US_ASCII);
    if (lines.size() != 2) {
      throw new GatewayException(
          "signing key %s has %d lines; it has 2: restore it, or delete it and end all leases"
              .formatted(file, lines.size()));
    }
    try {
      PrivateKey key = Ed25519.decodePrivateKey(Base64.getDecoder().decode(lines.get(0)));
      byte[] publicKey = Base64.getDecoder().decode(lines.get(1));
      byte[] probe = {1};
      if (!Ed25519.verify(publicKey, "", Ed25519.sign(key, "", probe), probe)) {
        throw new GatewayException(
            "signing key " + file + ": its two halves do not belong together");
      }
      return new SigningKey(key, publicKey);
    } catch (IllegalArgumentException e) {
      throw new GatewayException("signing key " + file + " is damaged: " + e.getMessage(), e);
    }
  }

  /** Raw, 32 bytes: what verifies the tokens. */
  ByteString publicKey() {
    return ByteString.copyFrom(publicKey);
  }

  /** The serialised {@link SignedLeaseToken}. */
  ByteString sign(LeaseToken token) {
    byte[] bytes = token.toByteArray();
    byte[] signed = Bytes.concat(Wire.TOKEN_CONTEXT.getBytes(UTF_8), bytes);
    byte[] signature = new byte[SIGNATURE_SIZE];
    org.bouncycastle.math.ec.rfc8032.Ed25519.sign(
        seed, 0, publicKey, 0, signed, 0, signed.length, signature, 0);
    return SignedLeaseToken.newBuilder()
        .setToken(ByteString.copyFrom(bytes))
        .setSignature(ByteString.copyFrom(signature))
        .build()
        .toByteString();
  }
}
