import { describe, expect, expectTypeOf, it, vi } from "vitest";
import {
  type Codec,
  decodeAll,
  decodeFrame,
  delimited,
  encodeFrame,
  fixed,
  json,
  lengthPrefixed,
  lines,
  type MessageProtocol,
  netstring,
  type Protocol,
  perMessage,
  raw,
  utf8,
  varintPrefixed,
  type WrappingFraming,
} from "../../../src/index.ts";
import { ascii, failureOf, poisoned, text } from "../../support/chunks.ts";

const framings: readonly (readonly [string, WrappingFraming])[] = [
  ["lengthPrefixed", lengthPrefixed({ width: 2, header: ascii("GO") })],
  ["varintPrefixed", varintPrefixed()],
  ["delimited", delimited("|")],
  ["lines", lines()],
  ["fixed", fixed(5)],
  ["netstring", netstring()],
];

describe.each(framings)("%s.wrap", (_, framing) => {
  it("returns a frozen protocol with the framing's own measure and limit", () => {
    const protocol = framing.wrap(raw());
    expect(Object.isFrozen(framing)).toBe(true);
    expect(Object.isFrozen(protocol)).toBe(true);
    expect(protocol.measure).toBe(framing.measure);
    expect(protocol.maxFrame).toBe(framing.maxFrame);
    expect("decodeMany" in protocol).toBe(false);
  });

  it("passes only the payload to the codec, wherever the frame lies", () => {
    const decode = vi.fn((bytes: Uint8Array, start: number, end: number) =>
      text(bytes.subarray(start, end)),
    );
    const protocol = framing.wrap<string>({ decode, encode: (value, out) => void out.utf8(value) });
    const frame = encodeFrame(protocol, "hello");
    expect(decodeFrame(protocol, frame)).toBe("hello");
    const around = poisoned(new Uint8Array([1, 2, ...frame, 3, 4]));
    expect(protocol.decode(around, 2, 2 + frame.length)).toBe("hello");
    const [bytes, start, end] = decode.mock.lastCall!;
    expect(bytes).toBe(around);
    expect(end - start).toBe(5);
  });

  it("passes decodeMany on, as a method of the codec", () => {
    class Batch implements Codec<string> {
      readonly separator = "";
      decode(): string {
        throw new Error("not this one");
      }
      decodeMany(bytes: Uint8Array, start: number, end: number): string[] {
        return text(bytes.subarray(start, end)).split(this.separator);
      }
      encode(value: string, out: Parameters<Codec<string>["encode"]>[1]): void {
        out.utf8(value + this.separator);
      }
    }
    const protocol = framing.wrap(new Batch());
    expect(decodeAll(protocol, encodeFrame(protocol, "hello"))).toEqual([..."hello"]);
    expect(Object.isFrozen(protocol)).toBe(true);
  });

  it("leaves the output as it was when the payload cannot be written", () => {
    const protocol = framing.wrap(utf8());
    const failure = failureOf(() => encodeFrame(protocol, "ab\ud800cd"));
    expect(failure).toMatchObject({ code: "unencodable" });
    expect(decodeFrame(protocol, encodeFrame(protocol, "hello"))).toBe("hello");
  });

  it("reports the offset of an error in the payload as an index of the frame's bytes", () => {
    const bytes = encodeFrame(framing.wrap(raw()), ascii("he\xffoo"));
    const failure = failureOf(() => decodeFrame(framing.wrap(utf8()), bytes));
    expect(failure).toMatchObject({ code: "malformed", offset: bytes.indexOf(0xff) });
  });

  it("names the protocol, if asked to", () => {
    expect(framing.wrap(raw(), { name: "mine" }).name).toBe("mine");
    expect(framing.wrap(raw(), {}).name).not.toBe("");
    expect(framing.wrap(raw(), { name: undefined }).name).toBe(framing.wrap(raw()).name);
  });

  it("keeps the codec's types", () => {
    expectTypeOf(framing.wrap(json<1, 2>())).toEqualTypeOf<Protocol<1, 2>>();
    expectTypeOf(framing.wrap<string>)
      .parameter(0)
      .toEqualTypeOf<Codec<string>>();
  });
});

describe("perMessage", () => {
  it("returns a message protocol: the payload is the message", () => {
    const protocol = perMessage().wrap(utf8());
    expect(text(encodeFrame(protocol, "hi"))).toBe("hi");
    expect(decodeFrame(protocol, poisoned(ascii("hi")))).toBe("hi");
    expect(Object.isFrozen(protocol)).toBe(true);
    expect(Object.isFrozen(perMessage())).toBe(true);
    expect("measure" in protocol).toBe(false);
    expect(protocol.name).toBe("message");
    expect(perMessage().wrap(utf8(), { name: "mine" }).name).toBe("mine");
    expectTypeOf(perMessage().wrap(json<1, 2>())).toEqualTypeOf<MessageProtocol<1, 2>>();
  });

  it("is text if the payload is", () => {
    expect(perMessage().wrap(utf8()).text).toBe(true);
    expect(perMessage().wrap(raw()).text).toBe(false);
  });

  it("passes decodeMany on, as a method of the codec", () => {
    const codec: Codec<string> & { readonly by: string } = {
      by: ",",
      decode: () => "",
      decodeMany(this: { by: string }, bytes, start, end) {
        return text(bytes.subarray(start, end)).split(this.by);
      },
      encode: (value, out) => void out.utf8(value),
    };
    const protocol = perMessage().wrap(codec);
    expect(decodeAll(protocol, ascii("a,b"))).toEqual(["a", "b"]);
    expect(Object.isFrozen(protocol)).toBe(true);
  });

  it("keeps its limit, both ways", () => {
    const protocol = perMessage({ maxFrame: 2 }).wrap(utf8());
    expect(protocol.maxFrame).toBe(2);
    expect(perMessage().maxFrame).toBe(1024 * 1024);
    expect(decodeFrame(protocol, ascii("ab"))).toBe("ab");
    expect(failureOf(() => decodeFrame(protocol, ascii("abc")))).toMatchObject({
      code: "too-long",
    });
    expect(failureOf(() => encodeFrame(protocol, "abc"))).toMatchObject({ code: "unencodable" });
  });

  it("may let through nothing but empty messages, but no limit at all is refused", () => {
    expect(encodeFrame(perMessage({ maxFrame: 0 }).wrap(utf8()), "")).toHaveLength(0);
    for (const maxFrame of [-1, 0.5, NaN, Infinity]) {
      expect(() => perMessage({ maxFrame })).toThrow(RangeError);
    }
  });
});
