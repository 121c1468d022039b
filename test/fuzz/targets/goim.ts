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
} from "../../../src/goim/index.ts";
import { type AnyCase, defineCase, type Target, targetOf } from "../check.ts";

const maxFrame = 600;
const packets = [
  { ver: 1, op: 2, seq: 3, body: new Uint8Array(0) },
  { ver: 1, op: 5, seq: 0, body: Uint8Array.of(1, 2, 3) },
];

/** A body codec, given whole messages. */
const body = <In, Out>(name: string, codec: Codec<In, Out>): AnyCase =>
  defineCase({ name, protocol: perMessage({ maxFrame }).wrap(codec), values: [], rewrites: false });

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
    protocol: bilibili({ maxFrame, inflate: (_, bytes) => bytes.slice(1) }),
    values: [],
    rewrites: false,
  }),
  body("authToken", authToken),
  body("chatToken", chatToken),
  body("chatSend", chatSend()),
  body("chatReceive", chatReceive()),
  body("chatReply", chatReply()),
  body("onlineCount", onlineCount),
  body("operationList", operationList),
  body("roomId", roomId),
  body("userId", userId),
]);
