import { describe, expect, it } from "vitest";
import { newScan } from "../../../src/core/index.ts";
import {
  decodeAll,
  decodeFrame,
  defineProtocol,
  type Framing,
  Splitter,
} from "../../../src/index.ts";
import { ascii, failureOf, text } from "../../support/chunks.ts";

/** Words that end in `;`. Blanks before a word are skipped; at the end of the input the `;` may be missing. */
const words: Framing = {
  maxFrame: 16,
  measure(bytes, start, end, scan) {
    let blanks = 0;
    while (start + blanks < end && bytes[start + blanks] === 0x20) blanks++;
    if (blanks > 0) return -blanks;
    for (let at = start + scan.at; at < end; at++) if (bytes[at] === 0x3b) return at + 1 - start;
    scan.at = end - start;
    return scan.ended ? end - start : 0;
  },
};

/** Reads a stream cut at every place of `cuts`; frames with their offsets, then the error. */
function read(framing: Framing, stream: string, cuts: readonly number[]): string[] {
  const splitter = new Splitter(framing);
  const found: string[] = [];
  const drain = (): void => {
    while (splitter.next()) {
      const { bytes, start, end, offset } = splitter;
      found.push(`${offset} ${text(bytes.subarray(start, end))}`);
    }
  };
  const failure = failureOf(() => {
    let from = 0;
    for (const cut of [...cuts, stream.length]) {
      splitter.push(ascii(stream.slice(from, cut)));
      drain();
      from = cut;
    }
    splitter.finish();
    drain();
  });
  if (failure !== undefined) found.push(`${failure.code} ${failure.offset}`);
  return found;
}

/** All ways to cut a stream in up to three pieces, and into single bytes. */
function allCuts(length: number): number[][] {
  const cuts: number[][] = [[], Array.from({ length: length - 1 }, (_, i) => i + 1)];
  for (let a = 1; a < length; a++) for (let b = a; b < length; b++) cuts.push([a, b]);
  return cuts;
}

describe("bytes that measure skips", () => {
  it.each<[string, string[]]>([
    ["a;  b; c;", ["0 a;", "4 b;", "7 c;"]],
    ["   ", []],
    ["  a;   ", ["2 a;"]],
    [" a;        ".repeat(3), ["1 a;", "12 a;", "23 a;"]],
    ["        0123456789;", ["8 0123456789;"]],
  ])("belong to no frame, wherever %j is cut", (stream, expected) => {
    for (const cuts of allCuts(stream.length)) {
      expect(read(words, stream, cuts), `cut at ${cuts}`).toEqual(expected);
    }
  });

  it("do not count as input that is cut off at the end", () => {
    const splitter = new Splitter(words);
    splitter.push(ascii("a;  "));
    expect(splitter.next()).toBe(true);
    splitter.finish();
    expect(splitter.next()).toBe(false);
    expect(splitter.pending).toBe(0);
  });

  it("do not count against maxFrame, however many they are", () => {
    expect(read(words, `${" ".repeat(1000)}a;`, [500])).toEqual(["1000 a;"]);
  });

  it("are refused beyond the available bytes", () => {
    const framing: Framing = { maxFrame: 16, measure: (_, start, end) => start - end - 1 };
    const splitter = new Splitter(framing);
    splitter.push(ascii("abc"));
    expect(failureOf(() => splitter.next())?.message).toBe("-4 is not a valid frame length");
  });

  it("may stand around the frames that one-shot functions read", () => {
    const protocol = defineProtocol<string>({
      ...words,
      name: "words",
      decode: (bytes, start, end) => text(bytes.subarray(start, end)),
      encode: (value, out) => out.utf8(value),
    });
    expect(decodeAll(protocol, ascii("  a; b;  "))).toEqual(["a;", "b;"]);
    expect(decodeFrame(protocol, ascii("  a; "))).toBe("a;");
    expect(failureOf(() => decodeFrame(protocol, ascii("   ")))?.code).toBe("truncated");
    expect(failureOf(() => decodeFrame(protocol, ascii("a; b")))).toMatchObject({
      code: "malformed",
      message: "2 bytes follow a frame of 2; decodeAll and Splitter read several frames",
    });
  });
});

