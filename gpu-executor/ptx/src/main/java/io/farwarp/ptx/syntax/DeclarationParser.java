package io.farwarp.ptx.syntax;

import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.syntax.SourceVariable.Initial;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads declarations of variables and parameters. */
final class DeclarationParser {
  /** CUDA allows 32,764 bytes of parameters since 12.1. */
  private static final int MAX_PARAMETERS = 8_192;

  private static final long MAX_VARIABLE_BYTES = 1L << 40;
  private static final int MAX_NESTING = 16;

  private final TokenReader tokens;

  DeclarationParser(TokenReader tokens) {
    this.tokens = tokens;
  }

  /** {@code (.param .u64 .ptr .global .align 4 a, .param .f32 b)}. */
  List<SourceVariable> parameters() throws PtxException {
    List<SourceVariable> parameters = new ArrayList<>();
    tokens.expect("(");
    if (tokens.accept(")")) {
      return parameters;
    }
    do {
      int line = tokens.line();
      if (!tokens.acceptDotted("param")) {
        throw tokens.wanted("'.param'");
      }
      parameters.add(one(line, "param", false, 0, null));
      if (parameters.size() > MAX_PARAMETERS) {
        throw new PtxException(line, "a function has at most " + MAX_PARAMETERS + " parameters");
      }
    } while (tokens.accept(","));
    tokens.expect(")");
    return parameters;
  }

  /** What follows the state space of a variable directive, up to the semicolon. */
  List<SourceVariable> variables(int line, String space, boolean external) throws PtxException {
    List<SourceVariable> variables = new ArrayList<>();
    variables.add(one(line, space, external, 0, null));
    while (tokens.accept(",")) {
      SourceVariable first = variables.get(0);
      variables.add(one(line, space, external, first.alignBytes(), first.type()));
    }
    tokens.expect(";");
    return variables;
  }

  private SourceVariable one(
      int line, String space, boolean external, int knownAlign, @Nullable PtxType knownType)
      throws PtxException {
    int align = knownAlign;
    boolean pointer = false;
    PtxType type = knownType;
    while (tokens.peek().kind() == Token.Kind.DOTTED) {
      String word = tokens.take().text();
      PtxType known = PtxType.ofKeyword(word);
      if (known != null && type == null) {
        type = known;
      } else if (word.equals("align")) {
        // After .ptr the alignment is that of the memory pointed to.
        int named = alignment();
        align = pointer ? align : named;
      } else if (isPointerAttribute(word)) {
        pointer = true;
      } else if (word.equals("attribute") && space.equals("global")) {
        managed();
      } else {
        throw new PtxException(line, "'." + word + "' is not supported in a declaration");
      }
    }
    if (type == null || type == PtxType.PRED) {
      throw new PtxException(line, "a declaration needs a type of known size");
    }
    String name = tokens.expectName("a variable's name");
    long elements = 1;
    while (tokens.accept("[")) {
      elements = dimension(line, type, elements);
    }
    List<Initial> initial = new ArrayList<>();
    if (tokens.accept("=")) {
      values(initial, 0);
    }
    if (elements == 0) {
      // int a[] = {1, 2, 3}: the values say how many there are.
      elements = initial.size();
    }
    return new SourceVariable(
        line,
        space,
        type,
        Math.max(align, type.sizeBytes()),
        name,
        elements,
        external,
        List.copyOf(initial));
  }

  private static boolean isPointerAttribute(String word) {
    return switch (word) {
      case "ptr", "global", "const", "shared", "local" -> true;
      default -> false;
    };
  }

  /** Memory of host and device is one here, so that managed variables are like others. */
  private void managed() throws PtxException {
    tokens.expect("(");
    if (!tokens.acceptDotted("managed")) {
      throw tokens.wanted("'.managed', the only attribute that is supported");
    }
    tokens.expect(")");
  }

  private int alignment() throws PtxException {
    int line = tokens.line();
    long align = tokens.expectInteger("an alignment", 1 << 16);
    if (Long.bitCount(align) != 1) {
      throw new PtxException(line, "alignment " + align + " is not a power of two");
    }
    return (int) align;
  }

  private long dimension(int line, PtxType type, long elements) throws PtxException {
    if (tokens.accept("]")) {
      return 0;
    }
    long size = tokens.expectInteger("an array size", MAX_VARIABLE_BYTES);
    tokens.expect("]");
    if (elements != 0 && size > MAX_VARIABLE_BYTES / type.sizeBytes() / elements) {
      throw new PtxException(line, "a variable is larger than " + MAX_VARIABLE_BYTES + " bytes");
    }
    return elements * size;
  }

  private void values(List<Initial> into, int depth) throws PtxException {
    if (depth > MAX_NESTING) {
      throw new PtxException(tokens.line(), "initialisers nest deeper than " + MAX_NESTING);
    }
    if (!tokens.accept("{")) {
      into.add(value());
      return;
    }
    if (tokens.accept("}")) {
      return;
    }
    do {
      values(into, depth + 1);
    } while (tokens.accept(","));
    tokens.expect("}");
  }

  private Initial value() throws PtxException {
    if (tokens.peek().kind() != Token.Kind.NAME) {
      return new Initial.Value(Literals.number(tokens));
    }
    String name = tokens.expectName("a symbol");
    if (name.equals("generic") && tokens.accept("(")) {
      String symbol = tokens.expectName("a symbol");
      long offset = Literals.optionalOffset(tokens);
      tokens.expect(")");
      return new Initial.Address(symbol, offset + Literals.optionalOffset(tokens));
    }
    return new Initial.Address(name, Literals.optionalOffset(tokens));
  }
}
