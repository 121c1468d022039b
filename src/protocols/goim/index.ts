/**
 * Protocols of goim, a push server written in Go, from v1.0 to v2: the packet in its binary and
 * JSON dialects, batches, operations and their bodies, and sessions for both sides. Also Bilibili's
 * live chat, which uses the same packet.
 *
 * @packageDocumentation
 */

// Return types of the functions below, so that declaration files of programs can name them.
export type { Connection, Handlers, MessageProtocol, Protocol } from "../../core/index.ts";
export type { Field } from "../../fields/index.ts";
export type { ReconnectOptions, Retry } from "../../session/index.ts";
export { batch, unbatch } from "./batch.ts";
export {
  type BilibiliEnvelope,
  type BilibiliOptions,
  type BilibiliPacket,
  bilibili,
  type Inflate,
} from "./bilibili.ts";
export {
  type BilibiliAuth,
  BilibiliClient,
  type BilibiliClientOptions,
} from "./bilibili-client.ts";
export {
  type AuthToken,
  authToken,
  type ChatToken,
  chatToken,
  onlineCount,
  operationList,
  type ReceivedAuthToken,
  roomId,
  userId,
} from "./bodies.ts";
export {
  type ChatMessage,
  type ChatReply,
  chatReceive,
  chatReply,
  chatSend,
  type ReceivedChatMessage,
} from "./chat.ts";
export { chatReceiveFields, chatReplyFields, chatSendFields } from "./chat-fields.ts";
export { GoimClient, type GoimClientState } from "./client.ts";
export type {
  BinaryProtocol,
  GoimClientHandlers,
  GoimClientOptions,
  GoimRequestOptions,
  SessionConnection,
  SessionHandlers,
  SessionProtocol,
} from "./client-options.ts";
export { Comet, type CometHandlers } from "./comet.ts";
export type { Admission, Answer, CometGap, CometOptions } from "./comet-options.ts";
export type { CometConnection, CometSession } from "./comet-session.ts";
export { chatReplies, type Dialect, type Replies } from "./dialect.ts";
export { type GoimOptions, goim } from "./goim.ts";
export { goimFields } from "./goim-fields.ts";
export { type GoimJsonOptions, goimJson, type JsonProtocol } from "./json.ts";
export {
  type BilibiliOperations,
  type ChatOperations,
  operations,
  type V1Operations,
  type V2Operations,
} from "./operations.ts";
export type { Packet, PacketToSend } from "./packet.ts";
export type { LinkHandlers, LinkOptions, LinkState } from "./session-link.ts";
