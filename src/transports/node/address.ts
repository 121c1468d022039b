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
 * An address whose `path` is of the type `Path`: a port if there is none. Like this and not as a union, so
 * that the compiler asks for the port if both are missing.
 */
export type AddressOf<Path extends string | undefined> = {
  readonly path?: Path;
} & ([Path] extends [undefined] ? TcpAddress : [Path] extends [string] ? PathAddress : Address);

/**
 * Checks that there is either a port or a path.
 * @throws TypeError
 * @internal
 */
export function checkAddress({ port, path }: Partial<Address>): void {
  if (port === undefined && path === undefined) {
    throw new TypeError("no address: give a port (0 to listen on any free one) or a path");
  }
  if (port !== undefined && path !== undefined) {
    throw new TypeError("two addresses: give either a port or a path");
  }
}

/** Whether the system asks now and then if a silent peer is still there. */
export interface KeepAlive {
  /**
   * Send TCP keep-alive probes: a peer that is gone without a word ends the connection (ETIMEDOUT).
   * @defaultValue false
   */
  readonly keepAlive?: boolean | undefined;
  /**
   * Milliseconds of silence before the first probe.
   * @defaultValue what the system is set to, often two hours
   */
  readonly keepAliveInitialDelay?: number | undefined;
}

/** What else `server.listen` of `net` takes: `backlog` (511 by default, and what the system allows) first of all. */
export type ListenSettings = Readonly<
  Pick<NetListenOptions, "backlog" | "exclusive" | "ipv6Only" | "readableAll" | "writableAll">
>;

/** What else `net.connect` takes: which address to come from, and how to find that of a host name. */
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

/** What a secure client needs beside the address: everything that `tls.connect` takes. */
export type ClientTls = TlsConnectOptions;

/** What a secure server needs: everything that `tls.createServer` takes, `key` and `cert` first of all. */
export type ServerTls = TlsOptions;
