import { describe, expect, it } from "vitest";
import { AsyncQueue } from "../../../src/core/async-queue.ts";

const DONE = { done: true, value: undefined };

describe("values", () => {
  it("are kept in order until an iterator requests them", async () => {
    const queue = new AsyncQueue<number>();
    queue.push(1);
    queue.push(2);
    expect(queue.size).toBe(2);
    expect(queue.isAwaited).toBe(false);
    const values = queue.iterate();
    expect(await values.next()).toEqual({ done: false, value: 1 });
    expect(await values.next()).toEqual({ done: false, value: 2 });
    expect(queue.size).toBe(0);
  });

  it("go to the next() that has waited longest, and are not kept", async () => {
    const queue = new AsyncQueue<number>();
    const values = queue.iterate();
    const first = values.next();
    const second = values.next();
    expect(queue.isAwaited).toBe(true);
    queue.push(1);
    queue.push(2);
    expect(queue.isAwaited).toBe(false);
    expect(queue.size).toBe(0);
    expect(await second).toEqual({ done: false, value: 2 });
    expect(await first).toEqual({ done: false, value: 1 });
  });

  it("are shared by several iterators in the order of their requests", async () => {
    const queue = new AsyncQueue<string>();
    const [a, b] = [queue.iterate(), queue.iterate()];
    const asked = [b.next(), a.next(), b.next()];
    for (const value of ["x", "y", "z"]) queue.push(value);
    expect((await Promise.all(asked)).map(({ value }) => value)).toEqual(["x", "y", "z"]);
  });

  it("may be undefined", async () => {
    const queue = new AsyncQueue<undefined>();
    queue.push(undefined);
    expect(await queue.iterate().next()).toEqual({ done: false, value: undefined });
  });
});

describe("return()", () => {
  it("settles the pending next() as done, before itself", async () => {
    const queue = new AsyncQueue<number>();
    const values = queue.iterate();
    const order: string[] = [];
    const pending = [values.next(), values.next()].map((next, i) =>
      next.then((result) => {
        order.push(`next ${i}`);
        return result;
      }),
    );
    const left = values.return!().then(() => order.push("return"));
    expect(queue.isAwaited).toBe(false);
    await left;
    expect(await Promise.all(pending)).toEqual([DONE, DONE]);
    expect(order.at(-1)).toBe("return");
  });

  it("loses no value to an iterator that was left", async () => {
    const queue = new AsyncQueue<number>();
    const left = queue.iterate();
    await Promise.race([left.next(), Promise.resolve()]);
    await left.return!();
    for (const value of [1, 2]) queue.push(value);
    queue.end();
    const got: number[] = [];
    for await (const value of queue.iterate()) got.push(value);
    expect(got).toEqual([1, 2]);
  });

  it("leaves the pending next() of other iterators alone", async () => {
    const queue = new AsyncQueue<number>();
    const [a, b] = [queue.iterate(), queue.iterate()];
    const pending = [a.next(), b.next(), a.next()];
    expect(await a.return!()).toEqual(DONE);
    queue.push(1);
    const [first, second, third] = await Promise.all(pending);
    expect([first, third]).toEqual([DONE, DONE]);
    expect(second).toEqual({ done: false, value: 1 });
  });

  it("does not use up an error", async () => {
    const queue = new AsyncQueue<number>();
    const values = queue.iterate();
    const pending = values.next();
    await values.return!();
    expect(await pending).toEqual(DONE);
    queue.fail(new Error("late"));
    await expect(values.next()).rejects.toThrow("late");
  });

  it("lets the iterator be used again", async () => {
    const queue = new AsyncQueue<number>();
    const values = queue.iterate();
    for (const value of [1, 2]) queue.push(value);
    for await (const value of values) {
      expect(value).toBe(1);
      break;
    }
    expect((await values.next()).value).toBe(2);
  });
});

describe("end", () => {
  it("completes every waiting next(), and later ones", async () => {
    const queue = new AsyncQueue<number>();
    const values = queue.iterate();
    const pending = [values.next(), queue.iterate().next()];
    queue.end();
    expect(await Promise.all(pending)).toEqual([DONE, DONE]);
    expect(await values.next()).toEqual(DONE);
  });

  it("follows the values that are kept", async () => {
    const queue = new AsyncQueue<number>();
    queue.push(1);
    queue.end();
    const values = queue.iterate();
    expect((await values.next()).value).toBe(1);
    expect(await values.next()).toEqual(DONE);
  });

  it("resolves every next() with a result of its own", async () => {
    const queue = new AsyncQueue<number>();
    queue.end();
    const values = queue.iterate();
    const result = (await values.next()) as { done?: boolean };
    result.done = false;
    expect(await values.next()).toEqual(DONE);
  });
});

