// What both processes of the TCP soak agree on.
import { json, lengthPrefixed, type Protocol, ProtocolError } from "framewright";
import type { PeerAccount } from "./ledger.ts";
import { type Answer, MAX_FRAME, type Request } from "./plan.ts";
import type { Holdings } from "./process.ts";

export const HOST = "127.0.0.1";

const framing = lengthPrefixed({ width: 4, maxFrame: MAX_FRAME });

/** Length and JSON, as the server speaks it. */
export const serving: Protocol<Answer, Request> = framing.wrap(json<Answer, Request>());

/** The same, from the other side. */
export const asking: Protocol<Request, Answer> = framing.wrap(json<Request, Answer>());

/** What the peers tell the server's process. */
export type FromPeers =
  | { readonly accounts: readonly PeerAccount[] }
  /** Every peer has had its lives, and what can be at rest is. */
  | { readonly isReady: true }
  /** No connection is made any more; so many were. */
  | { readonly connections: number }
  | {
      readonly before: Holdings;
      readonly after: Holdings;
      readonly late: number;
      /** Attempts that the system refused: no port was free, say. */
      readonly refused: number;
    }
  | { readonly failure: string };

/** What they are told. */
export type ToPeers =
  | "stop"
  /** The server has felt how slowly a connection is read. */
  | { readonly felt: string }
  /** It has taken so many connections. */
  | { readonly taken: number };

/** How often each port was used: with it, a name for a connection that both sides know. */
export function usesOfPorts(): (port: number) => number {
  const uses = new Uint32Array(2 ** 16);
  return (port) => ++uses[port]!;
}

/** The code of an error, as an account gives it. */
export function codeOf(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  if (error instanceof ProtocolError) return error.code;
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
