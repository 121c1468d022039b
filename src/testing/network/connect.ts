import {
  type CancelSignal,
  CONNECTION_OPTIONS,
  Connection,
  type ConnectionOptions,
  checkedOptions,
  checkInteger,
  checkLimits,
  checkOptions,
  checkProtocol,
  type Handlers,
  type MessageProtocol,
  onAbort,
  ProtocolError,
} from "../../core/index.ts";
import { guarded } from "./guarded.ts";
import { Side, socketError } from "./link.ts";
import { Network } from "./network.ts";

/** Options for `connect` on a simulated network: address, handlers and limits. */
export type NetworkConnectOptions<In, Out = In, Context = undefined> = Omit<
  ConnectionOptions,
  "clock" | "handlerErrors"
> &
  Handlers<In, Out, Context> & {
    readonly network: Network;
    readonly port: number;
    /**
     * Name of the host that listens.
     * @defaultValue "server"
     */
    readonly host?: string | undefined;
    /**
     * Name of the host that connects, for partitions and crashes.
     * @defaultValue "client"
     */
    readonly from?: string | undefined;
    /**
     * Time limit of the attempt, in milliseconds. 0 or Infinity: no limit.
     * @defaultValue 30 000
     */
    readonly connectTimeout?: number | undefined;
    /** Aborts the attempt, or the open connection. */
    readonly signal?: CancelSignal | undefined;
  };

const CONNECT_TIMEOUT = 30_000;
const OPTIONS = ["network", "port", "host", "from", "connectTimeout", ...CONNECTION_OPTIONS];

/**
 * Connects over a {@link Network}, like `connect` of `framewright/node` over TCP. For a client that
 * reconnects, pass this function to `reconnecting` of `framewright/session`, with the network's clock.
 *
 * @param protocol - the protocol of the connection
 * @param options - network, port, handlers and limits
 * @returns the connection, once it is open: let time pass with `network.settle`
 * @throws an error with the code ECONNREFUSED if no one listens, a ProtocolError `timeout`, the signal's
 *   reason, or a TypeError for an unknown option
 */
export function connect<In, Out = In, Context = undefined>(
  protocol: MessageProtocol<In, Out>,
  options: NetworkConnectOptions<In, Out, Context>,
): Promise<Connection<In, Out, Context>> {
  return new Promise((resolve, reject) => {
    checkOptions("connect", options, OPTIONS);
    checkNetwork(options.network, options.port, protocol);
    checkLimits(options, "connectTimeout");
    const { network, port, host = "server", from = "client", signal } = options;
    const { connectTimeout = CONNECT_TIMEOUT } = options;
    if (signal?.aborted) throw signal.reason;
    const { clock } = network;
    let isOver = false;
    const over = (): boolean => {
      const was = isOver;
      isOver = true;
      stopWaiting();
      stopListening();
      return was;
    };
    const fail = (error: unknown): void => {
      if (!over()) reject(error);
    };
    const stopWaiting =
      connectTimeout === 0
        ? () => {}
        : clock.after(connectTimeout, () => {
            fail(new ProtocolError("timeout", `not connected within ${connectTimeout} ms`));
          });
    const stopListening = onAbort(signal, () => fail(signal?.reason));

    network.note(`${from} -> ${host}:${port} connect`);
    const travel = (arrive: () => void): void => network.carry(from, host, network.delay(), arrive);
    travel(() => {
      const accept = network.listener(host, port);
      if (accept === undefined) {
        travel(() => fail(socketError("ECONNREFUSED", `no one listens on ${host}:${port}`)));
        return;
      }
      if (isOver) return;
      const client = new Side(network, from, `${host}:${port}`);
      const server = new Side(network, host, from);
      client.other = server;
      server.other = client;
      network.join(client);
      accept(server);
      travel(() => {
        if (server.isGone && !client.isGone) {
          // Reset before it was open.
          fail(socketError("ECONNRESET", "the connection was reset"));
          return;
        }
        if (over()) {
          client.reset();
          return;
        }
        const connection = new Connection(
          protocol,
          client.sink,
          guarded(options, network),
          checkedOptions({ ...options, clock, handlerErrors: "report" as const }),
        );
        client.receiver = connection;
        connection.opened();
        resolve(connection);
        client.start();
      });
    });
  });
}

/** Checks the options that `listen` and `connect` share. */
export function checkNetwork(network: unknown, port: number, protocol: unknown): void {
  if (!(network instanceof Network)) throw new TypeError("network must be a Network");
  checkProtocol(protocol, network.boundary);
  checkInteger("port", port, 0);
}
