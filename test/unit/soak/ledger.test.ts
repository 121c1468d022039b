import { describe, expect, it } from "vitest";
import {
  judge,
  ledgerOf,
  type PeerAccount,
  type ServerAccount,
  type Verdict,
} from "../../soak/support/ledger.ts";
import { type Kind, lengthOf, planOf } from "../../soak/support/plan.ts";

const plan = planOf(1);
const where = { port: 40_000, use: 1 };

/** A place whose first life is of that kind. */
function placeOf(kind: Kind): number {
  for (let id = 0; ; id++) if (plan.life(id, 0).kind === kind) return id;
}

const left: PeerAccount = {
  ...where,
  id: placeOf("good"),
  life: 0,
  sent: 8,
  received: 8,
  left: 0,
  isDone: true,
  isResting: false,
  by: "local",
};
const wasLeft: ServerAccount = {
  ...where,
  served: 8,
  left: 0,
  by: "peer",
  isPeaceful: true,
  isShutdown: false,
};
const harm = { ...left, by: "peer" } as const;
const wasHarmed = { ...wasLeft, by: "error" } as const;
const shutdown = { ...wasLeft, by: "local", isShutdown: true } as const;
const stayed = { ...left, by: "peer", isDone: false } as const;
const cut = { isPeaceful: false, closing: { waited: 10_000, limit: 10_000 } };
const early = { isPeaceful: false, closing: { waited: 9000, limit: 10_000 } };
const timedOut = { ...wasHarmed, isPeaceful: false, code: "timeout" } as const;
const waited = { timeout: { waited: 15_001, limit: 15_000 } };
const cutShort = { ...left, by: "error", code: "ECONNRESET", isDone: false } as const;
const request = lengthOf(plan.request(left.id, 0, 8));
const answer = lengthOf(plan.answer(plan.request(left.id, 0, 7)));

type Row = readonly [string, Kind, Partial<PeerAccount>, Partial<ServerAccount>];

function verdictOf([, kind, peer, server]: Row): Verdict {
  return judge(plan, { ...left, ...peer, id: placeOf(kind) }, { ...wasLeft, ...server });
}

