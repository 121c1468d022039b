import fc from "fast-check";
import { describe, it } from "vitest";
import { ProtocolError } from "../../../src/index.ts";
import { Requests, type RequestsOptions, wasSent } from "../../../src/session/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { settle } from "../../support/settle.ts";

/*
 * `Requests` beside a model that keeps every request in one list and looks through all of it at each step.
 */

interface Asked {
  readonly n: number;
  readonly isUrgent: boolean;
  readonly deadline: number;
  readonly throws: boolean;
  id: number | undefined;
  /** Its place is taken: it was sent and not answered. */
  isSent: boolean;
  isOver: boolean;
}

interface Setup {
  readonly ids: "count" | "fifo";
  readonly maxId: number;
  readonly maxPending: number;
  readonly maxInFlight: number;
}

/** What happened, in the order in which it happened for each list. */
interface Log {
  readonly sent: string[];
  readonly outcomes: string[];
  readonly unmatched: string[];
}

const newLog = (): Log => ({ sent: [], outcomes: [], unmatched: [] });

class Model {
  readonly log = newLog();
  readonly asked: Asked[] = [];
  readonly setup: Setup;
  now = 0;
  isPaused = false;
  isEnded = false;
  lastId = 0;

  constructor(setup: Setup) {
    this.setup = setup;
  }

  get keepsPlaces(): boolean {
    return this.setup.ids === "fifo" || this.setup.maxInFlight !== Infinity;
  }

  get waiting(): Asked[] {
    const all = this.asked.filter((one) => !one.isOver && one.id === undefined);
    return [...all.filter((one) => one.isUrgent), ...all.filter((one) => !one.isUrgent)];
  }

  /** In the order of sending. */
  readonly order: Asked[] = [];

  get sent(): Asked[] {
    return this.order.filter((one) => one.isSent);
  }

  get pending(): number {
    return this.asked.filter((one) => !one.isOver).length;
  }

  over(one: Asked, outcome: string): void {
    one.isOver = true;
    this.log.outcomes.push(`${one.n} ${outcome}`);
  }

  ask(one: Asked): void {
    this.asked.push(one);
    const { maxPending } = this.setup;
    const count = this.waiting.filter((other) => other !== one && !other.isUrgent).length;
    if (this.isEnded) this.over(one, "closed unsent");
    else if (!one.isUrgent && count + this.sent.length >= maxPending) {
      this.over(one, "overflow unsent");
    } else this.pump();
  }

  pump(): void {
    const { maxInFlight, maxId } = this.setup;
    while (this.sent.length < Math.min(maxInFlight, maxId)) {
      const next = this.waiting.find((one) => one.isUrgent || !this.isPaused);
      if (next === undefined) return;
      do this.lastId = this.lastId === maxId ? 1 : this.lastId + 1;
      while (this.sent.some((one) => one.id === this.lastId));
      next.id = this.lastId;
      this.log.sent.push(`${next.n} as ${next.id}`);
      if (next.throws) {
        this.over(next, "thrown unsent");
      } else {
        next.isSent = true;
        this.order.push(next);
      }
    }
  }

  find(id: number): Asked | undefined {
    if (this.setup.ids === "count") return this.sent.find((one) => one.id === id);
    const oldest = this.sent[0];
    return id === 0 || id === oldest?.id ? oldest : undefined;
  }

  free(one: Asked): void {
    if (this.keepsPlaces) {
      for (const earlier of this.sent) {
        if (earlier === one) break;
        if (earlier.isOver) earlier.isSent = false;
      }
    }
    one.isSent = false;
  }

  answer(id: number, isError: boolean): void {
    const one = this.find(id);
    const isFifo = this.setup.ids === "fifo";
    if (one === undefined) {
      if (!isError) this.log.unmatched.push(`${isFifo ? undefined : id}`);
      return;
    }
    this.free(one);
    const wasOver = one.isOver;
    if (!wasOver) this.over(one, isError ? "failed sent" : "answered");
    this.pump();
    if (wasOver && !isError) this.log.unmatched.push(`${isFifo ? one.id : id}`);
  }

  giveUp(one: Asked, why: string): void {
    this.over(one, `${why} ${one.id === undefined ? "unsent" : "sent"}`);
    if (!this.keepsPlaces) one.isSent = false;
    this.pump();
  }

  advance(ms: number): void {
    this.now += ms;
    const due = this.asked.filter((one) => !one.isOver && one.deadline <= this.now);
    due.sort((a, b) => a.deadline - b.deadline);
    for (const one of due) this.giveUp(one, "timeout");
  }

  abort(n: number): void {
    const one = this.asked[n];
    if (one !== undefined && !one.isOver) this.giveUp(one, "aborted");
  }

  close(all: boolean): void {
    const urgent = this.waiting.filter((one) => one.isUrgent);
    const rest = all ? this.waiting.filter((one) => !one.isUrgent) : [];
    for (const one of [...urgent, ...this.sent, ...rest]) {
      if (!one.isOver) this.over(one, `closed ${one.id === undefined ? "unsent" : "sent"}`);
      one.isSent = false;
    }
    if (all) {
      this.isEnded = true;
    } else {
      this.isPaused = true;
      this.lastId = 0;
    }
  }
}

