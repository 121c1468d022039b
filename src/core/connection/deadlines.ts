import type { Clock } from "../clock.ts";
import type { Limits } from "./limits.ts";
import { Sweeper, type Swept } from "./sweeper.ts";
import { STUCK_MS } from "./trace.ts";

/** A limit that was reached, with the event that did not happen in time. */
export interface Expiry {
  readonly limit: "first" | "frame" | "idle" | "send" | "close" | "end" | "stuck";
  readonly ms: number;
}

/** The part of a connection that its time limits need. */
export interface DeadlinesOwner {
  /** Called once a limit is reached. */
  expired(expiry: Expiry): void;
  /** Returns the number of bytes in the sink; NaN if it is not known. */
  buffered(): number;
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
  /** True if some limit depends on the peer. */
  readonly #limitsPeer: boolean;
  readonly #limits: Limits;
  readonly #clock: Clock;
  readonly #owner: DeadlinesOwner;
  #sweeper: Sweeper | undefined;

  #first = Infinity;
  #frame = Infinity;
  #idle = Infinity;
  #send = Infinity;
  #close = Infinity;
  #end = Infinity;
  #stuck = Infinity;
  /** Time since which no message can be delivered; Infinity while one can. */
  #still = Infinity;
  /** Time since which one can. */
  #welcomeAt = -Infinity;
  /** Position in the stream of the frame for which `#frame` runs. */
  #frameAt = -1;
  /** Bytes in the sink when it was last checked. */
  #held = 0;
  #isOver = false;

  /**
   * @param limits - in ms
   * @param clock - the source of time
   * @param sweeper - the sweeper of a server, for all its connections; else one is made when it is needed
   * @param owner - the connection
   */
  constructor(limits: Limits, clock: Clock, sweeper: Sweeper | undefined, owner: DeadlinesOwner) {
    this.#limits = limits;
    this.#clock = clock;
    this.#sweeper = sweeper;
    this.#owner = owner;
    const { firstMessageTimeout, frameTimeout, idleTimeout, sendTimeout } = limits;
    const { closeTimeout, endTimeout } = limits;
    this.#limitsPeer = Math.min(firstMessageTimeout, frameTimeout, idleTimeout) !== Infinity;
    this.shortest = Math.min(
      ...[firstMessageTimeout, frameTimeout, idleTimeout, sendTimeout, closeTimeout, endTimeout],
    );
  }

  /** Called when the connection is open. */
  opened(): void {
    const { firstMessageTimeout, idleTimeout } = this.#limits;
    if (firstMessageTimeout === Infinity && idleTimeout === Infinity) return;
    const now = this.#clock.now();
    this.#first = now + firstMessageTimeout;
    this.#idle = now + idleTimeout;
    this.#watch(Math.min(this.#first, this.#idle));
  }

  /** Called when bytes arrive. */
  heard(now: number): void {
    // Limits that were suspended continue from then.
    if (this.#idle !== Infinity) this.#idle = Math.min(now, this.#still) + this.#limits.idleTimeout;
  }

  /** Called when a message was delivered. */
  delivered(): void {
    this.#first = Infinity;
    if (this.isEnding) this.ending();
  }

  /** Sets the position in the stream of the incomplete frame that has arrived; undefined if there is none. */
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

  /** Sets whether a message can be delivered; while it cannot, the peer's limits are suspended. */
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

  /** Sets whether input waits for promises of handlers; only for a trace. */
  waiting(isStuck: boolean): void {
    if (!isStuck) {
      this.#stuck = Infinity;
    } else if (this.#stuck === Infinity) {
      this.#stuck = this.#clock.now() + STUCK_MS;
      this.#watch(this.#stuck);
    }
  }

  /** Sets whether anything waits for the sink; `isProgress`: it has taken some bytes. */
  sending(isWaiting: boolean, isProgress?: boolean): void {
    if (this.#limits.sendTimeout === Infinity) return;
    if (!isWaiting) {
      this.#send = Infinity;
    } else if (isProgress || this.#send === Infinity) {
      this.#held = this.#owner.buffered();
      this.#send = this.#clock.now() + this.#limits.sendTimeout;
      this.#watch(this.#send);
    }
  }

  /** Called when this side begins to close: only this and sending are limited from now on. */
  closing(): void {
    this.#first = Infinity;
    this.#frame = Infinity;
    this.#idle = Infinity;
    this.#end = Infinity;
    if (this.#close === Infinity) this.#close = this.#clock.now() + this.#limits.closeTimeout;
    if (this.#close === Infinity && this.#send === Infinity) this.#sweeper?.leave(this);
    else this.#watch(this.#close);
  }

  /** Called when the peer has ended, and on activity after that: restarts the time for our own end. */
  ending(): void {
    this.#end = this.#clock.now() + this.#limits.endTimeout;
    this.#watch(this.#end);
  }

  /** True while the time for our own end runs. */
  get isEnding(): boolean {
    return this.#end !== Infinity;
  }

  /** Stops all limits. */
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
      const buffered = this.#owner.buffered();
      if (buffered < this.#held) {
        this.#held = buffered;
        this.#send = now + this.#limits.sendTimeout;
      }
    }
    const expired = this.#firstExpired(now);
    if (expired !== undefined) this.#owner.expired(expired);
    if (this.#isOver) return Infinity;
    const ours = Math.min(this.#send, this.#close, this.#end, this.#stuck);
    return this.#still === Infinity ? Math.min(ours, this.#first, this.#frame, this.#idle) : ours;
  }

  /** Returns the limit that was reached, and stops it. */
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
      // Reported once for each wait.
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
