import { describe, expect, expectTypeOf, it } from "vitest";
import { ProtocolError } from "../../../src/index.ts";
import { IdCounter, type RequestError, Requests, wasSent } from "../../../src/session/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { bugsPrintedBy, uncaughtBy } from "../../support/uncaught.ts";

const failure = (promise: Promise<unknown>): Promise<RequestError> =>
  promise.then(
    () => {
      throw new Error("resolved");
    },
    (error) => error as RequestError,
  );

describe("Requests", () => {
  it("matches answers by number, in any order", async () => {
    const requests = new Requests<string>();
    const ids: number[] = [];
    const asked = ["a", "b"].map(() => requests.ask((id) => ids.push(id)));
    expect([ids, requests.pending, requests.inFlight]).toEqual([[1, 2], 2, 2]);
    expect([requests.answer(2, "second"), requests.answer(1, "first")]).toEqual([true, true]);
    expect(await Promise.all(asked)).toEqual(["first", "second"]);
    expect(requests.answer(1, "again")).toBe(false);
    expectTypeOf(asked).items.resolves.toEqualTypeOf<string>();
  });

  it("accepts only numbers as ids, because they come from the peer", () => {
    const requests = new Requests<string>();
    void requests.ask(() => {});
    for (const id of ["1", 1n, null, {}, undefined, 0]) expect(requests.answer(id, "")).toBe(false);
    expect(requests.answer(1, "")).toBe(true);
  });

  it("matches answers in the order of the requests", async () => {
    const unmatched: unknown[] = [];
    const requests = new Requests<string>({ ids: "fifo", unmatched: (id) => unmatched.push(id) });
    const asked = ["a", "b"].map(() => requests.ask(() => {}));
    requests.answer(undefined, "first");
    expect(requests.answer(1, "of the first again")).toBe(false);
    requests.answer(2, "second");
    requests.answer(undefined, "stray");
    expect(await Promise.all(asked)).toEqual(["first", "second"]);
    expect(unmatched).toEqual([undefined, undefined]);
  });

  it("keeps the place of an abandoned request, so its answer goes to no other request", async () => {
    const controller = new AbortController();
    const unmatched: unknown[] = [];
    const requests = new Requests<string>({
      ids: "fifo",
      maxInFlight: 1,
      unmatched: (id, reply) => unmatched.push([id, reply]),
    });
    const given = failure(requests.ask(() => {}, { signal: controller.signal }));
    const next = requests.ask(() => {});
    controller.abort();
    expect(await given).toBe(controller.signal.reason);
    expect([requests.isStalled, requests.inFlight, requests.pending]).toEqual([true, 1, 1]);
    requests.answer(undefined, "late");
    requests.answer(undefined, "of the next");
    expect(await next).toBe("of the next");
    expect([unmatched, requests.isStalled]).toEqual([[[1, "late"]], false]);
  });

  it("tells if the request was sent", async () => {
    const clock = new ManualClock();
    const requests = new Requests<string>({ clock, timeout: 50, maxPending: 2 });
    const sent = failure(requests.ask(() => {}));
    requests.pause();
    const unsent = failure(requests.ask(() => {}));
    const many = await failure(requests.ask(() => {}));
    expect([many.code, many.sent, many instanceof ProtocolError]).toEqual([
      "overflow",
      false,
      true,
    ]);
    clock.advance(50);
    expect([(await sent).code, (await sent).sent]).toEqual(["timeout", true]);
    expect([(await unsent).code, (await unsent).sent]).toEqual(["timeout", false]);
    expect((await sent).message).toBe("no answer within 50 ms");
    expect((await unsent).message).toBe("not sent within 50 ms");
    const waiting = failure(requests.ask(() => {}));
    const cause = new Error("unplugged");
    requests.end(cause);
    expect(await waiting).toMatchObject({ code: "closed", sent: false, cause });
    expect(await failure(requests.ask(() => {}))).toMatchObject({ code: "closed", cause });
  });

  it("tells for a signal's reason if any of its requests was sent", async () => {
    const requests = new Requests<string>();
    const one = new AbortController();
    const both = new AbortController();
    requests.pause();
    const asked = [
      failure(requests.ask(() => {}, { signal: one.signal })),
      failure(requests.ask(() => {}, { signal: both.signal })),
      failure(requests.ask(() => {}, { signal: both.signal, urgent: true })),
    ];
    one.abort();
    both.abort();
    await Promise.all(asked);
    expect([wasSent(one.signal.reason), wasSent(both.signal.reason)]).toEqual([false, true]);
    const before = await failure(requests.ask(() => {}, { signal: one.signal }));
    expect([before, wasSent(before)]).toEqual([one.signal.reason, false]);
    expect([wasSent("text"), wasSent(new Error("of others"))]).toEqual([true, true]);
  });

  it("rejects requests that cannot be sent, immediately or later, and continues", async () => {
    const requests = new Requests<string>({ maxInFlight: 1 });
    const thrown = await failure(
      requests.ask(() => {
        throw new ProtocolError("unencodable", "too large");
      }),
    );
    expect([thrown.code, wasSent(thrown)]).toEqual(["unencodable", false]);
    const rejected = failure(requests.ask(() => Promise.reject(new Error("no route"))));
    const next = requests.ask((id) => queueMicrotask(() => requests.answer(id, "next")));
    expect((await rejected).message).toBe("no route");
    expect(await next).toBe("next");
  });

  it("accepts answers that arrive while it sends, however many requests wait", async () => {
    const requests = new Requests<number>({ maxInFlight: 1, maxPending: 20_000 });
    requests.pause();
    const asked = Array.from({ length: 20_000 }, (_, n) =>
      requests.ask((id) => requests.answer(id, n)),
    );
    requests.resume();
    expect(await Promise.all(asked)).toEqual(asked.map((_, n) => n));
  });

  it("reads an answer before it returns, and calls `accept` first", async () => {
    const requests = new Requests<string>();
    const asked = requests.ask(() => {}, {
      accept: (reply) => reply !== "push",
      read: (reply) => reply.length,
    });
    expectTypeOf(asked).resolves.toEqualTypeOf<number>();
    expect(requests.answer(1, "push")).toBe(false);
    requests.answer(1, "four");
    expect(await asked).toBe(4);
    const broken = requests.ask(() => {}, { read: (reply) => JSON.parse(reply) as unknown });
    requests.answer(2, "}");
    expect(await failure(broken)).toBeInstanceOf(SyntaxError);
  });

  it("rejects with the peer's error, or with errors of your own", async () => {
    const requests = new Requests<string>();
    const refused = failure(requests.ask(() => {}));
    expect([requests.fail(1, new Error("no")), requests.fail(1, new Error("no"))]).toEqual([
      true,
      false,
    ]);
    expect((await refused).message).toBe("no");
    const own = failure(requests.ask(() => {}, { error: ({ code, id }) => `${code} of ${id}` }));
    requests.end();
    expect(await own).toBe("closed of 2");
  });

  it("keeps unsent requests for the next connection, and restarts the numbers", async () => {
    const requests = new Requests<string>({ maxInFlight: 1 });
    const ids: number[] = [];
    const first = failure(requests.ask((id) => ids.push(id)));
    const second = requests.ask((id) => ids.push(id));
    requests.interrupt(new Error("lost"));
    expect((await first).code).toBe("closed");
    expect(ids).toEqual([1]);
    requests.resume();
    expect(ids).toEqual([1, 1]);
    requests.answer(1, "over the next");
    expect(await second).toBe("over the next");
  });

  it("leaves no timer, no listener and no uncaught rejection", async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const listeners = new Set<unknown>();
    const signal = {
      aborted: false,
      addEventListener: (_: string, run: unknown) => listeners.add(run),
      removeEventListener: (_: string, run: unknown) => listeners.delete(run),
    } as unknown as AbortSignal;
    const uncaught = await uncaughtBy(async () => {
      const requests = new Requests<string>({ clock });
      const asked = [0, 1, 2].map(() => requests.ask(() => {}, { signal }));
      expect([clock.waiting, listeners.size > 0]).toEqual([3, true]);
      requests.answer(1, "");
      requests.fail(2, new Error("no"));
      requests.end();
      await Promise.allSettled(asked);
    });
    expect([clock.waiting, listeners.size, uncaught]).toEqual([0, 0, []]);
    controller.abort();
  });

  it("refuses unknown options", async () => {
    expect(() => new Requests({ id: "fifo" } as object)).toThrow('no option "id"');
    expect(() => new Requests({ ids: "lifo" as never })).toThrow(TypeError);
    expect(() => new Requests({ timeout: Number.NaN })).toThrow(RangeError);
    expect(() => new Requests({ maxPending: -1 })).toThrow(RangeError);
    expect(() => new Requests({ maxInFlight: 0 })).toThrow(RangeError);
    expect(() => new Requests({ maxId: 0 })).toThrow(RangeError);
    const asked = new Requests().ask(() => {}, { timeout: Number.NaN });
    await expect(asked).rejects.toThrow(RangeError);
  });

  it("never uses one number for two requests", () => {
    const requests = new Requests<string>({ maxId: 2, timeout: 0 });
    const ids: number[] = [];
    for (let i = 0; i < 3; i++) void requests.ask((id) => ids.push(id));
    expect(ids).toEqual([1, 2]);
    expect(() => requests.nextId()).toThrow("all numbers are in use");
    requests.answer(2, "");
    expect(ids).toEqual([1, 2, 2]);
  });
});

