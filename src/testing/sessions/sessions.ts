import {
  type Arbitrary,
  type AsyncCommand,
  asyncModelRun,
  asyncProperty,
  check,
  commands,
  constantFrom,
  integer,
  nat,
  record,
} from "fast-check";
import type { Law } from "../law.ts";
import { type RunOptions, runParameters } from "../options.ts";
import { report } from "../report.ts";
import { shown } from "../show.ts";
import { Violation } from "../violation.ts";
import { ManualClock } from "./manual-clock.ts";
import { Wire, type WireOptions } from "./wire.ts";

/** The wires and the clock for two endpoints. */
export interface Harness {
  /** Creates a wire. Pass one end to each endpoint; call this again for each reconnection. */
  wire(): Wire;
  /** The clock of both endpoints: it advances only as a step of a script. */
  readonly clock: ManualClock;
}

/** An action of an endpoint's user. */
export interface Action<in State> {
  /**
   * Values for the argument of `run`.
   * @defaultValue none
   */
  readonly values?: Arbitrary<unknown> | undefined;
  /** Returns true if the action is possible now. */
  readonly when?: ((state: State) => boolean) | undefined;
  /** Performs the action with one of the `values`. */
  run(state: State, value: never): unknown;
}

/** A plan for {@link sessions}: two endpoints, the actions of their users, and the invariants. */
export interface SessionPlan<State> extends RunOptions, WireOptions {
  /** A name for reports. */
  readonly name: string;

  /**
   * Connects two endpoints by a wire. Returns the state for actions and invariants: the values sent and
   * received so far.
   */
  open(harness: Harness): State;

  /** Actions of the users, by name; deliveries and the passing of time are added. */
  readonly actions: Readonly<Record<string, Action<State>>>;

  /** Called after every step; throws if the state is wrong. */
  invariant(state: State): void;

  /** Called when everything has arrived and nothing is pending; throws if the state is wrong. */
  settled?(state: State): void;

  /**
   * True to cut wires too.
   * @defaultValue false
   */
  readonly severs?: boolean | undefined;

  /**
   * Largest number of steps in a script.
   * @defaultValue 60
   */
  readonly steps?: number | undefined;
}

/**
 * A law about two communicating endpoints. It plays random scripts of user actions, delivers the bytes
 * between the endpoints late and in pieces, and lets time pass. It calls `invariant` after each step, and
 * `settled` at the end, when everything has arrived. If the law breaks, its error shows the shortest
 * script.
 *
 * @param plan - the endpoints, the actions of their users, and the invariants
 *
 * @example
 * ```ts
 * import { Connection, lines, utf8 } from "framewright";
 * import { equal, sessions, text } from "framewright/testing";
 *
 * const law = sessions({
 *   name: "lines over a wire",
 *   runs: 20,
 *   open({ wire, clock }) {
 *     const { left, right } = wire();
 *     const state = { sent: [] as string[], came: [] as string[] };
 *     const protocol = lines().wrap(utf8());
 *     const sender = new Connection(protocol, left.sink, {}, { clock });
 *     const message = (_: unknown, line: string) => state.came.push(line);
 *     left.bind(sender);
 *     right.bind(new Connection(protocol, right.sink, { message }, { clock }));
 *     return { ...state, sender };
 *   },
 *   actions: {
 *     send: {
 *       values: text({ max: 50 }).map((line) => line.replaceAll(/[\r\n]/g, "")),
 *       run(state, line: string) {
 *         state.sent.push(line);
 *         state.sender.send(line);
 *       },
 *     },
 *   },
 *   invariant({ sent, came }) {
 *     if (!equal(came, sent.slice(0, came.length))) throw new Error("lines out of order");
 *   },
 *   settled({ sent, came }) {
 *     if (came.length !== sent.length) throw new Error(`${sent.length - came.length} lines lost`);
 *   },
 * });
 * await law.check();
 * ```
 */
export function sessions<State>(plan: SessionPlan<State>): Law {
  const name = "sessions";
  const why =
    "two endpoints must agree, however late and in however many pieces their bytes arrive";
  return { name, why, check: () => run(plan, { name, why }) };
}

