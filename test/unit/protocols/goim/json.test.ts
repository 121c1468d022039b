import { fc, it as prop } from "@fast-check/vitest";
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  decodeAll,
  decodeFrame,
  decodeUtf8,
  encodeFrame,
  ProtocolError,
  type Received,
} from "../../../../src/index.ts";
import { goimJson } from "../../../../src/protocols/goim/index.ts";
import { errorOf } from "../../../support/chunks.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const server = goimJson({ side: "server" });
const client = goimJson({ side: "client" });
const both = goimJson({ body: "text" });

describe("goimJson", () => {
  it("takes its type from its body", () => {
    expectTypeOf<Received<typeof client>["body"]>().toEqualTypeOf<unknown>();
    expectTypeOf<Received<typeof both>["body"]>().toEqualTypeOf<string | undefined>();
    expect([client.text, Object.isFrozen(client), client.maxFrame]).toEqual([true, true, 2 ** 20]);
    // @ts-expect-error: no framing, so not for streams
    expect(client.measure).toBeUndefined();
  });

  it.each([{ dialect: "v2" }, { body: "bytes" }, { maxFrame: 0 }])("refuses %o", (options) => {
    expect(() => goimJson(options as object)).toThrow(RangeError);
  });

  it.each([
    [client, '{"ver":1,"op":7,"seq":1,"body":"<&>"}'],
    [server, '[{"ver":1,"op":7,"seq":1,"body":"\\u003c\\u0026\\u003e"}]\n'],
    [
      goimJson({ side: "server", dialect: "v1.0" }),
      '{"ver":1,"op":7,"seq":1,"body":"\\u003c\\u0026\\u003e"}',
    ],
    [goimJson(), '{"ver":1,"op":7,"seq":1,"body":"<&>"}'],
  ])("writes one packet by side and dialect (%#)", (protocol, text) => {
    const frame = encodeFrame(protocol, { op: 7, seq: 1, body: "<&>" });
    expect(decodeUtf8(frame)).toBe(text);
    expect(decodeFrame(client, frame)).toEqual({ ver: 1, op: 7, seq: 1, body: "<&>" });
  });

  it("keeps null, and writes an absent body as {}", () => {
    expect(decodeUtf8(encodeFrame(client, { op: 2, body: null }))).toMatch(/"body":null}$/);
    expect(decodeUtf8(encodeFrame(client, { op: 2 }))).toMatch(/"body":{}}$/);
    expect(decodeFrame(client, bytes('{"op":2,"body":null}')).body).toBeNull();
    expect(decodeFrame(client, bytes('{"op":2}'))).toEqual({
      ver: 0,
      op: 2,
      seq: 0,
      body: undefined,
    });
    expect(decodeFrame(both, bytes('{"op":2,"body":null}')).body).toBe("null");
  });

  it("delivers each packet of an array on its own, with any white space", () => {
    const text = ' [ {"op":5,"body":[1,{"a":"]}"}]} ,\t{"op":5,"seq": -0 } ]\r\n';
    expect(decodeAll(both, bytes(text))).toEqual([
      { ver: 0, op: 5, seq: 0, body: '[1,{"a":"]}"}]' },
      { ver: 0, op: 5, seq: 0, body: undefined },
    ]);
    expect(decodeAll(client, bytes("[]"))).toEqual([]);
    expect(errorOf(() => client.decode(bytes(text), 0, text.length)).message).toMatch(
      /2 packets, not 1/,
    );
  });

  it("reads null from a client as a packet of zeros, from a server as nothing", () => {
    const zeros = { ver: 0, op: 0, seq: 0, body: undefined };
    expect(decodeAll(server, bytes("null"))).toEqual([zeros]);
    expect(decodeAll(server, bytes(" \tnull\r\n"))).toEqual([zeros]);
    expect(decodeAll(goimJson(), bytes("null"))).toEqual([zeros]);
    expect(decodeAll(client, bytes(" null "))).toEqual([]);
  });

  it.each([
    ['{"Op":1,"oP":2}', { op: 2 }],
    ['{"op":1,"OP":2,"op":3}', { op: 3 }],
    ['{"\\u006fp":4}', { op: 4 }],
    ['{"\u017feq":5}', { seq: 5 }],
    ['{"op":4,"op":null}', { op: 4 }],
    ['{ "x" : "\\"}" , "ver" : -32768 }', { ver: -32768 }],
    ['{"body":"\\\\"}', { body: '"\\\\"' }],
    ['{"body":12345678901234567890}', { body: "12345678901234567890" }],
    ['{"body":true ,"op":1}', { body: "true", op: 1 }],
    ['{"body" : {"op":9} }', { body: '{"op":9}' }],
    ['{"__proto__":1,"op":2}', { op: 2 }],
  ])("reads %s as Go does", (text, found) => {
    const nothing = { ver: 0, op: 0, seq: 0, body: undefined };
    expect(decodeFrame(both, bytes(text))).toEqual({ ...nothing, ...found });
  });

  it.each([
    '{"ver":32768}',
    '{"ver":-32769}',
    '{"op":2147483648}',
    '{"seq":1e1}',
    '{"seq":1.0}',
    '{"seq":true}',
    '{"seq":[]}',
    '{"seq":""}',
    '"text"',
    "5",
    "[5]",
    '[{"op":1},[]]',
    "",
    " ",
    "{",
    '{"op":1} x',
    '\ufeff{"op":1}',
    "[".repeat(100_000),
  ])("refuses the message %#", (text) => {
    const error = errorOf(() => decodeAll(both, bytes(text)));
    expect([error.code, error.offset]).toEqual(["malformed", 0]);
    expect(error.message).toMatch(/^json: message of \d+ bytes: /);
  });

  it("refuses invalid UTF-8, and messages that are too long", () => {
    const bad = Uint8Array.of(0x7b, 0xff, 0x7d);
    expect(errorOf(() => decodeAll(client, bad)).code).toBe("malformed");
    const small = goimJson({ maxFrame: 40 });
    expect(errorOf(() => decodeAll(small, bytes(`{"x":"${"y".repeat(40)}"}`))).code).toBe(
      "too-long",
    );
    expect(errorOf(() => encodeFrame(small, { op: 1, body: "y".repeat(9) })).code).toBe(
      "unencodable",
    );
  });

  it("accepts an array only from a server", () => {
    const text = bytes('[{"op":1}]');
    expect(errorOf(() => decodeAll(server, text)).message).toMatch(/array from a client/);
    expect(decodeAll(goimJson({ dialect: "v1.0" }), text)).toHaveLength(1);
  });

  it.each([
    [client, [{ op: 1 }], /one packet a message/],
    [server, [], /at least one packet/],
    [goimJson({ side: "server", dialect: "v1.0" }), [{ op: 1 }], /no batches/],
    [server, { op: 1, ver: 1.5 }, /ver 1.5/],
    [server, { op: 2 ** 31 }, /op 2147483648/],
    [server, { op: 1, seq: Number.NaN }, /seq NaN/],
    [server, { op: 1, body: 1n }, /./],
    [server, { op: 1, body: [undefined] }, /./],
  ])("refuses to write invalid values (%#)", (protocol, value, text) => {
    const error = errorOf(() => encodeFrame(protocol, value));
    expect(error.code).toBe("unencodable");
    expect(error.message).toMatch(text);
  });

  it.each(["", " ", "1 2", "{a:1}", "NaN", '"\n"', "\u00a01", 5, "[1,]"])(
    "refuses the text %j as a body",
    (body) => {
      for (const side of ["client", "server"] as const) {
        const protocol = goimJson({ side, body: "text" });
        expect(errorOf(() => encodeFrame(protocol, { op: 1, body: body as string })).code).toBe(
          "unencodable",
        );
      }
    },
  );

  it("compacts text as Go does, but only in a server's messages", () => {
    const body = ' { "a <" : [ 1.0 , "x\\" <\u2028" ] , "b":\t-0 } ';
    const sent = { op: 1, body };
    const go = goimJson({ side: "server", body: "text" });
    expect(decodeUtf8(encodeFrame(go, sent))).toBe(
      '[{"ver":1,"op":1,"seq":0,"body":{"a \\u003c":[1.0,"x\\" \\u003c\\u2028"],"b":-0}}]\n',
    );
    expect(decodeUtf8(encodeFrame(both, sent))).toBe(`{"ver":1,"op":1,"seq":0,"body":${body}}`);
    expect(decodeFrame(both, encodeFrame(both, sent)).body).toBe(body.trim());
  });

  const anyPacket = fc.record({
    ver: fc.integer({ min: -32768, max: 32767 }),
    op: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    seq: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    body: fc.jsonValue(),
  });

  prop.prop([fc.array(anyPacket, { minLength: 1 })], { numRuns: 100 })(
    "reads what it wrote, including batches",
    (packets) => {
      // JSON has only one zero.
      const expected = JSON.parse(JSON.stringify(packets)) as unknown;
      expect(decodeAll(client, encodeFrame(server, packets))).toEqual(expected);
      const one = packets[0]!;
      const text = encodeFrame(client, one);
      expect(decodeFrame(server, text)).toEqual(JSON.parse(JSON.stringify(one)));
      // Written like JSON.stringify.
      expect(decodeUtf8(text)).toBe(JSON.stringify(one));
    },
  );

  prop.prop([fc.jsonValue(), fc.constantFrom(undefined, 1, "\t")], { numRuns: 100 })(
    "finds the text of any body, with any white space",
    (value, space) => {
      const body = JSON.stringify(value, null, space);
      const text = `{"a":${body},"body":${body},"z":[${body}]}`;
      expect(decodeFrame(both, bytes(text)).body).toBe(body);
      expect(decodeAll(both, bytes(`[${text},${text}]`)).map((p) => p.body)).toEqual([body, body]);
    },
  );

  prop.prop([fc.string()], { numRuns: 200 })("fails on noise with a ProtocolError only", (text) => {
    try {
      decodeAll(both, bytes(text));
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(ProtocolError);
    }
  });
});
