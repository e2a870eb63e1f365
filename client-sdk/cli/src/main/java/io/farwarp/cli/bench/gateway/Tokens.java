package io.farwarp.cli.bench.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.hash.Hashing;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Credentials of a gateway with many tenants. */
final class Tokens {
  static final String AGENT = "token-of-the-agents-of-the-benchmark";

  private Tokens() {}

  /**
   * Writes {@code tokens.json} for agents and {@code tenants} tenants into a new data directory.
   */
  static void write(Path directory, int tenants) throws IOException {
    JsonArray lines = new JsonArray();
    lines.add(line("agent", "agent", AGENT));
    for (int i = 0; i < tenants; i++) {
      lines.add(line("tenant-" + i, "tenant", tenant(i)));
    }
    Files.createDirectories(directory);
    Files.writeString(directory.resolve("tokens.json"), lines.toString());
    Files.writeString(directory.resolve("agent.token"), AGENT);
  }

  private static JsonObject line(String name, String role, String token) {
    JsonObject line = new JsonObject();
    line.addProperty("name", name);
    line.addProperty("role", role);
    line.addProperty("sha256", Hashing.sha256().hashString(token, UTF_8).toString());
    return line;
  }

  static String tenant(int number) {
    return "token-of-tenant-" + number + "-of-the-benchmark";
  }

  static Channel attach(Channel channel, String token) {
    Metadata headers = new Metadata();
    headers.put(
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
    return ClientInterceptors.intercept(
        channel, MetadataUtils.newAttachHeadersInterceptor(headers));
  }
}
