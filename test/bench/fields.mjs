// Descriptions beside code by hand that checks the same things: by closures, and compiled; and beside other libraries,
// which check less (docs/fields.md says what). Aims are those of compiled code, as multiples of code by hand.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as S from "@solana/codecs";
import { Parser } from "binary-parser";
import { decodeUtf8, i16be, i32be, Output, ProtocolError, u16be, u32le } from "framewright";
import * as f from "framewright/fields";
import { compiled } from "framewright/fields/compiled";
import { newScan } from "framewright/framing";
import * as P from "micro-packed";
import * as R from "restructure";
import * as T from "typed-binary";
import { ns, race, table } from "./_measure.mjs";

const COUNT = 10_000;
const ROUNDS = 41;
const bad = (at) => {
  throw new ProtocolError("malformed", "not like this", at);
};
const be = { endian: S.Endian.Big };
const le = { endian: S.Endian.Little };
const scratch = new Uint8Array(8192);
const typed = (schema) => ({
  decode: (bytes) => schema.read(new T.BufferReader(bytes, { endianness: "big" })),
  encode: (value) => {
    const writer = new T.BufferWriter(scratch, { endianness: "big" });
    schema.write(writer, value);
    return scratch.slice(0, writer.currentByteOffset);
  },
});
const restructure = (struct) => ({
  decode: (bytes) => struct.fromBuffer(bytes),
  encode: (value) => struct.toBuffer(value),
});
const parser = (made) => ({ decode: (bytes) => made.parse(bytes) });

const body = Uint8Array.from({ length: 64 }, (_, i) => i);
const packet = { ver: 1, op: 5, seq: 9, body };
/** For libraries that leave lengths to their users. */
const wholePacket = { packetLength: 80, headerLength: 16, ...packet };
const goim = {
  aim: [1.2, 1.2, 1.25],
  field: f.struct({
    packetLength: f.size(f.i32be, f.whole),
    headerLength: f.constant(f.i16be, 16),
    ver: f.withDefault(f.i16be, 1),
    op: f.i32be,
    seq: f.withDefault(f.i32be, 0),
    body: f.withDefault(f.bytes(), new Uint8Array(0)),
  }),
  options: { name: "goim", upTo: "headerLength" },
  values: [packet],
  read(b, s, e) {
    if (e - s < 16 || i32be(b, s) !== e - s || i16be(b, s + 4) !== 16) bad(s);
    return {
      ver: i16be(b, s + 6),
      op: i32be(b, s + 8),
      seq: i32be(b, s + 12),
      body: b.subarray(s + 16, e),
    };
  },
  write({ ver = 1, op, seq = 0, body = new Uint8Array(0) }, o) {
    o.i32be(16 + body.length)
      .i16be(16)
      .i16be(ver)
      .i32be(op)
      .i32be(seq)
      .bytes(body);
  },
  measure(b, s, e, scan) {
    if (e - s < 4) {
      scan.at = 4;
      return 0;
    }
    const n = i32be(b, s);
    if (n < 16) bad(s);
    if (n > 1 << 20) return n;
    if (e - s < 6) {
      scan.at = 6;
      return 0;
    }
    if (i16be(b, s + 4) !== 16) bad(s + 4);
    return n;
  },
  others: {
    "micro-packed": {
      codec: P.struct({
        packetLength: P.I32BE,
        headerLength: P.I16BE,
        ver: P.I16BE,
        op: P.I32BE,
        seq: P.I32BE,
        body: P.bytes(null),
      }),
      values: [wholePacket],
    },
    "binary-parser": {
      codec: parser(
        new Parser()
          .endianess("big")
          .int32("packetLength")
          .int16("headerLength", { assert: 16 })
          .int16("ver")
          .int32("op")
          .int32("seq")
          .buffer("body", { readUntil: "eof" }),
      ),
    },
    "typed-binary": {
      codec: typed(
        T.object({
          packetLength: T.i32,
          headerLength: T.i16,
          ver: T.i16,
          op: T.i32,
          seq: T.i32,
          body: T.u8Array(64),
        }),
      ),
      values: [wholePacket],
    },
    restructure: {
      codec: restructure(
        new R.Struct({
          packetLength: R.int32,
          headerLength: R.int16,
          ver: R.int16,
          op: R.int32,
          seq: R.int32,
          body: new R.Buffer(64),
        }),
      ),
      values: [wholePacket],
    },
    "@solana/codecs": {
      codec: S.getStructCodec([
        ["packetLength", S.getI32Codec(be)],
        ["headerLength", S.getI16Codec(be)],
        ["ver", S.getI16Codec(be)],
        ["op", S.getI32Codec(be)],
        ["seq", S.getI32Codec(be)],
        ["body", S.getBytesCodec()],
      ]),
      values: [wholePacket],
    },
  },
};

