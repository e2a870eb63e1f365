package io.farwarp.ptx.syntax;

import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.syntax.SourceStatement.Guard;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads the statements between the braces of a function. */
final class BodyParser {
  private static final int MAX_OPERANDS = 64;
  private static final int MAX_TARGETS = 4096;
  private static final int MAX_SCOPES = 64;
  private static final int MAX_REGISTERS = 1 << 20;
  private static final int MAX_SUFFIX_CHARS = 128;
  private static final Set<String> VARIABLE_SPACES =
      Set.of("local", "param", "shared", "global", "const");

  /** Special registers whose name is followed by a coordinate. */
  private static final Set<String> COORDINATES = Set.of("x", "y", "z", "w");

  private final TokenReader tokens;
  private final DeclarationParser declarations;
  private final SourceLines lines;
  private int lastLine;
  private final List<SourceStatement> statements = new ArrayList<>();

  BodyParser(TokenReader tokens, DeclarationParser declarations, SourceLines lines) {
    this.lines = lines;
    this.tokens = tokens;
    this.declarations = declarations;
  }

  List<SourceStatement> body() throws PtxException {
    tokens.expect("{");
    int depth = 1;
    while (depth > 0) {
      Token token = tokens.peek();
      lastLine = token.line();
      if (token.kind() == Token.Kind.END) {
        throw tokens.wanted("'}'");
      } else if (token.is("{")) {
        tokens.take();
        if (++depth > MAX_SCOPES) {
          throw new PtxException(token.line(), "scopes nest deeper than " + MAX_SCOPES);
        }
        statements.add(new SourceStatement.ScopeOpen(token.line()));
      } else if (token.is("}")) {
        tokens.take();
        if (--depth > 0) {
          statements.add(new SourceStatement.ScopeClose(token.line()));
        }
      } else {
        statement(token);
      }
    }
    lines.end(lastLine);
    return List.copyOf(statements);
  }

  private void statement(Token token) throws PtxException {
    if (token.kind() == Token.Kind.DOTTED) {
      directive(token);
    } else if (token.is("@")) {
      tokens.take();
      boolean negated = tokens.accept("!");
      instruction(new Guard(tokens.expectName("a predicate"), negated));
    } else if (token.kind() == Token.Kind.NAME) {
      instruction(null);
    } else if (!tokens.accept(";")) {
      throw tokens.wanted("a statement");
    }
  }

  private void directive(Token token) throws PtxException {
    String word = token.text();
    if (word.equals("file")) {
      tokens.skipLine();
      return;
    }
    tokens.take();
    if (word.equals("loc")) {
      location(token);
      return;
    }
    if (word.equals("reg")) {
      registers(token.line());
    } else if (word.equals("pragma")) {
      if (tokens.take().kind() != Token.Kind.STRING) {
        throw tokens.wanted("a string");
      }
      tokens.expect(";");
    } else if (word.equals("branchtargets") || word.equals("calltargets")) {
      table(token);
    } else if (word.equals("callprototype")) {
      prototype(token);
    } else if (VARIABLE_SPACES.contains(word)) {
      for (SourceVariable variable : declarations.variables(token.line(), word, false)) {
        statements.add(new SourceStatement.Variable(token.line(), variable));
      }
    } else {
      throw new PtxException(token.line(), "directive '." + word + "' is not supported");
    }
  }

  /** Takes back the label that a list or a prototype stands behind. */
  private String lastLabel(Token directive) throws PtxException {
    if (statements.isEmpty() || !(statements.getLast() instanceof SourceStatement.Label label)) {
      throw new PtxException(directive.line(), directive + " needs a label before it");
    }
    statements.removeLast();
    return label.name();
  }

  private void table(Token directive) throws PtxException {
    String label = lastLabel(directive);
    List<String> names = new ArrayList<>();
    do {
      names.add(tokens.expectName("a label"));
      if (names.size() > MAX_TARGETS) {
        throw new PtxException(directive.line(), directive + " lists more than " + MAX_TARGETS);
      }
    } while (tokens.accept(","));
    tokens.expect(";");
    statements.add(new SourceStatement.Table(directive.line(), label, List.copyOf(names)));
  }

  private void prototype(Token directive) throws PtxException {
    String label = lastLabel(directive);
    List<SourceVariable> returns = tokens.peek().is("(") ? declarations.parameters() : List.of();
    tokens.expectName("'_'");
    List<SourceVariable> parameters = tokens.peek().is("(") ? declarations.parameters() : List.of();
    tokens.acceptDotted("noreturn");
    tokens.expect(";");
    statements.add(
        new SourceStatement.Prototype(
            directive.line(), label, List.copyOf(returns), List.copyOf(parameters)));
  }

