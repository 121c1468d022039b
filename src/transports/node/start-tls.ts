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

/** Which side of the handshake this is, and its certificates. */
export type TlsSide =
  | {
      /** This side begins the handshake. */
      readonly side: "client";
      /**
       * The options of `tls.connect`. `servername` is the `host` of `connect`, unless it is given: the server's
       * certificate must be for that name.
       * @defaultValue true
       */
      readonly tls?: true | ClientTls | undefined;
    }
  | {
      /** This side has the certificate. */
      readonly side: "server";
      /** The options of `tls.createServer`: `key` and `cert` first of all. */
      readonly tls: ServerTls;
    };

/** Options for {@link startTls}: the side, certificates, and handlers for what comes over TLS. */
export type StartTlsOptions<In, Out = In, Context = undefined> = TlsSide &
  Omit<Handlers<In, Out, Context>, "context" | "open"> & {
    /**
     * Milliseconds for the handshake; then the connection ends with `timeout`. 0 or Infinity: no limit.
     * @defaultValue 10 000
     */
    readonly handshakeTimeout?: number | undefined;
    /** Called with Node's TLS socket before the first message: for the peer's certificate, or the chosen ALPN protocol. */
    readonly secured?:
      | ((connection: Connection<In, Out, Context>, socket: TLSSocket) => unknown)
      | undefined;
  };

const HANDSHAKE_TIMEOUT = 10_000;
/** What a timer can wait for: our own is the one that counts. */
const LONGEST = 0x7fff_ffff;

const OPTIONS = [
  ...["side", "tls", "handshakeTimeout", "secured"],
  ...["message", "drain", "end", "error", "skipped", "close"],
];

/**
 * Goes on over TLS on an open connection (STARTTLS): after the reply that says so was sent, or received. It is the same
 * connection afterwards, with its context, its limits and its place in the server; protocol and handlers are those
 * given here. What is sent meanwhile waits.
 *
 * Nothing that was received in plain text becomes part of the conversation over TLS: if bytes follow the command or the
 * reply before the handshake (an attacker may have put them there, see RFC 3207), the connection ends with `malformed`,
 * and a reply that was not sent yet is dropped.
 *
 * @param connection - a connection over a TCP or Unix domain socket or another Duplex
 * @param protocol - the protocol of what comes and goes over TLS
 * @param options - `side`, `tls` and handlers
 * @returns resolves with the same connection once the handshake is done. If that fails, the `error` and `close`
 *   handlers given here are called, and the promise rejects with the same error; no one has to catch it
 * @throws TypeError while output waits that the socket does not take, before the connection is open, for a transport that is not one socket or Duplex of Node, or has the option `slab`, and for an
 *   unknown option; ProtocolError `closed` once a side has ended
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
    throw new TypeError(`startTls: side is "client" or "server", not ${String(side)}`);
  }
  if (side === "server" && (typeof tls !== "object" || tls === null)) {
    throw new TypeError("startTls: a server needs tls: { key, cert }");
  }
  const upgrade = upgradeOf(connection);
  if (upgrade === undefined) {
    throw new TypeError("startTls of a connection that was not made by framewright/node");
  }
  upgrade.check();
  connection.pause();
  const injected = plainBytes(connection, upgrade);
  const unsent =
    injected > 0 ? 0 : (connection as unknown as OwnConnection).flushNow() + upgrade.waiting;
  if (unsent > 0) {
    connection.resume();
    throw new TypeError(`startTls() while ${unsent} bytes wait to be sent: wait for flushed()`);
  }
  try {
    connection.use<In, Out>(protocol, handlers);
  } catch (error) {
    // In the middle of a frame of several values the rest of them is injected, too.
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
    // What is sent from now on waits for TLS.
    const raw = upgrade.take();
    await upgrade.flush(raw);
    refusePlain(connection, plainBytes(connection, upgrade));
    socket = await shakeHands(raw, upgrade, options);
    upgrade.give(socket);
  } catch (error) {
    upgrade.lost(error);
    // Its end may have another reason, of which this is a consequence.
    const { error: reason = error } = await connection.closed;
    // In a handler it comes back as that one's rejected promise.
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

/** How many bytes were received that are no part of the TLS session. */
function plainBytes(connection: object, { buffered }: Upgrade): number {
  return (connection as unknown as OwnConnection).unread + buffered;
}

/** @throws ProtocolError `malformed` if there are any; the connection ends with it */
function refusePlain(connection: object, count: number): void {
  if (count === 0) return;
  const text = `at least ${count} bytes of plain text follow where a TLS handshake should begin`;
  const error = new ProtocolError("malformed", text);
  (connection as unknown as OwnConnection).faulted(error, true);
  throw error;
}

/** The TLS socket over a plain one, once all that `tls` asks for is checked. Destroys both if it fails. */
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
      fail(raw.errored ?? new ProtocolError("closed", "the connection ended in the TLS handshake"));
    };
    const done = (socket: TLSSocket): void => {
      stop();
      resolve(socket);
    };
    // A peer that leaves now is gone.
    raw.allowHalfOpen = false;
    // What happens to the plain socket, the TLS socket tells.
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
  // An address must not be sent as a name, but the certificate may be for it.
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
  // Never listens: it makes the TLS socket, and checks what `tls` asks for.
  const handshakes = createTlsServer({ ...tls, handshakeTimeout: LONGEST });
  handshakes.once("secureConnection", done);
  handshakes.once("tlsClientError", fail);
  handshakes.emit("connection", raw);
}

/** Errors of OpenSSL for a peer whose first bytes are not TLS at all. */
const NOT_TLS = [
  ...["ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_HTTP_REQUEST", "ERR_SSL_HTTPS_PROXY_REQUEST"],
  ...["ERR_SSL_PACKET_LENGTH_TOO_LONG", "ERR_SSL_UNEXPECTED_MESSAGE", "ERR_SSL_BAD_RECORD_TYPE"],
  "ERR_SSL_RECORD_LAYER_FAILURE",
];

/** Plain text that came too late to be seen before the handshake is malformed, too. */
function causeOf(error: unknown): unknown {
  const { code } = Object(error) as { code?: unknown };
  if (!NOT_TLS.includes(String(code))) return error;
  const text = `plain text where a TLS handshake should begin: ${String(code)}`;
  return new ProtocolError("malformed", text, undefined, { cause: error });
}
