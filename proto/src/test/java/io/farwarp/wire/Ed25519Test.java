package io.farwarp.wire;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.security.KeyPair;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class Ed25519Test {
  private static final byte[] FIRST = {1, 2, 3};
  private static final byte[] SECOND = {4, 5};

  @Test
  void signature_verifies_with_the_raw_public_key() {
    KeyPair pair = Ed25519.generate();
    byte[] raw = Ed25519.rawPublicKey(pair.getPublic());
    byte[] signature = Ed25519.sign(pair.getPrivate(), Wire.TOKEN_CONTEXT, FIRST, SECOND);
    assertEquals(Ed25519.PUBLIC_KEY_BYTES, raw.length);
    assertEquals(Ed25519.SIGNATURE_BYTES, signature.length);
    assertTrue(Ed25519.verify(raw, Wire.TOKEN_CONTEXT, signature, FIRST, SECOND));
    assertEquals(pair.getPublic(), Ed25519.publicKeyFromRaw(raw));
  }

  @Test
  void signature_does_not_verify_under_another_context_content_or_key() {
    KeyPair pair = Ed25519.generate();
    byte[] raw = Ed25519.rawPublicKey(pair.getPublic());
    byte[] signature = Ed25519.sign(pair.getPrivate(), Wire.TOKEN_CONTEXT, FIRST);
    assertFalse(Ed25519.verify(raw, Wire.PROOF_CONTEXT, signature, FIRST));
    assertFalse(Ed25519.verify(raw, Wire.TOKEN_CONTEXT, signature, SECOND));
    byte[] other = Ed25519.rawPublicKey(Ed25519.generate().getPublic());
    assertFalse(Ed25519.verify(other, Wire.TOKEN_CONTEXT, signature, FIRST));
  }

  @Test
  void malformed_keys_and_signatures_do_not_verify() {
    KeyPair pair = Ed25519.generate();
    byte[] raw = Ed25519.rawPublicKey(pair.getPublic());
    byte[] signature = Ed25519.sign(pair.getPrivate(), "", FIRST);
    byte[] noPoint = new byte[32];
    Arrays.fill(noPoint, (byte) 0xFF);
    byte[] outOfRange = new byte[64];
    Arrays.fill(outOfRange, (byte) 0xFF);
    assertFalse(Ed25519.verify(new byte[31], "", signature, FIRST));
    assertFalse(Ed25519.verify(noPoint, "", signature, FIRST));
    assertFalse(Ed25519.verify(raw, "", new byte[63], FIRST));
    assertFalse(Ed25519.verify(raw, "", outOfRange, FIRST));
    assertThrows(IllegalArgumentException.class, () -> Ed25519.publicKeyFromRaw(new byte[33]));
    assertThrows(IllegalArgumentException.class, () -> Ed25519.decodePrivateKey(new byte[7]));
  }

  @Test
  void private_key_survives_its_encoding() {
    KeyPair pair = Ed25519.generate();
    byte[] encoded = Ed25519.encodePrivateKey(pair.getPrivate());
    byte[] signature = Ed25519.sign(Ed25519.decodePrivateKey(encoded), "", FIRST);
    assertArrayEquals(Ed25519.sign(pair.getPrivate(), "", FIRST), signature);
  }

  /** RFC 8032, section 7.1, test 2. */
  @Test
  void the_published_test_vector_verifies() {
    HexFormat hex = HexFormat.of();
    byte[] key = hex.parseHex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    byte[] signature =
        hex.parseHex(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    assertTrue(Ed25519.verify(key, "", signature, new byte[] {0x72}));
  }
}