  /** {@code .loc 1 12 5}: file, line and column; what inlining adds to it is not looked at. */
  private void location(Token directive) throws PtxException {
    int line = directive.line();
    if (tokens.peek().kind() == Token.Kind.INTEGER && tokens.line() == line) {
      long file = tokens.take().bits();
      if (tokens.peek().kind() == Token.Kind.INTEGER && tokens.line() == line) {
        lines.mark(line, file, Math.clamp(tokens.take().bits(), 0, Integer.MAX_VALUE));
      }
    }
    tokens.skipRest(line);
  }

  private void registers(int line) throws PtxException {
    String type = tokens.expectDotted("a register's type");
    do {
      String name = tokens.expectName("a register's name");
      int count = SourceStatement.Registers.SINGLE;
      if (tokens.accept("<")) {
        count = (int) tokens.expectInteger("a register count", MAX_REGISTERS);
        tokens.expect(">");
      }
      statements.add(new SourceStatement.Registers(line, type, name, count));
    } while (tokens.accept(","));
    tokens.expect(";");
  }

  private void instruction(@Nullable Guard guard) throws PtxException {
    int line = tokens.line();
    String opcode = tokens.expectName("an instruction");
    if (guard == null && tokens.accept(":")) {
      statements.add(new SourceStatement.Label(line, opcode));
      return;
    }
    StringBuilder suffix = new StringBuilder();
    while (tokens.peek().kind() == Token.Kind.DOTTED) {
      suffix.append('.').append(tokens.take().text());
      if (suffix.length() > MAX_SUFFIX_CHARS) {
        throw new PtxException(line, "instruction '" + opcode + "' has too many modifiers");
      }
    }
    List<SourceOperand> operands = new ArrayList<>();
    if (!tokens.accept(";")) {
      do {
        operands.add(operand(0));
        checkCount(operands, line);
      } while (tokens.accept(","));
      tokens.expect(";");
    }
    statements.add(
        new SourceStatement.Instruction(
            line, guard, opcode, suffix.toString(), List.copyOf(operands)));
  }

  private static void checkCount(List<SourceOperand> operands, int line) throws PtxException {
    if (operands.size() > MAX_OPERANDS) {
      throw new PtxException(line, "an instruction has at most " + MAX_OPERANDS + " operands");
    }
  }

  private SourceOperand operand(int depth) throws PtxException {
    if (depth > 2) {
      throw tokens.wanted("a simpler operand");
    }
    if (tokens.accept("[")) {
      return memory();
    }
    if (tokens.accept("{")) {
      return new SourceOperand.Vector(list("}", depth));
    }
    if (tokens.accept("(")) {
      return new SourceOperand.Group(list(")", depth));
    }
    if (tokens.accept("!")) {
      return new SourceOperand.Not(name());
    }
    if (tokens.peek().kind() != Token.Kind.NAME) {
      return Literals.number(tokens);
    }
    SourceOperand first = name();
    if (tokens.accept("|")) {
      return new SourceOperand.Pair(first, name());
    }
    return first;
  }

  private List<SourceOperand> list(String close, int depth) throws PtxException {
    List<SourceOperand> elements = new ArrayList<>();
    if (tokens.accept(close)) {
      return List.of();
    }
    do {
      elements.add(operand(depth + 1));
      checkCount(elements, tokens.line());
    } while (tokens.accept(","));
    tokens.expect(close);
    return List.copyOf(elements);
  }

  private SourceOperand name() throws PtxException {
    String name = tokens.expectName("an operand");
    if (name.equals("_")) {
      return new SourceOperand.Discard();
    }
    Token next = tokens.peek();
    if (next.kind() == Token.Kind.DOTTED && COORDINATES.contains(next.text())) {
      name = name + "." + tokens.take().text();
    }
    return new SourceOperand.Name(name, Literals.optionalOffset(tokens));
  }

  private SourceOperand memory() throws PtxException {
    SourceOperand result;
    if (tokens.peek().kind() == Token.Kind.NAME) {
      String base = tokens.take().text();
      result = new SourceOperand.Memory(base, Literals.optionalOffset(tokens));
    } else {
      SourceOperand.Literal number = Literals.number(tokens);
      if (number.kind() != SourceOperand.NumberKind.INTEGER) {
        throw tokens.wanted("an address");
      }
      result = new SourceOperand.Memory(null, number.bits());
    }
    if (tokens.accept(",")) {
      return bracketed();
    }
    tokens.expect("]");
    return result;
  }

  private SourceOperand bracketed() throws PtxException {
    int line = tokens.line();
    for (int words = 0; !tokens.accept("]"); words++) {
      if (words > MAX_OPERANDS || tokens.take().kind() == Token.Kind.END) {
        throw new PtxException(line, "expected ']'");
      }
    }
    return new SourceOperand.Bracketed();
  }
}
