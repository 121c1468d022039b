/**
 * WebSockets of all runtimes, and web streams: for browsers, Deno, workers and Node.
 *
 * @packageDocumentation
 */

// Types of the results of the functions below, so that declaration files can name them.
export type { Connection } from "../../core/index.ts";
export type { Reconnecting, ReconnectOptions } from "../../session/index.ts";
export {
  type ConnectWebSocketOptions,
  connectWebSocket,
  type WebSocketClass,
  type WebSocketClient,
} from "./connect.ts";
export { type DecoderStreamOptions, decoderStream } from "./decoder-stream.ts";
export { type EncoderStreamOptions, encoderStream } from "./encoder-stream.ts";
export type { WebSocketStream } from "./joined-frames.ts";
export { attachStreams, type ByteStreams, type StreamsOptions } from "./streams.ts";
export {
  type AttachWebSocketOptions,
  attachWebSocket,
  type WebSocketOptions,
} from "./web-socket.ts";
export type { WebSocketLike } from "./web-socket-like.ts";
