import type { ListenOptions as NetListenOptions, TcpNetConnectOpts } from "node:net";
import type { ConnectionOptions as TlsConnectOptions, TlsOptions } from "node:tls";

/** A TCP port. */
export interface TcpAddress {
  /** TCP port; 0 to listen on any free one. */
  readonly port: number;
  /**
   * Host name or IP address.
   * @defaultValue `localhost` to connect; all addresses of the machine to listen
   */
  readonly host?: string | undefined;
  readonly path?: undefined;
}

/** The path of a Unix domain socket or a Windows pipe. */
export interface PathAddress {
  /** Path of a Unix domain socket or a Windows pipe. */
  readonly path: string;
  readonly port?: undefined;
  readonly host?: undefined;
}

/** Where to listen or connect: a TCP port, or the path of a Unix domain socket (or Windows pipe). */
export type Address = TcpAddress | PathAddress;

/**
 * An address with a `path` of the type `Path`, or a port if there is no path. Not a union, so that the
 * compiler asks for the port if both are missing.
 */
export type AddressOf<Path extends string | undefined> = {
  readonly path?: Path;
} & ([Path] extends [undefined] ? TcpAddress : [Path] extends [string] ? PathAddress : Address);

/**
 * Checks that the address has either a port or a path.
 * @throws TypeError
 * @internal
 */
export function checkAddress({ port, path }: Partial<Address>): void {
  if (port === undefined && path === undefined) {
    throw new TypeError("no address: pass a port (0 to listen on any free one) or a path");
  }
  if (port !== undefined && path !== undefined) {
    throw new TypeError("two addresses: pass either a port or a path");
  }
}

/** Options for TCP keep-alive: probes that detect a peer that has disappeared. */
export interface KeepAlive {
  /**
   * Send TCP keep-alive probes: a peer that has disappeared without closing ends the connection
   * (ETIMEDOUT).
   * @defaultValue false
   */
  readonly keepAlive?: boolean | undefined;
  /**
   * Milliseconds of silence before the first probe.
   * @defaultValue the setting of the system, often two hours
   */
  readonly keepAliveInitialDelay?: number | undefined;
}

/**
 * Further options of `server.listen` of `net`, for example `backlog` (511 by default, limited by the
 * system).
 */
export type ListenSettings = Readonly<
  Pick<NetListenOptions, "backlog" | "exclusive" | "ipv6Only" | "readableAll" | "writableAll">
>;

/** Further options of `net.connect`: the local address, and how to look up the host name. */
export type ConnectSettings = Readonly<
  Pick<
    TcpNetConnectOpts,
    | "localAddress"
    | "localPort"
    | "family"
    | "hints"
    | "lookup"
    | "autoSelectFamily"
    | "autoSelectFamilyAttemptTimeout"
  >
>;

/** TLS options of a client: everything that `tls.connect` accepts. */
export type ClientTls = TlsConnectOptions;

/** TLS options of a server: everything that `tls.createServer` accepts; `key` and `cert` are required. */
export type ServerTls = TlsOptions;
