import type { Clock } from "../clock.ts";
import type { Limits } from "./limits.ts";
import { Sweeper, type Swept } from "./sweeper.ts";
import { STUCK_MS } from "./trace.ts";

/** A limit whose time is over, and what did not happen within it. */
export interface Expiry {
  readonly limit: "first" | "frame" | "idle" | "send" | "close" | "end" | "stuck";
  readonly ms: number;
}

/**
 * The time limits of one connection, each as the time when it is over; Infinity while it does not run.
 *
 * ```text
 *   first, frame, idle   stand still while no message is welcome: then the peer cannot help it
 *   send                 runs while something waits to be taken by the sink
 *   close, end           run from close(), and from the peer's end
 * ```
 */
export class Deadlines implements Swept {
  readonly shortest: number;
  /** Some limit depends on what the peer may do. */
  readonly #limitsPeer: boolean;
  readonly #limits: Limits;
  readonly #clock: Clock;
  readonly #expired: (expiry: Expiry) => void;
  readonly #buffered: () => number;
  #sweeper: Sweeper | undefined;

  #first = Infinity;
  #frame = Infinity;
  #idle = Infinity;
  #send = Infinity;
  #close = Infinity;
  #end = Infinity;
  #stuck = Infinity;
  /** Since when no message is welcome; Infinity while one is. */
  #still = Infinity;
  /** Since when one is. */
  #welcomeAt = -Infinity;
  /** Position in the stream of the frame that `#frame` runs for. */
  #frameAt = -1;
  /** What the sink held when it was last looked at. */
  #held = 0;
  #isOver = false;

  /**
   * @param limits - in ms
   * @param clock - what time it is
   * @param sweeper - of a server, for all its connections; else one is made when it is needed
   * @param expired - called once a limit is over
   * @param buffered - how many bytes the sink holds, if it can tell
   */
  constructor(
    limits: Limits,
    clock: Clock,
    sweeper: Sweeper | undefined,
    expired: (expiry: Expiry) => void,
    buffered: () => number,
  ) {
    this.#limits = limits;
    this.#clock = clock;
    this.#sweeper = sweeper;
    this.#expired = expired;
    this.#buffered = buffered;
    const { firstMessageTimeout, frameTimeout, idleTimeout, sendTimeout } = limits;
    const { closeTimeout, endTimeout } = limits;
    this.#limitsPeer = Math.min(firstMessageTimeout, frameTimeout, idleTimeout) !== Infinity;
    this.shortest = Math.min(
      ...[firstMessageTimeout, frameTimeout, idleTimeout, sendTimeout, closeTimeout, endTimeout],
    );
  }

  /** The connection is open. */
  opened(): void {
    const { firstMessageTimeout, idleTimeout } = this.#limits;
    if (firstMessageTimeout === Infinity && idleTimeout === Infinity) return;
    const now = this.#clock.now();
    this.#first = now + firstMessageTimeout;
    this.#idle = now + idleTimeout;
    this.#watch(Math.min(this.#first, this.#idle));
  }

