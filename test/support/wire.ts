import type { Clock, Connection, Sink } from "../../src/index.ts";

/** Numbers from 0 to 1 that decide where the wire cuts and how long it waits. */
export type Chance = () => number;

/**
 * Two ends of a wire that cuts what is written into pieces and delivers each after a while, in order. It can be
 * cut, and it can go silent: then nothing comes through, and nobody is told.
 */
export class Wire {
  readonly ends: readonly [End, End];
  isSilent = false;

  constructor(clock: Clock, boundary: "stream" | "message", chance: Chance) {
    const left = new End(this, clock, boundary, chance);
    const right = new End(this, clock, boundary, chance);
    left.other = right;
    right.other = left;
    this.ends = [left, right];
  }

  /** Both sides lose the connection; what is on its way is lost. */
  cut(): void {
    for (const end of this.ends) end.lose();
  }
}

type Carried = Pick<
  Connection<never, unknown, unknown>,
  "opened" | "received" | "ended" | "lost" | "state"
>;

/** One end: the sink of one connection. */
export class End implements Sink {
  readonly boundary: "stream" | "message";
  other!: End;
  connection: Carried | undefined;
  readonly #wire: Wire;
  readonly #clock: Clock;
  readonly #chance: Chance;
  /** When the last piece arrives. */
  #arrival = 0;
  #isLost = false;
  #isClosed = false;

  constructor(wire: Wire, clock: Clock, boundary: "stream" | "message", chance: Chance) {
    this.#wire = wire;
    this.#clock = clock;
    this.boundary = boundary;
    this.#chance = chance;
  }

  /** Binds the connection, and opens it. */
  carry(connection: Carried): void {
    this.connection = connection;
    connection.opened();
  }

  write(bytes: Uint8Array): boolean {
    let at = 0;
    do {
      const left = bytes.length - at;
      const size = this.boundary === "message" ? left : Math.ceil(this.#chance() * left);
      const piece = bytes.slice(at, at + Math.max(size, 1));
      at += piece.length;
      this.#later((peer) => peer.connection?.received(piece));
    } while (at < bytes.length);
    return true;
  }

  #later(happen: (peer: End) => void): void {
    const now = this.#clock.now();
    this.#arrival = Math.max(this.#arrival, now + Math.floor(this.#chance() * 30));
    this.#clock.after(this.#arrival - now, () => {
      if (!this.#isLost && !this.#wire.isSilent) happen(this.other);
    });
  }

  pause(): void {}
  resume(): void {}

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#later((peer) => {
      peer.connection?.ended();
      if (peer.#isClosed) this.#wire.cut();
    });
  }

  abort(): void {
    // The peer hears of it behind what was written before.
    this.#later((peer) => peer.lose());
  }

  lose(): void {
    this.#isLost = true;
    this.connection?.lost();
  }
}

/** Lets everything run that only waits for promises. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 12; i++) await undefined;
}
