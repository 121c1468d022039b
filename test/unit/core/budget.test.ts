import { describe, expect, it, vi } from "vitest";
import { type Charged, MemoryBudget } from "../../../src/core/connection/budget.ts";

/** Resolves after the current work. */
const later = async (): Promise<void> => void (await Promise.resolve());

/** A connection that leaves its budget when it is closed for being too large. */
class Member implements Charged {
  cost: number;
  counted = 0;
  /** Called when it is closed. */
  closed?: () => void;
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
    this.closed?.();
  }
}

describe("a memory budget", () => {
  it("closes the largest first, after the current work, until 90 % are used", async () => {
    const budget = new MemoryBudget(1000);
    const members = [100, 400, 50, 350].map((cost) => new Member(budget, cost));
    expect(budget.used).toBe(900);
    const last = new Member(budget, 300);
    expect(budget.used).toBe(1200);
    expect([...members, last].flatMap(({ texts }) => texts)).toEqual([]);
    await later();
    expect(budget.used).toBe(800);
    expect(members.map(({ texts }) => texts.length)).toEqual([0, 1, 0, 0]);
    expect(members[1]!.texts[0]).toContain("1200 bytes, above maxMemory 1000; this one holds 400");
    expect(last.texts).toEqual([]);
  });

  it("closes several if one is not enough", async () => {
    const budget = new MemoryBudget(1000);
    const members = [300, 310, 320, 330].map((cost) => new Member(budget, cost));
    await later();
    expect(members.map(({ texts }) => texts.length)).toEqual([0, 0, 1, 1]);
    expect(budget.used).toBe(610);
  });

  it("closes none if enough was released by then", async () => {
    const budget = new MemoryBudget(1000);
    const member = new Member(budget, 1200);
    member.cost = 10;
    budget.update(member);
    await later();
    expect([member.texts, budget.used]).toEqual([[], 10]);
  });

  it("looks once, however often it is exceeded meanwhile", async () => {
    const budget = new MemoryBudget(10);
    for (let i = 0; i < 5; i++) new Member(budget, 100);
    const then = vi.spyOn(Promise, "resolve");
    for (let i = 0; i < 5; i++) new Member(budget, 100);
    expect(then).toHaveBeenCalledTimes(0);
    then.mockRestore();
    await later();
    expect(budget.used).toBe(0);
    new Member(budget, 100);
    await later();
    expect(budget.used).toBe(0);
  });

  it("counts the current cost of members, and nothing of those that have left", () => {
    const budget = new MemoryBudget(1000);
    const [a, b] = [new Member(budget, 10), new Member(budget, 20)];
    a.cost = 5;
    budget.update(a);
    budget.update(a);
    expect(budget.used).toBe(25);
    budget.leave(b);
    budget.leave(b);
    expect(budget.used).toBe(5);
  });

  it("closes none if members cost less than they reported, and counts that", async () => {
    const budget = new MemoryBudget(1000);
    const members = [600, 500].map((cost) => new Member(budget, cost));
    for (const member of members) member.cost = 400;
    await later();
    expect([budget.used, members.map(({ texts }) => texts)]).toEqual([800, [[], []]]);
    members[0]!.cost = 600;
    budget.update(members[0]!);
    expect(budget.used).toBe(1000);
  });

  it("counts members that report nothing, one with each update of another", () => {
    const budget = new MemoryBudget(1000);
    const [busy, ...quiet] = [10, 20, 30].map((cost) => new Member(budget, cost));
    for (const member of quiet) member.cost += 100;
    for (let i = 0; i < 8; i++) {
      busy!.cost = 10 + (i % 2);
      budget.update(busy!);
    }
    expect(budget.used).toBe(busy!.cost + 120 + 130);
  });

  it("closes the members that cost most now, not when they reported it", async () => {
    const budget = new MemoryBudget(1000);
    const members = [600, 500].map((cost) => new Member(budget, cost));
    members[0]!.cost = 550;
    members[1]!.cost = 900;
    await later();
    expect(budget.used).toBe(550);
    expect(members.map(({ texts }) => texts.length)).toEqual([0, 1]);
  });

  it("does not close a member that ended together with another one", async () => {
    const budget = new MemoryBudget(1000);
    const members = [900, 800, 700].map((cost) => new Member(budget, cost));
    members[0]!.closed = () => budget.leave(members[1]!);
    await later();
    expect(budget.used).toBe(700);
    expect(members.map(({ texts }) => texts.length)).toEqual([1, 0, 0]);
  });

  it("adds a part to the memory of members, for garbage and gaps", async () => {
    const budget = new MemoryBudget(1000, 1.5);
    const members = [300, 350].map((cost) => new Member(budget, cost));
    await later();
    expect([budget.used, members.map(({ texts }) => texts)]).toEqual([650, [[], []]]);
    new Member(budget, 20);
    await later();
    expect(budget.used).toBe(320);
    expect(members[1]!.texts[0]).toContain(
      "take 1005 bytes, above maxMemory 1000; this one holds 350",
    );
  });
});
