import { type Arbitrary, array, integer } from "fast-check";
import {
  type Clock,
  checkInteger,
  checkLimits,
  checkOptions,
  systemClock,
} from "../../core/index.ts";
import { type Chance, chanceOf, scripted } from "./chance.ts";
import { Events } from "./events.ts";
import type { Side } from "./link.ts";

/** Options for a {@link Network}: seed, latency and faults. */
export interface NetworkOptions {
  /**
   * Seed of the random decisions: the same seed leads to the same run.
   * @defaultValue 0
   */
  readonly seed?: number | undefined;
  /**
   * A list of decisions instead of a seed; after the last one, nothing disturbs the network. See {@link
   * networkScripts}.
   */
  readonly script?: readonly number[] | undefined;
  /**
   * Minimum and maximum transit time of bytes, in milliseconds.
   * @defaultValue [1, 20]
   */
  readonly latency?: readonly [least: number, most: number] | undefined;
  /**
   * Bytes per millisecond, in each direction of each connection.
   * @defaultValue Infinity
   */
  readonly bandwidth?: number | undefined;
  /**
   * Number of bytes in transit from which a connection asks its sender to wait.
   * @defaultValue 65 536
   */
  readonly capacity?: number | undefined;
  /**
   * `"stream"`: bytes arrive in any pieces, as over TCP. `"message"`: each write arrives as one message, as
   * over WebSockets. Messages are never cut, and one direction cannot end alone.
   * @defaultValue `"stream"`
   */
  readonly boundary?: "stream" | "message" | undefined;
  /**
   * True to split the bytes of one write into several pieces.
   * @defaultValue true
   */
  readonly cuts?: boolean | undefined;
  /**
   * Probability that a piece is delayed further, and the maximum delay in milliseconds.
   * @defaultValue none
   */
  readonly stalls?: { readonly chance: number; readonly most: number } | undefined;
  /**
   * Probability that the connection breaks after a piece.
   * @defaultValue 0
   */
  readonly resets?: number | undefined;
}

/** Accepts a connection to a listening host. */
type Accept = (client: Side) => void;

const CUT = 0.5;
const MOST_NOTES = 200;
const TEN_MINUTES = 600_000;

/**
 * A network in memory with simulated time, for tests of whole programs: `listen` and `connect` of this
 * entry use it. It delays, splits, stalls and breaks the traffic, always in the same way for the same seed,
 * and hours pass in milliseconds. An error that a handler throws is thrown by `run` and `settle`.
 *
 * Nothing happens on its own: time passes only in `run` and `settle`. Handlers may wait for promises, but
 * for no clock, file or socket other than those of the network.
 *
 * @param options - seed or script, latency, bandwidth, faults
 *
 * @example
 * ```ts
 * import { lines, utf8 } from "framewright";
 * import { connect, listen, Network } from "framewright/testing";
 *
 * const network = new Network({ seed: 7, latency: [50, 100] });
 * const protocol = lines().wrap(utf8());
 * listen(protocol, {
 *   network,
 *   port: 3101,
 *   message: (connection, line) => connection.send(line.toUpperCase()),
 * });
 * const client = await network.settle(connect(protocol, { network, port: 3101 }));
 * client.send("hello");
 * const { value } = await network.settle(client[Symbol.asyncIterator]().next());
 * console.log(value, network.clock.now() > 200);
 * //=> HELLO true
 * ```
 *
 * @throws TypeError for an unknown option; RangeError for a number out of range
 */
export class Network {
  /** The simulated time, in milliseconds from 0: pass it to sessions and everything else that waits. */
  readonly clock: Required<Clock>;
  /** @internal */
  readonly boundary: "stream" | "message";
  /** @internal */
  readonly bandwidth: number;
  /** @internal */
  readonly capacity: number;

  readonly #events = new Events();
  readonly #chance: Chance;
  readonly #latency: readonly [number, number];
  readonly #cuts: boolean;
  readonly #stalls: { readonly chance: number; readonly most: number };
  readonly #resets: number;
  readonly #listeners = new Map<string, Accept>();
  readonly #links = new Set<Side>();
  /** Deliveries that wait for the end of a partition, by the pair of hosts. */
  readonly #partitions = new Map<string, (() => void)[]>();
  readonly #notes: string[] = [];
  readonly #faults: unknown[] = [];

