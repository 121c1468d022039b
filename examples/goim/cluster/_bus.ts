// The two functions that a comet needs from a message bus, over NATS: core NATS, without JetStream.
import { connect } from "@nats-io/transport-node";

/** The bus of one comet. */
export interface Bus {
  readonly publish: (message: Uint8Array) => void;
  readonly subscribe: (receive: (message: Uint8Array) => void, resumed: () => void) => void;
  /** Everything that was published is sent first. */
  close(): Promise<void>;
}

/**
 * Connects to NATS, and reconnects whenever the connection is lost.
 *
 * While NATS is unavailable, its client drops most published messages. The comets number their messages, so
 * they count lost ones and report them once they are connected again.
 *
 * @param servers - for example `nats://127.0.0.1:4222`
 * @param subject - the same for all comets of a cluster; a single subject keeps messages in order
 */
export async function natsBus(servers: string | string[], subject = "goim.pushes"): Promise<Bus> {
  const nats = await connect({
    servers: [servers].flat(),
    noEcho: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    // If a machine is lost, no FIN arrives.
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
            // Other programs publish on this subject.
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
    // It rejects while NATS is unavailable: then nothing can be sent.
    close: () => nats.drain().catch(() => nats.close()),
  };
}
