import fc from "fast-check";
import { describe, test } from "vitest";
import { decodeUtf8 } from "../../src/index.ts";
import {
  binaryTransfer,
  defineCodec,
  frame,
  type GatewayRequest,
  gatewayProtocol,
  jsonInt,
  jsonNL,
  phpJson,
  phpSerialize,
  text,
  textTransfer,
  xml10,
} from "../../src/protocols/workerman/index.ts";
import { bytes, jsonValues, type Law, laws, text as texts } from "../../src/testing/index.ts";
import { ascii } from "../support/chunks.ts";

function keeps(name: string, promised: readonly Law[]): void {
  describe(name, () => {
    for (const law of promised) test(law.name, law.check);
  });
}

const runs = { runs: 40 };
const maxFrame = 3_000;

keeps("frame", laws(frame({ maxFrame }), bytes({ maxFrame }), { ...runs, canonical: true }));

const line = texts({ max: 800 }).filter((value) => !/\n|\r$/.test(value));
keeps(
  "text",
  laws(text({ maxFrame }), line, {
    ...runs,
    refused: fc.constantFrom("a\nb", "\n", "a\r", "\r", "\ud800", 5, null, "a".repeat(maxFrame)),
  }),
);
keeps(
  "text of bytes",
  laws(
    text({ bytes: true, maxFrame }),
    bytes({ maxFrame }).filter((value) => !value.includes(0x0a) && value.at(-1) !== 0x0d),
    { ...runs, refused: fc.constantFrom(ascii("a\nb"), ascii("a\r"), "text") },
  ),
);

const unJson = fc.constantFrom(undefined, Number.NaN, Infinity, () => 1, [undefined], 2n ** 64n);
keeps("jsonNL", laws(jsonNL(), jsonValues(), { ...runs, refused: unJson }));
keeps("jsonInt", laws(jsonInt(), jsonValues(), { ...runs, refused: unJson }));

/** What PHP holds, as far as JavaScript can: no lists of its own making, numbers of both kinds. */
const phpValues = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, false, -0.5, 1e-5, 1e17, 5e-324, 1.5e300),
    fc.maxSafeInteger().map((value) => value || 0),
    // A float without a fraction that JSON writes without exponent would be read as an integer.
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Number.isInteger(value)),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
    fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
    texts({ max: 40 }),
    fc.array(tie("value"), { maxLength: 5 }),
    // The empty object, and one with the keys of a list, come as lists.
    fc.dictionary(
      texts({ min: 1, max: 5 }).map((key) => `k${key}`),
      tie("value"),
      { minKeys: 1, maxKeys: 5 },
    ),
  ),
})).value;
const unPhp = fc.oneof(unJson, fc.constantFrom<unknown>("\ud800", new Map(), Uint8Array.of(1)));
keeps("jsonNL of PHP", laws(jsonNL({ phpJson: true }), phpValues, { ...runs, refused: unPhp }));
keeps("jsonInt of PHP", laws(jsonInt({ phpJson: true }), phpValues, { ...runs, refused: unPhp }));
keeps("phpJson", laws(phpJson(), phpValues, { ...runs, refused: unPhp }));

/** What PHP's serialize holds: keys of both kinds, and arrays that are no lists. */
const serialized = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, false, -0, -0.5, 1e-5, 1e17, 2 ** 53, Infinity),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true }),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
    texts({ max: 40 }),
    fc.array(tie("value"), { maxLength: 5 }),
    fc
      .uniqueArray(
        fc.oneof(
          fc.maxSafeInteger().map((key) => key || 7),
          texts({ min: 1, max: 5 }).map((key) => `k${key}`),
        ),
        {
          minLength: 1,
          maxLength: 5,
        },
      )
      .filter((keys) => keys[0] !== 0)
      .chain((keys) => fc.tuple(...keys.map((key) => fc.tuple(fc.constant(key), tie("value")))))
      .map((entries) => new Map<unknown, unknown>(entries)),
  ),
})).value;
keeps(
  "phpSerialize",
  laws(phpSerialize(), serialized, {
    ...runs,
    refused: fc.constantFrom<unknown>(undefined, 2n ** 63n, "\ud800", new Set(), [undefined]),
  }),
);

keeps("xml10", laws(xml10({ maxFrame }), texts({ max: 900 }), { ...runs, canonical: true }));
keeps(
  "xml10 of bytes",
  laws(xml10({ bytes: true, maxFrame }), bytes({ maxFrame }), { ...runs, canonical: true }),
);

