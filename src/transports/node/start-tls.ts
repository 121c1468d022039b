import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import {
  type Connection,
  checkLimits,
  checkOptions,
  checkStreamProtocol,
  type Handlers,
  markReported,
  type OwnConnection,
  type Protocol,
  ProtocolError,
  type StreamHint,
} from "../../core/index.ts";
import type { ClientTls, ServerTls } from "./address.ts";
import { type Upgrade, upgradeOf } from "./attach-stream.ts";

/** The side of the handshake, and its certificates. */
export type TlsSide =
  | {
      /** This side starts the handshake, as the TLS client. */
      readonly side: "client";
      /**
       * The options of `tls.connect`. `servername` defaults to the `host` of `connect`: the server's
       * certificate must be for that name.
       * @defaultValue true
       */
      readonly tls?: true | ClientTls | undefined;
    }
  | {
      /** This side has the certificate, as the TLS server. */
      readonly side: "server";
      /** The options of `tls.createServer`; `key` and `cert` are required. */
      readonly tls: ServerTls;
    };

/** Options for {@link startTls}: side, certificates, and the handlers for the TLS connection. */
export type StartTlsOptions<In, Out = In, Context = undefined> = TlsSide &
  Omit<Handlers<In, Out, Context>, "context" | "open"> & {
    /**
     * Time limit of the handshake, in milliseconds; then the connection ends with `timeout`. 0 or Infinity:
     * no limit.
     * @defaultValue 10 000
     */
    readonly handshakeTimeout?: number | undefined;
    /**
     * Called with Node's TLS socket before the first message, for the peer's certificate or the negotiated
     * ALPN protocol.
     */
    readonly secured?:
      | ((connection: Connection<In, Out, Context>, socket: TLSSocket) => unknown)
      | undefined;
  };

const HANDSHAKE_TIMEOUT = 10_000;
/** Longest delay of a timer: only our own time limit applies. */
const LONGEST = 0x7fff_ffff;

const OPTIONS = [
  ...["side", "tls", "handshakeTimeout", "secured"],
  ...["message", "drain", "end", "error", "skipped", "close"],
];

/**
 * Upgrades an open connection to TLS (STARTTLS), after the reply that announces it was sent or received.
 * The connection stays the same, with its context, its limits and its place in the server; protocol and
 * handlers are replaced by those given here. Messages that you send meanwhile are queued.
 *
 * Bytes received in plain text never become part of the TLS session: if bytes follow the command or the
 * reply before the handshake (an attacker may have injected them, see RFC 3207), the connection ends with
 * `malformed`, and an unsent reply is dropped.
 *
 * @param connection - a connection over a TCP or Unix domain socket or another Duplex
 * @param protocol - the protocol over TLS
 * @param options - `side`, `tls` and handlers
 * @returns a promise that resolves with the same connection once the handshake is done. If the handshake
 *   fails, the `error` and `close` handlers given here are called, and the promise rejects with the same
 *   error; you need not catch it
 * @throws TypeError while output is unsent because the socket does not accept it, before the connection is
 *   open, for a transport other than a socket or Duplex of Node, for a connection with the option `slab`,
 *   and for an unknown option; ProtocolError `closed` once a side has ended
 *
 * @example
 * ```ts no-check
 * const server = await listen(lines().wrap(utf8()), {
 *   port: 587,
 *   async message(connection, line) {
 *     if (line !== "STARTTLS") return void connection.send(`500 ${line}?`);
 *     connection.send("220 go ahead");
 *     await startTls(connection, smtp, { side: "server", tls: { key, cert }, message: converse });
 *   },
 * });
 * ```
 */
export function startTls<In, Out = In, Context = undefined, P = unknown>(
  connection: Connection<never, unknown, Context>,
  protocol: P & StreamHint<P> & Protocol<In, Out>,
  options: StartTlsOptions<In, Out, Context>,
): Promise<Connection<In, Out, Context>> {
  checkOptions("startTls", options, OPTIONS);
  checkStreamProtocol(protocol);
  checkLimits(options, "handshakeTimeout");
  const { side, tls, handshakeTimeout: _, secured: __, ...handlers } = options;
  if (side !== "client" && side !== "server") {
    throw new TypeError(`startTls: side must be "client" or "server", not ${String(side)}`);
  }
  if (side === "server" && (typeof tls !== "object" || tls === null)) {
    throw new TypeError("startTls: a server needs tls: { key, cert }");
  }
  const upgrade = upgradeOf(connection);
  if (upgrade === undefined) {
    throw new TypeError("startTls() needs a connection made by framewright/node");
  }
  upgrade.check();
  connection.pause();
  const injected = plainBytes(connection, upgrade);
  const unsent =
    injected > 0 ? 0 : (connection as unknown as OwnConnection).flushNow() + upgrade.waiting;
  if (unsent > 0) {
    connection.resume();
    throw new TypeError(`startTls() with ${unsent} unsent bytes: wait for flushed()`);
  }
  try {
    connection.use<In, Out>(protocol, handlers);
  } catch (error) {
    // In the middle of a frame of several values, its remaining values were injected too.
    if (injected === 0) throw error;
  }
  const secure = connection as unknown as Connection<In, Out, Context>;
  const done = begin(secure, upgrade, options, injected);
  done.catch(() => {});
  return done;
}

