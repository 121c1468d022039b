import { describe, expect, it } from "vitest";
import { Deadlines, type Expiry } from "../../../src/core/connection/deadlines.ts";
import { limitsOf } from "../../../src/core/connection/limits.ts";
import { Sweeper, type Swept } from "../../../src/core/connection/sweeper.ts";
import type { ConnectionOptions } from "../../../src/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";

/** A member with one deadline at a time. */
class Member implements Swept {
  readonly shortest: number;
  readonly fired: number[] = [];
  deadline = Infinity;

  constructor(shortest: number) {
    this.shortest = shortest;
  }

  sweep(now: number): number {
    if (this.deadline <= now) {
      this.fired.push(now);
      this.deadline = Infinity;
    }
    return this.deadline;
  }
}

function watch(sweeper: Sweeper, member: Member, deadline: number): Member {
  member.deadline = deadline;
  sweeper.watch(member, deadline);
  return member;
}

describe("a sweeper", () => {
  it("never fires early, and at most a quarter of the limit late", () => {
    for (const limit of [8, 100, 1000, 3999]) {
      const clock = new ManualClock();
      const sweeper = new Sweeper(clock);
      const members: { member: Member; at: number }[] = [];
      for (let i = 0; i < 50; i++) {
        const at = clock.now() + limit;
        members.push({ member: watch(sweeper, new Member(limit), at), at });
        clock.advance(limit / 7);
      }
      clock.advance(3 * limit);
      for (const { member, at } of members) {
        expect(member.fired).toHaveLength(1);
        expect(member.fired[0]).toBeGreaterThanOrEqual(at);
        expect(member.fired[0]).toBeLessThanOrEqual(at + limit / 4 + 1e-6);
      }
    }
  });

  it("is at most a second late for long limits", () => {
    const clock = new ManualClock();
    const sweeper = new Sweeper(clock);
    const first = watch(sweeper, new Member(60_000), 60_000);
    const second = watch(sweeper, new Member(60_000), 60_001);
    clock.advance(60_000);
    expect([first.fired, second.fired]).toEqual([[60_000], []]);
    clock.advance(1000);
    expect(second.fired).toEqual([61_000]);
  });

  it("has one timer for all members, and none without any", () => {
    const clock = new ManualClock();
    const sweeper = new Sweeper(clock);
    const members = Array.from({ length: 100 }, (_, i) =>
      watch(sweeper, new Member(1000), 1000 + i),
    );
    expect(clock.waiting).toBe(1);
    for (const member of members) sweeper.leave(member);
    expect(clock.waiting).toBe(0);
  });

  it("lets members leave while it looks at them", () => {
    const clock = new ManualClock();
    const sweeper = new Sweeper(clock);
    const other = new Member(10);
    class Leaving extends Member {
      override sweep(now: number): number {
        sweeper.leave(other);
        return super.sweep(now);
      }
    }
    const leaving = watch(sweeper, new Leaving(10), 10);
    watch(sweeper, other, 10);
    clock.advance(20);
    expect([leaving.fired, other.fired]).toEqual([[10], []]);
  });
});

function deadlines(options: ConnectionOptions) {
  const clock = new ManualClock();
  const expired: (Expiry & { at: number })[] = [];
  const sink = { held: 0 };
  const limits = limitsOf({ closeTimeout: 0, endTimeout: 0, ...options });
  const all = new Deadlines(limits, clock, undefined, {
    expired: (expiry) => void expired.push({ ...expiry, at: clock.now() }),
    buffered: () => sink.held,
  });
  return { clock, expired, sink, all };
}

describe("deadlines", () => {
  it("without limits need no timer", () => {
    const { clock, all } = deadlines({});
    all.opened();
    all.heard(0);
    all.partial(0, 0);
    all.sending(true, false);
    all.welcome(false);
    all.welcome(true);
    all.ending();
    all.closing();
    expect(clock.waiting).toBe(0);
  });

  it("expire once each", () => {
    const { clock, all, expired } = deadlines({ firstMessageTimeout: 100, idleTimeout: 300 });
    all.opened();
    clock.advance(1000);
    expect(expired).toEqual([
      { limit: "first", ms: 100, at: 100 },
      { limit: "idle", ms: 300, at: 300 },
    ]);
  });

  it("of the first message end with it; those of silence start anew with every byte", () => {
    const { clock, all, expired } = deadlines({ firstMessageTimeout: 100, idleTimeout: 300 });
    all.opened();
    all.delivered();
    for (let i = 0; i < 10; i++) {
      clock.advance(200);
      all.heard(clock.now());
    }
    expect(expired).toEqual([]);
    clock.advance(400);
    expect(expired).toMatchObject([{ limit: "idle" }]);
    expect(expired[0]!.at).toBeGreaterThanOrEqual(2300);
  });

  it("of a frame run from its first byte, and not for a completed frame", () => {
    const { clock, all, expired } = deadlines({ frameTimeout: 100 });
    all.partial(7, 0);
    clock.advance(99);
    all.partial(7, 99);
    all.partial(undefined, 99);
    clock.advance(1000);
    expect(expired).toEqual([]);
    const began = clock.now();
    all.partial(20, began);
    clock.advance(50);
    all.partial(20, began + 50);
    clock.advance(100);
    expect(expired).toMatchObject([{ limit: "frame", at: began + 100 }]);
  });

  it("of sending start anew as the sink gets emptier", () => {
    const { clock, all, expired, sink } = deadlines({ sendTimeout: 100 });
    sink.held = 1000;
    all.sending(true, true);
    for (let i = 0; i < 10; i++) {
      clock.advance(90);
      sink.held -= 10;
    }
    expect(expired).toEqual([]);
    clock.advance(250);
    expect(expired).toMatchObject([{ limit: "send" }]);
    all.sending(false, true);
    clock.advance(1000);
    expect(expired).toHaveLength(1);
  });

  it("stop with the connection", () => {
    const { clock, all, expired } = deadlines({ idleTimeout: 100, closeTimeout: 100 });
    all.opened();
    all.closing();
    all.stop();
    all.ending();
    clock.advance(1000);
    expect([expired, clock.waiting]).toEqual([[], 0]);
  });

  it("of closing run once, from the first time", () => {
    const { clock, all, expired } = deadlines({ closeTimeout: 100, endTimeout: 30 });
    all.ending();
    all.closing();
    clock.advance(60);
    all.closing();
    clock.advance(40);
    expect(expired).toEqual([{ limit: "close", ms: 100, at: 100 }]);
  });
});