const mqttLike = {
  aim: [1.2, 1.2, 1.25],
  field: f.struct({
    level: f.u8,
    flags: f.u8,
    keepAlive: f.u16be,
    clientId: f.utf8(f.u16be),
    username: f.utf8(f.u16be),
    password: f.bytes(f.u16be),
  }),
  options: { name: "like MQTT" },
  values: [
    {
      level: 4,
      flags: 0xc2,
      keepAlive: 60,
      clientId: "device-0042",
      username: "gateway",
      password: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    },
  ],
  read(b, s, e) {
    if (e - s < 10) bad(s);
    const p = s + 6 + u16be(b, s + 4);
    if (p + 4 > e) bad(s);
    const clientId = decodeUtf8(b, s + 6, p);
    const q = p + 2 + u16be(b, p);
    if (q + 2 > e) bad(s);
    const username = decodeUtf8(b, p + 2, q);
    const r = q + 2 + u16be(b, q);
    if (r !== e) bad(s);
    const password = b.subarray(q + 2, r);
    return {
      level: b[s],
      flags: b[s + 1],
      keepAlive: u16be(b, s + 2),
      clientId,
      username,
      password,
    };
  },
  write(v, o) {
    o.u8(v.level).u8(v.flags).u16be(v.keepAlive);
    for (const text of [v.clientId, v.username]) {
      const at = o.reserve(2);
      o.utf8(text);
      o.patch(at, 2, o.length - at - 2);
    }
    o.u16be(v.password.length).bytes(v.password);
  },
  measure(b, s, e, scan) {
    let p = s + 4;
    for (let i = 0; i < 3; i++) {
      if (e - p < 2) {
        scan.at = p + 2 - s;
        return 0;
      }
      p += 2 + u16be(b, p);
    }
    return p - s;
  },
  others: {
    "micro-packed": {
      codec: P.struct({
        level: P.U8,
        flags: P.U8,
        keepAlive: P.U16BE,
        clientId: P.string(P.U16BE),
        username: P.string(P.U16BE),
        password: P.bytes(P.U16BE),
      }),
    },
    "binary-parser": {
      codec: parser(
        new Parser()
          .endianess("big")
          .uint8("level")
          .uint8("flags")
          .uint16("keepAlive")
          .uint16("l1")
          .string("clientId", { length: "l1" })
          .uint16("l2")
          .string("username", { length: "l2" })
          .uint16("l3")
          .buffer("password", { length: "l3" }),
      ),
    },
    restructure: {
      codec: restructure(
        new R.Struct({
          level: R.uint8,
          flags: R.uint8,
          keepAlive: R.uint16,
          clientId: new R.String(R.uint16, "utf8"),
          username: new R.String(R.uint16, "utf8"),
          password: new R.Buffer(R.uint16),
        }),
      ),
    },
    "@solana/codecs": {
      codec: S.getStructCodec([
        ["level", S.getU8Codec()],
        ["flags", S.getU8Codec()],
        ["keepAlive", S.getU16Codec(be)],
        ["clientId", S.addCodecSizePrefix(S.getUtf8Codec(), S.getU16Codec(be))],
        ["username", S.addCodecSizePrefix(S.getUtf8Codec(), S.getU16Codec(be))],
        ["password", S.addCodecSizePrefix(S.getBytesCodec(), S.getU16Codec(be))],
      ]),
    },
  },
};

