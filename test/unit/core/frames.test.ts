import { describe, expect, it, vi } from "vitest";
import { isFramed, measureFrame, measureWhole, writeFrame } from "../../../src/core/frames.ts";
import { newScan, type Scan } from "../../../src/core/index.ts";
import { newOutput, type OwnOutput } from "../../../src/core/output.ts";
import { skip } from "../../../src/framing/index.ts";
import {
  type Codec,
  decodeAll,
  decodeFrame,
  defineProtocol,
  encodeAll,
  encodeFrame,
  type Framing,
  fixed,
  lengthPrefixed,
  lines,
  type Protocol,
  type ProtocolDefinition,
  ProtocolError,
  perMessage,
  raw,
  u8,
  utf8,
} from "../../../src/index.ts";
import { ascii, failureOf, poisoned, text } from "../../support/chunks.ts";

const bytesOf = (length: number): Uint8Array => new Uint8Array(length);

/** A framing that returns this. */
const answering = (answer: unknown, maxFrame = 10): Framing => ({
  maxFrame,
  measure: () => answer as number,
});

/** A function that throws this. */
const throwing = (error: unknown) => (): never => {
  throw error;
};

describe("measureFrame", () => {
  it.each([1, 5, 10])("passes the length %s on", (length) => {
    expect(measureFrame(answering(length), bytesOf(3), 0, 3, newScan())).toBe(length);
  });

  it("passes 'cannot tell' on, while the limit is not reached", () => {
    expect(measureFrame(answering(0), bytesOf(9), 0, 9, newScan())).toBe(0);
  });

  it.each([
    [-4, "-4"],
    [-0.5, "-0.5"],
    [0.5, "0.5"],
    [1.5, "1.5"],
    [NaN, "NaN"],
    [-Infinity, "-Infinity"],
    [Infinity, "Infinity"],
    ["3", "string"],
    [3n, "bigint"],
    [true, "boolean"],
    [undefined, "undefined"],
    [null, "object"],
  ])("calls the answer %s no length", (answer, shown) => {
    const failure = failureOf(() => measureFrame(answering(answer), bytesOf(8), 2, 5, newScan()));
    const message = `${shown} is not a valid frame length`;
    expect(failure).toEqual({ code: "malformed", offset: 2, message });
  });

  it("refuses a length above the limit, with both numbers", () => {
    const failure = failureOf(() => measureFrame(answering(11), bytesOf(8), 2, 5, newScan()));
    const message = "frame of 11 bytes exceeds maxFrame 10";
    expect(failure).toEqual({ code: "too-long", offset: 2, message });
  });

  it("refuses a frame that does not end within the limit", () => {
    const failure = failureOf(() => measureFrame(answering(0), bytesOf(30), 2, 12, newScan()));
    const message = "frame does not end within the 10 bytes of maxFrame";
    expect(failure).toEqual({ code: "too-long", offset: 2, message });
  });

  it("never shows more than maxFrame bytes, so that the answer cannot depend on the cut", () => {
    const measure = vi.fn((_: Uint8Array, start: number, end: number, scan: Scan) =>
      end - start === 10 && scan.at === 4 ? 10 : 0,
    );
    const scan = { ...newScan(), at: 4 };
    expect(measureFrame({ maxFrame: 10, measure }, bytesOf(100), 3, 100, scan)).toBe(10);
    expect(measure.mock.calls[0]?.slice(1)).toEqual([3, 13, scan]);
  });

  it.each([-1, -3])("passes on that %s bytes are to be skipped, if they are here", (answer) => {
    expect(measureFrame(answering(answer), bytesOf(3), 0, 3, newScan())).toBe(answer);
  });

  it("refuses a frame that needs more than the limit to tell its length", () => {
    const scan = { ...newScan(), at: 11 };
    const failure = failureOf(() => measureFrame(answering(0), bytesOf(8), 2, 5, scan));
    const message = "frame of at least 11 bytes exceeds maxFrame 10";
    expect(failure).toEqual({ code: "too-long", offset: 2, message });
  });

  it("turns whatever measure throws into a ProtocolError", () => {
    const own = new ProtocolError("malformed", "bad", 4);
    const failing = (error: unknown): Framing => ({ maxFrame: 10, measure: throwing(error) });
    expect(() => measureFrame(failing(own), bytesOf(8), 2, 5, newScan())).toThrow(own);
    const other = failing(new RangeError("oops"));
    const failure = failureOf(() => measureFrame(other, bytesOf(8), 2, 5, newScan()));
    expect(failure).toEqual({ code: "malformed", offset: 2, message: "measure failed: oops" });
  });

  it("calls measure as a method, for framings that are classes", () => {
    class Sized implements Framing {
      readonly maxFrame = 10;
      readonly size = 4;
      measure(): number {
        return this.size;
      }
    }
    expect(measureFrame(new Sized(), bytesOf(8), 0, 8, newScan())).toBe(4);
  });
});

