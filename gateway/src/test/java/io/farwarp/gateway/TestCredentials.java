package io.farwarp.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;

/** Adds to the credentials of a gateway, as an operator does with an editor. */
final class TestCredentials {
  private TestCredentials() {}

  /** Answers the new token. */
  static String add(Path directory, String name, String role) throws Exception {
    String token = "token-of-" + name;
    Path file = directory.resolve("tokens.json");
    JsonArray lines = new Gson().fromJson(Files.readString(file), JsonArray.class);
    JsonObject line = new JsonObject();
    line.addProperty("name", name);
    line.addProperty("role", role);
    line.addProperty(
        "sha256",
        HexFormat.of()
            .formatHex(MessageDigest.getInstance("SHA-256").digest(token.getBytes(UTF_8))));
    lines.add(line);
    Files.writeString(file, lines.toString());
    return token;
  }
}
