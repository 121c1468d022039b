import fc from "fast-check";
import type { Codec } from "../../src/core/index.ts";
import { perMessage } from "../../src/framing/index.ts";
import {
  authToken,
  type BilibiliPacket,
  batch,
  bilibili,
  chatReceive,
  chatReply,
  chatSend,
  chatToken,
  goim,
  goimJson,
  onlineCount,
  operationList,
  type Packet,
  type PacketToSend,
  roomId,
  unbatch,
  userId,
} from "../../src/protocols/goim/index.ts";
import {
  bytes,
  jsonValues,
  type LawOptions,
  laws,
  several,
  text,
} from "../../src/testing/index.ts";
import { keeps } from "../support/laws.ts";

const RUNS = 60;

function holds<In, Out>(
  name: string,
  protocol: Codec<In, Out>,
  values: fc.Arbitrary<In>,
  options: LawOptions<In, Out> = {},
): void {
  keeps(name, laws(protocol, values, { runs: RUNS, ...options }));
}

const int16 = fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 });
const int32 = fc.oneof(fc.integer(), fc.constantFrom(0, -1, 9, 2 ** 31 - 1, -(2 ** 31)));
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

const packet = (body: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Packet> =>
  fc.record({ ver: int16, op: int32, seq: int32, body });
const packets = packet(bytes({ max: 600 }));

const received = ({ ver = 1, op, seq = 0, body = new Uint8Array(0) }: PacketToSend): Packet => ({
  ver,
  op,
  seq,
  body,
});
const sent: fc.Arbitrary<PacketToSend> = fc.record(
  { op: int32, ver: int16, seq: int32, body: bytes({ max: 300 }) },
  { requiredKeys: ["op"] },
);
const refused: fc.Arbitrary<unknown> = fc.oneof(
  fc.record({ op: fc.constantFrom(2 ** 31, 0.5, Number.NaN, "2", undefined) }),
  fc.record({ op: int32, ver: fc.constantFrom(32768, -32769, 65537, 1.5) }),
  fc.record({ op: int32, seq: fc.constantFrom(-(2 ** 31) - 1, Number.POSITIVE_INFINITY) }),
  fc.record({ op: int32, body: fc.constantFrom("text", [1], null) }),
);

holds("goim", goim({ maxFrame: 512 }), packets, { refused, canonical: true });
holds("goim, fields left out", goim(), sent, { expected: received, refused });
holds("goim that copies", goim({ copy: true, maxSendBody: 600 }), packets, {
  canonical: true,
  refused: packet(fc.uint8Array({ minLength: 601, maxLength: 620, size: "max" })),
});
holds("goim on a server's side", goim({ side: "server", maxFrame: 1040 }), packets, { refused });
holds(
  "goim that flattens",
  goim({ flatten: true, maxFrame: 4112 }),
  fc.oneof(
    packets.filter(({ op }) => op !== 9),
    fc.array(packet(bytes({ max: 40 })), { maxLength: 5 }).map(batch),
  ),
  {
    expected: (value) => (value.op === 9 ? several(unbatch(received(value))) : received(value)),
    // Version and number of a batch say nothing.
    ignores: (frame, at) => frame[11] === 9 && (at === 6 || at === 7 || at >= 12) && at < 16,
    refused: fc.record({
      op: fc.constant(9),
      body: fc.uint8Array({ minLength: 1, maxLength: 15 }),
    }),
  },
);

const jsonPacket = fc.record({ ver: int16, op: int32, seq: int32, body: jsonValues() });
const refusedJson: fc.Arbitrary<unknown> = fc.oneof(
  fc.record({ op: fc.constantFrom(2 ** 31, 0.5, Number.NaN, "2", undefined) }),
  fc.record({ op: int32, body: fc.constantFrom(1n, Number.NaN, [undefined], () => {}) }),
  fc.constant([]),
);
for (const dialect of ["v1.0", "v1.2"] as const) {
  const client = goimJson({ dialect, side: "client" });
  const server = goimJson({ dialect, side: "server" });
  holds(`goimJson ${dialect}, client to server`, client, jsonPacket, {
    reader: server,
    refused: refusedJson,
  });
  holds(`goimJson ${dialect}, server to client`, server, jsonPacket, {
    reader: client,
    refused: refusedJson,
  });
}
holds(
  "goimJson, batches",
  goimJson({ side: "server", maxFrame: 2048 }),
  fc.array(jsonPacket, { minLength: 1, maxLength: 5 }),
  { reader: goimJson(), expected: (value) => several(Array.isArray(value) ? value : [value]) },
);
holds(
  "goimJson, text",
  goimJson({ body: "text" }),
  jsonPacket.map((one) => ({ ...one, body: JSON.stringify(one.body) })),
  { refused: fc.record({ op: int32, body: fc.constantFrom("", "{", "1,2", "NaN", 5, null) }) },
);

holds("userId", userId, int64, {
  refused: fc.constantFrom(2 ** 53, 0.5, 2n ** 63n, "1"),
});
holds(
  "authToken",
  authToken,
  fc.record({
    mid: int64,
    key: text(),
    room_id: text(),
    platform: text(),
    accepts: fc.array(int32),
  }),
  { refused: fc.record({ mid: fc.constantFrom(2 ** 53, "1", undefined, 2n ** 63n) }) },
);
holds("chatToken", chatToken, fc.record({ mid: int64, mkey: text() }));
holds("onlineCount", onlineCount, int32, {
  canonical: true,
  refused: fc.constantFrom(2 ** 31, 1n),
});
holds("roomId", roomId, text(), { canonical: true });
holds("operationList", operationList, fc.array(int32), {
  refused: fc.constantFrom([1.5], [2 ** 31], ["1"]),
});

const chat = { from: int32, to: int32, msg: bytes({ max: 300 }) };
holds("chatSend", chatSend(), fc.record(chat), { canonical: true });
holds("chatReceive", chatReceive(), fc.record({ chatId: int64, ...chat }), { canonical: true });
holds(
  "chatReply",
  chatReply(),
  fc.record({ ret: fc.integer({ min: -128, max: 127 }), chatId: int64 }),
  {
    canonical: true,
    refused: fc.record({ ret: fc.constantFrom(128, 0.5), chatId: int64 }),
  },
);

const bilibiliPacket: fc.Arbitrary<BilibiliPacket> = fc.oneof(
  fc.record({ type: fc.constant("heartbeat" as const), ver: int16, seq: int32 }),
  fc.record({
    type: fc.constant("popularity" as const),
    ver: int16,
    seq: int32,
    popularity: fc.nat({ max: 0xffff_ffff }),
  }),
  fc.record({
    type: fc.constantFrom("message" as const, "welcome" as const),
    ver: fc.constantFrom(0, 1),
    seq: int32,
    body: jsonValues(),
  }),
  fc.record({
    type: fc.constant("auth" as const),
    ver: fc.constantFrom(0, 1),
    seq: int32,
    // A string is text that is JSON already, and comes back as what it says.
    body: jsonValues().filter((value) => typeof value !== "string"),
  }),
  fc.record({
    type: fc.constant("unknown" as const),
    ver: int16,
    op: fc.constantFrom(0, 9, 1000),
    seq: int32,
    body: bytes({ max: 300 }),
  }),
);
const live = bilibili({
  // Packed bodies need a library; what the unit tests do not cover of them is that they may be anything.
  inflate: (_, packed) => packed,
});
const refusedBilibili = fc.constantFrom(
  { type: "message", ver: 2, body: {} },
  { type: "unknown", op: 7, body: new Uint8Array(0) },
  { type: "nothing" },
);
/** What follows the number of viewers. */
const ignores = (frame: Uint8Array, at: number): boolean => at === frame.length;
holds("bilibili", live, bilibiliPacket, { refused: refusedBilibili, ignores });
holds("bilibili, a message each", perMessage().wrap(live), bilibiliPacket, {
  ignores,
  refused: refusedBilibili,
});