  constructor(options: NetworkOptions = {}) {
    const known = [
      "seed",
      "script",
      "latency",
      "bandwidth",
      "capacity",
      "boundary",
      "cuts",
      "stalls",
      "resets",
    ];
    checkOptions("Network", options, known);
    const {
      seed = 0,
      script,
      latency = [1, 20],
      bandwidth = Infinity,
      capacity = 65_536,
      boundary = "stream",
    } = options;
    const { stalls = { chance: 0, most: 0 }, resets = 0, cuts = true } = options;
    checkInteger("seed", seed, Number.MIN_SAFE_INTEGER);
    checkLimits({ least: latency[0], most: latency[1] }, "least", "most");
    checkLimits({ bandwidth, capacity, resets }, "bandwidth", "capacity", "resets");
    checkLimits({ ...stalls }, "chance", "most");
    if (boundary !== "stream" && boundary !== "message") {
      throw new RangeError(`boundary must be "stream" or "message", not ${String(boundary)}`);
    }
    this.boundary = boundary;
    this.#chance = script === undefined ? chanceOf(seed) : scripted(script);
    this.clock = this.#events;
    this.#latency = [latency[0], Math.max(...latency)];
    this.bandwidth = bandwidth || Infinity;
    this.capacity = Math.max(1, capacity);
    this.#stalls = stalls;
    this.#resets = resets;
    this.#cuts = cuts && boundary === "stream";
  }

  /** The last 200 events, one line each, for reports. */
  get history(): readonly string[] {
    return this.#notes;
  }

  /** Lets this many milliseconds pass. Throws an error that a handler threw. */
  async run(ms: number): Promise<void> {
    checkLimits({ ms }, "ms");
    const end = this.clock.now() + ms;
    await this.#go(() => (this.#events.next ?? Infinity) > end);
    this.#events.skipTo(end);
  }

