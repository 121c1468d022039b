import { describe, expect, it } from "vitest";
import { decodeAll, decodeFrame, encodeFrame, raw } from "../../../../src/core/index.ts";
import {
  type LinkFixlenOptions,
  linkFixlen,
  linkJson,
} from "../../../../src/protocols/fastway/index.ts";

describe("linkFixlen", () => {
  it("clips its limits to what the length can express", () => {
    const limits = { maxReceive: 2 ** 40, maxSend: 2 ** 40 };
    expect(linkFixlen({ width: 1, endian: "le", ...limits }).maxFrame).toBe(256);
    expect(linkFixlen({ width: 2, endian: "le", ...limits }).maxFrame).toBe(65_537);
    expect(linkFixlen({ width: 4, endian: "le", ...limits }).maxFrame).toBe(2 ** 32 + 3);
    expect(linkFixlen({ width: 8, endian: "le", ...limits }).maxFrame).toBe(2 ** 40 + 8);
    expect(linkFixlen({ width: 4, endian: "be" }).maxFrame).toBe(2 ** 20 + 4);
  });

  it("applies both limits separately", () => {
    const options = { width: 2, endian: "be", maxReceive: 2, maxSend: 4 } as const;
    const writer = linkFixlen(options).wrap(raw(), { name: "mine" });
    expect(writer.name).toBe("mine");
    const frame = encodeFrame(writer, new Uint8Array(4));
    expect(() => decodeFrame(writer, frame)).toThrow("body of 4 bytes exceeds maxReceive 2");
    expect(() => encodeFrame(writer, new Uint8Array(5))).toThrow(
      "frame of 7 bytes exceeds maxSend 6",
    );
    const reader = linkFixlen({ ...options, maxReceive: 4, maxSend: 2 }).wrap(raw());
    expect(decodeFrame(reader, frame)).toHaveLength(4);
  });

  it("refuses invalid options", () => {
    const make = (options: object) => () => linkFixlen(options as LinkFixlenOptions);
    expect(make({ width: 3, endian: "le" })).toThrow(RangeError);
    expect(make({ width: 2 })).toThrow(/endian must be/);
    expect(make({ width: 2, endian: "le", maxReceive: -1 })).toThrow(/maxReceive/);
    expect(make({ width: 2, endian: "le", maxSend: 1.5 })).toThrow(/maxSend/);
  });

  it("holds one JSON object per body, with white space around it", () => {
    const protocol = linkFixlen({ width: 1, endian: "le" }).wrap(linkJson());
    const frame = (text: string): Uint8Array => Uint8Array.of(text.length, ...Buffer.from(text));
    expect(decodeFrame(protocol, frame(' {"Body":1}\n \n'))).toEqual({ head: "", body: 1 });
    expect(() => decodeAll(protocol, frame('{"Body":1}{"Body":2}'))).toThrow(/^syntax/);
    expect(() => decodeAll(protocol, frame("\n"))).toThrow(/^truncated/);
    expect(() => decodeAll(protocol, frame(""))).toThrow(/^truncated/);
  });
});
