// Descriptions beside code by hand that checks the same things: by closures, and compiled.
import { decodeUtf8, i32be, Output, ProtocolError, u16be, u32le } from "framewright";
import * as f from "framewright/fields";
import { compiled } from "framewright/fields/compiled";
import { ns, race, ratio, table } from "./_measure.mjs";

const COUNT = 20_000;
const bad = (at) => {
  throw new ProtocolError("malformed", "not like this", at);
};

const goim = {
  field: f.struct({
    packetLength: f.size(f.i32be, f.whole),
    headerLength: f.constant(f.i16be, 16),
    ver: f.withDefault(f.i16be, 1),
    op: f.i32be,
    seq: f.withDefault(f.i32be, 0),
    body: f.withDefault(f.bytes(), new Uint8Array(0)),
  }),
  value: { ver: 1, op: 1000, seq: 7, body: new Uint8Array(48).fill(120) },
  read(b, s, e) {
    if (e - s < 16 || i32be(b, s) !== e - s || u16be(b, s + 4) !== 16) bad(s);
    return {
      ver: (u16be(b, s + 6) << 16) >> 16,
      op: i32be(b, s + 8),
      seq: i32be(b, s + 12),
      body: b.subarray(s + 16, e),
    };
  },
  write({ ver = 1, op, seq = 0, body }, o) {
    o.i32be(16 + body.length)
      .i16be(16)
      .i16be(ver)
      .i32be(op)
      .i32be(seq)
      .bytes(body);
  },
};

const mqttLike = {
  field: f.struct({
    level: f.u8,
    flags: f.u8,
    keepAlive: f.u16be,
    clientId: f.utf8(f.u16be),
    username: f.utf8(f.u16be),
    password: f.bytes(f.u16be),
  }),
  value: {
    level: 4,
    flags: 0xc2,
    keepAlive: 60,
    clientId: "device-0042",
    username: "gateway",
    password: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
  },
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
};

const point = f.struct({ id: f.u32le, x: f.i32be, y: f.i32be, kind: f.u8 });
const points = {
  field: f.struct({ n: f.count(f.u16be, "points"), points: f.array(point) }),
  value: {
    points: Array.from({ length: 100 }, (_, i) => ({ id: i, x: i * 3, y: -i, kind: i & 3 })),
  },
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
};

const { u32le: id } = f;
const commands = {
  field: f.envelope({
    length: f.size(f.u32le, f.rest),
    connId: f.constant(f.u32le, 0),
    command: f.union("type", f.enumOf(f.u8, { dial: 0, accept: 1, ping: 5 }), {
      dial: { remoteId: id },
      accept: { connId: id, remoteId: id },
      ping: {},
    }),
  }),
  value: { type: "accept", connId: 1, remoteId: 2 },
  read(b, s, e) {
    const n = e - s;
    if (n < 9 || u32le(b, s) !== n - 4 || u32le(b, s + 4) !== 0) bad(s);
    if (b[s + 8] === 0 && n === 13) return { type: "dial", remoteId: u32le(b, s + 9) };
    if (b[s + 8] === 1 && n === 17) {
      return { type: "accept", connId: u32le(b, s + 9), remoteId: u32le(b, s + 13) };
    }
    if (b[s + 8] === 5 && n === 9) return { type: "ping" };
    return bad(s);
  },
  write(c, o) {
    if (c.type === "dial") o.u32le(9).u32le(0).u8(0).u32le(c.remoteId);
    else if (c.type === "accept") o.u32le(13).u32le(0).u8(1).u32le(c.connId).u32le(c.remoteId);
    else if (c.type === "ping") o.u32le(5).u32le(0).u8(5);
    else throw new ProtocolError("unencodable", "no such command");
  },
};

const rows = [];
for (const [name, one] of Object.entries({ goim, mqttLike, commands, points })) {
  const { field, value, read, write } = one;
  const count = name === "points" ? COUNT / 20 : COUNT;
  const fast = compiled(field);
  const out = new Output(65_536);
  write(value, out);
  const frame = out.take().slice();
  const memory = new Uint8Array(frame.length + 8);
  memory.set(frame, 4);
  const end = 4 + frame.length;
  const readers = [read, field.decode, fast.decode];
  const writers = [write, field.encode, fast.encode];
  const decoders = readers.map((decode, i) => ({
    name: `${name} ${i}`,
    run() {
      let done = 0;
      for (let n = 0; n < count; n++) if (decode(memory, 4, end) !== undefined) done++;
      return done;
    },
  }));
  const encoders = writers.map((encode, i) => ({
    name: `${name} ${i}`,
    run() {
      let done = 0;
      for (let n = 0; n < count; n++) {
        encode(value, out);
        if (out.length === frame.length) done++;
        out.truncate(0);
      }
      return done;
    },
  }));
  for (const [what, contestants] of Object.entries({ decode: decoders, encode: encoders })) {
    const [hand, closures, generated] = await race(contestants, count, 25);
    rows.push([
      `${what} ${name}`,
      ns(hand),
      `${ns(closures)} (${ratio(closures, hand)})`,
      `${ns(generated)} (${ratio(generated, hand)})`,
    ]);
  }
}
table(["work", "by hand", "description", "compiled"], rows);