describe("fail", () => {
  it("rejects the next() that has waited longest, and no other one", async () => {
    const queue = new AsyncQueue<number>();
    const values = queue.iterate();
    const pending = [values.next(), values.next()];
    const error = new Error("broken");
    queue.fail(error);
    await expect(pending[0]).rejects.toBe(error);
    expect(await pending[1]).toEqual(DONE);
    expect(await values.next()).toEqual(DONE);
  });

  it("waits for the first next() that finds nothing", async () => {
    const queue = new AsyncQueue<number>();
    queue.push(1);
    queue.fail(undefined);
    const values = queue.iterate();
    expect((await values.next()).value).toBe(1);
    await expect(values.next()).rejects.toBe(undefined);
    expect(await values.next()).toEqual(DONE);
  });

  it("reports an error once, however often it is called", async () => {
    const queue = new AsyncQueue<number>();
    queue.fail(new Error("first"));
    queue.fail(new Error("second"));
    const values = queue.iterate();
    await expect(values.next()).rejects.toThrow("first");
    queue.fail(new Error("third"));
    queue.end();
    expect(await values.next()).toEqual(DONE);
  });

  it("reports an error even after a clean end", async () => {
    const queue = new AsyncQueue<number>();
    queue.end();
    const values = queue.iterate();
    expect(await values.next()).toEqual(DONE);
    queue.fail(new Error("later"));
    await expect(values.next()).rejects.toThrow("later");
  });
});

describe("a producer that makes values on request", () => {
  it("is called only if nothing is kept, while the next() waits", async () => {
    const queue = new AsyncQueue<number>();
    let made = 0;
    const values = queue.iterate(() => {
      expect(queue.isAwaited).toBe(true);
      queue.push(++made);
    });
    queue.push(0);
    const got = [await values.next(), await values.next(), await values.next()];
    expect(got.map(({ value }) => value)).toEqual([0, 1, 2]);
    expect(made).toBe(2);
    expect(queue.size).toBe(0);
  });

  it("may still deliver after the end", async () => {
    const queue = new AsyncQueue<number>();
    const rest = [1, 2];
    const values = queue.iterate(() => {
      if (rest.length > 0) queue.push(rest.shift()!);
    });
    queue.fail(new Error("lost"));
    expect((await values.next()).value).toBe(1);
    expect((await values.next()).value).toBe(2);
    await expect(values.next()).rejects.toThrow("lost");
    expect(await values.next()).toEqual(DONE);
  });

  it("may end or fail while it is called", async () => {
    const ending = new AsyncQueue<number>();
    expect(await ending.iterate(() => ending.end()).next()).toEqual(DONE);
    const failing = new AsyncQueue<number>();
    await expect(failing.iterate(() => failing.fail(7)).next()).rejects.toBe(7);
  });

  it("rejects only that next() if it throws", async () => {
    const queue = new AsyncQueue<number>();
    let isReady = false;
    const values = queue.iterate(() => {
      if (!isReady) throw new TypeError("not now");
    });
    await expect(values.next()).rejects.toThrow("not now");
    expect(queue.isAwaited).toBe(false);
    isReady = true;
    const next = values.next();
    queue.push(1);
    expect((await next).value).toBe(1);
  });

  it("keeps a value that it pushed before it threw", async () => {
    const queue = new AsyncQueue<number>();
    const values = queue.iterate(() => {
      queue.push(1);
      throw new Error("too late");
    });
    expect((await values.next()).value).toBe(1);
  });
});

describe("a producer that throws after it was asked", () => {
  it("takes no turn from iterators that wait for other values", async () => {
    const queue = new AsyncQueue<string>();
    const other = queue.iterate();
    let waiting: Promise<unknown> | undefined;
    const values = queue.iterate(() => {
      queue.push("a");
      waiting = other.next();
      throw new Error("no more");
    });
    expect(await values.next()).toEqual({ done: false, value: "a" });
    queue.push("b");
    expect(await waiting).toEqual({ done: false, value: "b" });
  });
});
