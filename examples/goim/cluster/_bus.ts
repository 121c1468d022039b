// The two functions that a comet needs of a message bus, over NATS: the core of NATS, without JetStream.
import { connect } from "@nats-io/transport-node";

/** The bus of one comet. */
export interface Bus {
  readonly publish: (message: Uint8Array) => void;
  readonly subscribe: (receive: (message: Uint8Array) => void, resumed: () => void) => void;
  /** What was published goes out first. */
  close(): Promise<void>;
}

/**
 * Connects to NATS, and again whenever the connection is lost.
 *
 * While NATS is away, its client drops most of what is published. The comets number what they publish, so they count
 * and report it once they are connected again.
 *
 * @param servers - such as `nats://127.0.0.1:4222`
 * @param subject - the same one for all comets of a cluster; one subject keeps the order
 */
export async function natsBus(servers: string | string[], subject = "goim.pushes"): Promise<Bus> {
  const nats = await connect({
    servers: [servers].flat(),
    noEcho: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    // Where a machine is lost no FIN comes.
    pingInterval: 10_000,
  });
  return {
    publish: (message) => nats.publish(subject, message),
    subscribe(receive, resumed) {
      nats.subscribe(subject, {
        callback(error, message) {
          if (error !== null) return console.error(`nats: ${error.message}`);
          try {
            receive(message.data);
          } catch (thrown) {
            // Others publish on this subject.
            console.error(`nats: ${(thrown as Error).message}`);
          }
        },
      });
      void (async () => {
        for await (const { type } of nats.status()) {
          if (type === "reconnect") resumed();
        }
      })();
    },
    // It rejects while NATS is away: then nothing can go out.
    close: () => nats.drain().catch(() => nats.close()),
  };
}
