package io.farwarp.ptx.syntax;

import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.PtxOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Reads the module level of PTX text: directives, variables and function headers. */
public final class Parser {
  private static final Set<String> LINKAGE = Set.of("visible", "weak", "extern", "common");
  private static final Set<String> MODULE_SPACES = Set.of("global", "const", "shared");
  private static final Set<String> IGNORED_TUNING =
      Set.of("maxnreg", "minnctapersm", "maxnctapersm");
  private static final int MAX_FUNCTIONS = 16_384;

  private final TokenReader tokens;
  private final DeclarationParser declarations;
  private final SourceLines lines = new SourceLines();
  private final List<SourceVariable> variables = new ArrayList<>();
  private final List<SourceFunction> functions = new ArrayList<>();

  private Parser(TokenReader tokens) {
    this.tokens = tokens;
    this.declarations = new DeclarationParser(tokens);
  }

  /** The syntax tree of a module. */
  public static SourceModule parse(String text, PtxOptions options) throws PtxException {
    if (text.length() > options.maxTextChars()) {
      throw new PtxException(
          0,
          "the text has " + text.length() + " characters; the limit is " + options.maxTextChars());
    }
    Parser parser = new Parser(new TokenReader(text));
    return parser.module();
  }

  private SourceModule module() throws PtxException {
    header();
    while (tokens.peek().kind() != Token.Kind.END) {
      directive();
    }
    return new SourceModule(List.copyOf(variables), List.copyOf(functions), lines);
  }

  private void header() throws PtxException {
    if (!tokens.acceptDotted("version")) {
      throw tokens.wanted("'.version'");
    }
    if (!tokens.peek().isNumber()) {
      throw tokens.wanted("a version such as 6.3");
    }
    tokens.take();
    if (!tokens.acceptDotted("target")) {
      throw tokens.wanted("'.target'");
    }
    do {
      tokens.expectName("a target such as sm_75");
    } while (tokens.accept(","));
    if (tokens.acceptDotted("address_size")) {
      int line = tokens.line();
      if (tokens.expectInteger("an address size", 64) != 64) {
        throw new PtxException(line, "only '.address_size 64' is supported");
      }
    }
  }

  private void directive() throws PtxException {
    Token token = tokens.peek();
    if (token.kind() != Token.Kind.DOTTED) {
      throw tokens.wanted("a directive");
    }
    switch (token.text()) {
      case "file" -> file();
      case "loc" -> tokens.skipLine();
      case "section" -> skipSection();
      case "pragma" -> skipPragma();
      default -> declaration();
    }
  }

  /** {@code .file 1 "kernel.cu"}, perhaps with time and size. */
  private void file() throws PtxException {
    Token directive = tokens.take();
    if (tokens.peek().kind() == Token.Kind.INTEGER && tokens.line() == directive.line()) {
      Token number = tokens.take();
      if (tokens.peek().kind() == Token.Kind.STRING) {
        lines.file(number.bits(), tokens.take().text());
      }
    }
    tokens.skipRest(directive.line());
  }

  private void declaration() throws PtxException {
    boolean external = false;
    while (LINKAGE.contains(tokens.peek().text())) {
      external |= tokens.take().text().equals("extern");
    }
    int line = tokens.line();
    String word = tokens.expectDotted("a directive");
    if (word.equals("entry") || word.equals("func")) {
      function(line, word.equals("entry"));
    } else if (MODULE_SPACES.contains(word)) {
      variables.addAll(declarations.variables(line, word, external));
    } else {
      throw new PtxException(line, "directive '." + word + "' is not supported");
    }
  }

  private void function(int line, boolean entry) throws PtxException {
    if (functions.size() >= MAX_FUNCTIONS) {
      throw new PtxException(line, "a module has at most " + MAX_FUNCTIONS + " functions");
    }
    List<SourceVariable> returns = List.of();
    if (!entry && tokens.peek().is("(")) {
      returns = declarations.parameters();
    }
    String name = tokens.expectName("a function's name");
    List<SourceVariable> parameters = tokens.peek().is("(") ? declarations.parameters() : List.of();
    int maxThreads = 0;
    List<Integer> required = List.of();
    while (tokens.peek().kind() == Token.Kind.DOTTED) {
      String word = tokens.peek().text();
      if (word.equals("maxntid") || word.equals("reqntid")) {
        tokens.take();
        List<Integer> extents = extents();
        maxThreads = product(extents);
        required = word.equals("reqntid") ? extents : required;
      } else {
        tuning();
      }
    }
    List<SourceStatement> body = null;
    if (tokens.peek().is("{")) {
      body = new BodyParser(tokens, declarations, lines).body();
    } else {
      tokens.expect(";");
    }
    functions.add(
        new SourceFunction(line, entry, name, returns, parameters, maxThreads, required, body));
  }

  private void tuning() throws PtxException {
    Token token = tokens.take();
    if (token.isDotted("pragma")) {
      skipPragmaRest();
    } else if (IGNORED_TUNING.contains(token.text())) {
      tokens.expectInteger("a number", Integer.MAX_VALUE);
    } else if (!token.isDotted("noreturn")) {
      throw new PtxException(token.line(), "directive " + token + " is not supported");
    }
  }

  private List<Integer> extents() throws PtxException {
    List<Integer> extents = new ArrayList<>();
    do {
      extents.add((int) tokens.expectInteger("a block extent", 1 << 20));
    } while (extents.size() < 3 && tokens.accept(","));
    return List.copyOf(extents);
  }

  private static int product(List<Integer> extents) {
    long product = 1;
    for (int extent : extents) {
      product = Math.min(product * extent, Integer.MAX_VALUE);
    }
    return (int) product;
  }

  private void skipPragma() throws PtxException {
    tokens.take();
    skipPragmaRest();
  }

  private void skipPragmaRest() throws PtxException {
    do {
      if (tokens.take().kind() != Token.Kind.STRING) {
        throw tokens.wanted("a string");
      }
    } while (tokens.accept(","));
    tokens.expect(";");
  }

  /** Debug sections hold nothing that execution needs. */
  private void skipSection() throws PtxException {
    tokens.take();
    tokens.expectDotted("a section's name");
    tokens.expect("{");
    int depth = 1;
    while (depth > 0) {
      Token token = tokens.take();
      if (token.kind() == Token.Kind.END) {
        throw tokens.wanted("'}'");
      }
      depth += token.is("{") ? 1 : token.is("}") ? -1 : 0;
    }
  }
}
