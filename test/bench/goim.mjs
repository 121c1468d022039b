// goim packets: reading, decoding and writing them, batches, and a broadcast; beside bare loops that check nothing.
import { Connection, encodeAll, encodeFrame, i32be, Output, Splitter } from "framewright";
import { batch, Comet, goim, unbatch } from "framewright/goim";
import { ns, race, ratio, table } from "./_measure.mjs";

const protocol = goim();
const PACKETS = 100_000;
const sizes = [64, 1024];
const rows = [];
const head = ["work", "framewright", "bare loop", "ratio"];

async function compare(name, count, ours, bare, rounds = 25) {
  const contestants = [
    { name, run: ours },
    { name: `${name}, bare`, run: bare },
  ];
  const [mine, theirs] = await race(contestants, count, rounds);
  rows.push([name, ns(mine), ns(theirs), ratio(mine, theirs)]);
}

const bodyOf = (size) => new Uint8Array(size).fill(120);
const packetOf = (size) => ({ ver: 1, op: 1000, seq: 7, body: bodyOf(size) });

/** A stream of packets, in chunks of 64 KiB that cut packets where they will. */
function stream(size, count) {
  const bytes = encodeAll(protocol, Array(count).fill(packetOf(size)));
  const chunks = [];
  for (let at = 0; at < bytes.length; at += 65_536) {
    chunks.push(new Uint8Array(bytes.slice(at, at + 65_536)));
  }
  return { size, count, bytes, chunks };
}

const be32 = (b, at) => (b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3];
const be16 = (b, at) => ((b[at] << 24) >> 16) | b[at + 1];

/** What is called for each packet; the sum sees to it that nothing is left out. */
function read(chunks, each) {
  const splitter = new Splitter(protocol);
  let sum = 0;
  for (const chunk of chunks) {
    splitter.push(chunk);
    while (splitter.next()) sum += each(splitter.bytes, splitter.start, splitter.end);
  }
  splitter.finish();
  return sum / 1007;
}

/** The same over one array, with no chunks, no limits and no checks. */
function bareRead(bytes, each) {
  let sum = 0;
  for (let at = 0; at < bytes.length; ) {
    const end = at + be32(bytes, at);
    sum += each(bytes, at, end);
    at = end;
  }
  return sum / 1007;
}

const copying = goim({ copy: true });
const barePacket = (b, at, body) => ({
  ver: be16(b, at + 6),
  op: be32(b, at + 8),
  seq: be32(b, at + 12),
  body,
});

/** Packets as objects, their bodies cut out by `part`. */
function compareDecode(kind, { count, bytes, chunks, size }, codec, part) {
  const sum = ({ op, seq }) => op + seq;
  return compare(
    `decode, body of ${size} B a ${kind}`,
    count,
    () => read(chunks, (b, start, end) => sum(codec.decode(b, start, end))),
    () => bareRead(bytes, (b, at, end) => sum(barePacket(b, at, part(b, at + 16, end)))),
  );
}

for (const size of sizes) {
  const count = size === 64 ? PACKETS : PACKETS / 5;
  const packets = stream(size, count);
  const { bytes, chunks } = packets;
  await compare(
    `read the header, body of ${size} B`,
    count,
    () => read(chunks, (b, start) => i32be(b, start + 8) + i32be(b, start + 12)),
    () => bareRead(bytes, (b, at) => be32(b, at + 8) + be32(b, at + 12)),
  );
  await compareDecode("view", packets, protocol, (b, from, to) => b.subarray(from, to));
  await compareDecode("copy", packets, copying, (b, from, to) => b.slice(from, to));

  const packet = packetOf(size);
  const room = new Uint8Array(64 * 1024);
  const out = new Output(64 * 1024);
  await compare(
    `encode into a batch, body of ${size} B`,
    count,
    () => {
      for (let i = 0; i < count; i++) {
        if (out.length > 60_000) out.truncate(0);
        protocol.encode(packet, out);
      }
      return count;
    },
    () => {
      let at = 0;
      for (let i = 0; i < count; i++) {
        if (at > 60_000) at = 0;
        const { ver, op, seq, body } = packet;
        const length = body.length + 16;
        room[at] = length >> 24;
        room[at + 1] = length >> 16;
        room[at + 2] = length >> 8;
        room[at + 3] = length;
        room[at + 4] = 0;
        room[at + 5] = 16;
        room[at + 6] = ver >> 8;
        room[at + 7] = ver;
        room[at + 8] = op >> 24;
        room[at + 9] = op >> 16;
        room[at + 10] = op >> 8;
        room[at + 11] = op;
        room[at + 12] = seq >> 24;
        room[at + 13] = seq >> 16;
        room[at + 14] = seq >> 8;
        room[at + 15] = seq;
        room.set(body, at + 16);
        at += length;
      }
      return count;
    },
  );
}

