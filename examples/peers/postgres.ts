// The messages of PostgreSQL (protocol 3), as a description: login, simple queries and their rows, in both
// directions.
import { type Codec, decodeFrame, decodeUtf8, encodeFrame, i32be as int32 } from "framewright";
import {
  array,
  bytes,
  codec,
  constant,
  cstring,
  enumOf,
  i16be,
  i32be,
  match,
  protocolOf,
  rest,
  size,
  struct,
  u8,
  u16be,
  u32be,
  whole,
} from "framewright/fields";

/** The first message of a client has no type. */
export const startup = protocolOf(
  struct({
    length: size(i32be, whole),
    version: constant(i32be, 0x3_0000),
    parameters: array(struct({ name: cstring(), value: cstring() })),
    end: constant(u8, 0),
  }),
  { name: "PostgreSQL startup", maxFrame: 10_000, upTo: "version" },
);

// The length counts itself, but not the type before it.
const length = size(i32be, rest, { add: 4 });
const nothing = struct({});

/** The later messages of a client. */
export const frontend = protocolOf(
  struct({
    type: enumOf(u8, { query: 0x51, password: 0x70, terminate: 0x58 }),
    length,
    data: match("type", {
      query: struct({ sql: cstring() }),
      password: bytes(),
      terminate: nothing,
    }),
  }),
  { name: "PostgreSQL frontend", maxFrame: 1 << 24 },
);

/** The first `password` of a SASL login; later ones are bytes of the mechanism. */
export const saslInitial = struct({ mechanism: cstring("ascii"), response: bytes(i32be) });

const authentication = struct({
  code: enumOf(i32be, { ok: 0, cleartext: 3, md5: 5, sasl: 10, saslContinue: 11, saslFinal: 12 }),
  data: match("code", {
    ok: nothing,
    cleartext: nothing,
    md5: struct({ salt: bytes(4) }),
    sasl: struct({ mechanisms: array(cstring("ascii")), end: constant(u8, 0) }),
    saslContinue: bytes(),
    saslFinal: bytes(),
  }),
});

const letters = { severity: 0x53, code: 0x43, message: 0x4d, detail: 0x44, hint: 0x48 } as const;

/** Fields of an error or a notice: `C` is its code, `M` its text, and others. */
const report = struct({
  fields: array(struct({ kind: enumOf(u8, letters, { open: true }), text: cstring() })),
  end: constant(u8, 0),
});

const column = struct({
  name: cstring(),
  table: u32be,
  attribute: i16be,
  typeId: u32be,
  typeSize: i16be,
  modifier: i32be,
  format: enumOf(i16be, { text: 0, binary: 1 }),
});

/**
 * Values after their lengths, where -1 is null. Descriptions cannot express this, so this part is a
 * hand-written codec. Simple queries return all values as text.
 */
export const row = codec<readonly (string | null)[], readonly (string | null)[]>(
  {
    decode(data, start, end) {
      const values: (string | null)[] = [];
      if (end - start < 2) throw new RangeError("a row begins with the number of its values");
      const count = data[start]! * 256 + data[start + 1]!;
      let at = start + 2;
      for (let i = 0; i < count; i++) {
        const size = at + 4 <= end ? int32(data, at) : Number.NaN;
        at += 4;
        if (!(size >= -1 && size <= end - at)) throw new RangeError(`value ${i} is not all there`);
        values.push(size < 0 ? null : decodeUtf8(data, at, at + size));
        at += Math.max(0, size);
      }
      if (at !== end) throw new RangeError("bytes after the last value");
      return values;
    },
    encode(values, out) {
      out.u16be(values.length);
      for (const value of values) {
        if (value === null) out.i32be(-1);
        else out.sized(4, "be", (body) => body.utf8(value));
      }
    },
  } satisfies Codec<readonly (string | null)[]>,
  "row",
);

/** A message of a server. */
export const backend = protocolOf(
  struct({
    type: enumOf(u8, {
      authentication: 0x52,
      keyData: 0x4b,
      parameter: 0x53,
      ready: 0x5a,
      description: 0x54,
      row: 0x44,
      complete: 0x43,
      empty: 0x49,
      error: 0x45,
      notice: 0x4e,
    }),
    length,
    data: match("type", {
      authentication,
      keyData: struct({ process: i32be, secret: i32be }),
      parameter: struct({ name: cstring(), value: cstring() }),
      ready: struct({ status: enumOf(u8, { idle: 0x49, transaction: 0x54, failed: 0x45 }) }),
      description: struct({ columns: array(column, u16be) }),
      row,
      complete: struct({ tag: cstring() }),
      empty: nothing,
      error: report,
      notice: report,
    }),
  }),
  { name: "PostgreSQL backend", maxFrame: 1 << 24 },
);

const frame = encodeFrame(frontend, { type: "query", data: { sql: "SELECT 1" } });
console.log(frame.join(" "));
//=> 81 0 0 0 13 83 69 76 69 67 84 32 49 0
console.log(
  decodeFrame(backend, Uint8Array.of(0x44, 0, 0, 0, 15, 0, 2, 0, 0, 0, 1, 49, 255, 255, 255, 255)),
);
//=> { type: 'row', data: [ '1', null ] }
