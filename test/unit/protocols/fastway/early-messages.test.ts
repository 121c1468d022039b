import { describe, expect, it } from "vitest";
import { EarlyMessages } from "../../../../src/protocols/fastway/early-messages.ts";

const LIMIT = 1024 * 1024;
/** Cost of a message besides its bytes. */
const COST = 200;
/** Cost of a connection besides its messages. */
const ENTRY = 256;
/** A message that uses `size` of the limit. */
const taking = (size: number): Uint8Array => new Uint8Array(size - COST);
/** Cost limit for the first message of a connection. */
const WHOLE = LIMIT - ENTRY;

describe("EarlyMessages", () => {
  it("keep messages up to the limit, with the cost of each included", () => {
    const early = new EarlyMessages();
    expect(early.add(1, taking(WHOLE))).toBe(true);
    expect(early.isFull).toBe(false);
    // Not one more connection, even without a byte, and no Close for it.
    expect(early.add(2, new Uint8Array(0))).toBe(false);
    early.close(3);
    expect([early.isFull, early.take(2), early.take(3)]).toEqual([true, undefined, undefined]);
    expect(early.take(1)?.messages.length).toBe(1);
    expect(new EarlyMessages().add(1, taking(WHOLE + 1))).toBe(false);
  });

  it("have room again for exactly what was taken", () => {
    const early = new EarlyMessages();
    for (let i = 0; i < 3; i++) {
      early.add(1, taking(1000));
      early.add(1, taking(2000));
      early.close(2);
      expect(early.take(1)?.messages.map(({ length }) => length)).toEqual([800, 1800]);
      expect(early.take(2)).toEqual({ messages: [], isClosed: true, isDropped: false });
      expect(early.add(1, taking(WHOLE))).toBe(true);
      expect(early.add(2, new Uint8Array(0))).toBe(false);
      early.take(1);
    }
  });

  it("have room again for what was dropped, but remember that it was", () => {
    const early = new EarlyMessages();
    for (const size of [1000, 2000]) early.add(1, taking(size));
    expect(early.add(1, taking(LIMIT))).toBe(false);
    // After a drop nothing more is kept, and nothing is reported again.
    expect(early.add(1, taking(300))).toBe(true);
    expect(early.add(2, taking(WHOLE - ENTRY))).toBe(true);
    expect(early.add(2, taking(COST))).toBe(false);
    expect(early.take(1)).toEqual({ messages: [], isClosed: false, isDropped: true });
  });

  it("forget everything, and return the ids that are still open", () => {
    const early = new EarlyMessages();
    for (const id of [1, 2, 3]) early.add(id, taking(1000));
    early.close(2);
    early.add(3, taking(LIMIT));
    expect([early.isFull, early.clear()]).toEqual([true, [1]]);
    expect([early.isFull, early.clear(), early.take(1)]).toEqual([false, [], undefined]);
    expect(early.add(1, taking(WHOLE))).toBe(true);
    expect(early.add(2, new Uint8Array(0))).toBe(false);
  });
});
