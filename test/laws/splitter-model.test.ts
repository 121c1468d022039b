import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Framing, Splitter } from "../../src/index.ts";
import { poisoned } from "../support/chunks.ts";
import { telling, tolerant, touchy } from "../support/framings.ts";
import { outcome, SplitterModel, Witness } from "../support/splitter-model.ts";

/** The splitter under test, and everything that it took or gave away. */
class Real {
  readonly witness = new Witness();
  readonly splitter: Splitter;

  constructor(framing: Framing) {
    this.splitter = new Splitter(framing);
  }

  /** Hands a chunk over, in the middle of poison; it must never be written to. */
  push(chunk: Uint8Array): void {
    const given = poisoned(chunk);
    this.witness.keep(new Uint8Array(given.buffer));
    this.splitter.push(given);
  }

  frame(): Uint8Array {
    const { bytes, start, end } = this.splitter;
    const frame = bytes.subarray(start, end);
    this.witness.keep(frame);
    return frame;
  }
}

type Step = fc.Command<SplitterModel, Real>;

/** A step after which both have to be in the same place. */
function step(name: string, run: (model: SplitterModel, real: Real) => void): Step {
  return {
    check: () => true,
    run(model, real) {
      run(model, real);
      const { offset, pending, start, end } = real.splitter;
      expect({ offset, pending, length: end - start }).toEqual({
        offset: model.start,
        pending: model.pending,
        length: model.end - model.start,
      });
    },
    toString: () => name,
  };
}

const shown = (bytes: Uint8Array): string => JSON.stringify(String.fromCharCode(...bytes));

function push(chunk: Uint8Array): Step {
  return step(`push(${shown(chunk)})`, (model, real) => {
    expect(outcome(() => real.push(chunk))).toEqual(model.push(chunk));
  });
}

function next(model: SplitterModel, real: Real): boolean {
  const expected = model.next();
  expect(outcome(() => real.splitter.next())).toEqual(expected);
  if (expected !== true) return false;
  expect(real.frame()).toEqual(model.stream.slice(model.start, model.end));
  return true;
}

const common: readonly fc.Arbitrary<Step>[] = [
  telling(9).map(push),
  telling(9).map(push),
  telling(120).map(push),
  fc.constant(push(new Uint8Array(0))),
  fc.constant(step("next()", next)),
  fc.constant(
    step("next() until false", (model, real) => {
      while (next(model, real));
    }),
  ),
  fc.tuple(telling(60), fc.integer({ min: 1, max: 3 })).map(([bytes, size]) =>
    step(`drip(${shown(bytes)}, ${size})`, (model, real) => {
      for (let at = 0; at < bytes.length; at += size) {
        const drop = bytes.subarray(at, at + size);
        expect(outcome(() => real.push(drop))).toEqual(model.push(drop));
        while (next(model, real));
      }
    }),
  ),
];

const rare = (framing: fc.Arbitrary<Framing>): fc.Arbitrary<Step>[] => [
  framing.map((other) =>
    step(`use(maxFrame ${other.maxFrame})`, (model, real) => {
      model.use(other);
      real.splitter.use(other);
    }),
  ),
  fc.constant(
    step("rest()", (model, real) => {
      const rest = real.splitter.rest();
      real.witness.keep(rest);
      expect(rest).toEqual(model.rest());
    }),
  ),
  fc.constant(
    step("finish()", (model, real) => {
      expect(outcome(() => real.splitter.finish())).toEqual(model.finish());
    }),
  ),
];

describe.each([
  ["that go on whatever comes", tolerant],
  ["that fail now and then", fc.oneof(touchy, tolerant)],
])("a splitter with framings %s", (_, framing) => {
  it("does what gluing everything together does, and never writes what it took or gave", () => {
    const commands = fc.commands([...common, ...common, ...rare(framing)], {
      maxCommands: 40,
      size: "max",
    });
    fc.assert(
      fc.property(framing, commands, (first, commands) => {
        const real = new Real(first);
        fc.modelRun(() => ({ model: new SplitterModel(first), real }), commands);
        expect(real.witness.changed()).toBe(0);
      }),
      { numRuns: 250 },
    );
  });
});
