import { describe, expect, it } from "vitest";
import { delimiterAt } from "../../../src/framing/index.ts";
import { delimited, fixed, lines } from "../../../src/index.ts";
import { ascii, poisoned } from "../../support/chunks.ts";

describe("delimiterAt", () => {
  it.each<[string, number]>([
    ["login: ", 1],
    ["welcome\n", 2],
    ["welcome\r\n", 0],
    ["ab", -1],
    ["", -1],
  ])("tells which delimiter ended %j: %s", (frame, index) => {
    const bytes = poisoned(ascii(`\r${frame}`));
    const framing = delimited(["\r\n", ": ", "\n"]);
    expect(delimiterAt(framing, bytes, 1, 1 + frame.length)).toBe(index);
  });

  it("never takes bytes before the frame for a part of its delimiter", () => {
    expect(delimiterAt(lines(), ascii("\r\n"), 1, 2)).toBe(0);
    expect(delimiterAt(lines(), ascii("\r\n"), 0, 2)).toBe(1);
    expect(delimiterAt(lines({ ending: "\r\n" }), ascii("\r\n"), 0, 2)).toBe(0);
  });

  it("supports a single delimiter, too", () => {
    expect(delimiterAt(delimited("|"), ascii("a|"), 0, 2)).toBe(0);
  });

  it("refuses a framing without delimiters", () => {
    expect(() => delimiterAt(fixed(1), ascii("a"), 0, 1)).toThrow(TypeError);
  });
});