const files = fc.record({ file_name: texts({ max: 60 }), file_data: bytes({ max: 2_000 }) });
const noFiles = fc.constantFrom<unknown>(
  { file_name: "n".repeat(256), file_data: ascii("") },
  { file_name: "é".repeat(128), file_data: ascii("") },
  { file_name: 5, file_data: ascii("") },
  { file_name: "a", file_data: "text" },
  { file_name: "a" },
  null,
);
keeps(
  "binaryTransfer",
  laws(binaryTransfer({ maxFrame }), files, { ...runs, canonical: true, refused: noFiles }),
);
keeps(
  "textTransfer",
  laws(textTransfer({ maxFrame: 10_000 }), files, {
    ...runs,
    refused: fc.constantFrom<unknown>(
      { file_name: "\ud800", file_data: ascii("") },
      { file_name: 5, file_data: ascii("") },
      { file_name: "a", file_data: "text" },
      null,
    ),
  }),
);

const u32 = fc.oneof(fc.nat({ max: 0xffff_ffff }), fc.constantFrom(0, 2 ** 31, 2 ** 32 - 1));
const u16 = fc.nat({ max: 0xffff });
const requests: fc.Arbitrary<GatewayRequest> = fc.record(
  {
    cmd: fc.nat({ max: 255 }),
    local_ip: u32,
    local_port: u16,
    client_ip: u32,
    client_port: u16,
    connection_id: u32,
    flag: fc.nat({ max: 255 }),
    gateway_port: u16,
    ext_data: fc.oneof(bytes({ max: 1_000 }), texts({ max: 20 })),
    body: fc.oneof(bytes({ max: 1_000 }), texts({ max: 20 })),
  },
  { requiredKeys: ["cmd"] },
);
const asBytes = (value: Uint8Array | string = ""): Uint8Array =>
  typeof value === "string" ? new TextEncoder().encode(value) : value;
keeps(
  "gateway",
  laws(gatewayProtocol({ maxFrame }), requests, {
    ...runs,
    expected(sent) {
      const ext_data = asBytes(sent.ext_data);
      const body = asBytes(sent.body);
      return {
        pack_len: 28 + ext_data.length + body.length,
        cmd: sent.cmd,
        local_ip: sent.local_ip ?? 0,
        local_port: sent.local_port ?? 0,
        client_ip: sent.client_ip ?? 0,
        client_port: sent.client_port ?? 0,
        connection_id: sent.connection_id ?? 0,
        flag: (sent.flag ?? 0) | 1,
        gateway_port: sent.gateway_port ?? 0,
        ext_len: ext_data.length,
        ext_data,
        body,
      };
    },
    refused: fc.constantFrom<unknown>(
      {},
      { cmd: 256 },
      { cmd: 1, flag: 256.5 },
      { cmd: 1, flag: 2.5 },
      { cmd: 1, local_ip: -1 },
      { cmd: 1, local_port: 65536 },
      { cmd: 1, client_ip: 2 ** 32 },
      { cmd: 1, client_port: 0.5 },
      { cmd: 1, connection_id: Number.NaN },
      { cmd: 1, gateway_port: "8" },
      { cmd: 1, body: ["u1"] },
      { cmd: 1, body: 5 },
      { cmd: 1, ext_data: 5 },
    ),
  }),
);

// A user's own: without anything special, and with a state and bytes that `input` eats.
const plain = defineCodec<string>({
  maxFrame,
  input: (buffer, { seen }) => buffer.indexOf(0x3b, seen) + 1,
  decode: (frame) => decodeUtf8(frame, 0, frame.length - 1),
  encode: (value) => `${value};`,
});
const words = texts({ max: 900 }).map((value) => value.replaceAll(";", ","));
keeps("defineCodec", laws(plain, words, runs));

const eating = defineCodec<string, string, { count: number }>({
  maxFrame,
  context: () => ({ count: 0 }),
  input(buffer, connection) {
    // A tilde is noise; a hash stands before what has a length.
    if (buffer[0] === 0x7e) {
      connection.consume(1);
      return 0;
    }
    if (buffer[0] !== 0x23) return -1;
    if (buffer.length < 3) return 0;
    connection.consume(3);
    return buffer[1]! * 256 + buffer[2]! || 1;
  },
  decode(frame, { context }) {
    context.count++;
    return decodeUtf8(frame).slice(1);
  },
  encode(value) {
    const body = new TextEncoder().encode(`.${value}`);
    return Uint8Array.of(0x23, body.length >> 8, body.length, ...body);
  },
});
keeps("defineCodec that consumes", laws(eating, texts({ max: 900 }), runs));
