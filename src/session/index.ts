/**
 * Blocks that sessions are made of, without I/O and timers of their own.
 *
 * @packageDocumentation
 */
export { Calls, type CallsConnection, type CallsOptions } from "./calls.ts";
export { type PipeConnection, type PipeOptions, pipe } from "./pipe.ts";
export type { PipeTap, TapDecoder, TapSide } from "./tap.ts";
