import { describe, expect, it } from "vitest";
import { pieces } from "../../../src/framing/index.ts";
import { decodeAll, encodeFrame, raw, utf8 } from "../../../src/index.ts";
import { ascii, concat, everySize, failureOf, readAll } from "../../support/chunks.ts";

const lengths = (frames: readonly Uint8Array[]): number[] => frames.map(({ length }) => length);

describe("pieces", () => {
  it("are the bytes that arrive, in pieces of at most `most`", () => {
    const stream = Uint8Array.from({ length: 30 }, (_, i) => i);
    for (const [size, expected] of [
      [5, [5, 5, 5, 5, 5, 5]],
      [8, [8, 8, 8, 6]],
      [30, [10, 10, 10]],
      [12, [10, 2, 10, 2, 6]],
    ] as const) {
      const { frames, failure } = readAll(pieces({ most: 10 }), everySize(stream, size));
      expect(failure).toBeUndefined();
      expect(lengths(frames)).toEqual(expected);
      expect(concat(frames)).toEqual(stream);
    }
    expect(lengths(decodeAll(pieces({ most: 20 }).wrap(raw()), stream))).toEqual([20, 10]);
  });

  it("are written whole, however long", () => {
    const protocol = pieces({ most: 2 }).wrap(utf8());
    expect(encodeFrame(protocol, "hello")).toEqual(ascii("hello"));
    expect(failureOf(() => encodeFrame(protocol, ""))?.code).toBe("unencodable");
  });

  it("say that they are no frames", () => {
    const protocol = pieces().wrap(raw());
    expect(protocol.loose).toBe(true);
    expect(protocol.maxFrame).toBe(1024 * 1024);
    expect(protocol.layout).toEqual([{ name: "payload", kind: "payload", size: "rest" }]);
  });

  it("refuse an invalid limit", () => {
    for (const most of [0, -1, 1.5, Number.NaN, Infinity]) {
      expect(() => pieces({ most })).toThrow(RangeError);
    }
    expect(() => pieces({ maxFrame: 1 } as object)).toThrow(
      /pieces has no option "maxFrame"; use most/,
    );
  });
});