async function run<State>(
  plan: SessionPlan<State>,
  law: { readonly name: string; readonly why: string },
): Promise<void> {
  const scripts = commands(stepsOf(plan), {
    maxCommands: plan.steps ?? 60,
    size: "max",
    disableReplayLog: true,
  });
  const property = asyncProperty(scripts, async (script) => {
    const stage = new Stage(plan);
    await asyncModelRun(() => ({ model: stage, real: stage }), script);
    await stage.settle();
  });
  const details = await check(property, runParameters(plan, 100) as object);
  if (!details.failed) return;
  throw report(law, plan.name, {
    failed: true,
    seed: details.seed,
    runs: details.numRuns,
    shrinks: details.numShrinks,
    counterexample: details.counterexample ?? undefined,
    error: details.errorInstance,
  });
}

// A session that still sends after this many deliveries never stops.
const MOST_ROUNDS = 10_000;
// Sends are batched until the next microtask, and handlers may be async.
const TICKS = 12;

/** One run of a script. */
class Stage<State> {
  readonly clock: ManualClock = new ManualClock();
  readonly wires: Wire[] = [];
  readonly state: State;
  readonly #plan: SessionPlan<State>;

  constructor(plan: SessionPlan<State>) {
    this.#plan = plan;
    this.state = plan.open({
      clock: this.clock,
      wire: () => {
        const wire = new Wire(plan);
        this.wires.push(wire);
        return wire;
      },
    });
  }

  get live(): readonly Wire[] {
    return this.wires.filter((wire) => !wire.isOver);
  }

  async step(act: () => void | Promise<void>): Promise<void> {
    await act();
    for (let i = 0; i < TICKS; i++) await undefined;
    this.#plan.invariant(this.state);
  }

  /** Delivers everything that is in transit. */
  async settle(): Promise<void> {
    for (let round = 0; this.live.some((wire) => !wire.isQuiet); round++) {
      if (round > MOST_ROUNDS) {
        throw new Violation(`still busy after ${MOST_ROUNDS} deliveries: the endpoints never stop`);
      }
      await this.step(() => {
        for (const wire of this.live) {
          wire.deliver("left");
          wire.deliver("right");
        }
      });
    }
    this.#plan.settled?.(this.state);
  }
}

class Step<State> implements AsyncCommand<object, Stage<State>> {
  readonly #text: string;
  readonly #when: (stage: Stage<State>) => boolean;
  readonly #act: (stage: Stage<State>) => void | Promise<void>;

  constructor(
    text: string,
    when: (stage: Stage<State>) => boolean,
    act: (stage: Stage<State>) => void | Promise<void>,
  ) {
    this.#text = text;
    this.#when = when;
    this.#act = act;
  }

  check(model: object): boolean {
    return this.#when(model as Stage<State>);
  }

  run(_: object, stage: Stage<State>): Promise<void> {
    return stage.step(() => this.#act(stage));
  }

  toString(): string {
    return this.#text;
  }
}

function stepsOf<State>(plan: SessionPlan<State>): Arbitrary<Step<State>>[] {
  const deliver = record({
    to: constantFrom("left", "right"),
    count: constantFrom(1, 2, 3, 7, 40, 100_000),
    which: nat(7),
  }).map(({ to, count, which }) => {
    const wireOf = (stage: Stage<State>): Wire | undefined =>
      stage.live.at(which % Math.max(1, stage.live.length));
    return new Step<State>(
      `deliver ${count} bytes to the ${to}`,
      (stage) => wireOf(stage)?.isQuiet === false,
      (stage) => void wireOf(stage)?.deliver(to, count),
    );
  });
  const pass = integer({ min: 1, max: 60_000 }).map(
    (ms) =>
      new Step<State>(
        `${ms} ms pass`,
        () => true,
        (stage) => stage.clock.advance(ms),
      ),
  );
  const sever = nat(7).map(
    (which) =>
      new Step<State>(
        "the wire is cut",
        (stage) => stage.live.length > 0,
        (stage) => stage.live[which % stage.live.length]!.sever(),
      ),
  );
  const actions = Object.entries(plan.actions).map(([name, { values, when, run: act }]) =>
    (values ?? constantFrom(undefined)).map(
      (value) =>
        new Step<State>(
          values === undefined ? name : `${name} ${shown(value)}`,
          ({ state }) => when?.(state) ?? true,
          async ({ state }) => void (await act(state, value as never)),
        ),
    ),
  );
  // Deliveries count twice: a script without deliveries tests little.
  return [...actions, deliver, deliver, pass, ...(plan.severs ? [sever] : [])];
}
