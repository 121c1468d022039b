import {
  CONNECTION_OPTIONS,
  Connection,
  type ConnectionOptions,
  checkedOptions,
  checkOptions,
  type Handlers,
  type MessageProtocol,
} from "../../core/index.ts";
import { checkNetwork } from "./connect.ts";
import { guarded } from "./guarded.ts";
import type { Network } from "./network.ts";

/** Options for `listen` on a simulated network: address, and the handlers and limits of each connection. */
export type NetworkListenOptions<In, Out = In, Context = undefined> = Omit<
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
  };

/** A server on a simulated network. */
export interface NetworkServer<In, Out = In, Context = undefined> {
  readonly port: number;
  /** The open connections. */
  readonly connections: ReadonlySet<Connection<In, Out, Context>>;
  /** Accepts no more connections, closes the open ones, and waits until they are closed. */
  close(): Promise<void>;
}

const OPTIONS = ["network", "port", "host", ...CONNECTION_OPTIONS];

/**
 * Listens on a {@link Network}, like `listen` of `framewright/node` over TCP, with the same default limits
 * except those for memory and the number of connections.
 *
 * @param protocol - the protocol of every connection
 * @param options - network, port, handlers and limits
 * @returns the server, which listens immediately
 * @throws TypeError for an unknown option, a protocol without a framing, or a port in use
 */
export function listen<In, Out = In, Context = undefined>(
  protocol: MessageProtocol<In, Out>,
  options: NetworkListenOptions<In, Out, Context>,
): NetworkServer<In, Out, Context> {
  checkOptions("listen", options, OPTIONS);
  checkNetwork(options.network, options.port, protocol);
  const { network, port, host = "server" } = options;
  const { firstMessageTimeout = 30_000, frameTimeout = 30_000, sendTimeout = 60_000 } = options;
  const connections = new Set<Connection<In, Out, Context>>();
  const stop = network.register(host, port, (side) => {
    const handlers = guarded(options, network);
    const connection: Connection<In, Out, Context> = new Connection(
      protocol,
      side.sink,
      {
        ...handlers,
        close(closed, info) {
          connections.delete(closed);
          return handlers.close?.(closed, info);
        },
      },
      checkedOptions({
        ...options,
        ...{ firstMessageTimeout, frameTimeout, sendTimeout },
        clock: network.clock,
        handlerErrors: "report" as const,
      }),
    );
    connections.add(connection);
    side.receiver = connection;
    connection.opened();
    side.start();
  });
  return {
    port,
    connections,
    async close() {
      stop();
      const open = [...connections];
      for (const connection of open) connection.close();
      await Promise.all(open.map(({ closed }) => closed));
    },
  };
}
