export * from "./bytes.ts";
export type { CancelSignal } from "./cancel.ts";
export { type Clock, systemClock } from "./clock.ts";
export { json, raw, utf8 } from "./codecs.ts";
export { Connection, type ConnectionState } from "./connection.ts";
export { ProtocolError, type ProtocolErrorCode } from "./errors.ts";
export { decodeAll, decodeFrame, encodeAll, encodeFrame } from "./frames.ts";
export type { CloseInfo, ConnectionOptions, Handlers } from "./handlers.ts";
export { type Endian, Output } from "./output.ts";
export {
  type Codec,
  defineProtocol,
  type Framing,
  type MessageProtocol,
  type Protocol,
  type ProtocolDefinition,
  type Received,
  type Sent,
} from "./protocol.ts";
export { indexOfByte } from "./search.ts";
export type { Sink } from "./sink.ts";
export { Splitter } from "./splitter.ts";
export { decodeUtf8 } from "./utf8.ts";
