import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Replies } from "../../../src/session/index.ts";
import { settle } from "../../support/settle.ts";

/** A connection that notes what is held and what has failed. */
function setup(failed?: (error: unknown) => string | undefined) {
  const sent: string[] = [];
  const failures: unknown[] = [];
  let held = 0;
  const connection = {
    hold(cost: number) {
      held += cost;
      return () => {
        held -= cost;
      };
    },
    failed: (error: unknown) => void failures.push(error),
  };
  const replies = new Replies<string>({
    connection,
    send(reply) {
      if (reply === "unencodable") throw new Error(reply);
      sent.push(reply);
    },
    failed,
  });
  return { sent, failures, replies, held: () => held };
}

describe("Replies", () => {
  it("sends in the order of requests, in whatever order the work finishes", async () => {
    const work = fc.array(
      fc.record({
        kind: fc.constantFrom("now", "later", "rejected", "nothing", "unencodable"),
        rank: fc.nat(100),
      }),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(work, async (items) => {
        const { sent, failures, replies, held } = setup((error) => `error ${String(error)}`);
        const later: { rank: number; settle: () => void }[] = [];
        const added = items.map(({ kind, rank }, n) => {
          if (kind === "now") return replies.add(`${n}`, 10);
          if (kind === "nothing") return replies.add(undefined, 10);
          if (kind === "unencodable") return replies.add("unencodable", 10);
          const promise = new Promise<string>((resolve, reject) => {
            const done = () => (kind === "later" ? resolve(`${n}`) : reject(n));
            later.push({ rank, settle: done });
          });
          return replies.add(promise, 10);
        });
        expect(held()).toBe(10 * replies.pending);
        later.sort((a, b) => a.rank - b.rank);
        for (const { settle: done } of later) {
          done();
          await settle();
        }
        await Promise.all(added);
        const wanted = items.flatMap(({ kind }, n) => {
          if (kind === "nothing" || kind === "unencodable") return [];
          return kind === "rejected" ? [`error ${n}`] : [`${n}`];
        });
        expect(sent).toEqual(wanted);
        expect(failures.length).toBe(items.filter(({ kind }) => kind === "unencodable").length);
        expect([held(), replies.pending]).toEqual([0, 0]);
      }),
      { numRuns: 200 },
    );
  });

  it("treats a rejected promise as a handler's error, and continues", async () => {
    const { sent, failures, replies } = setup();
    const bug = new Error("mine");
    void replies.add(Promise.reject(bug));
    await replies.add("next");
    expect([failures, sent]).toEqual([[bug], ["next"]]);
  });

  it("refuses unknown options", () => {
    expect(() => new Replies({ sned: () => {} } as never)).toThrow('no option "sned"');
  });
});
