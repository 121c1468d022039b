import { Cancel, type CloseInfo, markReported, ProtocolError } from "../../core/index.ts";
import type { Calls } from "../../session/index.ts";
import type { SessionConnection } from "./client-options.ts";
import { InFlight } from "./in-flight.ts";

/** One attempt of a client: a connection, once there is one, and what was asked over it. */
export class Link<Body> {
  connection: SessionConnection<Body> | undefined;
  /** While there is none. */
  readonly cancel: Cancel = new Cancel();
  readonly inFlight: InFlight<Body>;
  /** Handlers at work, once there is a connection. */
  calls: Calls<() => unknown> | undefined;

  /** @param limit - requests that may be unanswered at a time */
  constructor(limit: number) {
    this.inFlight = new InFlight(limit);
  }

  /** Ends it at once, however far it got. */
  abort(error: unknown): void {
    (this.connection ?? this.cancel).abort(error);
  }

  /** Ends it behind what was sent, if it got that far. */
  close(): void {
    if (this.connection === undefined) this.cancel.abort(closedError());
    else this.connection.close();
  }
}

/** Why a request has no answer, where its connection or the client ended. */
export function closedError(cause?: unknown): ProtocolError {
  const why = cause instanceof Error ? `: ${cause.message}` : "";
  const error = new ProtocolError("closed", `the session ended before a reply${why}`, undefined, {
    cause,
  });
  // A handler that waited for the reply has no bug.
  markReported(error);
  return error;
}

/** What went wrong with a connection, if anything did. */
export function reasonOf({ by, error }: CloseInfo): unknown {
  return by === "error" ? error : undefined;
}
