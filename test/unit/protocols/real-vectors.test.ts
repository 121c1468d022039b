import { readFileSync } from "node:fs";
import { brotliDecompressSync, inflateSync } from "node:zlib";
import protobuf from "protobufjs";
import { describe, expect, it } from "vitest";
import {
  decodeAll,
  decodeUtf8,
  encodeFrame,
  lengthPrefixed,
  type MessageProtocol,
  type Protocol,
  perMessage,
  Splitter,
  u16be,
  u32be,
  u32le,
  varintPrefixed,
} from "../../../src/index.ts";
import { bilibili } from "../../../src/protocols/goim/index.ts";
import { protobufjs } from "../../../src/protocols/protobuf/index.ts";
import { parse } from "../../../src/protocols/sproto/index.ts";
import { defineCodec, phpJson } from "../../../src/protocols/workerman/index.ts";

/*
 * Cases from public reports and captures, with renamed identifiers: test/vectors/real.json names
 * their sources.
 */

interface Real {
  readonly sproto: {
    readonly schemas: readonly { readonly text: string; readonly bundle: string }[];
    readonly cases: readonly {
      readonly schema: number;
      readonly type: string;
      readonly value: unknown;
      readonly hex: string;
      readonly packed: string;
    }[];
    readonly rpc: readonly {
      readonly schema: number;
      readonly protocol: string;
      readonly args: unknown;
      readonly session: number | null;
      readonly ud: unknown;
      readonly response: unknown;
      readonly request: string;
      readonly answer: string;
    }[];
    readonly errors: readonly { readonly text: string; readonly reference: string }[];
  };
  readonly bilibili: readonly {
    readonly from: string;
    readonly hex: string;
    readonly mode: "message" | "stream";
    readonly maxInflated?: number;
    readonly expect?: readonly unknown[];
    readonly error?: string;
  }[];
  readonly protobuf: readonly {
    readonly from: string;
    readonly proto: string;
    readonly type: string;
    readonly framing: "varint" | "u16be" | "u32be" | "u32le";
    readonly hex?: string;
    readonly json?: readonly unknown[];
    readonly encode?: readonly unknown[];
    readonly error?: string;
  }[];
  readonly workerman: {
    readonly spec: Readonly<Record<string, string>>;
    readonly streams: readonly {
      readonly cls: string;
      readonly chunks: readonly string[];
      readonly messages: readonly string[];
      readonly closed: boolean;
    }[];
  };
  readonly phpJson: readonly { readonly text: string; readonly php: string | null }[];
}

const file = new URL("../../vectors/real.json", import.meta.url);
const real = JSON.parse(readFileSync(file, "utf8")) as Real;

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const codeOf = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return "nothing was thrown";
};

/** Converts a value to the file's notation. */
function shownAs(given: unknown): unknown {
  if (Array.isArray(given)) return given.map(shownAs);
  if (typeof given !== "object" || given === null) return given ?? undefined;
  const { $fields, $map, $int, $hex, $num } = given as Record<string, unknown>;
  const pairs = (list: unknown): [unknown, unknown][] =>
    (list as [unknown, unknown][]).map(([key, value]) => [shownAs(key), shownAs(value)]);
  if ($fields !== undefined) return Object.fromEntries(pairs($fields) as [string, unknown][]);
  if ($map !== undefined) return new Map(pairs($map));
  if ($int !== undefined) return BigInt($int as string);
  if ($hex !== undefined) return bytesOf($hex as string);
  if ($num === "-0") return -0;
  if ($num === "nan") return Number.NaN;
  if ($num !== undefined) return $num === "inf" ? Infinity : -Infinity;
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, shownAs(value)]));
}

