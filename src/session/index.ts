/**
 * Blocks that sessions are made of, without I/O and timers of their own.
 *
 * @packageDocumentation
 */
export { Calls, type CallsConnection, type CallsOptions } from "./calls.ts";