  /** Bytes came. */
  heard(now: number): void {
    // What stood still goes on from then.
    if (this.#idle !== Infinity) this.#idle = Math.min(now, this.#still) + this.#limits.idleTimeout;
  }

  /** A message was delivered. */
  delivered(): void {
    this.#first = Infinity;
    if (this.isEnding) this.ending();
  }

  /** Part of a frame is here, which begins at this position in the stream; undefined: none is. */
  partial(offset: number | undefined, now: number): void {
    if (offset === undefined) {
      this.#frame = Infinity;
      this.#frameAt = -1;
    } else if (offset !== this.#frameAt) {
      this.#frameAt = offset;
      this.#frame = Math.max(now, this.#welcomeAt) + this.#limits.frameTimeout;
      this.#watch(this.#frame);
    }
  }

  /** Whether a message is welcome; while it is not, the peer's limits stand still. */
  welcome(isWelcome: boolean): void {
    if (isWelcome === (this.#still === Infinity) || !this.#limitsPeer) return;
    const now = this.#clock.now();
    if (!isWelcome) {
      this.#still = now;
      return;
    }
    const stood = now - this.#still;
    this.#still = Infinity;
    this.#welcomeAt = now;
    this.#first += stood;
    this.#frame += stood;
    this.#idle += stood;
    this.#watch(Math.min(this.#first, this.#frame, this.#idle));
  }

  /** Whether input waits for promises of handlers; only for a trace, which is told. */
  waiting(isStuck: boolean): void {
    if (!isStuck) {
      this.#stuck = Infinity;
    } else if (this.#stuck === Infinity) {
      this.#stuck = this.#clock.now() + STUCK_MS;
      this.#watch(this.#stuck);
    }
  }

  /** The peer sends no more: only what we owe each other is limited. */
  inputEnded(): void {
    this.#first = Infinity;
    this.#frame = Infinity;
    this.#idle = Infinity;
  }

  /** Whether anything waits for the sink; `isProgress`: it has taken some. */
  sending(isWaiting: boolean, isProgress: boolean): void {
    if (this.#limits.sendTimeout === Infinity) return;
    if (!isWaiting) {
      this.#send = Infinity;
    } else if (isProgress || this.#send === Infinity) {
      this.#held = this.#buffered();
      this.#send = this.#clock.now() + this.#limits.sendTimeout;
      this.#watch(this.#send);
    }
  }

  /** We began to close. */
  closing(): void {
    this.inputEnded();
    this.#end = Infinity;
    if (this.#close === Infinity) this.#close = this.#clock.now() + this.#limits.closeTimeout;
    if (this.#close === Infinity && this.#send === Infinity) this.#sweeper?.leave(this);
    else this.#watch(this.#close);
  }

  /** The peer has ended, or something happened since: our side still may. */
  ending(): void {
    this.#end = this.#clock.now() + this.#limits.endTimeout;
    this.#watch(this.#end);
  }

  /** True while the time for our own end runs. */
  get isEnding(): boolean {
    return this.#end !== Infinity;
  }

  /** Nothing expires any more. */
  stop(): void {
    this.#isOver = true;
    this.#sweeper?.leave(this);
  }

  #watch(deadline: number): void {
    if (deadline === Infinity || this.#isOver) return;
    this.#sweeper ??= new Sweeper(this.#clock);
    this.#sweeper.watch(this, deadline);
  }

  sweep(now: number): number {
    if (this.#send !== Infinity) {
      const buffered = this.#buffered();
      if (buffered < this.#held) {
        this.#held = buffered;
        this.#send = now + this.#limits.sendTimeout;
      }
    }
    const expired = this.#firstExpired(now);
    if (expired !== undefined) this.#expired(expired);
    if (this.#isOver) return Infinity;
    const ours = Math.min(this.#send, this.#close, this.#end, this.#stuck);
    return this.#still === Infinity ? Math.min(ours, this.#first, this.#frame, this.#idle) : ours;
  }

  /** The limit that is over, which then runs no more. */
  #firstExpired(now: number): Expiry | undefined {
    const limits = this.#limits;
    if (this.#close <= now) {
      this.#close = Infinity;
      return { limit: "close", ms: limits.closeTimeout };
    }
    if (this.#send <= now) {
      this.#send = Infinity;
      return { limit: "send", ms: limits.sendTimeout };
    }
    if (this.#end <= now) {
      this.#end = Infinity;
      return { limit: "end", ms: limits.endTimeout };
    }
    if (this.#stuck <= now) {
      // Told once for each wait.
      this.#stuck = Infinity;
      return { limit: "stuck", ms: STUCK_MS };
    }
    if (this.#still !== Infinity) return undefined;
    if (this.#first <= now) {
      this.#first = Infinity;
      return { limit: "first", ms: limits.firstMessageTimeout };
    }
    if (this.#frame <= now) {
      this.#frame = Infinity;
      return { limit: "frame", ms: limits.frameTimeout };
    }
    if (this.#idle <= now) {
      this.#idle = Infinity;
      return { limit: "idle", ms: limits.idleTimeout };
    }
    return undefined;
  }
}
