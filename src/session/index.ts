/**
 * Building blocks for sessions, without I/O or timers: requests and answers, calls, ordered replies,
 * reconnecting, heartbeats, silence detection.
 *
 * @packageDocumentation
 */
export { Calls, type CallsConnection, type CallsOptions } from "./calls.ts";
export { type HeartbeatConnection, type HeartbeatOptions, heartbeat } from "./heartbeat.ts";
export { IdCounter } from "./id-counter.ts";
export { type PipeConnection, type PipeOptions, pipe } from "./pipe.ts";
export {
  type Attempt,
  type Reconnecting,
  type ReconnectingOptions,
  type ReconnectOptions,
  type Retry,
  reconnecting,
  reconnectPolicy,
} from "./reconnecting.ts";
export { Replies, type RepliesOptions } from "./replies.ts";
export { RequestError, wasSent } from "./request-error.ts";
export {
  type AskOptions,
  type RequestFailure,
  Requests,
  type RequestsOptions,
} from "./requests.ts";
export { type WatchSilenceOptions, watchSilence } from "./silence.ts";
export type { PipeTap, TapBytes, TapDecoder, TapSide } from "./tap.ts";
