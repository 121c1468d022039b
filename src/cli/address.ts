import { readFileSync } from "node:fs";

/** A host and port to listen on or to connect to. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/**
 * Reads `host:port`, `[::1]:port`, `port`, or one of these after `tls://`.
 *
 * @param option - name of the option, for errors
 * @throws RangeError for anything else
 */
export function placeOf(option: string, text: string): Place {
  const parts = /^(tls:\/\/)?(?:(\[[0-9a-f:.]+\]|[^:/[\]]+):)?(\d{1,5})$/i.exec(text);
  const port = Number(parts?.[3]);
  if (parts === null || port > 65_535) {
    throw new RangeError(`framewright: ${option} ${JSON.stringify(text)} is not host:port`);
  }
  const host = (parts[2] ?? "127.0.0.1").replace(/^\[|\]$/g, "");
  return { host, port, tls: parts[1] !== undefined };
}

/** TLS options for the side that connects. */
export interface ClientTlsArgs {
  readonly ca?: string | undefined;
  readonly insecure?: boolean | undefined;
}

/** Returns the TLS options of `connect`. */
export function clientTls(
  { tls, host }: Place,
  { ca, insecure = false }: ClientTlsArgs,
): { readonly tls?: { ca?: Buffer; rejectUnauthorized: boolean; servername: string } } {
  if (!tls && (ca !== undefined || insecure)) {
    throw new RangeError("framewright: --ca and --insecure are for tls://host:port");
  }
  if (!tls) return {};
  return {
    tls: {
      ...(ca !== undefined && { ca: readFileSync(ca) }),
      rejectUnauthorized: !insecure,
      servername: host,
    },
  };
}

/** Returns the TLS options of `listen`. */
export function serverTls(
  cert: string | undefined,
  key: string | undefined,
): { readonly tls?: { cert: Buffer; key: Buffer } } {
  if (cert === undefined && key === undefined) return {};
  if (cert === undefined || key === undefined) {
    throw new RangeError("framewright: --cert and --key require each other");
  }
  return { tls: { cert: readFileSync(cert), key: readFileSync(key) } };
}
