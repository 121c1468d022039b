import ts from "typescript";

/** One small change of a source text. */
export interface Mutant {
  /** Path from the root of the package. */
  readonly file: string;
  readonly line: number;
  /** What is changed: the kind of change. */
  readonly kind: string;
  /** The place of the changed text: an expression, or a whole statement. */
  readonly start: number;
  readonly end: number;
  readonly isStatement: boolean;
  readonly before: string;
  readonly after: string;
}

// Each operator with what it becomes.
const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "===": ["!=="],
  "!==": ["==="],
  "&&": ["||"],
  "||": ["&&"],
  "??": ["&&"],
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "%": ["*"],
  "&": ["|"],
  "|": ["&"],
  "^": ["&"],
  "<<": [">>"],
  ">>": ["<<"],
  ">>>": ["<<"],
  "+=": ["-="],
  "-=": ["+="],
  "*=": ["/="],
  "|=": ["&="],
  "&=": ["|="],
  "??=": ["="],
};

/**
 * All mutants of a source text: operators, comparisons, constants, conditions, returned values, removed statements.
 * Types, imports and the texts of errors are left alone.
 */
export function mutantsOf(file: string, text: string): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const found: Mutant[] = [];

  const add = (node: ts.Node, kind: string, after: string, isStatement = false): void => {
    const start = node.getStart(source);
    const before = text.slice(start, node.end);
    if (after === before) return;
    const line = source.getLineAndCharacterOfPosition(start).line + 1;
    found.push({ file, line, kind, start, end: node.end, isStatement, before, after });
  };
  const textOf = (node: ts.Node): string => node.getText(source);

  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isInterfaceDeclaration(node))
      return;
    if (ts.isTypeAliasDeclaration(node) || ts.isExportDeclaration(node)) return;
    if (ts.isBinaryExpression(node)) {
      const operator = textOf(node.operatorToken);
      // A text that is put together is an error's, or a number on its way to one.
      const isText = operator === "+" && (isTextual(node.left) || isTextual(node.right));
      if (!isText) {
        for (const other of OPERATORS[operator] ?? []) {
          add(node, "operator", `${textOf(node.left)} ${other} ${textOf(node.right)}`);
        }
      }
    } else if (ts.isPrefixUnaryExpression(node)) {
      if (node.operator === ts.SyntaxKind.ExclamationToken)
        add(node, "negation", textOf(node.operand));
      if (node.operator === ts.SyntaxKind.PlusPlusToken)
        add(node, "step", `--${textOf(node.operand)}`);
      if (node.operator === ts.SyntaxKind.MinusToken && !ts.isNumericLiteral(node.operand)) {
        add(node, "sign", textOf(node.operand));
      }
      if (node.operator === ts.SyntaxKind.TildeToken) add(node, "bits", textOf(node.operand));
    } else if (ts.isPostfixUnaryExpression(node)) {
      const is = node.operator === ts.SyntaxKind.PlusPlusToken;
      add(node, "step", `${textOf(node.operand)}${is ? "--" : "++"}`);
    } else if (ts.isNumericLiteral(node)) {
      if (isValue(node)) add(node, "constant", `(${textOf(node)} + 1)`);
    } else if (ts.isConditionalExpression(node)) {
      add(node.condition, "condition", `!(${textOf(node.condition)})`);
    } else if (ts.isIfStatement(node)) {
      add(node.expression, "condition", "true");
      add(node.expression, "condition", "false");
    } else if (ts.isWhileStatement(node)) {
      add(node.expression, "condition", "false");
    } else if (ts.isReturnStatement(node) && node.expression !== undefined) {
      const { expression } = node;
      if (expression.kind === ts.SyntaxKind.TrueKeyword) add(expression, "return", "false");
      else if (expression.kind === ts.SyntaxKind.FalseKeyword) add(expression, "return", "true");
      else if (isOfCondition(expression)) add(expression, "return", `!(${textOf(expression)})`);
      else if (textOf(expression) !== "undefined")
        add(expression, "return", "(undefined as never)");
    } else if (
      node.kind === ts.SyntaxKind.TrueKeyword ||
      node.kind === ts.SyntaxKind.FalseKeyword
    ) {
      const other = node.kind === ts.SyntaxKind.TrueKeyword ? "false" : "true";
      if (isValue(node) && !ts.isReturnStatement(node.parent)) add(node, "constant", other);
    }
    if (isRemovable(node)) add(node, "statement", ";", true);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isTextual(node: ts.Node): boolean {
  return ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);
}

/** Not a key, a type or an element of an enum. */
function isValue(node: ts.Node): boolean {
  const { parent } = node;
  if (ts.isLiteralTypeNode(parent)) return false;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  return true;
}

function isOfCondition(node: ts.Node): boolean {
  if (ts.isPrefixUnaryExpression(node)) return node.operator === ts.SyntaxKind.ExclamationToken;
  if (!ts.isBinaryExpression(node)) return false;
  return ["<", "<=", ">", ">=", "===", "!==", "&&", "||"].includes(node.operatorToken.getText());
}

/** A call or an assignment of its own, or the end of a loop or function. */
function isRemovable(node: ts.Node): boolean {
  if (!ts.isBlock(node.parent ?? node)) return false;
  if (ts.isReturnStatement(node) && node.expression === undefined) return true;
  if (ts.isBreakStatement(node) || ts.isContinueStatement(node)) return true;
  if (ts.isThrowStatement(node)) return true;
  if (!ts.isExpressionStatement(node)) return false;
  const { expression } = node;
  const isSuper =
    ts.isCallExpression(expression) && expression.expression.kind === ts.SyntaxKind.SuperKeyword;
  return !isSuper;
}

/** The text with one mutant in it. */
export function mutated(text: string, { start, end, isStatement, after }: Mutant): string {
  return text.slice(0, start) + (isStatement ? after : `(${after})`) + text.slice(end);
}

/**
 * The text with some mutants in it, named by their numbers: each is chosen if `__is` returns true for its number, and
 * `__is` is called wherever one is reached.
 */
export function switched(text: string, mutants: readonly (readonly [number, Mutant])[]): string {
  const pieces: { readonly at: number; readonly order: number; readonly text: string }[] = [];
  for (const [id, { start, end, isStatement, after }] of mutants) {
    // Of two that begin at the same place the longer one is outside, and of two that end there.
    pieces.push({
      at: start,
      order: 1e9 - end,
      text: isStatement ? `if (!__is(${id})) ` : `(__is(${id}) ? (${after}) : (`,
    });
    if (!isStatement) pieces.push({ at: end, order: -1e9 - start, text: "))" });
  }
  pieces.sort((a, b) => a.at - b.at || a.order - b.order);
  let out = "";
  let at = 0;
  for (const piece of pieces) {
    out += text.slice(at, piece.at) + piece.text;
    at = piece.at;
  }
  return out + text.slice(at);
}
