package io.farwarp.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import java.io.PrintWriter;

/** What {@code --json} prints. */
public final class Json {
  private static final Gson GSON =
      new GsonBuilder().serializeNulls().setPrettyPrinting().disableHtmlEscaping().create();

  private Json() {}

  /** Prints a JSON value, and nothing else, on standard output. */
  public static void print(PrintWriter out, JsonElement value) {
    out.println(GSON.toJson(value));
    out.flush();
  }

  /** A message in its proto3 JSON form, fields with default values included. */
  public static JsonElement of(MessageOrBuilder message) {
    try {
      return JsonParser.parseString(
          JsonFormat.printer().alwaysPrintFieldsWithNoPresence().print(message));
    } catch (InvalidProtocolBufferException e) {
      throw new CommandException("an answer of the gateway cannot be shown as JSON", e);
    }
  }
}
