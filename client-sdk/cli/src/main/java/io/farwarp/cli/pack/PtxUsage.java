package io.farwarp.cli.pack;

import io.farwarp.v1.ElementType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a kernel's text shows of its parameters: which are addresses, of what elements, read or
 * written. Follows parameters through copies and sums into the addresses of loads and stores; what
 * goes other ways (memory, calls) it does not see. For a first guess only.
 */
final class PtxUsage {
  private static final Pattern REGISTER = Pattern.compile("%[A-Za-z]+[0-9]+");
  private static final Pattern ADDRESS = Pattern.compile("\\[\\s*(%[A-Za-z]+[0-9]+)");
  private static final Pattern PARAMETER = Pattern.compile("\\[\\s*([A-Za-z_$][A-Za-z0-9_$]*)");
  private static final Set<String> CARRIES =
      Set.of("mov", "add", "sub", "cvta", "selp", "mad", "max", "min");
  private static final Set<String> OTHER_SPACES = Set.of("param", "local", "shared", "const");

  private final Map<String, Use> uses = new HashMap<>();
  private final Map<String, Set<String>> origins = new HashMap<>();

  /** How the memory behind one parameter is used. */
  static final class Use {
    private boolean read;
    private boolean written;
    private @Nullable ElementType type;

    boolean isRead() {
      return read;
    }

    boolean isWritten() {
      return written;
    }

    /** Of the first access; f32 where its type is none of ours. */
    ElementType type() {
      return type == null ? ElementType.F32 : type;
    }
  }

  private PtxUsage() {}

  /** Reads the kernel {@code name} in {@code ptx}, comments and all. */
  static PtxUsage of(String ptx, String name) {
    PtxUsage usage = new PtxUsage();
    List<String[]> statements = statements(body(ptx, name));
    // Twice, so that what a loop carries round arrives too.
    for (int pass = 0; pass < 2; pass++) {
      for (String[] statement : statements) {
        usage.statement(statement[0].split("\\."), statement[1]);
      }
    }
    return usage;
  }

  /** The use of the memory that the parameter points at; null if it is never seen as an address. */
  @Nullable Use of(String parameter) {
    return uses.get(parameter);
  }

  /** Threads of a block that the kernel insists on by {@code .reqntid}, x first; often empty. */
  static List<String> requiredBlock(String ptx, String name) {
    Matcher required =
        Pattern.compile(
                "\\.entry\\s+" + Pattern.quote(name) + "\\b[^{]*\\.reqntid\\s+([0-9]+[0-9,\\s]*)")
            .matcher(ptx);
    return required.find() ? List.of(required.group(1).strip().split("\\s*,\\s*")) : List.of();
  }

  private static String body(String ptx, String name) {
    String text = ptx.replaceAll("(?s)/\\*.*?\\*/", " ").replaceAll("//[^\\n]*", " ");
    Matcher entry =
        Pattern.compile("\\.entry\\s+" + Pattern.quote(name) + "\\s*[({]").matcher(text);
    if (!entry.find()) {
      return "";
    }
    int open = text.indexOf('{', entry.start());
    int depth = 0;
    for (int i = Math.max(open, 0); i < text.length(); i++) {
      depth += text.charAt(i) == '{' ? 1 : text.charAt(i) == '}' ? -1 : 0;
      if (depth == 0) {
        return text.substring(open + 1, i);
      }
    }
    return "";
  }

  /** Opcode and operands of each statement, guards taken off. */
  private static List<String[]> statements(String body) {
    List<String[]> statements = new ArrayList<>();
    for (String part : body.split("[;\\n]", -1)) {
      String statement = part.strip().replaceFirst("^@!?%\\w+\\s+", "");
      int space = statement.indexOf(' ') < 0 ? statement.indexOf('\t') : statement.indexOf(' ');
      int tab = statement.indexOf('\t');
      int end = tab > 0 ? Math.min(space, tab) : space;
      if (end > 0 && Character.isLowerCase(statement.charAt(0))) {
        statements.add(new String[] {statement.substring(0, end), statement.substring(end)});
      }
    }
    return statements;
  }

  private void statement(String[] opcode, String operands) {
    List<String> modifiers = List.of(opcode).subList(1, opcode.length);
    switch (opcode[0]) {
      case "ld" -> {
        if (modifiers.contains("param")) {
          loadParameter(operands);
        } else {
          access(modifiers, operands, true, false);
        }
      }
      case "st" -> access(modifiers, operands, false, true);
      case "atom", "red" -> access(modifiers, operands, true, true);
      default -> {
        if (CARRIES.contains(opcode[0])) {
          carry(operands);
        }
      }
    }
  }

  private void loadParameter(String operands) {
    Matcher register = REGISTER.matcher(operands);
    Matcher parameter = PARAMETER.matcher(operands);
    if (register.find() && parameter.find()) {
      origins.computeIfAbsent(register.group(), r -> new HashSet<>()).add(parameter.group(1));
    }
  }

  private void carry(String operands) {
    Matcher register = REGISTER.matcher(operands);
    if (!register.find()) {
      return;
    }
    String target = register.group();
    Set<String> carried = new HashSet<>();
    while (register.find()) {
      carried.addAll(origins.getOrDefault(register.group(), Set.of()));
    }
    if (!carried.isEmpty()) {
      origins.computeIfAbsent(target, r -> new HashSet<>()).addAll(carried);
    }
  }

  private void access(List<String> modifiers, String operands, boolean reads, boolean writes) {
    Matcher address = ADDRESS.matcher(operands);
    if (modifiers.stream().anyMatch(OTHER_SPACES::contains) || !address.find()) {
      return;
    }
    for (String parameter : origins.getOrDefault(address.group(1), Set.of())) {
      Use use = uses.computeIfAbsent(parameter, p -> new Use());
      use.read |= reads;
      use.written |= writes;
      use.type = use.type == null ? type(modifiers.getLast()) : use.type;
    }
  }

  private static @Nullable ElementType type(String ptxType) {
    return switch (ptxType) {
      case "s8" -> ElementType.I8;
      case "u8", "b8" -> ElementType.U8;
      case "s16" -> ElementType.I16;
      case "u16" -> ElementType.U16;
      case "b16" -> ElementType.F16;
      case "s32", "b32" -> ElementType.I32;
      // nvcc writes .u32 for int too, which is far more common than unsigned.
      case "u32" -> ElementType.I32;
      case "s64", "b64", "u64" -> ElementType.I64;
      case "f64" -> ElementType.F64;
      case "f32" -> ElementType.F32;
      default -> null;
    };
  }
}
