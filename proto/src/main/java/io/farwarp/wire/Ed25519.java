package io.farwarp.wire;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Ed25519 signatures (RFC 8032) as Farwarp uses them: over a context text followed by byte strings,
 * one after the other, with public keys in their raw form of 32 bytes.
 *
 * <p>Every method may be called by any thread.
 */
public final class Ed25519 {
  public static final int PUBLIC_KEY_BYTES = 32;
  public static final int SIGNATURE_BYTES = 64;

  private static final String ALGORITHM = "Ed25519";

  /** What X.509 puts before a raw Ed25519 public key (RFC 8410, section 4). */
  private static final byte[] X509_PREFIX = HexFormat.of().parseHex("302a300506032b6570032100");

  private Ed25519() {}

  public static KeyPair generate() {
    try {
      return KeyPairGenerator.getInstance(ALGORITHM).generateKeyPair();
    } catch (NoSuchAlgorithmException e) {
      throw missing(e);
    }
  }

  /** The signature, 64 bytes, over {@code context} in UTF-8 followed by {@code parts}. */
  public static byte[] sign(PrivateKey key, String context, byte[]... parts) {
    try {
      Signature signature = Signature.getInstance(ALGORITHM);
      signature.initSign(key);
      update(signature, context, parts);
      return signature.sign();
    } catch (GeneralSecurityException e) {
      throw new IllegalArgumentException("cannot sign with this key: " + e.getMessage(), e);
    }
  }

  /**
   * True when {@code signature} over {@code context} and {@code parts} was made by the holder of
   * {@code rawPublicKey}; false also for a key or a signature that is none.
   */
  public static boolean verify(
      byte[] rawPublicKey, String context, byte[] signature, byte[]... parts) {
    if (rawPublicKey.length != PUBLIC_KEY_BYTES || signature.length != SIGNATURE_BYTES) {
      return false;
    }
    try {
      Signature verifier = Signature.getInstance(ALGORITHM);
      verifier.initVerify(decodePublic(rawPublicKey));
      update(verifier, context, parts);
      return verifier.verify(signature);
    } catch (NoSuchAlgorithmException e) {
      throw missing(e);
    } catch (GeneralSecurityException e) {
      // A key that is no point of the curve, or a signature out of range: the peer's fault.
      return false;
    }
  }

  /** The 32 bytes of RFC 8032. */
  public static byte[] rawPublicKey(PublicKey key) {
    byte[] encoded = key.getEncoded();
    if (encoded.length != X509_PREFIX.length + PUBLIC_KEY_BYTES
        || !Arrays.equals(encoded, 0, X509_PREFIX.length, X509_PREFIX, 0, X509_PREFIX.length)) {
      throw new IllegalArgumentException(
          "a public key of kind " + key.getAlgorithm() + "; Ed25519 is wanted");
    }
    return Arrays.copyOfRange(encoded, X509_PREFIX.length, encoded.length);
  }

  public static PublicKey publicKeyFromRaw(byte[] raw) {
    if (raw.length != PUBLIC_KEY_BYTES) {
      throw new IllegalArgumentException(
          "an Ed25519 public key of " + raw.length + " bytes; it has " + PUBLIC_KEY_BYTES);
    }
    try {
      return decodePublic(raw);
    } catch (GeneralSecurityException e) {
      throw new IllegalArgumentException("not an Ed25519 public key: " + e.getMessage(), e);
    }
  }

  /** The key in PKCS #8 (RFC 8410), for a file that only its owner can read. */
  public static byte[] encodePrivateKey(PrivateKey key) {
    return key.getEncoded();
  }

  public static PrivateKey decodePrivateKey(byte[] pkcs8) {
    try {
      return KeyFactory.getInstance(ALGORITHM).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
    } catch (GeneralSecurityException e) {
      throw new IllegalArgumentException("not an Ed25519 private key: " + e.getMessage(), e);
    }
  }

  private static PublicKey decodePublic(byte[] raw) throws GeneralSecurityException {
    byte[] encoded = Arrays.copyOf(X509_PREFIX, X509_PREFIX.length + PUBLIC_KEY_BYTES);
    System.arraycopy(raw, 0, encoded, X509_PREFIX.length, PUBLIC_KEY_BYTES);
    return KeyFactory.getInstance(ALGORITHM).generatePublic(new X509EncodedKeySpec(encoded));
  }

  private static void update(Signature signature, String context, byte[][] parts)
      throws GeneralSecurityException {
    signature.update(context.getBytes(UTF_8));
    for (byte[] part : parts) {
      signature.update(part);
    }
  }

  private static IllegalStateException missing(NoSuchAlgorithmException cause) {
    return new IllegalStateException("this JDK has no Ed25519", cause);
  }
}