describe("IdCounter", () => {
  it("skips 0 and numbers in use when it wraps", () => {
    const used = new Set([1, 3]);
    const ids = new IdCounter({ first: 4, last: 4, isUsed: (id) => used.has(id) });
    expect([ids.next(), ids.next(), ids.next()]).toEqual([4, 2, 4]);
    expect(new IdCounter({ first: 0 }).next()).toBe(1);
    expect(new IdCounter({ first: 0xffff_ffff }).next()).toBe(0xffff_ffff);
  });

  it("refuses empty ranges", () => {
    expect(() => new IdCounter({ last: 0 })).toThrow(RangeError);
    expect(() => new IdCounter({ first: 5, last: 4 })).toThrow(RangeError);
  });

  it("sends notifications immediately, and in order with requests while those are paused", () => {
    const sent: string[] = [];
    const requests = new Requests<string>({ timeout: 0, maxPending: 3 });
    const note = (text: string) => requests.notify(() => void sent.push(text));
    expect([note("a"), sent]).toEqual([true, ["a"]]);
    requests.pause();
    expect(note("b")).toBe(true);
    requests.ask((id) => sent.push(`request ${id}`)).catch(() => {});
    expect([note("c"), note("d"), requests.pending]).toEqual([true, false, 3]);
    requests.resume();
    expect(sent).toEqual(["a", "b", "request 1", "c"]);
    expect(requests.notify(() => false)).toBe(false);
    requests.pause();
    expect(note("e")).toBe(true);
    requests.end();
    requests.resume();
    expect([note("f"), sent.length]).toEqual([false, 4]);
  });

  it("continues after a notification that cannot be sent", async () => {
    const requests = new Requests<string>({ timeout: 0 });
    expect(() =>
      requests.notify(() => {
        throw new Error("no");
      }),
    ).toThrow("no");
    requests.pause();
    requests.notify(() => {
      throw new Error("not later");
    });
    const asked = requests.ask((id) => requests.answer(id, "yes"));
    const printed = await bugsPrintedBy(() => requests.resume());
    expect([await asked, printed]).toEqual(["yes", ["not later"]]);
  });
});
