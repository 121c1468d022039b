import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { type Connection, type Protocol, ProtocolError } from "../core/index.ts";
import type { Address, ClientTls } from "./address.ts";
import { attach, type SocketOptions } from "./attach.ts";

/** Where to connect, with which handlers and limits. */
export type ConnectOptions<In, Out = In, Context = undefined> = Address &
  SocketOptions<In, Out, Context> & {
    /** Speak TLS: `true`, or the options of `tls.connect`. */
    readonly tls?: true | ClientTls | undefined;
    /** Calls the attempt off; once connected, cuts the connection. `AbortSignal.timeout(ms)` limits the wait. */
    readonly signal?: AbortSignal | undefined;
  };

/**
 * Opens a connection over TCP, TLS or a Unix domain socket.
 *
 * @param protocol - what comes and goes
 * @param options - address, handlers and limits
 * @returns the connection, once it is open
 * @throws the socket's error (ECONNREFUSED and the like), or the signal's reason
 *
 * @example
 * ```ts
 * import { json, lines } from "framewright";
 * import { connect, listen } from "framewright/node";
 *
 * const protocol = lines().wrap(json());
 * const server = await listen(protocol, {
 *   port: 0,
 *   message: (connection) => connection.send({ answer: 42 }),
 * });
 * const connection = await connect(protocol, { port: server.port! });
 * connection.send({ question: "how many?" });
 * for await (const answer of connection) {
 *   console.log(answer);
 *   connection.close();
 * }
 * await server.close();
 * //=> { answer: 42 }
 * ```
 */
export function connect<In, Out = In, Context = undefined>(
  protocol: Protocol<In, Out>,
  options: ConnectOptions<In, Out, Context>,
): Promise<Connection<In, Out, Context>> {
  const { port, host, path, tls, signal, ...rest } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) throw signal.reason;
    // One write a batch: waiting for more to send would only make answers late.
    const target = { ...(path === undefined ? { port, host } : { path }), noDelay: true };
    const socket = tls
      ? connectTls({ ...target, ...(tls === true ? {} : tls) } as ClientTls)
      : connectTcp(target as { port: number });
    const abort = (): void => connection.abort(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    socket.once("close", () => signal?.removeEventListener("abort", abort));
    const connection: Connection<In, Out, Context> = attach<In, Out, Context>(socket, protocol, {
      ...rest,
      open(opened) {
        resolve(opened);
        return rest.open?.(opened);
      },
      close(closed, info) {
        const closedEarly = new ProtocolError("closed", "closed before the connection was open");
        reject(info.error ?? closedEarly);
        return rest.close?.(closed, info);
      },
    });
  });
}
