import { describe, expect, it } from "vitest";
import { Turns, type TurnTaker, turnsOf } from "../../../src/core/connection/turns.ts";
import { Loop } from "../../support/loop.ts";

/** Input that delivers for so many ms each time, and waits again while it has more. */
function takerOf(loop: Loop, turns: Turns, log: string[], name: string, ms: number, times = 1) {
  let left = times;
  const taker: TurnTaker = {
    turn: 8,
    goOn(now) {
      log.push(`${name} at ${now}`);
      loop.time += ms;
      if (--left > 0) turns.wait(taker);
    },
  };
  return taker;
}

describe("a round", () => {
  it("begins once an eighth of a turn was used, and is over after a whole one", () => {
    const loop = new Loop();
    const turns = new Turns(loop.clock);
    expect(turns.isOver(100.5, 100, 8)).toBe(false);
    expect([turns.isOngoing(100), loop.isBusy]).toEqual([false, false]);
    expect(turns.isOver(101, 100, 8)).toBe(false);
    expect([turns.isOngoing(100), turns.isOngoing(99.9), loop.isBusy]).toEqual([true, false, true]);
    // Whoever asks: the time since it began counts.
    expect(turns.isOver(107.9, 107.9, 8)).toBe(false);
    expect(turns.isOver(108, 108, 8)).toBe(true);
    loop.round();
    expect([turns.isOngoing(200), loop.isBusy]).toEqual([false, false]);
    expect(turns.isOver(108, 108, 8)).toBe(false);
  });

  it("is planned once, however many inputs wait", () => {
    const loop = new Loop();
    const turns = new Turns(loop.clock);
    const log: string[] = [];
    for (const name of ["a", "b", "c"]) turns.wait(takerOf(loop, turns, log, name, 1));
    let rounds = 0;
    while (loop.isBusy) {
      loop.round();
      rounds++;
    }
    expect([log, rounds]).toEqual([["a at 0", "b at 1", "c at 2"], 2]);
  });

  it("gives waiting inputs half a turn, in their order", () => {
    const loop = new Loop();
    const turns = new Turns(loop.clock);
    const log: string[] = [];
    const takers = ["a", "b", "c"].map((name) => takerOf(loop, turns, log, name, 2, 2));
    for (const taker of takers) turns.wait(taker);
    loop.round();
    expect(log.splice(0)).toEqual(["a at 0", "b at 2"]);
    loop.round();
    expect(log.splice(0)).toEqual(["c at 4", "a at 6"]);
    loop.round();
    expect(log.splice(0)).toEqual(["b at 8", "c at 10"]);
    loop.round();
    expect([log, loop.isBusy]).toEqual([[], false]);
  });

  it("lets no input go on twice", () => {
    const loop = new Loop();
    const turns = new Turns(loop.clock);
    const log: string[] = [];
    turns.wait(takerOf(loop, turns, log, "a", 0, 3));
    loop.round();
    expect(log).toEqual(["a at 0"]);
    loop.round();
    loop.round();
    expect(log).toEqual(["a at 0", "a at 0", "a at 0"]);
  });

  it("counts the time of waiting inputs for input that comes then", () => {
    const loop = new Loop();
    const turns = new Turns(loop.clock);
    turns.wait(takerOf(loop, turns, [], "a", 3));
    loop.round();
    // 3 of 8 ms are used.
    expect([turns.isOver(7.5, 7.5, 8), turns.isOver(8, 8, 8)]).toEqual([false, true]);
  });

  it("is over after half a turn for waiting inputs", () => {
    const loop = new Loop();
    const turns = new Turns(loop.clock);
    const found: boolean[] = [];
    turns.wait({
      turn: 8,
      goOn(now) {
        found.push(turns.isOver(now + 3.9, now, 8), turns.isOver(now + 4, now, 8));
      },
    });
    loop.round();
    expect(found).toEqual([false, true]);
    expect(turns.isOver(7.9, 7.9, 8)).toBe(false);
  });

  it("leaves out inputs that have left, and continues if one throws", () => {
    const loop = new Loop();
    const turns = new Turns(loop.clock);
    const log: string[] = [];
    const gone = takerOf(loop, turns, log, "gone", 1);
    turns.wait(gone);
    turns.wait({
      turn: 8,
      goOn() {
        throw new Error("broken");
      },
    });
    turns.wait(takerOf(loop, turns, log, "b", 1));
    turns.leave(gone);
    expect(() => loop.round()).toThrow("broken");
    loop.round();
    expect(log).toEqual(["b at 0"]);
    expect(turns.isOver(8.5, 8.5, 8)).toBe(true);
  });
});

it("connections of one clock share their turns", () => {
  const [a, b] = [new Loop().clock, new Loop().clock];
  expect(turnsOf(a)).toBe(turnsOf(a));
  expect(turnsOf(b)).not.toBe(turnsOf(a));
});
