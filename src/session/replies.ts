import { checkOptions, isThenable } from "../core/index.ts";
import type { CallsConnection } from "./calls.ts";

/** Options for {@link Replies}. */
export interface RepliesOptions<Reply> {
  /** The connection that the requests came from. */
  readonly connection: CallsConnection;
  /** Sends one reply. */
  send(reply: Reply): unknown;
  /**
   * Called with the error of a rejected promise; returns the reply to send instead, or undefined to send
   * none.
   * @defaultValue the error counts as a handler's error and ends the connection
   */
  readonly failed?: ((error: unknown) => Reply | undefined) | undefined;
}

/** The queue cost of a reply, in bytes: its promise and its place in the queue. */
const COST = 512;

interface Place<Reply> {
  reply: Reply | undefined;
  isReady: boolean;
  readonly release: () => void;
  readonly sent: () => void;
}

/**
 * Sends replies in the order of their requests, even if the work finishes in another order: for protocols
 * with replies that carry no request id (HTTP/1.1, Redis, SMTP, line protocols).
 *
 * Waiting replies count toward the connection's `maxQueued`, and keep our side open after the peer's end.
 *
 * @example
 * ```ts
 * import { Replies } from "framewright/session";
 *
 * const connection = { hold: () => () => {}, failed: (error: unknown) => console.log(error) };
 * const replies = new Replies<string>({ connection, send: (reply) => console.log(reply) });
 * replies.add(new Promise((resolve) => setTimeout(resolve, 5, "slow")));
 * await replies.add("fast");
 * //=> slow
 * //=> fast
 * ```
 */
export class Replies<Reply> {
  readonly #options: RepliesOptions<Reply>;
  readonly #places: Place<Reply>[] = [];
  #isSending = false;

  /** @throws TypeError for an unknown option */
  constructor(options: RepliesOptions<Reply>) {
    checkOptions("Replies", options, ["connection", "send", "failed"]);
    this.#options = options;
  }

  /** Number of replies that were not sent yet. */
  get pending(): number {
    return this.#places.length;
  }

  /**
   * Takes the next place in the order. Call it when the request arrives, with the reply or a promise of it.
   *
   * @param reply - the reply; undefined sends nothing
   * @param cost - bytes that the reply counts as while it waits
   * @defaultValue cost 512
   * @returns a promise that resolves once this reply and all earlier ones were sent; it never rejects
   */
  add(
    reply: Reply | undefined | PromiseLike<Reply | undefined>,
    cost: number = COST,
  ): Promise<void> {
    const { connection, failed } = this.#options;
    return new Promise((sent) => {
      const release = connection.hold(cost);
      const place: Place<Reply> = { reply: undefined, isReady: false, release, sent };
      this.#places.push(place);
      const ready = (value: Reply | undefined): void => {
        place.reply = value;
        place.isReady = true;
        this.#flush();
      };
      if (!isThenable(reply)) {
        ready(reply);
        return;
      }
      reply.then(ready, (error) => {
        let instead: Reply | undefined;
        this.#attempt(() => {
          if (failed === undefined) throw error;
          instead = failed(error);
        });
        ready(instead);
      });
    });
  }

  #flush(): void {
    if (this.#isSending) return;
    this.#isSending = true;
    while (this.#places[0]?.isReady) {
      const { reply, release, sent } = this.#places.shift()!;
      if (reply !== undefined) this.#attempt(() => this.#options.send(reply));
      release();
      sent();
    }
    this.#isSending = false;
  }

  #attempt(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#options.connection.failed(error);
    }
  }
}
