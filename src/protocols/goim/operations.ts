// Each operation is a member of one of these tables; the types below are derived from them.

const common = {
  /** Unused. */
  handshake: 0,
  /** Unused. */
  handshakeReply: 1,
  /** Client: heartbeat. Body ignored. */
  heartbeat: 2,
  /** Server: heartbeat reply. v2: 4 bytes, the number of clients in the room. */
  heartbeatReply: 3,
  /** Client: a message for the server. v2 replies with 4 again. */
  send: 4,
  /** Server, v1: reply to 4, and with seq 0 every push. Not sent by v2. */
  sendReply: 5,
  /** Never sent. */
  disconnectReply: 6,
  /** Client: its token. The first packet. */
  auth: 7,
  /** Server: token accepted. There is no negative reply: a refused client is disconnected. */
  authReply: 8,
} as const;

const v1 = {
  /** Unused. */
  handshakeSid: 9,
  /** Unused. */
  handshakeSidReply: 10,
  /** A batch, inside the server only. */
  raw: 11,
  /** Inside the server only. */
  roomReady: 12,
  /** Inside the server only. */
  protoReady: 13,
  /** Inside the server only. */
  protoFinish: 14,
  /** Client: test. */
  test: 254,
  /** Server: `{"test":"come on"}`. */
  testReply: 255,
} as const;

const v2 = {
  /** Server, WebSocket only: a batch of packets, see `unbatch`. */
  raw: 9,
  /** Inside the server only. */
  protoReady: 10,
  /** Inside the server only. */
  protoFinish: 11,
  /** Client: change to the room in the body; empty to leave the room. */
  changeRoom: 12,
  /** Server: the room again, even if the change failed. */
  changeRoomReply: 13,
  /** Client: also send these operations. */
  subscribe: 14,
  /** Server: the list again. */
  subscribeReply: 15,
  /** Client: stop sending these operations. */
  unsubscribe: 16,
  /** Server: the list again. */
  unsubscribeReply: 17,
} as const;

const chat = {
  /** A message to one user: from a client without a chat id, from a server with one. */
  message: 18,
  /** Server: reply to 18. */
  messageReply: 19,
  /** A message to a group: like 18. */
  groupMessage: 20,
  /** Server: reply to 20. */
  groupMessageReply: 21,
} as const;

const bilibili = {
  /** Client: heartbeat. */
  heartbeat: 2,
  /** Server: popularity of the room, 4 bytes. */
  heartbeatReply: 3,
  /** Server: an event or chat message, with `cmd`. */
  message: 5,
  /** Client: its auth message, with the room. */
  auth: 7,
  /** Server: `{"code":0}`. */
  authReply: 8,
} as const;

/** The operations of goim v1. */
export interface V1Operations extends Readonly<typeof common>, Readonly<typeof v1> {}

/** The operations of goim v2. */
export interface V2Operations extends Readonly<typeof common>, Readonly<typeof v2> {}

/** The operations that the chat fork adds to v2. */
export interface ChatOperations extends Readonly<typeof chat> {}

/** The operations of Bilibili's live chat. */
export interface BilibiliOperations extends Readonly<typeof bilibili> {}

/**
 * Operation numbers by dialect: the `op` of a packet. They differ: 9 is a batch in v2 and an unused
 * handshake in v1.
 *
 * - `v1`: goim v1.0 to v1.2 and the last v1 (libs/define/operation.go)
 * - `v2`: goim v2 (api/protocol/operation.go). From 1000 on they are the application's own pushes
 * - `chat`: additions of one fork of v2; other forks use these numbers differently
 * - `bilibili`: Bilibili's live chat
 *
 * @example
 * ```ts
 * import { operations } from "framewright/goim";
 *
 * console.log(operations.v2.changeRoom, operations.v1.sendReply);
 * //=> 12 5
 * ```
 */
export const operations: {
  readonly v1: V1Operations;
  readonly v2: V2Operations;
  readonly chat: ChatOperations;
  readonly bilibili: BilibiliOperations;
} = /* @__PURE__ */ Object.freeze({
  v1: /* @__PURE__ */ Object.freeze<V1Operations>({ ...common, ...v1 }),
  v2: /* @__PURE__ */ Object.freeze<V2Operations>({ ...common, ...v2 }),
  chat: /* @__PURE__ */ Object.freeze<ChatOperations>(chat),
  bilibili: /* @__PURE__ */ Object.freeze<BilibiliOperations>(bilibili),
});