describe("measureWhole", () => {
  it("returns the length of a complete frame", () => {
    expect(measureWhole(answering(4), bytesOf(8), 2, 6, newScan())).toBe(4);
  });

  it.each([
    [4, "input ends after 3 bytes of a frame of 4 bytes"],
    [0, "input ends after 3 bytes of a frame of unknown length"],
  ])("says how much of a frame of %s bytes is missing", (length, message) => {
    const failure = failureOf(() => measureWhole(answering(length), bytesOf(8), 2, 5, newScan()));
    expect(failure).toEqual({ code: "truncated", offset: 2, message });
  });

  it("says that a frame of one byte is missing", () => {
    const failure = failureOf(() => measureWhole(answering(1), bytesOf(8), 2, 2, newScan()));
    expect(failure?.message).toBe("input ends after 0 bytes of a frame of 1 bytes");
  });

  it("tells the framing that nothing follows, unless a frame could not end there anyway", () => {
    const shown: unknown[] = [];
    const framing: Framing = {
      maxFrame: 4,
      measure(_, start, end, { ended, at }) {
        shown.push([end - start, ended, at]);
        return end - start;
      },
    };
    const scan = { ...newScan(), at: 3 };
    expect(measureWhole(framing, bytesOf(8), 0, 3, scan)).toBe(3);
    expect(measureWhole(framing, bytesOf(8), 0, 4, scan)).toBe(4);
    expect(measureWhole(framing, bytesOf(8), 0, 5, scan)).toBe(4);
    expect(shown).toEqual([
      [3, true, 0],
      [4, false, 0],
      [4, false, 0],
    ]);
  });
});

describe("writeFrame", () => {
  const twoBytes = (): OwnOutput => newOutput().u8(1).u8(2);

  it("appends one frame", () => {
    const out = twoBytes();
    writeFrame(lines().wrap(utf8()), "a", out);
    expect(text(out.own().take())).toBe("\x01\x02a\n");
  });

  it.each<[string, ProtocolDefinition<number>["encode"], string]>([
    ["an error of its own", (_, out) => void out.u8(9).u8(256), "u8 cannot hold 256"],
    [
      "any other error",
      (_, out) => {
        out.u32be(9);
        throw new TypeError("oops");
      },
      "p cannot write this value: oops",
    ],
    [
      "a frame over the limit",
      (_, out) => void out.reserve(11),
      "frame of 11 bytes exceeds maxFrame 10",
    ],
    ["a frame of nothing", () => {}, "p wrote a frame of 0 bytes"],
    [
      "a ProtocolError of another kind, from a codec inside of a codec",
      throwing(new ProtocolError("too-long", "inner", 3)),
      "inner",
    ],
  ])("is unencodable, and the output as before, after %s", (_, encode, message) => {
    const protocol = defineProtocol<number>({
      name: "p",
      maxFrame: 10,
      measure: () => 1,
      decode: u8,
      encode,
    });
    const out = twoBytes();
    const failure = failureOf(() => writeFrame(protocol, 1, out));
    expect(failure).toEqual({ code: "unencodable", offset: undefined, message });
    expect([...out.own().take()]).toEqual([1, 2]);
  });

  it("lets a message be empty", () => {
    const out = twoBytes();
    writeFrame(perMessage().wrap(raw()), bytesOf(0), out);
    expect(out.length).toBe(2);
  });
});

describe("isFramed", () => {
  it("tells a protocol for streams from one for messages", () => {
    expect(isFramed(lines().wrap(utf8()))).toBe(true);
    expect(isFramed(perMessage().wrap(utf8()))).toBe(false);
  });
});

const words = lengthPrefixed({ width: 1, maxFrame: 10 }).wrap(utf8());
const message = perMessage({ maxFrame: 3 }).wrap(utf8());

/** Frames that hold several values of one character each. */
const chars: Codec<string> = {
  decode: throwing(new Error("decodeMany is to be used")),
  decodeMany: (bytes, start, end) => [...text(bytes.subarray(start, end))],
  encode: (value, out) => void out.utf8(value),
};
const batches = lengthPrefixed({ width: 1 }).wrap(chars);

