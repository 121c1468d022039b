import { ProtocolError, type Trace } from "../../core/index.ts";

/** Counts of events of one protocol: connections, servers and sessions. */
export interface TrafficCounts {
  /** Connections that servers accepted and refused. */
  accepted: number;
  refused: number;
  /** Connections that were opened. */
  opened: number;
  /** Connections that ended. */
  closed: number;
  /** Bytes received and sent. */
  receivedBytes: number;
  sentBytes: number;
  /** Messages delivered and sent. */
  receivedMessages: number;
  sentMessages: number;
  /** Number of times that reading was paused. */
  paused: number;
  /** Number of times that promises of handlers were pending for 10 s while input waited. */
  stuck: number;
  /** Number of times that bad input was skipped. */
  skipped: number;
  /** Requests that were sent, answered, and abandoned. */
  asked: number;
  answered: number;
  unanswered: number;
  /** Further attempts to connect. */
  retries: number;
  /** Heartbeats sent, and number of times that no byte arrived in time from a peer. */
  heartbeats: number;
  missed: number;
  /** Errors by code; errors without a code count as `other`. */
  readonly errors: Record<string, number>;
}

/** The result of {@link counters}. */
export interface Counters {
  /** Pass it as the option `trace` of any number of connections. */
  readonly trace: Trace;
  /** Counts by protocol name. The objects are live: they continue to change. */
  readonly protocols: ReadonlyMap<string, Readonly<TrafficCounts>>;
}

/**
 * Counts connections, bytes, messages and errors of each protocol, for metrics.
 *
 * @example
 * ```ts
 * import { json, lines } from "framewright";
 * import { counters } from "framewright/inspect";
 * import { connect, listen } from "framewright/node";
 *
 * const traffic = counters();
 * const protocol = lines().wrap(json(), { name: "chat" });
 * const server = await listen(protocol, { port: 0, message: (peer, value) => peer.send(value), trace: traffic.trace });
 * const connection = await connect(protocol, { port: server.port });
 * connection.send({ hello: 1 });
 * for await (const value of connection) {
 *   console.log(value, traffic.protocols.get("chat")?.receivedBytes);
 *   connection.close();
 * }
 * await server.close();
 * //=> { hello: 1 } 12
 * ```
 */
export function counters(): Counters {
  const protocols = new Map<string, TrafficCounts>();
  return {
    protocols,
    trace(event) {
      const { name } = event;
      let counts = protocols.get(name);
      if (counts === undefined) {
        counts = noTraffic();
        protocols.set(name, counts);
      }
      switch (event.type) {
        case "received":
          counts.receivedBytes += event.bytes.length;
          break;
        case "sent":
          counts.sentBytes += event.bytes.length;
          break;
        case "message":
          counts.receivedMessages++;
          break;
        case "queued":
          counts.sentMessages++;
          break;
        case "error": {
          const code = event.error instanceof ProtocolError ? event.error.code : "other";
          counts.errors[code] = (counts.errors[code] ?? 0) + 1;
          break;
        }
        case "retry":
          counts.retries++;
          break;
        case "heartbeat":
          counts.heartbeats++;
          break;
        case "connecting":
        case "lookup":
        case "secured":
        case "listening":
        case "resumed":
          break;
        default:
          counts[event.type]++;
      }
    },
  };
}

const noTraffic = (): TrafficCounts => ({
  accepted: 0,
  refused: 0,
  opened: 0,
  closed: 0,
  receivedBytes: 0,
  sentBytes: 0,
  receivedMessages: 0,
  sentMessages: 0,
  paused: 0,
  stuck: 0,
  skipped: 0,
  asked: 0,
  answered: 0,
  unanswered: 0,
  retries: 0,
  heartbeats: 0,
  missed: 0,
  errors: {},
});
