import { describe, expect, it } from "vitest";
import { type Charged, MemoryBudget } from "../../../src/core/connection/budget.ts";

/** A clock whose next turn comes when a test says so. */
function turns() {
  const waiting: (() => void)[] = [];
  return {
    now: () => 0,
    after: () => () => {},
    soon: (run: () => void) => void waiting.push(run),
    waiting,
    next: () => {
      for (const run of waiting.splice(0)) run();
    },
  };
}

/** A connection that leaves its budget when it is told that it is too large. */
class Member implements Charged {
  cost: number;
  readonly texts: string[] = [];
  readonly #budget: MemoryBudget;

  constructor(budget: MemoryBudget, cost: number) {
    this.#budget = budget;
    this.cost = cost;
    budget.update(this);
  }

  overBudget(text: string): void {
    this.texts.push(text);
    this.#budget.leave(this);
  }
}

describe("a memory budget", () => {
  it("closes the largest first, in a later turn, until 90 % are used", () => {
    const clock = turns();
    const budget = new MemoryBudget(1000, clock);
    const members = [100, 400, 50, 350].map((cost) => new Member(budget, cost));
    expect(budget.used).toBe(900);
    const last = new Member(budget, 300);
    expect(budget.used).toBe(1200);
    expect([...members, last].flatMap(({ texts }) => texts)).toEqual([]);
    clock.next();
    expect(budget.used).toBe(800);
    expect(members.map(({ texts }) => texts.length)).toEqual([0, 1, 0, 0]);
    expect(members[1]!.texts[0]).toContain("1200 bytes, above maxMemory 1000; this one 400");
    expect(last.texts).toEqual([]);
  });

  it("closes several if one is not enough", () => {
    const clock = turns();
    const budget = new MemoryBudget(1000, clock);
    const members = [300, 310, 320, 330].map((cost) => new Member(budget, cost));
    clock.next();
    expect(members.map(({ texts }) => texts.length)).toEqual([0, 0, 1, 1]);
    expect(budget.used).toBe(610);
  });

  it("closes none if enough was let go of until then", () => {
    const clock = turns();
    const budget = new MemoryBudget(1000, clock);
    const member = new Member(budget, 1200);
    member.cost = 10;
    budget.update(member);
    clock.next();
    expect([member.texts, budget.used]).toEqual([[], 10]);
  });

  it("looks once, however often it is exceeded within a turn", () => {
    const clock = turns();
    const budget = new MemoryBudget(10, clock);
    for (let i = 0; i < 5; i++) new Member(budget, 100);
    expect(clock.waiting).toHaveLength(1);
    clock.next();
    expect(budget.used).toBe(0);
    new Member(budget, 100);
    expect(clock.waiting).toHaveLength(1);
  });

  it("counts what members cost now, and nothing of those that have left", () => {
    const budget = new MemoryBudget(1000, turns());
    const [a, b] = [new Member(budget, 10), new Member(budget, 20)];
    a.cost = 5;
    budget.update(a);
    budget.update(a);
    expect(budget.used).toBe(25);
    budget.leave(b);
    budget.leave(b);
    expect(budget.used).toBe(5);
  });
});
