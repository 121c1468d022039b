import { describe, expect, it } from "vitest";
import {
  decodeAll,
  decodeFrame,
  encodeFrame,
  json,
  lengthPrefixed,
  lines,
  onePerMessage,
  type Protocol,
  perMessage,
  raw,
  utf8,
} from "../../../src/index.ts";
import { ascii, failureOf } from "../../support/chunks.ts";

const framed = lengthPrefixed({ width: 2, maxFrame: 10 }).wrap(raw());
const single = onePerMessage(framed);

describe("onePerMessage", () => {
  it("writes and reads one frame a message", () => {
    const message = encodeFrame(single, ascii("abc"));
    expect(message).toEqual(ascii("\0\x03abc"));
    expect(decodeFrame(single, message)).toEqual(ascii("abc"));
    expect(decodeAll(single, ascii("\0\0"))).toEqual([ascii("")]);
    const around = ascii("xx\0\x01ayy");
    expect(single.decode(around, 2, 5)).toEqual(ascii("a"));
  });

  it.each<[string, string, string, number]>([
    ["nothing", "", "truncated", 0],
    ["half a header", "\0", "truncated", 0],
    ["half a body", "\0\x03ab", "truncated", 0],
    ["bytes behind", "\0\x01abc", "malformed", 3],
    ["a second frame", "\0\x01a\0\x01b", "malformed", 3],
    ["a frame that is too long", "\0\x09123456789", "too-long", 0],
  ])("refuses a message of %s", (_, message, code, offset) => {
    const bytes = ascii(message);
    // Not only with decodeFrame: a connection passes its messages to decode.
    expect(failureOf(() => single.decode(bytes, 0, bytes.length))).toMatchObject({ code, offset });
    expect(failureOf(() => decodeFrame(framed, bytes))).toMatchObject({ code, offset });
  });

  it("is no protocol for streams, but keeps the rest", () => {
    expect("measure" in single).toBe(false);
    expect(single).toMatchObject({ name: framed.name, maxFrame: 10 });
    expect(Object.isFrozen(single)).toBe(true);
    expect(onePerMessage(lines().wrap(utf8())).text).toBe(true);
  });

  it("reads all values of a frame that holds several", () => {
    const list: Protocol<number, number> = {
      ...lines().wrap(json<number>()),
      decodeMany: (bytes, start, end) => [...bytes.subarray(start, end - 1)],
    };
    const several = onePerMessage(list);
    expect(decodeAll(several, ascii("ab\n"))).toEqual([0x61, 0x62]);
    expect(failureOf(() => decodeAll(several, ascii("ab\nc")))).toMatchObject({
      code: "malformed",
    });
  });

  it("does not take a protocol for messages, which has no frames", () => {
    const messages = perMessage().wrap(utf8(), { name: "notes" });
    expect(() => onePerMessage(messages as never)).toThrow(
      new TypeError('"notes" is one value per message already: use it without onePerMessage'),
    );
    expect(() => onePerMessage(raw() as never)).toThrow(/^a protocol without measure is one value/);
  });

  it("does not take a protocol with state", () => {
    const stateful: Protocol<Uint8Array> = { ...framed, perConnection: () => framed };
    expect(() => onePerMessage(stateful)).toThrow(TypeError);
  });
});
