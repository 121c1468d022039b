import { describe, expect, it } from "vitest";
import { CodeText, compiledOr } from "../../../src/core/code.ts";

describe("compiledOr", () => {
  const otherwise = (): string => "interpreted";
  const make = (): string => "compiled";
  const forbidden = (): string => {
    throw new EvalError("no eval here");
  };

  it("runs code if it is allowed, and falls back if it is not", () => {
    expect(compiledOr("auto", make, otherwise)).toBe("compiled");
    expect(compiledOr("auto", forbidden, otherwise)).toBe("interpreted");
  });

  it('requires code for "compiled"', () => {
    expect(compiledOr("compiled", make, otherwise)).toBe("compiled");
    expect(() => compiledOr("compiled", forbidden, otherwise)).toThrow("no eval here");
  });

  it('never tries code for "interpreted"', () => {
    let asked = 0;
    const count = (): string => {
      asked++;
      return "compiled";
    };
    expect(compiledOr("interpreted", count, otherwise)).toBe("interpreted");
    expect(asked).toBe(0);
  });
});

describe("the text of code", () => {
  it("indents the content of a block, and nothing after it", () => {
    const code = new CodeText();
    code.line("let a = 1;");
    code.block("if (a) {", () => code.block("while (a) {", () => code.line("a--;")));
    code.line("return a;");
    expect(code.text).toBe("let a = 1;\nif (a) {\n  while (a) {\n    a--;\n  }\n}\nreturn a;");
  });

  it("has a name of its own for each constant and each value", () => {
    const code = new CodeText();
    expect([code.fresh(), code.keep("1 + 1"), code.fresh()]).toEqual(["v0", "v1", "v2"]);
    const map = new Map();
    expect([code.value(map), code.value("x"), code.value(map)]).toEqual(["k0", "k1", "k0"]);
    expect([code.values, code.bindings("list")]).toEqual([[map, "x"], "const [k0, k1] = list;"]);
    code.refuseIf("!v1");
    expect(code.text).toBe("const v1 = 1 + 1;\nif (!v1) throw bad;");
    for (const helper of ["b", "a", "b"]) expect(code.use(helper)).toBe(helper);
    expect(code.helpers).toEqual(["a", "b"]);
  });
});