  /**
   * Lets time pass until a promise is settled, and returns its value.
   *
   * @param promise - the promise to wait for
   * @param within - time limit, in simulated milliseconds
   * @defaultValue within ten minutes
   * @throws the reason of a rejected promise, an error that a handler threw, or an Error with the last
   *   events if the promise is still pending when the time is over or no events are left
   */
  async settle<T>(promise: PromiseLike<T>, within: number = TEN_MINUTES): Promise<T> {
    const end = this.clock.now() + within;
    let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
    promise.then(
      (value) => {
        outcome = { value };
      },
      (error: unknown) => {
        outcome = { error };
      },
    );
    await this.#go(() => outcome !== undefined || (this.#events.next ?? Infinity) > end);
    if (outcome === undefined) {
      const why =
        this.#events.next === undefined ? "no events are left" : `${within} ms have passed`;
      throw new Error(`the promise is still pending, and ${why}\n${this.#last()}`);
    }
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  /**
   * Stops all traffic between two hosts, in both directions, until `heal`: bytes that are sent wait, as
   * with TCP.
   */
  partition(a: string, b: string): void {
    this.note(`${a} | ${b} partition`);
    this.#partitions.set(pair(a, b), this.#partitions.get(pair(a, b)) ?? []);
  }

  /** Ends a partition: waiting bytes continue. */
  heal(a: string, b: string): void {
    const waiting = this.#partitions.get(pair(a, b)) ?? [];
    this.#partitions.delete(pair(a, b));
    this.note(`${a} - ${b} healed`);
    for (const land of waiting) this.clock.after(this.delay(), land);
  }

  /** Breaks all connections, or those of one host. Both sides are notified immediately. */
  reset(host?: string): void {
    for (const side of [...this.#links]) {
      if (host === undefined || side.host === host || side.other.host === host) side.reset();
    }
  }

  /** Simulates the crash of a host: it stops listening, and its connections break. */
  crash(host: string): void {
    this.note(`${host} crashes`);
    for (const key of [...this.#listeners.keys()]) {
      if (key.startsWith(`${host}:`)) this.#listeners.delete(key);
    }
    this.reset(host);
  }

  /** @internal */
  register(host: string, port: number, accept: Accept): () => void {
    const key = `${host}:${port}`;
    if (this.#listeners.has(key)) throw new TypeError(`${key} is already in use`);
    this.#listeners.set(key, accept);
    return () => {
      if (this.#listeners.get(key) === accept) this.#listeners.delete(key);
    };
  }

  /** @internal */
  listener(host: string, port: number): Accept | undefined {
    return this.#listeners.get(`${host}:${port}`);
  }

  /** @internal */
  join(side: Side): void {
    this.#links.add(side);
  }

  /** @internal */
  leave(side: Side): void {
    if (side.isGone && side.other.isGone) {
      this.#links.delete(side);
      this.#links.delete(side.other);
    }
  }

  /** Delivers between two hosts after `ms`, or once their partition ends. @internal */
  carry(from: string, to: string, ms: number, arrive: () => void): void {
    const land = (): void => {
      const waiting = this.#partitions.get(pair(from, to));
      if (waiting === undefined) arrive();
      else waiting.push(land);
    };
    this.clock.after(ms, land);
  }

  /** @internal */
  delay(): number {
    const [least, most] = this.#latency;
    const usual = least + this.#chance() * (most - least);
    return this.#happens(this.#stalls.chance) ? usual + this.#chance() * this.#stalls.most : usual;
  }

  /** @internal */
  isUnlucky(): boolean {
    return this.#happens(this.#resets);
  }

  /** Copies of the bytes, in one or several pieces. @internal */
  *cut(bytes: Uint8Array): Generator<Uint8Array> {
    let from = 0;
    while (this.#cuts && from < bytes.length - 1 && this.#happens(CUT)) {
      const end = from + 1 + Math.floor(this.#chance() * (bytes.length - 1 - from));
      yield bytes.slice(from, end);
      from = end;
    }
    // A message may be empty.
    if (from < bytes.length || this.boundary === "message") yield bytes.slice(from);
  }

  /** @internal */
  note(text: string): void {
    this.#notes.push(`${this.clock.now().toFixed(1)} ms  ${text}`);
    if (this.#notes.length > MOST_NOTES) this.#notes.shift();
  }

  /** Records that a handler has failed. @internal */
  fault(error: unknown): void {
    this.#faults.push(error);
  }

  /** 0, the least disturbance, means that it does not happen. */
  #happens(chance: number): boolean {
    return chance > 0 && this.#chance() > 1 - chance;
  }

  async #go(isDone: () => boolean): Promise<void> {
    for (;;) {
      await turn();
      if (this.#faults.length > 0) throw this.#faults.shift();
      if (isDone()) return;
      this.#events.step();
    }
  }

  #last(): string {
    return this.#notes
      .slice(-10)
      .map((line) => `  ${line}`)
      .join("\n");
  }
}

const pair = (a: string, b: string): string => [a, b].sort().join(" ");

/** Waits until everything that promises wait for has happened. */
const turn = (): Promise<void> => new Promise((resolve) => systemClock.soon!(resolve));

/**
 * Scripts for the option `script` of {@link Network}, for property tests. If a property fails, fast-check
 * shrinks its script until only the delays, cuts and faults are left that cause the failure.
 *
 * @param length - maximum number of decisions in a script
 * @defaultValue length 200
 *
 * @example
 * ```ts
 * import fc from "fast-check";
 * import { lines, utf8 } from "framewright";
 * import { connect, listen, Network, networkScripts } from "framewright/testing";
 *
 * const protocol = lines().wrap(utf8());
 * const property = fc.asyncProperty(networkScripts(), async (script) => {
 *   const network = new Network({ script });
 *   const came: string[] = [];
 *   listen(protocol, { network, port: 1, message: (_, line) => void came.push(line) });
 *   const client = await network.settle(connect(protocol, { network, port: 1 }));
 *   for (const line of ["a", "b", "c"]) client.send(line);
 *   await network.run(1000);
 *   return came.join("") === "abc";
 * });
 * await fc.assert(property, { numRuns: 20 });
 * ```
 */
export function networkScripts(length = 200): Arbitrary<number[]> {
  return array(integer({ min: 0, max: 2 ** 32 - 1 }), { maxLength: length, size: "max" });
}
