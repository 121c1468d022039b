import { describe, expect, expectTypeOf, it } from "vitest";
import {
  decodeAll,
  decodeFrame,
  encodeFrame,
  type Received,
  Splitter,
} from "../../../../src/core/index.ts";
import { type LinkMessage, linkJson } from "../../../../src/protocols/fastway/index.ts";

const json = linkJson();
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const text = (frame: Uint8Array): string => Buffer.from(frame).toString();

describe("linkJson", () => {
  it("skips blank lines and splits several objects on one line", () => {
    const stream = ' \n\r\n{"Head":"a","Body":1}{"Body":"}{"} {"body":[{}]}\n\n{"Body":0}\n';
    expect(decodeAll(json, bytes(stream))).toEqual([
      { head: "a", body: 1 },
      { head: "", body: "}{" },
      { head: "", body: [{}] },
      { head: "", body: 0 },
    ]);
  });

  it("delivers all messages of a line or none", () => {
    expect(() => decodeAll(json, bytes('{"Body":1}{"Body":null}\n'))).toThrow(/^missing-body/);
    expect(() => decodeAll(json, bytes('{"Body":1} {"Body":\n'))).toThrow(/^truncated/);
    expect(() => decodeAll(json, bytes('{"Body":1} x\n'))).toThrow(/^syntax/);
    expect(() => decodeAll(json, bytes('{"Body":"\\"}\n'))).toThrow(/^truncated/);
    expect(() => decodeAll(json, bytes('{"Body":1}]\n'))).toThrow(/^syntax/);
    expect(() => decodeAll(json, bytes('{"Body":1},{"Body":2}\n'))).toThrow(/^syntax/);
    // White space to JavaScript, but neither to JSON nor to Go.
    expect(() => decodeAll(json, bytes("\u00a0\n"))).toThrow(/^syntax/);
  });

  it("reports the offset of the line in the stream", () => {
    const stream = bytes('{"Body":1}\nnonsense\n');
    expect(() => decodeAll(json, stream)).toThrow(expect.objectContaining({ offset: 11 }));
  });

  it("reads the names in any case, and a null head as empty", () => {
    const line = bytes('{"HEAD":null,"bODY":{"__proto__":1}}\n');
    const { head, body } = decodeFrame(json, line);
    expect(head).toBe("");
    expect(Object.getOwnPropertyNames(body)).toEqual(["__proto__"]);
  });

  it("uses registered types, but no inherited properties", () => {
    const typed = linkJson({ types: { n: (body) => BigInt(body as number) } });
    expectTypeOf<Received<typeof typed>>().toEqualTypeOf<
      LinkMessage | { readonly head: "n"; readonly body: bigint }
    >();
    expect(decodeFrame(typed, bytes('{"Head":"n","Body":7}\n')).body).toBe(7n);
    expect(decodeFrame(typed, bytes('{"Head":"toString","Body":7}\n')).body).toBe(7);
    expect(() => decodeFrame(typed, bytes('{"Head":"n","Body":0.5}\n'))).toThrow(
      /type: body is no/,
    );
  });

  it("uses the option `parse`", () => {
    const parse = (line: string): unknown => ({ Head: "raw", Body: line.trim() });
    expect(decodeFrame(linkJson({ parse }), bytes("any\n"))).toEqual({ head: "raw", body: "any" });
  });

  it("writes the escapes of Go", () => {
    const body = { "<\\b\b>": "\f\\f\u2028\u2029&\n\u0001/\u007f" };
    expect(text(encodeFrame(json, { head: "<", body }))).toBe(
      '{"Head":"\\u003c","Body":{"\\u003c\\\\b\\u0008\\u003e":"\\u000c\\\\f\\u2028\\u2029\\u0026\\n\\u0001/\u007f"}}\n',
    );
  });

  it("refuses values that the other side could not read back", () => {
    for (const body of [null, undefined, { toJSON: () => null }, Number.NaN, 1n, () => 1]) {
      expect(() => encodeFrame(json, { head: "", body })).toThrow(
        expect.objectContaining({ code: "unencodable" }),
      );
    }
    const head = 1 as unknown as string;
    expect(() => encodeFrame(json, { head, body: 1 })).toThrow(/head is a number/);
  });

  it("keeps to its limit", () => {
    const small = linkJson({ maxFrame: 12 });
    expect(decodeFrame(small, bytes('{"Body":12}\n')).body).toBe(12);
    const splitter = new Splitter(small);
    splitter.push(bytes('{"Body":1234'));
    expect(() => splitter.next()).toThrow(expect.objectContaining({ code: "too-long" }));
    expect(() => encodeFrame(small, { head: "", body: 1 })).toThrow(/exceeds maxFrame 12/);
  });
});
