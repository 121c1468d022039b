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

/** What a secure client needs beside the address: everything that `tls.connect` takes. */
export type ClientTls = TlsConnectOptions;

/** What a secure server needs: everything that `tls.createServer` takes, `key` and `cert` first of all. */
export type ServerTls = TlsOptions;
