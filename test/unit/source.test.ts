import ts from "typescript";
import { describe, expect, it } from "vitest";
import { filesIn, readText } from "../support/package.ts";

// What compilers for older engines (Metro, Babel in its loose modes, SWC, esbuild) do not translate, or
// translate into something else.

const files = filesIn("src", /\.ts$/).map((path) =>
  ts.createSourceFile(path, readText(path), ts.ScriptTarget.ESNext, true),
);

/** Places in the source that `isOne` finds, as `file:line`. */
function placesOf(isOne: (node: ts.Node) => boolean): string[] {
  const found: string[] = [];
  for (const file of files) {
    const walk = (node: ts.Node): void => {
      if (isOne(node)) {
        const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
        found.push(`${file.fileName}:${line + 1}`);
      }
      ts.forEachChild(node, walk);
    };
    walk(file);
  }
  return found;
}

/** True if `name` is used as a value somewhere below `node`. */
function mentions(node: ts.Node, name: string): boolean {
  if (ts.isTypeNode(node)) return false;
  if (ts.isIdentifier(node)) {
    const { parent } = node;
    const isMember = ts.isPropertyAccessExpression(parent) && parent.name === node;
    return node.text === name && !isMember;
  }
  return ts.forEachChild(node, (child) => mentions(child, name)) ?? false;
}

describe("the source", () => {
  it("has files", () => {
    expect(files.length).toBeGreaterThan(100);
  });

  it("has no static blocks", () => {
    expect(placesOf(ts.isClassStaticBlockDeclaration)).toEqual([]);
  });

  it("has no class that names itself in its body, which esbuild would rename", () => {
    const namesItself = (node: ts.Node): boolean =>
      ts.isClassLike(node) &&
      node.name !== undefined &&
      node.members.some((member) => mentions(member, node.name!.text));
    expect(placesOf(namesItself)).toEqual([]);
  });

  it("has no power of bigints, which older targets turn into Math.pow", () => {
    const isPower = (node: ts.Node): boolean =>
      ts.isBinaryExpression(node) &&
      node.operatorToken.kind === ts.SyntaxKind.AsteriskAsteriskToken &&
      (ts.isBigIntLiteral(node.left) || ts.isBigIntLiteral(node.right));
    expect(placesOf(isPower)).toEqual([]);
  });

  it("assigns no private field of an object that freezes itself", () => {
    // React Native's preset turns private fields into ordinary ones, which freezing locks.
    const isLocked = (node: ts.Node): boolean =>
      ts.isClassLike(node) &&
      /Object\.freeze\(this\)/.test(node.getText()) &&
      node.members.some(
        (member) =>
          ts.isPropertyDeclaration(member) &&
          !member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ReadonlyKeyword),
      );
    expect(placesOf(isLocked)).toEqual([]);
  });
});
