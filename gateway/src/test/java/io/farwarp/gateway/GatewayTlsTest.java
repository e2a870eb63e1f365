package io.farwarp.gateway;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.farwarp.v1.AdminServiceGrpc;
import io.farwarp.v1.ListLeasesRequest;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GatewayTlsTest {
  private static final char[] PASSWORD = "changeit".toCharArray();

  @TempDir Path directory;

  private void pem(String name, String kind, byte[] der) throws Exception {
    String base64 = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    Files.writeString(
        directory.resolve(name),
        "-----BEGIN %s-----\n%s\n-----END %s-----\n".formatted(kind, base64, kind),
        US_ASCII);
  }

  /** A self-signed certificate for localhost, made by the JDK's keytool. */
  private void makeCertificate() throws Exception {
    Path store = directory.resolve("keys.p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "k",
                "-keyalg",
                "EC",
                "-dname",
                "CN=localhost",
                "-ext",
                "SAN=dns:localhost,ip:127.0.0.1",
                "-validity",
                "2",
                "-keystore",
                store.toString(),
                "-storepass",
                new String(PASSWORD))
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("keytool.log").toFile())
            .start();
    assertEquals(0, keytool.waitFor(), () -> "keytool: see " + directory);
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, PASSWORD);
    }
    pem("cert.pem", "CERTIFICATE", keys.getCertificate("k").getEncoded());
    pem("key.pem", "PRIVATE KEY", keys.getKey("k", PASSWORD).getEncoded());
  }

  @Test
  void with_a_certificate_calls_are_encrypted_and_plaintext_gets_nowhere() throws Exception {
    makeCertificate();
    Path data = directory.resolve("data");
    GatewayConfig config =
        GatewayConfig.local(data)
            .withAddress("0.0.0.0", 0)
            .withTls(directory.resolve("cert.pem"), directory.resolve("key.pem"));
    try (Gateway gateway = Gateway.create(config)) {
      gateway.start();
      Metadata headers = new Metadata();
      headers.put(
          Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER),
          "Bearer " + Files.readString(data.resolve("tenant.token")).strip());
      ManagedChannel secure =
          NettyChannelBuilder.forAddress("localhost", gateway.port())
              .sslContext(
                  GrpcSslContexts.forClient()
                      .trustManager(directory.resolve("cert.pem").toFile())
                      .build())
              .intercept(MetadataUtils.newAttachHeadersInterceptor(headers))
              .build();
      ManagedChannel plain =
          NettyChannelBuilder.forAddress("localhost", gateway.port())
              .usePlaintext()
              .intercept(MetadataUtils.newAttachHeadersInterceptor(headers))
              .build();
      try {
        assertEquals(
            0,
            AdminServiceGrpc.newBlockingStub(secure)
                .withDeadlineAfter(20, TimeUnit.SECONDS)
                .listLeases(ListLeasesRequest.getDefaultInstance())
                .getLeasesCount());
        assertThrows(
            StatusRuntimeException.class,
            () ->
                AdminServiceGrpc.newBlockingStub(plain)
                    .withDeadlineAfter(20, TimeUnit.SECONDS)
                    .listLeases(ListLeasesRequest.getDefaultInstance()));
      } finally {
        secure.shutdownNow();
        plain.shutdownNow();
      }
    }
  }
}
