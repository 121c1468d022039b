import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { OwnConnection } from "../../core/index.ts";

/** A socket that speaks TLS, as far as a trace shows it. */
interface Secured {
  readonly encrypted?: boolean;
  readonly alpnProtocol?: string | false | null;
  getProtocol?(): string | null;
}

type Tell = NonNullable<OwnConnection["teller"]>;

/**
 * Tells the trace of a connection how its socket comes about: that it connects, names that are looked up, the TLS
 * handshake.
 *
 * @param to - where to, if that is known
 */
export function traceConnecting(stream: Duplex, tell: Tell, to: string | undefined): void {
  tell({ type: "connecting", to });
  if (!(stream instanceof Socket)) return;
  stream.on("lookup", (error: Error | null, address: string, _family, host: string) => {
    tell({ type: "lookup", host, address: address || undefined, error: error ?? undefined });
  });
  stream.once("secureConnect", () => tellSecured(stream, tell));
}

/** Tells of the TLS of a socket, if it speaks it. */
export function tellSecured(stream: Duplex, tell: Tell): void {
  const { encrypted, alpnProtocol, getProtocol } = stream as Duplex & Secured;
  if (encrypted !== true) return;
  const version = getProtocol?.call(stream) ?? undefined;
  tell({ type: "secured", version, alpn: alpnProtocol || undefined });
}