describe("real sproto texts", () => {
  const schemas = real.sproto.schemas.map(({ text }) => parse(text as string));

  it.each(real.sproto.schemas.map(({ bundle }, i) => [i, bundle] as const))(
    "have the reference's bundle: %i",
    (i, bundle) => expect(hexOf(schemas[i]!.bundle())).toBe(bundle),
  );

  it.each(real.sproto.cases.map((one, i) => [i, one] as const))(
    "are written and read byte by byte: case %i",
    (_, { schema, type, value, hex, packed }) => {
      const sproto = schemas[schema]!;
      expect(hexOf(sproto.encode(type, shownAs(value) as never))).toBe(hex);
      expect(hexOf(sproto.pencode(type, shownAs(value) as never))).toBe(packed);
      expect(hexOf(sproto.encode(type, sproto.decode(type, bytesOf(hex)) as never))).toBe(hex);
    },
  );

  it.each(real.sproto.rpc.map((one, i) => [i, one] as const))(
    "carry calls: %i",
    (_, { schema, protocol, args, session, ud, response, request, answer }) => {
      const sproto = schemas[schema]!;
      const client = sproto.host();
      const send = client.attach(sproto as never);
      const bytes = send(protocol, shownAs(args), session ?? undefined, shownAs(ud));
      expect(hexOf(bytes)).toBe(request);
      const call = sproto.host().dispatch(bytesOf(request));
      if (call.kind !== "request") throw new Error("no request");
      expect([call.name, call.session]).toEqual([protocol, session ?? undefined]);
      if (session === null) return;
      expect(hexOf(call.respond!(shownAs(response)))).toBe(answer);
      expect(client.dispatch(bytesOf(answer))).toMatchObject({ kind: "response", session });
    },
  );

  it.each(real.sproto.errors.map(({ text, reference }) => [reference, text] as const))(
    "are refused, as by the reference: %s",
    (_, text) => expect(() => parse(text as string)).toThrow(),
  );
});

describe("real captures of Bilibili", () => {
  const inflate = (method: string, bytes: Uint8Array, maxOutputLength: number): Uint8Array =>
    method === "zlib"
      ? inflateSync(bytes, { maxOutputLength })
      : brotliDecompressSync(bytes, { maxOutputLength });

  it.each(real.bilibili.map((one) => [one.from, one] as const))("%s", (_, one) => {
    const { hex, mode, maxInflated, error } = one;
    const stream = bilibili({ inflate, maxInflated });
    const protocol = mode === "message" ? perMessage().wrap(stream) : stream;
    const read = () => decodeAll(protocol, bytesOf(hex));
    if (error !== undefined) expect(codeOf(read)).toBe(error);
    else expect(read()).toMatchObject(one.expect as object[]);
  });
});

describe("real protobuf messages", () => {
  const framings = {
    varint: varintPrefixed(),
    u16be: lengthPrefixed({ width: 2 }),
    u32be: lengthPrefixed({ width: 4 }),
    u32le: lengthPrefixed({ width: 4, endian: "le" }),
  };

  it.each(real.protobuf.map((one) => [one.from, one] as const))("%s", (_, one) => {
    const { root } = protobuf.parse(`syntax = "proto3"; ${one.proto}`);
    const type = root.lookupType(one.type);
    const protocol = framings[one.framing].wrap(protobufjs<object>(type));
    for (const value of one.encode ?? []) {
      expect(codeOf(() => encodeFrame(protocol, shownAs(value) as object))).toBe(one.error);
    }
    if (one.hex === undefined) return;
    const read = () => decodeAll(protocol, bytesOf(one.hex!));
    if (one.error !== undefined) expect(codeOf(read)).toBe(one.error);
    else expect(JSON.parse(JSON.stringify(read()))).toEqual(one.json);
  });
});

describe("real JSON of PHP", () => {
  const message: MessageProtocol<unknown> = perMessage().wrap(phpJson());

  it.each(real.phpJson.map(({ text, php }) => [text, php] as const))("%j", (text, php) => {
    // PHP trims its input.
    const bytes = new TextEncoder().encode(text.replace(/^[ \t\n\r\0\v]+|[ \t\n\r\0\v]+$/g, ""));
    if (php === null) {
      expect(codeOf(() => decodeAll(message, bytes))).toBe("malformed");
      return;
    }
    const [value, ...more] = decodeAll(message, bytes);
    expect(more).toEqual([]);
    const written = decodeUtf8(encodeFrame(message, value));
    // Integer-like keys may have another order.
    if (written !== php) expect(JSON.parse(written)).toEqual(JSON.parse(php));
    expect(written.length).toBe(php.length);
  });
});