const mqttConnect = {
  aim: [1.2, 1.2, 1.25],
  field: f.struct({
    type: f.constant(f.bits(4), 1),
    reserved: f.constant(f.bits(4), 0),
    remaining: f.size(f.varint(4), f.rest),
    name: f.magic("\0\x04MQTT"),
    level: f.constant(f.u8, 4),
    hasUsername: f.present("username"),
    hasPassword: f.present("password"),
    willRetain: f.withDefault(f.flag, false),
    willQos: f.withDefault(f.bits(2), 0),
    hasWill: f.present("will"),
    cleanSession: f.flag,
    bit0: f.constant(f.bits(1), 0),
    keepAlive: f.u16be,
    clientId: f.utf8(f.u16be),
    will: f.optional(f.struct({ topic: f.utf8(f.u16be), payload: f.bytes(f.u16be) })),
    username: f.optional(f.utf8(f.u16be)),
    password: f.optional(f.bytes(f.u16be)),
  }),
  options: { name: "MQTT CONNECT" },
  values: [
    {
      cleanSession: true,
      keepAlive: 60,
      clientId: "device-0042",
      username: "gateway",
      password: Uint8Array.of(1, 2, 3, 4),
      willRetain: false,
      willQos: 0,
      will: undefined,
    },
  ],
  read(b, s, e) {
    if (b[s] !== 0x10) bad(s);
    let p = s + 1;
    let length = 0;
    for (let scale = 1; ; scale *= 128) {
      if (p >= e || p - s > 4) bad(s);
      const byte = b[p++];
      length += (byte & 127) * scale;
      if (byte < 128) break;
    }
    if (p + length !== e || length < 12) bad(s);
    if (b[p] !== 0 || b[p + 1] !== 4 || b[p + 2] !== 77 || b[p + 3] !== 81) bad(p);
    if (b[p + 4] !== 84 || b[p + 5] !== 84 || b[p + 6] !== 4) bad(p);
    const flags = b[p + 7];
    if ((flags & 1) !== 0) bad(p);
    const keepAlive = u16be(b, p + 8);
    p += 10;
    const next = () => {
      if (e - p < 2) bad(p);
      const from = p + 2;
      p = from + u16be(b, p);
      if (p > e) bad(from);
      return from;
    };
    let from = next();
    const clientId = decodeUtf8(b, from, p);
    let will;
    let username;
    let password;
    if ((flags & 4) !== 0) {
      from = next();
      const topic = decodeUtf8(b, from, p);
      from = next();
      will = { topic, payload: b.subarray(from, p) };
    }
    if ((flags & 128) !== 0) {
      from = next();
      username = decodeUtf8(b, from, p);
    }
    if ((flags & 64) !== 0) {
      from = next();
      password = b.subarray(from, p);
    }
    if (p !== e) bad(p);
    return {
      willRetain: (flags & 32) !== 0,
      willQos: (flags >> 3) & 3,
      cleanSession: (flags & 2) !== 0,
      keepAlive,
      clientId,
      will,
      username,
      password,
    };
  },
  write(v, o) {
    const start = o.length;
    o.u8(0).u8(4).u8(77).u8(81).u8(84).u8(84).u8(4);
    let flags = v.username === undefined ? 0 : 128;
    if (v.password !== undefined) flags |= 64;
    if (v.willRetain) flags |= 32;
    flags |= (v.willQos ?? 0) << 3;
    if (v.will !== undefined) flags |= 4;
    if (v.cleanSession) flags |= 2;
    o.u8(flags).u16be(v.keepAlive);
    const text = (value) => {
      const at = o.reserve(2);
      o.utf8(value);
      o.patch(at, 2, o.length - at - 2);
    };
    text(v.clientId);
    if (v.will !== undefined) {
      text(v.will.topic);
      o.u16be(v.will.payload.length).bytes(v.will.payload);
    }
    if (v.username !== undefined) text(v.username);
    if (v.password !== undefined) o.u16be(v.password.length).bytes(v.password);
    const length = o.length - start;
    const width = length < 128 ? 1 : length < 16_384 ? 2 : length < 2_097_152 ? 3 : 4;
    o.insert(start, width + 1);
    o.patch(start, 1, 0x10);
    for (let i = 0, rest = length; i < width; i++, rest = Math.floor(rest / 128)) {
      o.patch(start + 1 + i, 1, (rest % 128) | (i < width - 1 ? 128 : 0));
    }
  },
  measure(b, s, e, scan) {
    if (e === s) {
      scan.at = 1;
      return 0;
    }
    if (b[s] !== 0x10) bad(s);
    let length = 0;
    for (let p = s + 1, scale = 1; p < s + 5; p++, scale *= 128) {
      if (p >= e) {
        scan.at = p + 1 - s;
        return 0;
      }
      length += (b[p] & 127) * scale;
      if (b[p] > 127) continue;
      if (length < 12) bad(s + 1);
      return p + 1 - s + length;
    }
    return bad(s + 1);
  },
  others: {},
};