describe("encodeFrame", () => {
  it("returns bytes that the caller owns", () => {
    const frames = ["a", "bc", ""].map((value) => encodeFrame(words, value));
    expect(frames.map((frame) => [...frame])).toEqual([[1, 0x61], [2, 0x62, 0x63], [0]]);
  });

  it("returns one message of a message protocol, which may be empty", () => {
    expect(text(encodeFrame(message, "abc"))).toBe("abc");
    expect(encodeFrame(message, "")).toHaveLength(0);
    expect(failureOf(() => encodeFrame(message, "abcd"))).toMatchObject({ code: "unencodable" });
  });

  it("may be called by a codec that is being called", () => {
    const nested = lengthPrefixed({ width: 2 }).wrap<string>({
      decode: () => "",
      encode: (value, out) => {
        out.u8(0x55).bytes(encodeFrame(words, value)).bytes(encodeFrame(words, "z"));
      },
    });
    expect([...encodeFrame(nested, "ab")]).toEqual([0, 6, 0x55, 2, 0x61, 0x62, 1, 0x7a]);
    expect([...encodeFrame(words, "c")]).toEqual([1, 0x63]);
  });

  it("works after an error, without bytes of the failed frame", () => {
    expect(() => encodeFrame(words, "x".repeat(10))).toThrow(
      "frame of 11 bytes exceeds maxFrame 10",
    );
    expect([...encodeFrame(words, "y")]).toEqual([1, 0x79]);
  });
});

describe("encodeAll", () => {
  it("does not take the characters of a string for values", () => {
    expect(() => encodeAll(lines().wrap(utf8()), "hello")).toThrow(
      new TypeError("several values are an array, not a string"),
    );
  });

  it("writes consecutive frames", () => {
    expect([...encodeAll(words, ["a", "b"])]).toEqual([1, 0x61, 1, 0x62]);
    expect([...encodeAll(words, new Set(["a"]))]).toEqual([1, 0x61]);
    expect(encodeAll(words, [])).toHaveLength(0);
  });

  it("writes all or nothing", () => {
    expect(() => encodeAll(words, ["a", "x".repeat(10)])).toThrow(ProtocolError);
    expect([...encodeAll(words, ["b"])]).toEqual([1, 0x62]);
  });

  it("puts exactly one value into a message", () => {
    expect(text(encodeAll(message, ["ab"]))).toBe("ab");
    for (const values of [[], ["a", "b"]]) {
      const failure = failureOf(() => encodeAll(message, values));
      expect(failure?.code).toBe("unencodable");
      expect(failure?.message).toContain(`one message holds 1 value, not ${values.length}`);
    }
  });
});

describe("decodeFrame", () => {
  it("reads exactly one frame, out of any kind of byte array", () => {
    expect(decodeFrame(words, poisoned(Uint8Array.of(2, 0x61, 0x62)))).toBe("ab");
    const Subclass = class extends Uint8Array {};
    expect(decodeFrame(words, Subclass.of(1, 0x61))).toBe("a");
    expect(decodeFrame(message, ascii("abc"))).toBe("abc");
    expect(decodeFrame(message, bytesOf(0))).toBe("");
  });

  it.each([
    ["nothing", [], "truncated", 0, "input ends after 0 bytes of a frame of unknown length"],
    ["a part", [2, 0x61], "truncated", 0, "input ends after 2 bytes of a frame of 3 bytes"],
    [
      "more",
      [1, 0x61, 0, 0],
      "malformed",
      2,
      "2 bytes follow a frame of 2; decodeAll and Splitter read several frames",
    ],
    ["a bad payload", [2, 0x61, 0xff], "malformed", 2, "byte 0xff does not continue as UTF-8"],
    ["a giant", [200], "too-long", 0, "frame of 201 bytes exceeds maxFrame 10"],
  ])("refuses %s", (_, bytes, code, offset, message) => {
    const failure = failureOf(() => decodeFrame(words, Uint8Array.from(bytes)));
    expect(failure).toEqual({ code, offset, message });
  });

  it("refuses a message over the limit before it is decoded", () => {
    const failure = failureOf(() => decodeFrame(message, bytesOf(4)));
    const expected = "message of 4 bytes exceeds maxFrame 3";
    expect(failure).toEqual({ code: "too-long", offset: 0, message: expected });
  });

  it("requires exactly one value of a frame that may hold several", () => {
    expect(decodeFrame(batches, ascii("\x017"))).toBe("7");
    for (const bytes of ["\x00", "\x0278"]) {
      const failure = failureOf(() => decodeFrame(batches, ascii(bytes)));
      const expected = `frame holds ${bytes.length - 1} values, not 1`;
      expect(failure).toEqual({ code: "malformed", offset: 0, message: expected });
    }
  });

  it("takes bytes for malformed that a codec trips over", () => {
    const decode = throwing(new RangeError("oops"));
    const trips = fixed(1).wrap<never>({ decode, encode: () => {} });
    const failure = failureOf(() => decodeFrame(trips, bytesOf(1)));
    expect(failure).toEqual({ code: "malformed", offset: 0, message: "decode failed: oops" });
  });

  it("refuses values that are not bytes", () => {
    expect(() => decodeFrame(words, "\x01a" as unknown as Uint8Array)).toThrow(TypeError);
  });
});

