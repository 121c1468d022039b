import { describe, expect, it } from "vitest";
import { isWritable, notPromised, parseJson, parseWith } from "../../../src/core/json-read.ts";
import { misuse } from "../../../src/core/misuse.ts";
import { errorOf } from "../../support/chunks.ts";
import { thrownBy } from "../../support/thrown.ts";

/** Arrays in arrays. */
const deep = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);

describe("parseJson", () => {
  it.each([
    ['{"a":1e999}', "a number beyond the range of doubles"],
    ['{"a":-1e999}', "a number beyond the range of doubles"],
    ["[1,[1e999]]", "a number beyond the range of doubles"],
    [`{"a":${deep(512)}}`, "512 levels"],
    [deep(513), "512 levels"],
    ['{"a":"\\ud800"}', "surrogate"],
    ['{"\\ud800":1}', "surrogate"],
    ['["\\u0041","\\udc00"]', "surrogate"],
  ])("refuses what could not be written again: %#", (text, fault) => {
    const error = errorOf(() => parseJson(text, 7, 99));
    expect([error.code, error.offset]).toEqual(["malformed", 7]);
    expect(error.message).toContain("99 bytes are JSON with ");
    expect(error.message).toContain(fault);
    expect(errorOf(() => parseJson(text)).message).toContain("text is JSON with ");
  });

  it.each([
    "null",
    '{"a":null,"b":true,"c":[false],"d":"5","e":[5],"f":[]}',
    `{"a":${deep(511)}}`,
    deep(512),
    '{"\\u0041":"\\ud83d\\ude00","b":"\\n"}',
    "1e308",
  ])("reads all else: %#", (text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });
});

describe("isWritable", () => {
  it("is about lone surrogates only if there may be some", () => {
    expect(isWritable({ a: "\ud800" }, 5, false)).toBe(true);
    expect(isWritable({ a: "\ud800" }, 5, true)).toBe(false);
    expect(isWritable({ a: "a" }, 5, true)).toBe(true);
  });

  it("counts levels", () => {
    expect([isWritable([[]], 2, false), isWritable([[]], 1, false)]).toEqual([true, false]);
    expect([isWritable({ a: {} }, 2, false), isWritable({ a: {} }, 1, false)]).toEqual([
      true,
      false,
    ]);
    expect([isWritable(5, 0, false), isWritable([], 0, false)]).toEqual([true, false]);
  });
});

describe("parseWith", () => {
  it("keeps a mistake of the program as it is", () => {
    const error = misuse("parse must be synchronous");
    const parse = (): never => {
      throw error;
    };
    expect(thrownBy(() => parseWith(parse, "{}"))).toBe(error);
  });

  it("names the fault of the text, else keeps the error of parse as the cause", () => {
    const cause = new RangeError("no shape");
    const parse = (): never => {
      throw cause;
    };
    const other = errorOf(() => parseWith(parse, "{}", 3, 2));
    expect(other).toMatchObject({ code: "malformed", offset: 3, cause });
    expect(other.message).toContain("2 bytes are not the JSON expected");
    const broken = errorOf(() => parseWith(parse, "{", 3, 1));
    expect(broken).toMatchObject({ code: "malformed", offset: 3 });
    expect(broken.cause).toBeUndefined();
    expect(broken.message).toContain("1 bytes are not JSON: ");
    expect(parseWith((text) => text.length, "{}")).toBe(2);
  });
});

describe("notPromised", () => {
  it("refuses a promise, whose rejection does no harm, and takes all else", async () => {
    expect(notPromised(5, "parse")).toBe(5);
    const late = Promise.reject(new Error("late"));
    expect(thrownBy(() => notPromised(late, "parse"))).toBeInstanceOf(TypeError);
    await new Promise((resolve) => setImmediate(resolve));
  });
});
