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

describe("the timer of a sweeper", () => {
  /** A clock that counts how often each timer was cancelled or run. */
  function counting() {
    const time = new ManualClock();
    const counts: number[] = [];
    return {
      time,
      counts,
      now: () => time.now(),
      after(ms: number, run: () => void): () => void {
        const id = counts.push(0) - 1;
        const cancel = time.after(ms, () => {
          counts[id]!++;
          run();
        });
        return () => {
          counts[id]!++;
          cancel();
        };
      },
    };
  }

  it("is cancelled or run once each, and replaced only for an earlier deadline", () => {
    const clock = counting();
    const sweeper = new Sweeper(clock);
    const [a, b] = [new Member(8), new Member(8)];
    watch(sweeper, a, 100);
    watch(sweeper, b, 100);
    expect(clock.counts).toEqual([0]);
    watch(sweeper, b, 50);
    expect(clock.counts).toEqual([1, 0]);
    clock.time.advance(50);
    expect([b.fired, clock.counts]).toEqual([[50], [1, 1, 0]]);
    sweeper.leave(a);
    sweeper.leave(b);
    expect(clock.counts).toEqual([1, 1, 1]);
    sweeper.leave(b);
    watch(sweeper, a, 60);
    clock.time.advance(10);
    expect([a.fired, clock.counts]).toEqual([[60], [1, 1, 1, 1]]);
    sweeper.leave(a);
    expect(clock.counts).toEqual([1, 1, 1, 1]);
    watch(sweeper, a, 70);
    expect(clock.time.waiting).toBe(1);
  });

  it("is due at once for a deadline that has passed", () => {
    const time = new ManualClock();
    time.advance(100);
    const delays: number[] = [];
    const sweeper = new Sweeper({
      now: () => time.now(),
      after(ms, run) {
        delays.push(ms);
        return time.after(ms, run);
      },
    });
    watch(sweeper, new Member(10), 50);
    expect(delays).toEqual([0]);
  });

  it("is not armed again if all members leave while it looks at them", () => {
    const clock = new ManualClock();
    const sweeper = new Sweeper(clock);
    const early = watch(sweeper, new Member(10), 500);
    class Leaving extends Member {
      override sweep(now: number): number {
        sweeper.leave(early);
        sweeper.leave(this);
        return super.sweep(now);
      }
    }
    const last = watch(sweeper, new Leaving(10), 10);
    clock.advance(10);
    expect([last.fired, clock.waiting]).toEqual([[10], 0]);
  });

  it("fires for the earliest of all deadlines, but not more often than a quarter of the shortest limit", () => {
    const clock = new ManualClock();
    const sweeper = new Sweeper(clock);
    const looked: number[] = [];
    class Looked extends Member {
      override sweep(now: number): number {
        looked.push(now);
        return super.sweep(now);
      }
    }
    const short = watch(sweeper, new Looked(40), 100);
    const long = watch(sweeper, new Member(4000), 1000);
    clock.advance(100);
    watch(sweeper, short, 1003);
    clock.advance(3000);
    expect([looked, short.fired, long.fired]).toEqual([[100, 1000, 1010], [100, 1010], [1000]]);
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

describe("deadlines of a peer", () => {
  it("run also if there is only one of them", () => {
    const first = deadlines({ firstMessageTimeout: 100 });
    first.all.opened();
    first.clock.advance(1000);
    expect(first.expired).toEqual([{ limit: "first", ms: 100, at: 100 }]);
    const idle = deadlines({ idleTimeout: 100 });
    idle.all.opened();
    idle.clock.advance(1000);
    expect(idle.expired).toEqual([{ limit: "idle", ms: 100, at: 100 }]);
    const frame = deadlines({ frameTimeout: 100 });
    frame.all.opened();
    frame.all.partial(0, 0);
    frame.clock.advance(1000);
    expect(frame.expired).toEqual([{ limit: "frame", ms: 100, at: 100 }]);
  });

  it("stand still while no message is welcome, and continue with the rest of their time", () => {
    const { clock, all, expired } = deadlines({
      firstMessageTimeout: 40,
      frameTimeout: 50,
      idleTimeout: 60,
    });
    all.opened();
    all.partial(0, 0);
    clock.advance(10);
    all.welcome(false);
    clock.advance(500);
    // No change.
    all.welcome(false);
    clock.advance(500);
    expect(expired).toEqual([]);
    all.welcome(true);
    all.welcome(true);
    clock.advance(1000);
    expect(expired.map(({ limit, at }) => [limit, at])).toEqual([
      ["first", 1040],
      ["frame", 1050],
      ["idle", 1060],
    ]);
  });

  it("of silence continues from the last byte before or while no message was welcome", () => {
    const { clock, all, expired } = deadlines({ idleTimeout: 60 });
    all.opened();
    clock.advance(10);
    all.welcome(false);
    clock.advance(20);
    all.heard(clock.now());
    clock.advance(970);
    all.welcome(true);
    clock.advance(59);
    expect(expired).toEqual([]);
    clock.advance(100);
    expect(expired).toMatchObject([{ limit: "idle", at: 1060 }]);
    all.heard(clock.now());
    clock.advance(1000);
    // It was reported, and runs no longer.
    expect(expired).toHaveLength(1);
  });

  it("of a frame run from the time when it could be read", () => {
    const { clock, all, expired } = deadlines({ frameTimeout: 100 });
    all.welcome(false);
    clock.advance(50);
    all.welcome(true);
    // It arrived at 20.
    all.partial(3, 20);
    clock.advance(99);
    expect(expired).toEqual([]);
    clock.advance(30);
    expect(expired).toMatchObject([{ limit: "frame", at: 150 }]);
  });

  it("of a frame begins anew with the next frame, and not with more bytes of the same", () => {
    const { clock, all, expired } = deadlines({ frameTimeout: 100 });
    all.partial(0, 0);
    clock.advance(60);
    all.partial(0, 60);
    all.partial(10, 60);
    clock.advance(60);
    expect(expired).toEqual([]);
    all.partial(10, 120);
    clock.advance(40);
    expect(expired).toEqual([{ limit: "frame", ms: 100, at: 160 }]);
    // The same position again, after it was complete.
    all.partial(undefined, 160);
    all.partial(10, 160);
    clock.advance(130);
    expect(expired).toHaveLength(2);
  });

  it("of the first message ends with the first", () => {
    const { clock, all, expired } = deadlines({ firstMessageTimeout: 100, endTimeout: 1000 });
    all.opened();
    all.delivered();
    expect(all.isEnding).toBe(false);
    clock.advance(5000);
    expect([expired, clock.waiting]).toEqual([[], 0]);
  });
});

describe("deadlines of our side", () => {
  it("run also while no message is welcome", () => {
    const { clock, all, expired } = deadlines({
      idleTimeout: 5,
      sendTimeout: 100,
      endTimeout: 200,
      closeTimeout: 300,
    });
    all.opened();
    all.welcome(false);
    all.sending(true, true);
    all.ending();
    clock.advance(250);
    all.closing();
    clock.advance(1000);
    expect(expired.map(({ limit, ms }) => [limit, ms])).toEqual([
      ["send", 100],
      ["end", 200],
      ["close", 300],
    ]);
  });

  it("of sending starts with the first bytes that wait, and anew with progress only", () => {
    const { clock, all, expired } = deadlines({ sendTimeout: 100 });
    all.sending(true, false);
    clock.advance(60);
    all.sending(true, false);
    clock.advance(40);
    expect(expired).toEqual([{ limit: "send", ms: 100, at: 100 }]);
    all.sending(true, false);
    clock.advance(60);
    all.sending(true, true);
    clock.advance(60);
    expect(expired).toHaveLength(1);
    all.sending(false);
    clock.advance(1000);
    expect(expired).toHaveLength(1);
  });

  it("of sending continues while the sink does not get emptier", () => {
    const { clock, all, expired, sink } = deadlines({ sendTimeout: 100 });
    sink.held = 10;
    all.sending(true, true);
    sink.held = 10;
    clock.advance(130);
    expect(expired).toMatchObject([{ limit: "send" }]);
    const other = deadlines({ sendTimeout: 100 });
    other.sink.held = 10;
    other.all.sending(true, true);
    other.clock.advance(90);
    other.sink.held = 9;
    other.clock.advance(90);
    expect(other.expired).toEqual([]);
    other.clock.advance(200);
    expect(other.expired).toHaveLength(1);
  });

  it("of the end restart, also with messages that are delivered", () => {
    const { clock, all, expired } = deadlines({ endTimeout: 100 });
    all.ending();
    expect(all.isEnding).toBe(true);
    clock.advance(60);
    all.ending();
    clock.advance(60);
    all.delivered();
    clock.advance(99);
    expect(expired).toEqual([]);
    clock.advance(30);
    expect(expired).toMatchObject([{ limit: "end", ms: 100 }]);
    expect(all.isEnding).toBe(false);
  });

  it("of closing replaces all others except that of sending", () => {
    const { clock, all, expired } = deadlines({
      firstMessageTimeout: 10,
      frameTimeout: 10,
      idleTimeout: 10,
      endTimeout: 10,
      sendTimeout: 50,
      closeTimeout: 100,
    });
    all.opened();
    all.partial(0, 0);
    all.ending();
    all.sending(true, true);
    all.closing();
    expect(all.isEnding).toBe(false);
    clock.advance(1000);
    expect(expired.map(({ limit }) => limit)).toEqual(["send", "close"]);
  });

  it("of closing without a limit leaves no timer, unless something is being sent", () => {
    const { clock, all } = deadlines({ idleTimeout: 10 });
    all.opened();
    expect(clock.waiting).toBe(1);
    all.closing();
    expect(clock.waiting).toBe(0);
    const sending = deadlines({ idleTimeout: 10, sendTimeout: 100 });
    sending.all.opened();
    sending.all.sending(true, true);
    sending.all.closing();
    sending.clock.advance(200);
    expect(sending.expired).toMatchObject([{ limit: "send" }]);
  });

  it("of promises that wait is reported once for each wait", () => {
    const { clock, all, expired } = deadlines({});
    all.waiting(true);
    clock.advance(6000);
    all.waiting(true);
    clock.advance(4000);
    expect(expired).toEqual([{ limit: "stuck", ms: 10_000, at: 10_000 }]);
    all.waiting(false);
    all.waiting(true);
    clock.advance(9999);
    all.waiting(false);
    clock.advance(10_000);
    expect(expired).toHaveLength(1);
  });

  it("that pass at the same time are met one after the other, that of closing first", () => {
    const { clock, all, expired } = deadlines({
      firstMessageTimeout: 100,
      idleTimeout: 100,
      frameTimeout: 100,
      sendTimeout: 100,
      endTimeout: 100,
    });
    all.opened();
    all.partial(0, 0);
    all.sending(true, true);
    all.ending();
    clock.advance(1000);
    expect(expired.map(({ limit }) => limit)).toEqual(["send", "end", "first", "frame", "idle"]);
  });

  it("are not looked at any more once one of them has ended the connection", () => {
    const clock = new ManualClock();
    const sweeper = new Sweeper(clock);
    const looked: number[] = [];
    sweeper.watch({ shortest: 4, sweep: (now) => looked.push(now) && 1000 }, 1000);
    const limits = limitsOf({ firstMessageTimeout: 100, idleTimeout: 300 });
    const all: Deadlines = new Deadlines(limits, clock, sweeper, {
      expired: () => all.stop(),
      buffered: () => 0,
    });
    all.opened();
    clock.advance(1000);
    expect(looked).toEqual([100, 1000]);
  });

  it("share the sweeper of a server, and leave it with their connection", () => {
    const clock = new ManualClock();
    const sweeper = new Sweeper(clock);
    const owner = { expired() {}, buffered: () => 0 };
    const made = [1, 2].map(
      () => new Deadlines(limitsOf({ idleTimeout: 100 }), clock, sweeper, owner),
    );
    for (const each of made) each.opened();
    expect(clock.waiting).toBe(1);
    made[0]!.stop();
    expect(clock.waiting).toBe(1);
    made[1]!.stop();
    expect(clock.waiting).toBe(0);
    expect(made[0]!.shortest).toBe(100);
  });
});