class Real {
  readonly log = newLog();
  readonly clock = new ManualClock();
  readonly requests: Requests<string>;
  readonly controllers: AbortController[] = [];

  constructor(setup: Setup) {
    const options: RequestsOptions<string> = {
      ...setup,
      maxInFlight: setup.maxInFlight === Infinity ? undefined : setup.maxInFlight,
      timeout: 0,
      clock: this.clock,
      unmatched: (id) => this.log.unmatched.push(`${id}`),
    };
    this.requests = new Requests(options);
  }

  ask({ n, isUrgent, throws }: Asked, timeout: number): void {
    const controller = new AbortController();
    this.controllers.push(controller);
    const send = (id: number): void => {
      this.log.sent.push(`${n} as ${id}`);
      if (throws) throw new Error("thrown");
    };
    const { signal } = controller;
    this.requests.ask(send, { timeout, signal, urgent: isUrgent }).then(
      () => this.log.outcomes.push(`${n} answered`),
      (error: unknown) => {
        const why = error instanceof ProtocolError ? error.code : (error as Error).message;
        this.log.outcomes.push(`${n} ${why} ${wasSent(error) ? "sent" : "unsent"}`);
      },
    );
  }
}

/** One step, done by both. */
class Step implements fc.AsyncCommand<Model, Real> {
  readonly text: string;
  readonly act: (model: Model, real: Real) => void;

  constructor(text: string, act: (model: Model, real: Real) => void) {
    this.text = text;
    this.act = act;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    this.act(model, real);
    await settle();
    const seen = [real.log, real.requests.pending, real.requests.inFlight];
    const wanted = [model.log, model.pending, model.sent.length];
    for (const log of [real.log, model.log]) log.outcomes.sort();
    if (JSON.stringify(seen) !== JSON.stringify(wanted)) {
      throw new Error(`${JSON.stringify(seen)}\nin place of\n${JSON.stringify(wanted)}`);
    }
  }

  toString(): string {
    return this.text;
  }
}

const steps = [
  fc
    .record({
      isUrgent: fc.integer({ max: 5, min: 0 }).map((n) => n === 0),
      throws: fc.integer({ max: 5, min: 0 }).map((n) => n === 0),
      timeout: fc.constantFrom(0, 5, 10, 30),
    })
    .map(
      ({ timeout, ...rest }) =>
        new Step(`ask ${JSON.stringify({ ...rest, timeout })}`, (model, real) => {
          const one = (): Asked => ({
            ...rest,
            n: model.asked.length,
            deadline: timeout === 0 ? Infinity : model.now + timeout,
            id: undefined,
            isSent: false,
            isOver: false,
          });
          real.ask(one(), timeout);
          model.ask(one());
        }),
    ),
  fc.record({ id: fc.nat(6), isError: fc.boolean() }).map(
    ({ id, isError }) =>
      new Step(`${isError ? "fail" : "answer"} ${id}`, (model, real) => {
        if (isError) real.requests.fail(id, new Error("failed"));
        else real.requests.answer(id, "reply");
        model.answer(id, isError);
      }),
  ),
  // Numbers at random seldom meet one.
  fc.nat(3).map(
    (at) =>
      new Step(`answer the request in place ${at}`, (model, real) => {
        const id = model.sent[at]?.id ?? 0;
        real.requests.answer(id, "reply");
        model.answer(id, false);
      }),
  ),
  fc.integer({ min: 1, max: 20 }).map(
    (ms) =>
      new Step(`${ms} ms pass`, (model, real) => {
        real.clock.advance(ms);
        model.advance(ms);
      }),
  ),
  fc.nat(20).map(
    (n) =>
      new Step(`abort ${n}`, (model, real) => {
        real.controllers[n]?.abort(new Error("aborted"));
        model.abort(n);
      }),
  ),
  fc.boolean().map(
    (isPause) =>
      new Step(isPause ? "pause" : "resume", (model, real) => {
        if (isPause) real.requests.pause();
        else real.requests.resume();
        model.isPaused = isPause;
        if (!isPause) model.pump();
      }),
  ),
  fc.constantFrom(false, false, false, true).map(
    (all) =>
      new Step(all ? "end" : "interrupt", (model, real) => {
        if (all) real.requests.end();
        else real.requests.interrupt();
        model.close(all);
      }),
  ),
];

const setups: fc.Arbitrary<Setup> = fc.record({
  ids: fc.constantFrom("count" as const, "fifo" as const),
  maxId: fc.constantFrom(2, 5, 1000),
  maxPending: fc.constantFrom(2, 5, 1000),
  maxInFlight: fc.constantFrom(1, 2, 4, Infinity),
});

describe("requests", () => {
  it("behave like a simple model", async () => {
    const scripts = fc.commands([steps[0]!, steps[0]!, ...steps], { maxCommands: 80, size: "max" });
    const property = fc.asyncProperty(setups, scripts, async (setup, script) => {
      await fc.asyncModelRun(() => ({ model: new Model(setup), real: new Real(setup) }), script);
    });
    await fc.assert(property, { numRuns: 400 });
  }, 60_000);
});