// ---- batches

const PER_BATCH = 20;
const BATCHES = 2000;
const pushes = Array(PER_BATCH).fill(packetOf(64));
const packed = encodeFrame(protocol, batch(pushes));
const flat = goim({ flatten: true });
await compare(
  `pack ${PER_BATCH} packets of 64 B into a batch (a packet)`,
  BATCHES * PER_BATCH,
  () => {
    let total = 0;
    for (let i = 0; i < BATCHES; i++) total += encodeFrame(protocol, batch(pushes)).length;
    return (total / packed.length) * PER_BATCH;
  },
  () => {
    let total = 0;
    for (let i = 0; i < BATCHES; i++) {
      const bytes = new Uint8Array(16 + PER_BATCH * 80);
      const view = new DataView(bytes.buffer);
      const header = (at, length, op, seq) => {
        view.setInt32(at, length);
        view.setInt16(at + 4, 16);
        view.setInt16(at + 6, 1);
        view.setInt32(at + 8, op);
        view.setInt32(at + 12, seq);
      };
      header(0, bytes.length, 9, 0);
      for (let at = 16; at < bytes.length; at += 80) {
        header(at, 80, 1000, 7);
        bytes.set(pushes[0].body, at + 16);
      }
      total += bytes.length;
    }
    return (total / packed.length) * PER_BATCH;
  },
);
await compare(
  `open such a batch (a packet)`,
  BATCHES * PER_BATCH,
  () => {
    let count = 0;
    for (let i = 0; i < BATCHES; i++) count += flat.decodeMany(packed, 0, packed.length).length;
    return count;
  },
  () => {
    let count = 0;
    for (let i = 0; i < BATCHES; i++) {
      const packets = [];
      for (let at = 16; at < packed.length; ) {
        const end = at + be32(packed, at);
        packets.push(barePacket(packed, at, packed.subarray(at + 16, end)));
        at = end;
      }
      count += packets.length;
    }
    return count;
  },
);
if (unbatch(batch(pushes)).length !== PER_BATCH) throw new Error("unbatch lost packets");

// ---- a broadcast to 1,000 connections, whose sinks only count

const CONNECTIONS = 1000;
const comet = new Comet({ authenticate: () => ({ user: 0, room: "all" }) });
let bytesOut = 0;
let writes = 0;
const auth = encodeFrame(protocol, { op: 7, seq: 1 });
for (let i = 0; i < CONNECTIONS; i++) {
  const sink = {
    boundary: "stream",
    write(bytes) {
      bytesOut += bytes.length;
      writes++;
      return true;
    },
    pause() {},
    resume() {},
    close() {},
    abort() {},
  };
  const connection = new Connection(comet.protocol, sink, comet.handlers);
  connection.opened();
  connection.received(auth.slice());
}
let encoded = 0;
let broadcasts = 0;
const push = {
  op: 1000,
  get body() {
    encoded++;
    return pushes[0].body;
  },
};
async function broadcast(send) {
  bytesOut = 0;
  writes = 0;
  for (let i = 0; i < 20; i++) {
    send();
    // What is sent is joined until the next microtask.
    await undefined;
  }
  if (writes !== 20 * CONNECTIONS) throw new Error(`${writes} writes`);
  return bytesOut / 80;
}
const members = [...comet.room("all")];
await compare(
  `broadcast 64 B to ${CONNECTIONS} connections (a connection)`,
  20 * CONNECTIONS,
  () =>
    broadcast(() => {
      broadcasts++;
      comet.pushRoom("all", push);
    }),
  () =>
    broadcast(() => {
      // The least that can be done: hand each sink its bytes.
      const bytes = encodeFrame(protocol, { op: 1000, body: pushes[0].body });
      for (const { connection } of members) {
        connection.sendFrame(bytes);
      }
    }),
);
if (encoded !== broadcasts) throw new Error(`encoded ${encoded} times in ${broadcasts} broadcasts`);

table(head, rows);

process.exit();
