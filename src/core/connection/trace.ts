import type { Skipped } from "../invalid.ts";
import type { Connection } from "./connection.ts";
import type { CloseInfo } from "./handlers.ts";

/** Something that happened, for those who want to see the wire: see the option `trace`. */
export type TraceEvent = {
  /** Name of the protocol; of a session that has none, the name of its kind, such as `requests`. */
  readonly name: string;
  /** When, in ms of the clock of what it happened to. */
  readonly at: number;
  /**
   * The connection that it happened to. Undefined for servers and datagrams, and for sessions while they have none or do
   * not know it.
   */
  readonly connection: Connection<never, unknown, unknown> | undefined;
} & (
  | {
      /** An attempt to connect begins. */
      readonly type: "connecting";
      /** Where to, without secrets; undefined if the transport does not tell. */
      readonly to: string | undefined;
    }
  | {
      /** A name was looked up. */
      readonly type: "lookup";
      readonly host: string;
      /** What it was found to be; one event for each address. */
      readonly address: string | undefined;
      /** Why it was not found. */
      readonly error: unknown;
    }
  | {
      /** A TLS handshake is done. */
      readonly type: "secured";
      /** Version of TLS, such as `TLSv1.3`, if the transport tells. */
      readonly version: string | undefined;
      /** The protocol that was chosen by ALPN. */
      readonly alpn: string | undefined;
    }
  | {
      /** A server takes a connection. */
      readonly type: "accepted";
      /** Address of the peer. */
      readonly from: string | undefined;
    }
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
  | {
      /** A server listens. */
      readonly type: "listening";
      /** Its address and port, or its path. */
      readonly on: string;
    }
  | {
      /**
       * A server does not take a connection: there are too many, its TLS handshake failed, a `context` handler threw, or
       * the server is closing.
       */
      readonly type: "refused";
      /** Address of the peer. */
      readonly from: string | undefined;
      readonly error: unknown;
    }
  | {
      /** A request was sent. */
      readonly type: "asked";
      readonly id: number;
    }
  | {
      /** The answer to a request came. */
      readonly type: "answered";
      readonly id: number;
      /** How long it took, from the sending. */
      readonly ms: number;
      /** The peer's error, if that was the answer. */
      readonly error: unknown;
    }
  | {
      /** A request was given up: it took too long, its connection ended, its signal was aborted, or it was not sent. */
      readonly type: "unanswered";
      /** Undefined if it still waited to be sent. */
      readonly id: number | undefined;
      readonly error: unknown;
    }
  | {
      /** A connection is lost, or none came about; the next attempt follows. */
      readonly type: "retry";
      /** Failures in a row. */
      readonly failures: number;
      /** Milliseconds until the next attempt. */
      readonly delay: number;
      readonly error: unknown;
    }
  | {
      /** A heartbeat is sent. */
      readonly type: "heartbeat";
    }
  | {
      /** Nothing came from the peer within the time: after a heartbeat, or where one was expected. */
      readonly type: "missed";
      /** The time, in ms. */
      readonly ms: number;
    }
);

/** Takes the events of a trace. */
export type Trace = (event: TraceEvent) => void;

/** An event before it is known when and to what it happened. */
export type Happening = TraceEvent extends infer Event
  ? Event extends TraceEvent
    ? Omit<Event, "connection" | "at" | "name">
    : never
  : never;

/** How long promises of `message` may be pending before a trace tells of it. */
export const STUCK_MS = 10_000;
