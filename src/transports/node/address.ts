import type { ListenOptions as NetListenOptions, TcpNetConnectOpts } from "node:net";
import type { ConnectionOptions as TlsConnectOptions, TlsOptions } from "node:tls";

/** Where to listen or connect: a TCP port, or the path of a Unix domain socket (or Windows pipe). */
export type Address =
  | {
      /** TCP port; 0 to listen on any free one. */
      readonly port: number;
      /**
       * Host name or IP address.
       * @defaultValue `localhost` to connect; to listen, all addresses of the machine
       */
      readonly host?: string | undefined;
      readonly path?: undefined;
    }
  | {
      /** Path of a Unix domain socket. */
      readonly path: string;
      readonly port?: undefined;
      readonly host?: undefined;
    };

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
