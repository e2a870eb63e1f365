package io.farwarp.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.hash.Hashing;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The credentials that the gateway accepts: {@code tokens.json}, a list of {name, role, sha256 of
 * the token in hexadecimal}. The first start makes one for each role, and beside it a file with the
 * token. The file is read again when it has changed.
 */
final class Credentials {
  private static final System.Logger LOG = System.getLogger(Credentials.class.getName());
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");
  private static final long RELOAD_NS = TimeUnit.SECONDS.toNanos(1);
  private static final int TOKEN_BYTES = 32;
  private static final int MAX_TOKEN_CHARS = 512;

  /** As in the file; a field that is missing there is null. */
  private record Line(@Nullable String name, @Nullable String role, @Nullable String sha256) {}

  private record Entry(Caller caller, byte[] sha256) {}

  private final Path file;
  private volatile List<Entry> entries;
  private volatile FileTime readAt;
  private volatile long checkedNs = System.nanoTime();

  private Credentials(Path file, List<Entry> entries, FileTime readAt) {
    this.file = file;
    this.entries = entries;
    this.readAt = readAt;
  }

  static Credentials loadOrCreate(DataDirectory directory) throws IOException, GatewayException {
    Path file = directory.file("tokens.json");
    if (!Files.exists(file)) {
      create(directory, file);
    }
    FileTime modified = Files.getLastModifiedTime(file);
    try {
      return new Credentials(file, read(file), modified);
    } catch (JsonParseException | IllegalArgumentException e) {
      throw new GatewayException("credentials " + file + ": " + e.getMessage(), e);
    }
  }

  private static void create(DataDirectory directory, Path file) throws IOException {
    SecureRandom random = new SecureRandom();
    List<Line> lines = new ArrayList<>();
    for (Caller.Role role : Caller.Role.values()) {
      String roleName = role.name().toLowerCase(Locale.ROOT);
      byte[] bytes = new byte[TOKEN_BYTES];
      random.nextBytes(bytes);
      String token = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
      DurableFiles.write(directory.file(roleName + ".token"), (token + "\n").getBytes(UTF_8));
      String name = role == Caller.Role.TENANT ? "default" : roleName;
      lines.add(new Line(name, roleName, Hashing.sha256().hashString(token, UTF_8).toString()));
    }
    Gson gson = new GsonBuilder().setPrettyPrinting().create();
    DurableFiles.write(file, (gson.toJson(lines) + "\n").getBytes(UTF_8));
  }

  private static List<Entry> read(Path file) throws IOException {
    Line @Nullable [] lines = new Gson().fromJson(Files.readString(file), Line[].class);
    List<Entry> entries = new ArrayList<>();
    for (Line line : lines == null ? new Line[0] : lines) {
      entries.add(entry(line, entries.size()));
    }
    return List.copyOf(entries);
  }

  private static Entry entry(@Nullable Line line, int index) {
    if (line == null || line.name == null || line.role == null || line.sha256 == null) {
      throw new IllegalArgumentException("entry " + index + " wants name, role and sha256");
    }
    if (!NAME.matcher(line.name).matches()) {
      throw new IllegalArgumentException(
          "entry %d: name \"%s\" is not 1 to 64 of [A-Za-z0-9._-]".formatted(index, line.name));
    }
    byte[] sha256 = HexFormat.of().parseHex(line.sha256);
    if (sha256.length != 32) {
      throw new IllegalArgumentException(
          "entry %d: sha256 of %d bytes; it has 32".formatted(index, sha256.length));
    }
    for (Caller.Role role : Caller.Role.values()) {
      if (role.name().equalsIgnoreCase(line.role)) {
        return new Entry(new Caller(line.name, role), sha256);
      }
    }
    throw new IllegalArgumentException(
        "entry %d: role \"%s\" is none of tenant, agent, operator".formatted(index, line.role));
  }

  /** Whose token this is; null: nobody's. Every entry is compared, each in constant time. */
  @Nullable Caller caller(String token) {
    if (token.isEmpty() || token.length() > MAX_TOKEN_CHARS) {
      return null;
    }
    reloadIfChanged();
    byte[] presented = Hashing.sha256().hashString(token, UTF_8).asBytes();
    @Nullable Caller found = null;
    for (Entry entry : entries) {
      if (MessageDigest.isEqual(presented, entry.sha256) && found == null) {
        found = entry.caller;
      }
    }
    return found;
  }

  private void reloadIfChanged() {
    long nowNs = System.nanoTime();
    if (nowNs - checkedNs < RELOAD_NS) {
      return;
    }
    checkedNs = nowNs;
    try {
      FileTime modified = Files.getLastModifiedTime(file);
      if (!modified.equals(readAt)) {
        readAt = modified;
        entries = read(file);
        LOG.log(Level.INFO, "credentials read again: {0} entries", entries.size());
      }
    } catch (IOException | JsonParseException | IllegalArgumentException e) {
      LOG.log(Level.WARNING, "credentials " + file + " stay as they were: " + e.getMessage());
    }
  }
}
