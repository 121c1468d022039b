/**
 * The operations of goim by dialect: what the `op` of a packet says. They differ: 9 is a batch in v2 and an
 * unused handshake in v1.
 *
 * - `v1`: goim v1.0 to v1.2 and the last v1 (libs/define/operation.go)
 * - `v2`: goim v2 (api/protocol/operation.go). From 1000 on they are the application's own pushes
 * - `chat`: what one fork of v2 adds; other forks use these numbers for other things
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
} = Object.freeze({
  v1: Object.freeze<V1Operations>({
    handshake: 0,
    handshakeReply: 1,
    heartbeat: 2,
    heartbeatReply: 3,
    send: 4,
    sendReply: 5,
    disconnectReply: 6,
    auth: 7,
    authReply: 8,
    handshakeSid: 9,
    handshakeSidReply: 10,
    raw: 11,
    roomReady: 12,
    protoReady: 13,
    protoFinish: 14,
    test: 254,
    testReply: 255,
  }),
  v2: Object.freeze<V2Operations>({
    handshake: 0,
    handshakeReply: 1,
    heartbeat: 2,
    heartbeatReply: 3,
    send: 4,
    sendReply: 5,
    disconnectReply: 6,
    auth: 7,
    authReply: 8,
    raw: 9,
    protoReady: 10,
    protoFinish: 11,
    changeRoom: 12,
    changeRoomReply: 13,
    subscribe: 14,
    subscribeReply: 15,
    unsubscribe: 16,
    unsubscribeReply: 17,
  }),
  chat: Object.freeze<ChatOperations>({
    message: 18,
    messageReply: 19,
    groupMessage: 20,
    groupMessageReply: 21,
  }),
  bilibili: Object.freeze<BilibiliOperations>({
    heartbeat: 2,
    heartbeatReply: 3,
    message: 5,
    auth: 7,
    authReply: 8,
  }),
});

/** What v1 and v2 share. */
interface CommonOperations {
  /** Unused. */
  readonly handshake: 0;
  /** Unused. */
  readonly handshakeReply: 1;
  /** Client: I am here. Body ignored. */
  readonly heartbeat: 2;
  /** Server: so am I. v2: 4 bytes, how many are online in the client's room. */
  readonly heartbeatReply: 3;
  /** Client: a message for the server. v2 answers with 4 again. */
  readonly send: 4;
  /** Server, v1: reply to 4, and with seq 0 every push. Not sent by v2. */
  readonly sendReply: 5;
  /** Never sent. */
  readonly disconnectReply: 6;
  /** Client: who I am. The first packet. */
  readonly auth: 7;
  /** Server: welcome. There is no other reply: a refused client is cut off. */
  readonly authReply: 8;
}

/** The operations of goim v1. */
export interface V1Operations extends CommonOperations {
  /** Unused. */
  readonly handshakeSid: 9;
  /** Unused. */
  readonly handshakeSidReply: 10;
  /** A batch, inside the server only. */
  readonly raw: 11;
  /** Inside the server only. */
  readonly roomReady: 12;
  /** Inside the server only. */
  readonly protoReady: 13;
  /** Inside the server only. */
  readonly protoFinish: 14;
  /** Client: are you there? */
  readonly test: 254;
  /** Server: `{"test":"come on"}`. */
  readonly testReply: 255;
}

/** The operations of goim v2. */
export interface V2Operations extends CommonOperations {
  /** Server, WebSocket only: a batch of packets, see `unbatch`. */
  readonly raw: 9;
  /** Inside the server only. */
  readonly protoReady: 10;
  /** Inside the server only. */
  readonly protoFinish: 11;
  /** Client: go to the room in the body, or to none. */
  readonly changeRoom: 12;
  /** Server: the room again, also when the change failed. */
  readonly changeRoomReply: 13;
  /** Client: send me these operations too. */
  readonly subscribe: 14;
  /** Server: the list again. */
  readonly subscribeReply: 15;
  /** Client: no longer send me these operations. */
  readonly unsubscribe: 16;
  /** Server: the list again. */
  readonly unsubscribeReply: 17;
}

/** The operations that the chat fork adds to v2. */
export interface ChatOperations {
  /** A message to one user: client to server without, server to client with a chat id. */
  readonly message: 18;
  /** Server: reply to 18. */
  readonly messageReply: 19;
  /** A message to a group: as 18. */
  readonly groupMessage: 20;
  /** Server: reply to 20. */
  readonly groupMessageReply: 21;
}

/** The operations of Bilibili's live chat. */
export interface BilibiliOperations {
  /** Client: I am here. */
  readonly heartbeat: 2;
  /** Server: popularity of the room, 4 bytes. */
  readonly heartbeatReply: 3;
  /** Server: something happened. */
  readonly message: 5;
  /** Client: who I am, and which room. */
  readonly auth: 7;
  /** Server: `{"code":0}`. */
  readonly authReply: 8;
}
