import { ProtocolError, type TracedSource } from "../../core/index.ts";
import { type AskOptions, RequestError, Requests } from "../../session/index.ts";
import type { Dialect, EndpointCommand } from "./commands.ts";

/** The gateway's answer to a dial: an Accept, or a Refuse. */
export interface DialReply {
  readonly isAccepted: boolean;
  /** Undefined in a Refuse of v2. */
  readonly connId: number | undefined;
  /** Undefined in a Refuse of v1. */
  readonly remoteId: number | undefined;
}

/**
 * The unanswered dials of one endpoint.
 *
 * ```text
 *   v1: New -> Open { connId } (in order) -> Dial { connId } -> Accept or Refuse { connId }
 *   v2: Dial { remoteId } -> Accept or Refuse { remoteId } (in order)
 * ```
 */
export class PendingDials {
  readonly #isV1: boolean;
  readonly #tell: (command: EndpointCommand) => void;
  readonly #requests: Requests<DialReply>;
  /** v1: numbers of dials that wait for an id. */
  readonly #asked: { readonly number: number; readonly remoteId: number }[] = [];
  /** v1: numbers of dials, by the connection id that they were given. */
  readonly #numbers = new Map<number, number>();

  /**
   * Creates an empty table. Dials wait until `start`.
   *
   * @param traced - the clock, and what sees the dials
   * @param tell - sends a command to the gateway
   * @param late - called with the answer to a dial that was given up
   */
  constructor(
    dialect: Dialect,
    traced: TracedSource,
    tell: (command: EndpointCommand) => void,
    late: (reply: DialReply) => void,
  ) {
    this.#isV1 = dialect === "v1";
    this.#tell = tell;
    this.#requests = new Requests({
      ids: this.#isV1 ? "count" : "fifo",
      maxPending: Infinity,
      ...traced,
      unmatched: (number, reply) => {
        if (number !== undefined) late(reply);
      },
    });
    this.#requests.pause();
  }

  /** Sends the dials that waited: the link is ready. */
  start(): void {
    this.#requests.resume();
  }

  dial<Result>(remoteId: number, options: AskOptions<DialReply, Result>): Promise<Result> {
    const send = (number: number): void => {
      if (this.#isV1) this.#asked.push({ number, remoteId });
      this.#tell(this.#isV1 ? { type: "new" } : { type: "dial", remoteId });
    };
    return this.#requests.ask(send, {
      ...options,
      accept: (reply) => this.#isV1 || reply.remoteId === remoteId,
      error: ({ code, text, sent, cause }) =>
        new RequestError(code, `dial of ${remoteId}: ${text}`, sent, { cause }),
    });
  }

  /** v1: the gateway gave a connection id. */
  opened(connId: number): void {
    const [next] = this.#asked;
    // If an id is given twice, one of its dials would never be answered.
    if (next === undefined || this.#numbers.has(connId)) throw unasked(`id ${connId}`);
    this.#asked.shift();
    this.#numbers.set(connId, next.number);
    this.#tell({ type: "dial", connId, remoteId: next.remoteId });
  }

  /** Returns false for an incoming connection, which looks like an answer in v1. */
  answered(reply: DialReply): boolean {
    const { isAccepted, connId, remoteId } = reply;
    if (this.#isV1) {
      const number = this.#numbers.get(connId!);
      this.#numbers.delete(connId!);
      if (number !== undefined) this.#requests.answer(number, reply);
      else if (!isAccepted) throw unasked(`refusal of connection ${connId}`);
      return number !== undefined;
    }
    if (this.#requests.answer(undefined, reply)) return true;
    throw unasked(isAccepted ? `connection ${connId} with ${remoteId}` : `refusal of ${remoteId}`);
  }

  /** True if a message on this unknown connection may belong to a dial. */
  expects(connId: number): boolean {
    return this.#isV1 ? this.#numbers.has(connId) : this.#requests.inFlight > 0;
  }

  /** Rejects all dials: the gateway will not answer any more. */
  end(cause: unknown): void {
    this.#requests.end(cause);
    this.#numbers.clear();
  }
}

const unasked = (what: string): ProtocolError =>
  new ProtocolError("malformed", `unexpected answer from the gateway: ${what}`);