describe("ledger", () => {
  it.each<Row>([
    ["left in peace", "good", left, wasLeft],
    ["left in peace, slowly", "slowWriter", left, { ...wasLeft, ...cut, isPeaceful: true }],
    ["found at rest by the shutdown", "good", stayed, shutdown],
    ["found asking by the shutdown", "good", { ...stayed, sent: 12 }, shutdown],
    ["cut off", "cutOff", harm, { ...wasHarmed, code: "truncated", left: 20 }],
    ["reset", "reset", { ...left, received: 1 }, { ...timedOut, served: 7, code: "ECONNRESET" }],
    [
      "reset into a shutdown",
      "reset",
      { ...left, received: 1 },
      { ...shutdown, isPeaceful: false },
    ],
    ["garbage", "garbage", harm, { ...wasHarmed, code: "too-long", left: 5000 }],
    ["no JSON", "notJson", harm, { ...wasHarmed, code: "malformed", left: 6 }],
    [
      "stopped for asking too much",
      "glutton",
      { ...cutShort, isDone: true },
      { ...timedOut, code: "overflow" },
    ],
    ["asking too much in a shutdown", "glutton", cutShort, { ...shutdown, ...cut }],
    [
      "silent",
      "silent",
      { ...cutShort, sent: 0, received: 0 },
      { ...timedOut, ...waited, served: 0 },
    ],
    [
      "dripping",
      "never",
      { ...cutShort, sent: 0, received: 0 },
      { ...timedOut, ...waited, served: 0, left: 150 },
    ],
  ])("finds a peer whole that was %s", (...row) => {
    expect(verdictOf(row)).toMatchObject({ is: "whole", kind: row[1] });
  });

  it.each<Row>([
    ["timed out in its own time", "good", cutShort, { ...timedOut, ...waited }],
    [
      "cut while its answers left",
      "slowReader",
      { ...stayed, received: 3 },
      { ...shutdown, ...cut },
    ],
    ["timed out before its harm", "garbage", cutShort, { ...timedOut, ...waited }],
    [
      "slow to end",
      "cutOff",
      { ...harm, received: 2 },
      { ...wasHarmed, ...cut, code: "truncated" },
    ],
  ])("excuses a peer that was %s", (...row) => {
    expect(verdictOf(row)).toMatchObject({ is: "excused", kind: row[1] });
  });

  it.each<readonly [...Row, string]>([
    ["a lost request", "good", left, { served: 7 }, "8 answers to 7 requests"],
    [
      "a lost request and its answer",
      "good",
      { received: 7 },
      { served: 7 },
      "8 requests sent, 7 came",
    ],
    ["a lost answer", "good", { received: 7 }, wasLeft, "8 requests answered, 7 answers came"],
    ["an answer too many", "good", { received: 9 }, { served: 8 }, "9 answers to 8 requests"],
    ["a request too many", "good", left, { served: 9 }, "9 requests came of 8"],
    ["answers lost in a shutdown", "good", { ...stayed, received: 7 }, shutdown, "7 answers came"],
    ["one left early", "good", { isDone: false }, wasLeft, "ended by peer before it was done"],
    ["one that was reset", "good", cutShort, { ...timedOut, code: "ECONNRESET" }, "cut before"],
    ["an error on the way", "good", left, { by: "error", code: "malformed" }, "ended by error"],
    ["an error for the peer", "good", { code: "EPIPE" }, wasLeft, "the peer had EPIPE"],
    ["a close for no reason", "good", stayed, { by: "local" }, "closed for no reason"],
    ["a cut before its time", "good", stayed, { ...shutdown, ...early }, "9000 of 10000 ms"],
    [
      "a cut of one that waits",
      "good",
      stayed,
      { ...shutdown, isPeaceful: false },
      "nobody waited",
    ],
    ["a glutton cut too early", "glutton", cutShort, { ...shutdown, ...early }, "cut before"],
    ["a glutton that was let", "glutton", cutShort, wasLeft, "ended by peer, no error"],
    [
      "a timeout too early",
      "good",
      cutShort,
      { ...timedOut, timeout: early.closing },
      "before its time",
    ],
    ["a timeout of nothing", "silent", cutShort, timedOut, "nobody waited"],
    [
      "a request unread at a timeout",
      "good",
      { ...cutShort, sent: 9 },
      { ...timedOut, ...waited, left: request },
      "request 8 came and was not delivered",
    ],
    [
      "an answer unread at a timeout",
      "good",
      { ...cutShort, received: 7, left: answer },
      { ...timedOut, ...waited },
      "answer 7 came and was not delivered",
    ],
    ["half a frame unnoticed", "cutOff", harm, wasLeft, "ended by peer, no error"],
    [
      "what was whole before the harm",
      "garbage",
      { ...harm, sent: 9 },
      { ...wasHarmed, code: "too-long" },
      "9 requests sent, 8 came",
    ],
    [
      "answers lost behind the harm",
      "notJson",
      { ...harm, received: 0 },
      { ...wasHarmed, code: "malformed" },
      "0 answers came",
    ],
    [
      "another error than the harm's",
      "garbage",
      harm,
      { ...wasHarmed, code: "malformed" },
      "ended by error, malformed",
    ],
  ])("notices %s", (...row) => {
    const [name, kind, peer, server, why] = row;
    const verdict = verdictOf([name, kind, peer, server]);
    expect(verdict.is).toBe("wrong");
    expect(verdict.why).toContain(why);
  });

  it("excuses nothing that is a little less than whole", () => {
    const timeout = { ...timedOut, ...waited, left: request - 1 };
    expect(judge(plan, { ...cutShort, sent: 9 }, timeout).is).toBe("excused");
    const resting = { ...cutShort, received: 7, left: answer, isResting: true };
    expect(judge(plan, resting, { ...timedOut, ...waited }).is).toBe("excused");
  });

  it("waits for both sides, in any order, and forgets what is settled", () => {
    const ledger = ledgerOf(plan);
    expect(ledger.peer(left)).toBeUndefined();
    expect(ledger.server({ ...wasLeft, use: 2 })).toBeUndefined();
    expect(ledger.unmatched()).toEqual([
      "port 40000, use 1: the server knows nothing of it",
      "port 40000, use 2: no peer knows of it",
    ]);
    expect(ledger.server(wasLeft)?.is).toBe("whole");
    expect(ledger.peer({ ...left, use: 2 })?.is).toBe("whole");
    expect(ledger.unmatched()).toEqual([]);
    expect([...ledger.counts.whole]).toEqual([["good", 2]]);
    // Wrong ones are no figures.
    ledger.peer(left);
    const wrong = ledger.server({ ...wasLeft, served: 9 });
    expect(wrong?.is).toBe("wrong");
    // With both accounts, for whoever looks for the reason.
    expect(wrong?.why).toMatch(/"received":8.*"served":9/);
    ledger.peer(cutShort);
    expect(ledger.server({ ...timedOut, ...waited })?.is).toBe("excused");
    expect([...ledger.counts.excused]).toEqual([["good: timeout", 1]]);
    expect([...ledger.counts.whole]).toEqual([["good", 2]]);
    ledger.peer(left);
    expect(() => ledger.peer(left)).toThrow("told of twice");
  });
});
