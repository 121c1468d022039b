import { describe, expect, it } from "vitest";
import {
  eachMember,
  elements,
  foldedKey,
  goCompact,
  goEscaped,
  goInteger,
  skipSpace,
  trimmed,
  valueEnd,
  valuesIn,
} from "../../../src/core/go-json.ts";

describe("valueEnd", () => {
  it.each([
    ['{"a":"}"} x', 9],
    ['[[1],{"b":[]}],', 14],
    ['"a\\"b",', 6],
    ["-1.5e3]", 6],
    ["true }", 4],
    ["null", 4],
    ['"\\\\"x', 4],
  ])("finds the end of the value at the beginning of %s", (text, end) => {
    expect(valueEnd(text, 0)).toBe(end);
  });

  it.each(['{"a":1', "[", '"abc', '"abc\\"', '"abc\\', '{"a":"}', "[[]"])(
    "returns -1 if %s ends inside its value",
    (text) => {
      expect(valueEnd(text, 0)).toBe(-1);
    },
  );

  it.each(["", "]", "}", ",1", " 1"])("returns its start if no value begins %j", (text) => {
    expect(valueEnd(text, 0)).toBe(0);
  });
});

describe("the parts of a text without white space, or with much of it", () => {
  it.each(['{"a":1,"":"b","c":[2]}', ' { "a" : 1 , "" : "b" , "c" : [2] } '.trim()])(
    "are the members of %s",
    (text) => {
      const members: string[][] = [];
      eachMember(text, (key, value) => members.push([key, value]));
      expect(members).toEqual([
        ["a", "1"],
        ["", '"b"'],
        ["c", "[2]"],
      ]);
    },
  );

  it.each(['[1,"",[2]]', '[ 1 , "" , [2] ]'])("are the elements of %s", (text) => {
    expect(elements(text)).toEqual(["1", '""', "[2]"]);
  });

  it("are none if there are none", () => {
    for (const text of ["{}", "{ }"]) eachMember(text, () => expect.fail("a member"));
    expect([elements("[]"), elements("[ ]")]).toEqual([[], []]);
  });
});

describe("valuesIn", () => {
  it("separates values that stand side by side", () => {
    expect(valuesIn(' {"a":1}{"b":"}{"} [2]\t"x"3 ')).toEqual([
      '{"a":1}',
      '{"b":"}{"}',
      "[2]",
      '"x"',
      "3",
    ]);
    expect(valuesIn("")).toEqual([]);
    expect(valuesIn(" \t\r\n")).toEqual([]);
  });

  it("returns everything after the last complete value as one text", () => {
    expect(valuesIn("{}]{} {}")).toEqual(["{}", "]{} {}"]);
    expect(valuesIn('{} {"a": ')).toEqual(["{}", '{"a": ']);
    expect(valuesIn("{},{}")).toEqual(["{}", ",{}"]);
  });

  it("takes only JSON's own white space for space", () => {
    expect(valuesIn("\u00a0")).toEqual(["\u00a0"]);
    expect(valuesIn("\ufeff{}")).toEqual(["\ufeff{}"]);
  });
});

describe("members and elements", () => {
  it("keep their order, their duplicates and their spelling", () => {
    const members: [string, string][] = [];
    eachMember('{ "b" : 1.0 , "\\u0061":[1, 2] ,"b":"x,}" , "": {} }', (key, value) => {
      members.push([key, value]);
    });
    expect(members).toEqual([
      ["b", "1.0"],
      ["a", "[1, 2]"],
      ["b", '"x,}"'],
      ["", "{}"],
    ]);
    expect(elements('[ 1e2 ,"],", {"a":[]},[ ] , null ]')).toEqual([
      "1e2",
      '"],"',
      '{"a":[]}',
      "[ ]",
      "null",
    ]);
  });

  it("may be none", () => {
    eachMember("{ }", () => expect.unreachable());
    expect(elements("[ \n]")).toEqual([]);
  });
});

describe("the output of Go", () => {
  it("is compact and escapes HTML, but keeps other escapes and spellings", () => {
    const text = ' { "<k>" : "a & b\\b\\u00e9" ,\n"n": [ 1.0, -0 ] }\t';
    expect(goCompact(text)).toBe('{"\\u003ck\\u003e":"a \\u0026 b\\b\\u00e9","n":[1.0,-0]}');
    expect(goCompact('"\u2028\u2029"')).toBe('"\\u2028\\u2029"');
  });

  it("has no short escapes for backspace and form feed", () => {
    const escaped = goEscaped(JSON.stringify('\b\\b\f\\f\\\b<\u2028\n"'));
    expect(escaped).toBe('"\\u0008\\\\b\\u000c\\\\f\\\\\\u0008\\u003c\\u2028\\n\\""');
    expect(JSON.parse(escaped)).toBe('\b\\b\f\\f\\\b<\u2028\n"');
  });
});

describe("the input of Go", () => {
  it("as an integer has no fraction, no exponent, and fits its type", () => {
    expect(goInteger("12", -128, 127)).toBe(12);
    expect(goInteger("-0", -128, 127)).toBe(0);
    for (const text of ["1.0", "1e1", "128", "-129", "", "+1", '"1"', "null"]) {
      expect(goInteger(text, -128, 127)).toBeUndefined();
    }
  });

  it("as a name is independent of case", () => {
    expect(foldedKey("Room_ID")).toBe("ROOM_ID");
    expect(foldedKey("acce\u017fts")).toBe("ACCESTS");
  });
});

describe("white space", () => {
  it("is space, tab, line feed and carriage return", () => {
    expect(skipSpace(" \t\r\n\u00a0x", 0)).toBe(4);
    expect(trimmed("\n \u00a0 x \t")).toBe("\u00a0 x");
    expect(trimmed(" \n")).toBe("");
  });
});