const points = {
  aim: [1.2, 1.2, 1.25],
  scale: 20,
  field: f.struct({
    n: f.count(f.u16be, "points"),
    points: f.array(f.struct({ id: f.u32le, x: f.i32be, y: f.i32be, kind: f.u8 })),
  }),
  options: { name: "points" },
  values: [
    { points: Array.from({ length: 100 }, (_, i) => ({ id: i, x: i * 3, y: -i, kind: i & 3 })) },
  ],
  read(b, s, e) {
    const n = u16be(b, s);
    if (e - s !== 2 + 13 * n) bad(s);
    const list = [];
    for (let i = 0, p = s + 2; i < n; i++, p += 13) {
      list.push({ id: u32le(b, p), x: i32be(b, p + 4), y: i32be(b, p + 8), kind: b[p + 12] });
    }
    return { points: list };
  },
  write(v, o) {
    o.u16be(v.points.length);
    for (const p of v.points) o.u32le(p.id).i32be(p.x).i32be(p.y).u8(p.kind);
  },
  measure(b, s, e, scan) {
    if (e - s < 2) {
      scan.at = 2;
      return 0;
    }
    return 2 + 13 * u16be(b, s);
  },
  others: {
    "micro-packed": {
      codec: P.struct({
        points: P.array(P.U16BE, P.struct({ id: P.U32LE, x: P.I32BE, y: P.I32BE, kind: P.U8 })),
      }),
    },
    "binary-parser": {
      codec: parser(
        new Parser()
          .endianess("big")
          .uint16("n")
          .array("points", {
            length: "n",
            type: new Parser().uint32le("id").int32be("x").int32be("y").uint8("kind"),
          }),
      ),
    },
    // A count of 32 bits, and one byte order.
    "typed-binary": {
      own: true,
      codec: typed(
        T.object({
          points: T.dynamicArrayOf(T.object({ id: T.u32, x: T.i32, y: T.i32, kind: T.u8 })),
        }),
      ),
    },
    restructure: {
      codec: restructure(
        new R.Struct({
          points: new R.Array(
            new R.Struct({ id: R.uint32le, x: R.int32be, y: R.int32be, kind: R.uint8 }),
            R.uint16be,
          ),
        }),
      ),
    },
    "@solana/codecs": {
      codec: S.getStructCodec([
        [
          "points",
          S.getArrayCodec(
            S.getStructCodec([
              ["id", S.getU32Codec(le)],
              ["x", S.getI32Codec(be)],
              ["y", S.getI32Codec(be)],
              ["kind", S.getU8Codec()],
            ]),
            { size: S.getU16Codec(be) },
          ),
        ],
      ]),
    },
  },
};

const connId = f.u32le;
const remoteId = f.u32le;
const sU32 = S.getU32Codec(le);
const extra = f.ignored();
const bpOf = (...names) =>
  names.reduce((made, name) => made.uint32(name), new Parser().endianess("little"));
