import { type ClientOptions, type GameClient, ServerError } from "./_client.ts";

export interface LiveOptions {
  readonly userid: string;
  /** Milliseconds between two pings. */
  readonly beatEvery: number;
  /** Milliseconds until the first attempt to come back; doubled with each one that fails. */
  readonly retryAfter: number;
  /** Milliseconds after which silence is as bad as a lost connection. By default 5000. */
  readonly answerWithin?: number | undefined;
  readonly log: (line: string) => void;
}

/**
 * A client that stays: it signs in, beats, and comes back when the connection is lost. It also gives up a connection on
 * which nothing is answered: a server whose handler died says nothing, and closes nothing.
 *
 * @param connect - makes the client
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
          // The server is there, and says no: the reference has no sign-in in protobuf.
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
