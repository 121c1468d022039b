import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatenatedJson, newScan } from "../../../src/framing/index.ts";
import { decodeAll, encodeAll, encodeFrame, json, utf8 } from "../../../src/index.ts";
import { jsonValues } from "../../../src/testing/index.ts";
import { ascii, everySize, failureOf, readAll, text } from "../../support/chunks.ts";

const protocol = concatenatedJson().wrap(json());

/** The frames of a stream and its error, which must not depend on the cuts. */
function read(wire: string, options = {}): string[] {
  const framing = concatenatedJson(options);
  const whole = readAll(framing, [ascii(wire)]);
  for (let size = 1; size < Math.min(wire.length, 40); size++) {
    expect(readAll(framing, everySize(ascii(wire), size))).toEqual(whole);
  }
  const frames = whole.frames.map(text);
  return whole.failure ? [...frames, `${whole.failure.code} ${whole.failure.offset}`] : frames;
}

describe("concatenatedJson", () => {
  it.each<[string, string[]]>([
    ['{"a":1}{"b":2}', ['{"a":1}', '{"b":2}']],
    ["{}[]", ["{}", "[]"]],
    [' {}\r\n\t[ ] \n{"a": [1, {"b": []}]}\n\n', ["{}", "[ ]", '{"a": [1, {"b": []}]}']],
    ['{"}":"]"}["\\"}",{}]', ['{"}":"]"}', '["\\"}",{}]']],
    ['{"a":"\\\\"}{"b":"\\\\\\""}', ['{"a":"\\\\"}', '{"b":"\\\\\\""}']],
    ["", []],
    [" \n", []],
    ['{"a":1}{"b":', ['{"a":1}', "truncated 7"]],
    ['{}"text"', ["{}", "malformed 2"]],
    ["{}1", ["{}", "malformed 2"]],
    ["{},{}", ["{}", "malformed 2"]],
    ["]", ["malformed 0"]],
    ["\xef\xbb\xbf{}", ["malformed 0"]],
  ])("reads %j as %j", (wire, expected) => {
    expect(read(wire)).toEqual(expected);
  });

  it("writes objects and arrays one after the other", () => {
    const values = [{ a: "}" }, [], [[1], { b: '"' }]];
    const wire = encodeAll(protocol, values);
    expect(text(wire)).toBe('{"a":"}"}[][[1],{"b":"\\""}]');
    expect(decodeAll(protocol, wire)).toEqual(values);
  });

  it("returns any objects and arrays unchanged", () => {
    const values = fc.array(jsonValues().map((value) => [value]));
    fc.assert(
      fc.property(values, (all) => {
        expect(decodeAll(protocol, encodeAll(protocol, all))).toEqual(all);
      }),
      { numRuns: 50 },
    );
  });

  it.each<[unknown]>([[1], ["text"], [null], [true]])("refuses to write %j", (value) => {
    const failure = failureOf(() => encodeFrame(protocol, value));
    expect(failure?.code).toBe("unencodable");
    expect(failure?.message).toContain("does not begin a JSON object or array");
  });

  it.each(["", " {}", "{} ", "{}{}", "{", "{]]"])("refuses to write the text %j", (value) => {
    const failure = failureOf(() => encodeFrame(concatenatedJson().wrap(utf8()), value));
    expect(failure).toMatchObject({
      code: "unencodable",
      message: "the payload is not one JSON object or array",
    });
  });

  it("keeps its limit", () => {
    expect(read("[1234567]", { maxFrame: 8 })).toEqual(["too-long 0"]);
    expect(read("[123456] [1]", { maxFrame: 8 })).toEqual(["[123456]", "[1]"]);
    expect(read(`${" ".repeat(100)}[1]`, { maxFrame: 8 })).toEqual(["[1]"]);
    expect(() => concatenatedJson({ maxFrame: 1 })).toThrow(RangeError);
    expect(() => concatenatedJson({ depth: 1 } as object)).toThrow(/use maxFrame/);
  });

  it("continues where it stopped, at any depth", () => {
    const depth = 10_000;
    const deep = ascii("[".repeat(depth) + "]".repeat(depth));
    const scan = newScan();
    const framing = concatenatedJson();
    for (let end = 1; end < deep.length; end++) {
      if (framing.measure(deep, 0, end, scan) !== 0) throw new Error(`ends at ${end}`);
      expect(scan.at).toBe(end);
    }
    expect(framing.measure(deep, 0, deep.length, scan)).toBe(2 * depth);
    expect(framing.wrap(json()).text).toBe(true);
  });
});
