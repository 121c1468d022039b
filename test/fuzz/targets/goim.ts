import type { Codec } from "../../../src/core/index.ts";
import { perMessage } from "../../../src/framing/index.ts";
import {
  authToken,
  bilibili,
  chatReceive,
  chatReply,
  chatSend,
  chatToken,
  goim,
  goimJson,
  onlineCount,
  operationList,
  roomId,
  userId,
} from "../../../src/protocols/goim/index.ts";
import { type AnyCase, defineCase, type Target, targetOf } from "../check.ts";

const maxFrame = 600;
const packets = [
  { ver: 1, op: 2, seq: 3, body: new Uint8Array(0) },
  { ver: 1, op: 5, seq: 0, body: Uint8Array.of(1, 2, 3) },
];

/** A body codec, given whole messages. */
const body = <In, Out>(name: string, codec: Codec<In, Out>, value: NoInfer<In>): AnyCase =>
  defineCase({ name, protocol: perMessage({ maxFrame }).wrap(codec), values: [value] });

const msg = Uint8Array.of(104, 105);

export const target: Target = targetOf([
  defineCase({ name: "goim", protocol: goim({ maxFrame }), values: packets }),
  defineCase({
    name: "goim, flattened",
    protocol: goim({ maxFrame, flatten: true }),
    values: packets,
    rewrites: false,
  }),
  defineCase({
    name: "goimJson",
    protocol: goimJson(),
    values: [{ ver: 1, op: 5, seq: 2, body: { a: [1] } }],
    rewrites: false,
  }),
  defineCase({
    name: "bilibili",
    // "Unpacking" takes the first byte away.
    protocol: bilibili({ maxFrame, inflate: (_, bytes) => bytes.slice(1) }),
    values: [
      { type: "heartbeat" },
      { type: "popularity", popularity: 9 },
      { type: "message", body: { cmd: "a" } },
      { type: "auth", body: { roomid: 1 } },
    ],
    rewrites: false,
  }),
  body("authToken", authToken, {
    mid: 5n,
    key: "k",
    room_id: "live://1",
    platform: "web",
    accepts: [1],
  }),
  body("chatToken", chatToken, { mid: 5n, mkey: "k" }),
  body("chatSend", chatSend(), { from: 1, to: 2, msg }),
  body("chatReceive", chatReceive(), { chatId: 3n, from: 1, to: 2, msg }),
  body("chatReply", chatReply(), { ret: 0, chatId: 3n }),
  body("onlineCount", onlineCount, 7),
  body("operationList", operationList, [1, 2]),
  body("roomId", roomId, "live://1"),
  body("userId", userId, 12n),
]);