describe("decodeAll", () => {
  it("reads many frames", () => {
    expect(decodeAll(words, ascii("\x01a\x00\x02bc"))).toEqual(["a", "", "bc"]);
    expect(decodeAll(words, bytesOf(0))).toEqual([]);
    expect(decodeAll(batches, ascii("\x0212\x00\x013"))).toEqual(["1", "2", "3"]);
  });

  it("reads one message, empty or not", () => {
    expect(decodeAll(message, bytesOf(0))).toEqual([""]);
    expect(decodeAll(message, ascii("ab"))).toEqual(["ab"]);
    expect(decodeAll(perMessage().wrap(chars), ascii("123"))).toEqual(["1", "2", "3"]);
    expect(failureOf(() => decodeAll(message, bytesOf(4)))).toMatchObject({ code: "too-long" });
  });

  it("counts the offset of an error from the first byte", () => {
    const wire = ascii("\x01a\x02b");
    expect(failureOf(() => decodeAll(words, wire))).toMatchObject({ code: "truncated", offset: 2 });
    const bad = ascii("\x01a\x01\xff");
    expect(failureOf(() => decodeAll(words, bad))).toMatchObject({ code: "malformed", offset: 3 });
  });

  it("takes bytes for malformed that a codec of several values trips over", () => {
    const decodeMany = throwing(new RangeError("oops"));
    const trips = fixed(1).wrap({ ...chars, decodeMany });
    const failure = failureOf(() => decodeAll(trips, bytesOf(1)));
    expect(failure).toEqual({ code: "malformed", offset: 0, message: "decode failed: oops" });
  });
});

describe("a protocol with a state", () => {
  // Writes and expects the number of each frame before its byte.
  const stateful = (): Protocol<number> => {
    let sent = 0;
    let received = 0;
    return {
      name: "numbered",
      maxFrame: 2,
      measure: () => 2,
      encode: (value, out) => void out.u8(sent++).u8(value),
      decode(bytes, start) {
        if (bytes[start] !== received++)
          throw new ProtocolError("malformed", "out of order", start);
        return bytes[start + 1]!;
      },
    };
  };
  const contexts: unknown[] = [];
  const numbered: Protocol<number> = {
    ...stateful(),
    perConnection({ context }) {
      contexts.push(context);
      return stateful();
    },
  };

  it("starts anew in each call, which stands for a stream", () => {
    expect(encodeAll(numbered, [7, 8, 9])).toEqual(Uint8Array.of(0, 7, 1, 8, 2, 9));
    expect(encodeFrame(numbered, 7)).toEqual(Uint8Array.of(0, 7));
    expect(encodeFrame(numbered, 8)).toEqual(Uint8Array.of(0, 8));
    for (let i = 0; i < 2; i++) {
      expect(decodeAll(numbered, Uint8Array.of(0, 7, 1, 8))).toEqual([7, 8]);
      expect(decodeFrame(numbered, Uint8Array.of(0, 9))).toBe(9);
    }
    expect(failureOf(() => decodeFrame(numbered, Uint8Array.of(1, 9)))?.code).toBe("malformed");
    expect(new Set(contexts)).toEqual(new Set([undefined]));
  });
});

describe("decodeAll of one message with a policy", () => {
  it("throws mistakes of the program, which are not skipped", () => {
    const message = { ...perMessage().wrap(raw()), decodeMany: () => 5 as never };
    const skipped = vi.fn();
    const read = () => decodeAll(message, bytesOf(3), { onInvalid: skip(), skipped });
    expect(read).toThrow(TypeError);
    expect(skipped).not.toHaveBeenCalled();
  });

  it("skips a message that is not valid, with or without a report", () => {
    const message = perMessage().wrap(utf8());
    const skipped = vi.fn();
    const bad = Uint8Array.of(0x61, 0xff);
    expect(decodeAll(message, bad, { onInvalid: skip(), skipped })).toEqual([]);
    expect(skipped.mock.calls).toMatchObject([[{ length: 2, offset: 0, error: { offset: 1 } }]]);
    expect(decodeAll(message, bad, { onInvalid: skip() })).toEqual([]);
  });
});