describe("the end of the input", () => {
  it.each<[string, string[]]>([
    ["a;bc", ["0 a;", "2 bc"]],
    ["a; bc", ["0 a;", "3 bc"]],
    ["0123456789", ["0 0123456789"]],
  ])("lets a framing call the rest of %j a frame, wherever it is cut", (stream, expected) => {
    for (const cuts of allCuts(stream.length)) {
      expect(read(words, stream, cuts), `cut at ${cuts}`).toEqual(expected);
    }
  });

  it("is set only once no byte follows and all remaining bytes are passed", () => {
    const ended: [number, boolean][] = [];
    const framing: Framing = {
      maxFrame: 8,
      measure(bytes, start, end, scan) {
        ended.push([end - start, scan.ended]);
        return words.measure(bytes, start, end, scan);
      },
    };
    read(framing, "ab;cd", [1]);
    expect(ended.filter(([, is]) => is)).toEqual([[2, true]]);
  });

  it("is truncated if the framing still needs more", () => {
    const asking: Framing = { maxFrame: 16, measure: (_, __, ___, { ended }) => (ended ? 5 : 0) };
    expect(read(asking, "abc", [])).toEqual(["truncated 0"]);
    const silent: Framing = { maxFrame: 16, measure: () => 0 };
    expect(read(silent, "abc", [1])).toEqual(["truncated 0"]);
  });
});

describe("scan.at", () => {
  /** A length in four digits, then the body; records its arguments. */
  const digits = (shown: number[]): Framing => ({
    maxFrame: 100,
    measure(bytes, start, end, scan) {
      shown.push(end - start);
      if (end - start >= 4) return 4 + Number(text(bytes.subarray(start, start + 4)));
      scan.at = 4;
      return 0;
    },
  });

  it("beyond the available bytes saves all calls until that many are available", () => {
    const shown: number[] = [];
    expect(read(digits(shown), "0002ab0003cde", [1, 2, 3, 7, 8, 9])).toEqual([
      "0 0002ab",
      "6 0003cde",
    ]);
    expect(shown).toEqual([1, 4, 1, 4]);
  });

  it("above maxFrame refuses the frame at once", () => {
    const framing: Framing = {
      maxFrame: 8,
      measure(_, __, ___, scan) {
        scan.at = 9;
        return 0;
      },
    };
    const splitter = new Splitter(framing);
    splitter.push(ascii("a"));
    expect(failureOf(() => splitter.next())).toEqual({
      code: "too-long",
      offset: 0,
      message: "frame of at least 9 bytes exceeds maxFrame 8",
    });
  });

  it("and all else is fresh at the start of a frame, and kept until its end", () => {
    const kept: unknown[] = [];
    const framing: Framing = {
      maxFrame: 64,
      measure(bytes, start, end, scan) {
        kept.push([scan.at, scan.state, scan.count, scan.memo]);
        scan.at = end - start;
        scan.state++;
        scan.count += 2;
        scan.memo = "kept";
        return text(bytes.subarray(start, end)).indexOf(";") + 1;
      },
    };
    read(framing, "a;b;c", [1, 4]);
    expect(kept).toEqual([
      [0, 0, 0, undefined],
      [1, 1, 2, "kept"],
      [0, 0, 0, undefined],
      [0, 0, 0, undefined],
      [1, 1, 2, "kept"],
    ]);
  });

  it("that is no number of bytes does not make the splitter spin", () => {
    for (const at of [NaN, -1, "x", undefined]) {
      const framing: Framing = {
        maxFrame: 8,
        measure(_, __, ___, scan) {
          scan.at = at as number;
          return 0;
        },
      };
      expect(read(framing, "abcdef", [1, 2]).at(-1)).toMatch(/^(truncated|too-long|malformed) 0$/);
    }
  });

  it("is fresh after use() and rest()", () => {
    const splitter = new Splitter(words);
    splitter.push(ascii("ab"));
    expect(splitter.next()).toBe(false);
    splitter.use({
      maxFrame: 8,
      measure: (_, start, end, scan) => (scan.at === 0 ? end - start : 0),
    });
    expect(splitter.next()).toBe(true);
  });
});

describe("newScan", () => {
  it("is fresh, and has ended if nothing follows", () => {
    expect(newScan()).toEqual({ at: 0, state: 0, count: 0, memo: undefined, ended: false });
    expect(newScan(true).ended).toBe(true);
  });
});
