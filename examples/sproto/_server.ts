import { listen } from "framewright/node";
import { sprotoRpc } from "framewright/sproto";
import { c2s, s2c } from "./_schemas.ts";

const rpc = sprotoRpc({ local: c2s, remote: s2c });

/**
 * A word store behind a login, in the frames of skynet's gate. Everyone who is logged in receives a
 * heartbeat.
 */
export async function startServer(options: {
  readonly port?: number;
  readonly secrets: ReadonlyMap<string, string>;
  /** Milliseconds between two heartbeats. */
  readonly heartbeat: number;
}) {
  const words = new Map<string, string>();

  const server = await listen(rpc, {
    port: options.port ?? 0,
    host: "127.0.0.1",
    // A client that sends nothing for a minute is gone.
    idleTimeout: 60_000,
    ...rpc.peers({
      context: () => ({ isLoggedIn: false }),
      on: {
        login({ name, secret }, { peer }) {
          if (name === undefined || secret === undefined || options.secrets.get(name) !== secret) {
            return { ok: false, why: "wrong name or secret" };
          }
          peer.context.isLoggedIn = true;
          return { ok: true };
        },
        handshake: () => ({ msg: "Welcome, I will send heartbeats." }),
        // Every field of a message may be missing, including the one that is the answer.
        get({ what = "" }, { peer }) {
          return peer.context.isLoggedIn ? { result: words.get(what) } : {};
        },
        set({ what = "", value = "" }, { peer }) {
          if (peer.context.isLoggedIn) words.set(what, value);
        },
        quit: (_, { peer }) => peer.connection?.close(),
      },
      // The peer violated the protocol, or a handler failed: only this connection ends.
      error: (_, error) => console.error(`a client is dropped: ${(error as Error).message}`),
    }),
  });

  let beat = 0;
  const timer = setInterval(() => {
    beat++;
    for (const { context: peer } of server.connections) {
      if (peer.context.isLoggedIn) peer.notify("heartbeat", { beat });
    }
  }, options.heartbeat);

  return {
    port: server.port ?? 0,
    async close(): Promise<void> {
      clearInterval(timer);
      await server.close();
    },
  };
}
