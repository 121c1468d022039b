import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { OwnConnection } from "../../core/index.ts";

/** The members of a TLS socket that a trace shows. */
interface Secured {
  readonly encrypted?: boolean;
  readonly alpnProtocol?: string | false | null;
  getProtocol?(): string | null;
}

type Tell = NonNullable<OwnConnection["teller"]>;

/**
 * Reports to a connection's trace how its socket is opened: connecting, address lookups, and the TLS
 * handshake.
 *
 * @param to - the target address, if known
 */
export function traceConnecting(stream: Duplex, tell: Tell, to: string | undefined): void {
  tell({ type: "connecting", to });
  if (!(stream instanceof Socket)) return;
  stream.on("lookup", (error: Error | null, address: string, _family, host: string) => {
    tell({ type: "lookup", host, address: address || undefined, error: error ?? undefined });
  });
  stream.once("secureConnect", () => tellSecured(stream, tell));
}

/** Reports the TLS version and ALPN protocol of a TLS socket. */
export function tellSecured(stream: Duplex, tell: Tell): void {
  const { encrypted, alpnProtocol, getProtocol } = stream as Duplex & Secured;
  if (encrypted !== true) return;
  const version = getProtocol?.call(stream) ?? undefined;
  tell({ type: "secured", version, alpn: alpnProtocol || undefined });
}
