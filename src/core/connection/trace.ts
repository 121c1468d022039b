import type { Skipped } from "../invalid.ts";
import type { Connection } from "./connection.ts";
import type { CloseInfo } from "./handlers.ts";

/** Something that happened to a connection, for those who want to see its wire: see the option `trace`. */
export type TraceEvent = {
  /** The connection that it happened to. */
  readonly connection: Connection<never, unknown, unknown>;
  /** When, in ms of the connection's clock. */
  readonly at: number;
} & (
  | {
      /** The connection is open. */
      readonly type: "opened";
    }
  | {
      /** Bytes came from the transport. */
      readonly type: "received";
      /** Not to be changed. */
      readonly bytes: Uint8Array;
    }
  | {
      /** A message is about to be delivered to the handler, or to an iterator. */
      readonly type: "message";
      readonly value: unknown;
      /** Bytes of its frame, which it may share with others. */
      readonly size: number;
    }
  | {
      /** A message was encoded by `send`, or given to `sendFrame`, and waits for the end of the turn. */
      readonly type: "queued";
      /** The value that was passed to `send`; undefined for `sendFrame`. */
      readonly value: unknown;
      /** Bytes of its frame. */
      readonly size: number;
    }
  | {
      /** Bytes were given to the transport: frames of one turn or more. */
      readonly type: "sent";
      /** Not to be changed. */
      readonly bytes: Uint8Array;
    }
  | {
      /** The transport is asked to stop reading, or to read on. */
      readonly type: "paused" | "resumed";
    }
  | {
      /** Promises of `message` have been pending for long, and input waits for them. */
      readonly type: "stuck";
      /** For how many ms. */
      readonly ms: number;
      /** How many promises. */
      readonly promises: number;
      /** Bytes that wait. */
      readonly unread: number;
    }
  | {
      /** Bad input was skipped. */
      readonly type: "skipped";
      readonly skipped: Skipped;
    }
  | {
      /** Something went wrong, in a handler or outside. */
      readonly type: "error";
      readonly error: unknown;
    }
  | {
      /** The connection is over. */
      readonly type: "closed";
      readonly info: CloseInfo;
    }
);

/** Takes the events of a trace. */
export type Trace = (event: TraceEvent) => void;

/** An event before it is known when and to which connection it happened. */
export type Happening = TraceEvent extends infer Event
  ? Event extends TraceEvent
    ? Omit<Event, "connection" | "at">
    : never
  : never;

/** How long promises of `message` may be pending before a trace tells of it. */
export const STUCK_MS = 10_000;