async function begin<In, Out, Context>(
  connection: Connection<In, Out, Context>,
  upgrade: Upgrade,
  options: StartTlsOptions<In, Out, Context>,
  injected: number,
): Promise<Connection<In, Out, Context>> {
  let socket: TLSSocket;
  try {
    refusePlain(connection, injected);
    // Bytes that are sent from now on wait for TLS.
    const raw = upgrade.take();
    await upgrade.flush(raw);
    refusePlain(connection, plainBytes(connection, upgrade));
    socket = await shakeHands(raw, upgrade, options);
    upgrade.give(socket);
  } catch (error) {
    upgrade.lost(error);
    // The connection may have ended for another reason that caused this error.
    const { error: reason = error } = await connection.closed;
    // If a handler awaits this promise, its rejection is not a new error.
    markReported(reason);
    throw reason;
  }
  try {
    options.secured?.(connection, socket);
  } catch (error) {
    connection.failed(error);
    markReported(error);
    throw error;
  }
  connection.resume();
  return connection;
}

/** Number of received bytes that are not part of the TLS session. */
function plainBytes(connection: object, { unread }: Upgrade): number {
  return (connection as unknown as OwnConnection).unread + unread;
}

/** @throws ProtocolError `malformed` if there are such bytes; the connection ends with it */
function refusePlain(connection: object, count: number): void {
  if (count === 0) return;
  const text = `at least ${count} bytes of plain text arrived instead of a TLS handshake`;
  const error = new ProtocolError("malformed", text);
  (connection as unknown as OwnConnection).faulted(error, true);
  throw error;
}

/**
 * Makes the TLS socket over a plain one, once all checks of `tls` have passed. Destroys both if one fails.
 */
function shakeHands(raw: Duplex, upgrade: Upgrade, options: ShakeOptions): Promise<TLSSocket> {
  const { handshakeTimeout = HANDSHAKE_TIMEOUT } = options;
  return new Promise<TLSSocket>((resolve, reject) => {
    let cancel = (): void => {};
    const stop = (): void => {
      cancel();
      raw.off("close", closed);
    };
    const fail = (error: unknown): void => {
      stop();
      reject(causeOf(error));
      raw.destroy();
    };
    const closed = (): void => {
      fail(
        raw.errored ?? new ProtocolError("closed", "the connection ended during the TLS handshake"),
      );
    };
    const done = (socket: TLSSocket): void => {
      stop();
      resolve(socket);
    };
    // From now on, a peer that ends is gone.
    raw.allowHalfOpen = false;
    // The TLS socket reports errors of the plain socket.
    raw.on("error", () => {});
    raw.once("close", closed);
    if (handshakeTimeout > 0 && handshakeTimeout !== Infinity) {
      cancel = upgrade.clock.after(handshakeTimeout, () => {
        fail(new ProtocolError("timeout", `no TLS handshake within ${handshakeTimeout} ms`));
      });
    }
    if (options.side === "client") client(raw, upgrade, options.tls ?? true, done, fail);
    else server(raw, options.tls as ServerTls, done, fail);
  });
}

interface ShakeOptions {
  readonly side: "client" | "server";
  readonly tls?: true | ClientTls | ServerTls | undefined;
  readonly handshakeTimeout?: number | undefined;
}

type Done = (socket: TLSSocket) => void;
type Fail = (error: unknown) => void;

function client(
  raw: Duplex,
  { host }: Upgrade,
  tls: true | ClientTls | ServerTls,
  done: Done,
  fail: Fail,
): void {
  // An IP address must not be sent as a name, but the certificate may be for it.
  const servername = host === undefined || isIP(host) ? undefined : host;
  const given = tls === true ? {} : (tls as ClientTls);
  const socket = connectTls({ host, servername, ...given, socket: raw } as ClientTls);
  socket.on("error", fail);
  socket.once("secureConnect", () => {
    socket.off("error", fail);
    done(socket);
  });
}

function server(raw: Duplex, tls: ServerTls, done: Done, fail: Fail): void {
  // Never listens: it makes the TLS socket, and checks the options of `tls`.
  const handshakes = createTlsServer({ ...tls, handshakeTimeout: LONGEST });
  handshakes.once("secureConnection", done);
  handshakes.once("tlsClientError", fail);
  handshakes.emit("connection", raw);
}

/** Error codes of OpenSSL for a peer that does not speak TLS. */
const NOT_TLS = [
  ...["ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_HTTP_REQUEST", "ERR_SSL_HTTPS_PROXY_REQUEST"],
  ...["ERR_SSL_PACKET_LENGTH_TOO_LONG", "ERR_SSL_UNEXPECTED_MESSAGE", "ERR_SSL_BAD_RECORD_TYPE"],
  "ERR_SSL_RECORD_LAYER_FAILURE",
];

/** Plain text that arrived too late to be seen before the handshake is also malformed. */
function causeOf(error: unknown): unknown {
  const { code } = Object(error) as { code?: unknown };
  if (!NOT_TLS.includes(String(code))) return error;
  const text = `plain text instead of a TLS handshake: ${String(code)}`;
  return new ProtocolError("malformed", text, undefined, { cause: error });
}
