import { type ClientOptions, type GameClient, ServerError } from "./_client.ts";

export interface LiveOptions {
  readonly userid: string;
  /** Milliseconds between two pings. */
  readonly beatEvery: number;
  /** Milliseconds until the first reconnection; doubled after each failure. */
  readonly retryAfter: number;
  /** Milliseconds of silence after which a connection counts as lost. By default 5000. */
  readonly answerWithin?: number | undefined;
  readonly log: (line: string) => void;
}

/**
 * A client that stays connected: it signs in, sends heartbeats, and reconnects when the connection is lost.
 * It also closes a connection without answers: a server with a failed handler neither answers nor closes.
 *
 * @param connect - opens the client
 */
export function stayConnected(
  connect: (options: ClientOptions) => GameClient,
  options: LiveOptions,
): GameClient {
  const { userid, beatEvery, retryAfter, answerWithin = 5000, log } = options;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const beat = async (): Promise<void> => {
    await client.ping();
    log("beat");
    timer = setTimeout(() => void attempt(beat), beatEvery);
  };

  async function attempt(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      client.cut(error as Error);
    }
  }

  const client = connect({
    timeout: answerWithin,
    reconnect: { minDelay: retryAfter },
    push: (text) => log(`notice: ${text}`),
    open: () =>
      void attempt(async () => {
        try {
          await client.signin(userid);
          log(`signed in as ${userid}`);
        } catch (error) {
          // The server works but refuses: the reference has no sign-in in protobuf.
          if (!(error instanceof ServerError)) throw error;
          log(`not signed in: ${error.message}`);
        }
        await beat();
      }),
    close() {
      clearTimeout(timer);
      log("lost");
    },
  });
  return client;
}