const kinds = [
  { type: "ping" },
  { type: "dial", remoteId: 7 },
  { type: "accept", connId: 1, remoteId: 2 },
  { type: "close", connId: 5 },
  { type: "connect", connId: 9, remoteId: 3 },
];
const commands = {
  aim: [1.6, 1.6, 1.25],
  field: f.envelope({
    length: f.size(f.u32le, f.rest),
    connId: f.constant(f.u32le, 0),
    command: f.union(
      "type",
      f.enumOf(f.u8, { dial: 0, accept: 1, connect: 2, refuse: 3, close: 4, ping: 5 }),
      {
        dial: { remoteId, extra },
        accept: { connId, remoteId, extra },
        connect: { connId, remoteId, extra },
        refuse: { remoteId, extra },
        close: { connId, extra },
        ping: { extra },
      },
    ),
  }),
  options: { name: "commands" },
  values: kinds,
  read(b, s, e) {
    const n = e - s;
    if (n < 9 || u32le(b, s) !== n - 4 || u32le(b, s + 4) !== 0) bad(s);
    switch (b[s + 8]) {
      case 0:
        if (n < 13) break;
        return { type: "dial", remoteId: u32le(b, s + 9) };
      case 1:
        if (n < 17) break;
        return { type: "accept", connId: u32le(b, s + 9), remoteId: u32le(b, s + 13) };
      case 2:
        if (n < 17) break;
        return { type: "connect", connId: u32le(b, s + 9), remoteId: u32le(b, s + 13) };
      case 3:
        if (n < 13) break;
        return { type: "refuse", remoteId: u32le(b, s + 9) };
      case 4:
        if (n < 13) break;
        return { type: "close", connId: u32le(b, s + 9) };
      case 5:
        return { type: "ping" };
    }
    return bad(s);
  },
  write(c, o) {
    switch (c.type) {
      case "dial":
        return o.u32le(9).u32le(0).u8(0).u32le(c.remoteId);
      case "accept":
        return o.u32le(13).u32le(0).u8(1).u32le(c.connId).u32le(c.remoteId);
      case "connect":
        return o.u32le(13).u32le(0).u8(2).u32le(c.connId).u32le(c.remoteId);
      case "refuse":
        return o.u32le(9).u32le(0).u8(3).u32le(c.remoteId);
      case "close":
        return o.u32le(9).u32le(0).u8(4).u32le(c.connId);
      case "ping":
        return o.u32le(5).u32le(0).u8(5);
    }
    throw new ProtocolError("unencodable", "no such command");
  },
  measure(b, s, e, scan) {
    if (e - s < 4) {
      scan.at = 4;
      return 0;
    }
    const n = u32le(b, s);
    if (n < 5) bad(s);
    return n + 4;
  },
  others: {
    "micro-packed": {
      codec: P.struct({
        length: P.U32LE,
        connId: P.U32LE,
        command: P.mappedTag(P.U8, {
          dial: [0, P.struct({ remoteId: P.U32LE })],
          accept: [1, P.struct({ connId: P.U32LE, remoteId: P.U32LE })],
          connect: [2, P.struct({ connId: P.U32LE, remoteId: P.U32LE })],
          refuse: [3, P.struct({ remoteId: P.U32LE })],
          close: [4, P.struct({ connId: P.U32LE })],
          ping: [5, P.struct({})],
        }),
      }),
      values: kinds.map(({ type, ...data }) => ({
        length: 0,
        connId: 0,
        command: { TAG: type, data },
      })),
    },
    "binary-parser": {
      codec: parser(
        bpOf("length", "connId")
          .uint8("type")
          .choice({
            tag: "type",
            choices: {
              0: bpOf("remoteId"),
              1: bpOf("id", "remoteId"),
              2: bpOf("id", "remoteId"),
              3: bpOf("remoteId"),
              4: bpOf("id"),
              5: new Parser(),
            },
          }),
      ),
    },
    "@solana/codecs": {
      codec: S.getStructCodec([
        ["length", sU32],
        ["connId", sU32],
        [
          "command",
          S.getDiscriminatedUnionCodec(
            [
              ["dial", S.getStructCodec([["remoteId", sU32]])],
              [
                "accept",
                S.getStructCodec([
                  ["connId", sU32],
                  ["remoteId", sU32],
                ]),
              ],
              [
                "connect",
                S.getStructCodec([
                  ["connId", sU32],
                  ["remoteId", sU32],
                ]),
              ],
              ["refuse", S.getStructCodec([["remoteId", sU32]])],
              ["close", S.getStructCodec([["connId", sU32]])],
              ["ping", S.getUnitCodec()],
            ],
            { discriminator: "type" },
          ),
        ],
      ]),
      values: kinds.map((command) => ({ length: 0, connId: 0, command })),
    },
  },
};

