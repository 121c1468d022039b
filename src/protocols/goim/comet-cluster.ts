import {
  decodeFrame,
  encodeFrame,
  guard,
  isThenable,
  ProtocolError,
  reportBug,
  reportPeer,
} from "../../core/index.ts";
import { type ClusterMessage, clusterMessage, type PushTarget } from "./cluster-message.ts";
import type { CometOptions } from "./comet-options.ts";
import type { Frames } from "./encoded-push.ts";

/**
 * Maximum comets whose positions are kept. The ones that were silent longest are forgotten first.
 */
const MOST_COMETS = 1024;

const NOBODY = { op: 0, name: "", frames: [] };

/**
 * A comet's view of the other comets in its cluster. Each comet numbers its pushes, so the others
 * notice repeats and gaps.
 *
 * ```text
 *   push      room, all, key   number n: n - 1 must have come before it
 *   position  answers "ask"    number n: n must have come before it
 *   ask       at the start, and after the bus was away; tells the position, too
 * ```
 */
export class CometCluster {
  readonly #id: string;
  readonly #publishBytes: (message: Uint8Array<ArrayBuffer>) => unknown;
  readonly #gap: CometOptions<never, never>["gap"];
  readonly #deliver: (target: PushTarget, frames: Frames) => void;
  /** Number of the last push of each other comet. */
  readonly #positions = new Map<string, number>();
  #number = 0;
  #missed = 0;
  #isFailing = false;

  constructor(
    id: string,
    options: Pick<CometOptions<never, never>, "publish" | "subscribe" | "gap">,
    deliver: (target: PushTarget, frames: Frames) => void,
  ) {
    const { publish, subscribe, gap } = options;
    if (typeof publish !== "function" || typeof subscribe !== "function") {
      throw new TypeError("a comet needs publish and subscribe, or neither");
    }
    this.#id = id;
    this.#publishBytes = publish;
    this.#gap = gap;
    this.#deliver = deliver;
    const ask = (): void => this.#publish({ kind: "ask", ...NOBODY });
    const done = subscribe((bytes) => this.#received(bytes), ask);
    if (isThenable(done)) done.then(ask, (error) => reportBug(error, "report"));
    else ask();
  }

  /** Number of pushes from other comets that did not arrive. */
  get missed(): number {
    return this.#missed;
  }

  /** Publishes a push to the other comets. */
  push(target: PushTarget, frames: Frames): void {
    if (frames.length > 0) this.#publish({ ...target, frames }, 1);
  }

  #publish(value: Omit<ClusterMessage, "from" | "number">, count = 0): void {
    const number = this.#number + count;
    const encoded = encodeFrame(clusterMessage, { ...value, from: this.#id, number });
    // From here on, the others count it as missed if it does not arrive.
    this.#number = number;
    try {
      const result = this.#publishBytes(encoded);
      if (isThenable(result)) result.then(this.#worked, this.#failed);
      else this.#worked();
    } catch (error) {
      this.#failed(error);
    }
  }

  readonly #worked = (): void => {
    this.#isFailing = false;
  };

  /** Prints the first failure only, until publishing works again: there may be thousands. */
  readonly #failed = (error: unknown): void => {
    if (!this.#isFailing) reportBug(error, "report");
    this.#isFailing = true;
  };

  #received(bytes: Uint8Array): void {
    const { kind, from, number, frames, ...target } = decodeFrame(clusterMessage, bytes);
    if (from === this.#id) return;
    const isPush = kind !== "ask" && kind !== "position";
    const isNew = this.#note(from, number, isPush ? 1 : 0);
    if (kind === "ask") this.#publish({ kind: "position", ...NOBODY });
    else if (isPush && isNew) this.#deliver({ kind, ...target }, frames);
  }

  /** Records another comet's position; returns false if it was already known. */
  #note(from: string, number: number, count: 0 | 1): boolean {
    const positions = this.#positions;
    const known = positions.get(from);
    if (known !== undefined && number <= known) return false;
    // A new comet may have pushed before this one started.
    const missed = known === undefined ? 0 : number - known - count;
    if (known === undefined && positions.size >= MOST_COMETS) {
      const [oldest] = positions.keys();
      positions.delete(oldest!);
    }
    positions.delete(from);
    positions.set(from, number);
    if (missed > 0) this.#report(from, missed);
    return true;
  }

  #report(comet: string, missed: number): void {
    this.#missed += missed;
    const gap = this.#gap;
    if (gap !== undefined) {
      guard(() => gap({ comet, missed }));
      return;
    }
    const text = `${missed} pushes from another comet did not arrive`;
    reportPeer("goim-cluster", comet, new ProtocolError("truncated", text));
  }
}
