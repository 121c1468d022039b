import type { Skipped } from "../invalid.ts";
import type { Connection } from "./connection.ts";
import type { CloseInfo } from "./handlers.ts";

/** An event of the option `trace`. */
export type TraceEvent = {
  /** Name of the protocol; for a session without one, the name of its kind, such as `requests`. */
  readonly name: string;
  /** Time of the event, in ms of the clock of its source. */
  readonly at: number;
  /**
   * The connection of the event. Undefined for servers and datagrams, and for sessions while they have none.
   */
  readonly connection: Connection<never, unknown, unknown> | undefined;
} & (
  | {
      /** An attempt to connect begins. */
      readonly type: "connecting";
      /** The destination, without secrets; undefined if it is not known. */
      readonly to: string | undefined;
    }
  | {
      /** A name was looked up. */
      readonly type: "lookup";
      readonly host: string;
      /** The address found; one event for each address. */
      readonly address: string | undefined;
      /** The reason why it was not found. */
      readonly error: unknown;
    }
  | {
      /** A TLS handshake is done. */
      readonly type: "secured";
      /** Version of TLS, such as `TLSv1.3`, if it is known. */
      readonly version: string | undefined;
      /** The protocol that was chosen by ALPN. */
      readonly alpn: string | undefined;
    }
  | {
      /** A server accepts a connection. */
      readonly type: "accepted";
      /** Address of the peer. */
      readonly from: string | undefined;
    }
  | {
      /** The connection is open. */
      readonly type: "opened";
    }
  | {
      /** Bytes arrived from the transport. */
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
      /** A message was encoded by `send`, or passed to `sendFrame`, and waits for the end of the turn. */
      readonly type: "queued";
      /** The value that was passed to `send`; undefined for `sendFrame`. */
      readonly value: unknown;
      /** Bytes of its frame. */
      readonly size: number;
    }
  | {
      /** Bytes were passed to the transport: frames of one turn or more. */
      readonly type: "sent";
      /** Not to be changed. */
      readonly bytes: Uint8Array;
    }
  | {
      /** The transport is asked to stop or resume reading. */
      readonly type: "paused" | "resumed";
    }
  | {
      /** Promises of `message` have been pending for a long time, and input waits for them. */
      readonly type: "stuck";
      /** Duration in ms. */
      readonly ms: number;
      /** Number of promises. */
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
       * A server rejects a connection: there are too many, its TLS handshake failed, a `context` handler
       * threw, or the server is closing.
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
      /** The reply to a request arrived. */
      readonly type: "answered";
      readonly id: number;
      /** Time since it was sent, in ms. */
      readonly ms: number;
      /** The peer's error, if that was the reply. */
      readonly error: unknown;
    }
  | {
      /**
       * A request failed: it took too long, its connection ended, its signal was aborted, or it was not sent.
       */
      readonly type: "unanswered";
      /** Undefined if it still waited to be sent. */
      readonly id: number | undefined;
      readonly error: unknown;
    }
  | {
      /** A connection was lost or could not be made; the next attempt follows. */
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
      /** Nothing arrived from the peer in time: after a heartbeat, or when one was expected. */
      readonly type: "missed";
      /** The time, in ms. */
      readonly ms: number;
    }
);

/** Takes the events of a trace. */
export type Trace = (event: TraceEvent) => void;

/** An event without its time and source. */
export type Happening = TraceEvent extends infer Event
  ? Event extends TraceEvent
    ? Omit<Event, "connection" | "at" | "name">
    : never
  : never;

/** Time that promises of `message` may be pending before a trace reports them. */
export const STUCK_MS = 10_000;