/*
 * Public third-party classes for Workerman, as they are in PHP: input, decode, encode. The vectors
 * describe each under `spec`. Bytes in all directions; encode is not part of these recordings.
 */
const encode = (bytes: Uint8Array): Uint8Array => bytes;
/** Workerman's own limit. */
const maxFrame = 10_485_760;

const classes: Readonly<Record<string, Protocol<Uint8Array>>> = {
  FrameLua: defineCodec<Uint8Array>({
    maxFrame,
    input: (buffer) => (buffer.length < 4 ? 0 : 4 + u32le(buffer, 0)),
    decode: (bytes) => bytes.slice(4, -1).map((byte) => ~byte),
    encode,
  }),
  LogPackN2: defineCodec<Uint8Array>({
    maxFrame,
    input(buffer) {
      if (buffer.length < 6) return 0;
      return buffer[0] === 0 && buffer[5] === 2 && u32be(buffer, 1);
    },
    decode: (bytes) => bytes.subarray(6),
    encode,
  }),
  LoRa: defineCodec<Uint8Array>({
    maxFrame,
    input(buffer) {
      const total = 5 + (buffer[1] ?? 255);
      if (buffer.length < total) return 0;
      const sum = buffer.subarray(0, total - 2).reduce((all, byte) => (all + byte) & 255, 0);
      const isRight = buffer[0] === 0x6c && buffer[2] === 0x11 && buffer[total - 1] === 0x16;
      return isRight && buffer[total - 2] === sum && total;
    },
    decode: (bytes) => bytes.subarray(3, -2),
    encode,
  }),
  Fcgi: defineCodec<Uint8Array, Uint8Array, { at: number }>({
    maxFrame,
    // Records that were complete are not scanned again.
    context: () => ({ at: 0 }),
    input(buffer, { context }) {
      while (buffer.length - context.at >= 8) {
        const length = 8 + u16be(buffer, context.at + 4) + buffer[context.at + 6]!;
        if (buffer.length - context.at < length) return 0;
        const isLast = buffer[context.at + 1] === 3;
        context.at += length;
        if (!isLast) continue;
        const total = context.at;
        context.at = 0;
        return total;
      }
      return 0;
    },
    decode(bytes) {
      const contents: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; ) {
        const length = u16be(bytes, at + 4);
        if (bytes[at + 1] === 6) contents.push(bytes.subarray(at + 8, at + 8 + length));
        at += 8 + length + bytes[at + 6]!;
      }
      return Uint8Array.from(Buffer.concat(contents));
    },
    encode,
  }),
};

describe("real classes for Workerman", () => {
  it("match the recordings", () => {
    expect(Object.keys(classes).sort()).toEqual(Object.keys(real.workerman.spec).sort());
    expect(real.workerman.streams.length).toBe(64);
  });

  it.each(real.workerman.streams.map((one, i) => [one.cls, i, one] as const))(
    "%s, stream %i",
    (cls, _, { chunks, messages, closed }) => {
      const shared = classes[cls]!;
      const protocol = shared.perConnection?.({ context: undefined }) ?? shared;
      const splitter = new Splitter(protocol);
      const read: string[] = [];
      const run = (): void => {
        for (const chunk of chunks) {
          splitter.push(bytesOf(chunk));
          while (splitter.next()) {
            const { bytes, start, end } = splitter;
            read.push(hexOf(protocol.decode(bytes, start, end)));
          }
        }
      };
      if (closed) expect(run).toThrow();
      else run();
      expect(read).toEqual(messages);
    },
  );
});
