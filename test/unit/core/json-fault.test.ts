import { fc, it as prop } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { jsonFault } from "../../../src/core/json-fault.ts";

const accepts = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe("jsonFault", () => {
  it.each([
    ["", "expected a value at the end"],
    ["  ", "expected a value at the end"],
    ["hello", "expected a value at character 0 of 5"],
    ["nul", "expected a value at character 0 of 3"],
    ["01", "expected nothing after the value at character 1 of 2"],
    ["1 2", "expected nothing after the value at character 2 of 3"],
    ["[1", 'expected "," or "]" at the end'],
    ["[1,", "expected a value at the end"],
    ["[1,]", "expected a value at character 3 of 4"],
    ["[1}", 'expected "," or "]" at character 2 of 3'],
    ['{"a" 1}', 'expected ":" at character 5 of 7'],
    ['{"a":1 "b"}', 'expected "," or "}" at character 7 of 11'],
    ['{"a":1,}', "expected a name in double quotes at character 7 of 8"],
    ["{a:1}", "expected a name in double quotes at character 1 of 5"],
    ['"abc', "expected a closing quote at the end"],
    ['{"a":"b\n"}', "control character in a string at character 7 of 10"],
    ['["\\x"]', "invalid escape in a string at character 2 of 6"],
    ['"\\u12"', "invalid escape in a string at character 1 of 6"],
    ["-", "expected a value at character 0 of 1"],
    ["\ufeff1", "expected a value at character 0 of 2"],
  ])("says of %j: %s", (text, fault) => {
    expect(jsonFault(text)).toBe(fault);
  });

  it.each([
    "0",
    "-0.5e+3",
    " [ ] ",
    "{}",
    '{"a":[{},{"b":null}],"c":"\\u00e9\\n"}',
    "[true,false]",
  ])("finds none in %j", (text) => {
    expect(jsonFault(text)).toBeUndefined();
  });

  it("needs no stack for deep nesting or long strings", () => {
    const deep = 1_000_000;
    expect(jsonFault("[".repeat(deep))).toBe("expected a value at the end");
    expect(jsonFault(`"${"\\n".repeat(deep)}"`)).toBeUndefined();
    expect(jsonFault(`"${"x".repeat(deep)}`)).toBe("expected a closing quote at the end");
  });

  const pieces = fc
    .array(fc.constantFrom(...'{}[]:,"\\ \n0123e+-.a', "true", "null", '"a"', "\\u0041", '{"a":1}'))
    .map((some) => some.join(""));
  const cut = fc
    .tuple(fc.json(), fc.nat(), fc.nat(3), fc.string({ maxLength: 2 }))
    .map(([json, at, count, put]) => {
      const from = at % (json.length + 1);
      return json.slice(0, from) + put + json.slice(from + count);
    });

  prop.prop([fc.oneof(pieces, cut, fc.json())], { numRuns: 2000 })(
    "finds a fault in what JSON.parse refuses, and in nothing else",
    (text) => {
      expect(jsonFault(text) === undefined).toBe(accepts(text));
    },
  );
});