const LIBRARIES = [
  "micro-packed",
  "binary-parser",
  "typed-binary",
  "restructure",
  "@solana/codecs",
];

/** A loop over frames or values; each job answers how many it did. */
function looped(name, count, list, one) {
  return {
    name,
    run() {
      let done = 0;
      for (let n = 0; n < count; n++) {
        for (let i = 0; i < list.length; i++) if (one(list[i]) !== undefined) done++;
      }
      return done;
    },
  };
}

const out = new Output(65_536);

/** Contestants for decode, encode and measure; those that a library lacks are left out. */
function jobsOf(one, count) {
  const protocol = f.protocolOf(one.field, one.options);
  const fast = compiled(protocol);
  const frames = one.values.map((value) => {
    one.write(value, out);
    const frame = out.take().slice();
    const memory = new Uint8Array(frame.length + 8);
    memory.set(frame, 4);
    return { frame, memory, end: 4 + frame.length };
  });
  const jobs = { decode: new Map(), encode: new Map(), measure: new Map() };
  const scan = newScan();
  const ours = { "by hand": one, description: protocol, compiled: fast };
  for (const [name, { decode, encode, read = decode, write = encode, measure }] of Object.entries(
    ours,
  )) {
    jobs.decode.set(
      name,
      looped(name, count, frames, ({ memory, end }) => read(memory, 4, end)),
    );
    jobs.encode.set(
      name,
      looped(name, count, one.values, (value) => {
        write(value, out);
        const { length } = out;
        out.truncate(0);
        return length;
      }),
    );
    jobs.measure.set(
      name,
      looped(name, count, frames, ({ memory, end }) => {
        if (measure(memory, 4, end, scan) !== end - 4) throw new Error(`${name} measures another`);
        return end;
      }),
    );
  }
  for (const [name, { codec, values = one.values, own = false }] of Object.entries(one.others)) {
    const given = own ? values.map((value) => ({ frame: codec.encode(value) })) : frames;
    jobs.decode.set(
      name,
      looped(name, count, given, ({ frame }) => codec.decode(frame)),
    );
    if (codec.encode !== undefined)
      jobs.encode.set(name, looped(name, count, values, codec.encode));
  }
  return jobs;
}

const all = { goim, mqttLike, mqttConnect, points, commands };

async function rowsOf(name) {
  const one = all[name];
  const count = Math.round(COUNT / (one.scale ?? 1) / one.values.length);
  const rows = [];
  for (const [i, [what, contestants]] of Object.entries(jobsOf(one, count)).entries()) {
    const times = new Map();
    // Others leave garbage behind, so they run apart, with a run of code by hand of their own.
    const names = [...contestants.keys()];
    for (const group of [names.slice(0, 3), [names[0], ...names.slice(3)]]) {
      if (group.length === 1) continue;
      const jobs = group.map((library) => contestants.get(library));
      const [hand, ...others] = await race(jobs, count * one.values.length, ROUNDS);
      if (!times.has("by hand")) times.set("by hand", ns(hand));
      others.forEach((time, at) => {
        times.set(group[at + 1], `${(time / hand).toFixed(2)}x`);
      });
    }
    const columns = ["by hand", "description", "compiled"];
    const cells = (libraries) => libraries.map((library) => times.get(library) ?? "-");
    rows.push([`${what} ${name}`, ...cells(columns), `${one.aim[i]}x`, ...cells(LIBRARIES)]);
  }
  return rows;
}

// Closures that have run other descriptions are slower, so each case has a process of its own.
const [given] = process.argv.slice(2);
if (given === undefined) {
  const rows = Object.keys(all).flatMap((name) => {
    const args = [...process.execArgv, fileURLToPath(import.meta.url), name];
    return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
  });
  table(["work", "by hand", "description", "compiled", "aim", ...LIBRARIES], rows);
} else console.log(JSON.stringify(await rowsOf(given)));
