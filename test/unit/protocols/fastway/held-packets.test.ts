import { describe, expect, it } from "vitest";
import { EarlyMessages } from "../../../../src/protocols/fastway/early-messages.ts";
import { compacted, costOf, HeldPackets } from "../../../../src/protocols/fastway/held-packets.ts";
import { heldBytes } from "../../../support/garbage.ts";

// Waiting packets in a gateway or endpoint are counted at their cost in memory.

/** Bytes that `make` adds to the heap, and its result, which is kept alive. */
async function held<T>(make: () => T): Promise<{ readonly bytes: number; readonly kept: T }> {
  make();
  const before = await heldBytes();
  const kept = make();
  return { bytes: (await heldBytes()) - before, kept };
}

const COUNT = 20_000;
/** Messages as they lie in chunks: each next to others that do not wait. */
let chunk = new Uint8Array(0);
let at = 0;
function messageOf(length: number): Uint8Array {
  if (at + 3 * length + 10 > chunk.length) {
    chunk = new Uint8Array(Math.max(1000, 4 * length));
    at = 0;
  }
  at += 2 * length + 10;
  return chunk.subarray(at, at + length);
}

describe("packets that wait at a gateway", () => {
  it.each([0, 1, 20, 64, 300])("count the memory of messages of %d bytes", async (length) => {
    const { bytes, kept } = await held(() => {
      const packets = new HeldPackets();
      for (let connId = 0; connId < COUNT; connId++) {
        const packet = { type: "message", connId, message: messageOf(length) } as const;
        let isHeld = true;
        packets.add(compacted(packet), costOf(packet), () => {
          isHeld = !isHeld;
        });
      }
      return packets;
    });
    expect(kept.size).toBe(COUNT);
    expect(bytes).toBeLessThan(1.1 * kept.cost);
  });

  it("count the memory of commands", async () => {
    const { bytes, kept } = await held(() => {
      const packets = new HeldPackets();
      for (let connId = 0; connId < COUNT; connId++) {
        const packet = { type: "close", connId } as const;
        let isHeld = true;
        packets.add(compacted(packet), costOf(packet), () => {
          isHeld = !isHeld;
        });
      }
      return packets;
    });
    expect(kept.size).toBe(COUNT);
    expect(bytes).toBeLessThan(1.1 * kept.cost);
  });
});

describe("messages that arrived before their connection was known", () => {
  it.each([
    [1, 0],
    [1, 20],
    [100_000, 0],
    [100_000, 20],
  ])(
    "use little more than a MiB together, of %d connections with %d bytes each",
    async (connections, length) => {
      const { bytes, kept } = await held(() => {
        const early = new EarlyMessages();
        for (let i = 0; i < 100_000; i++) early.add(i % connections, messageOf(length));
        return early;
      });
      expect(kept.isFull).toBe(true);
      expect(bytes).toBeLessThan(1.4 * 1024 * 1024);
    },
  );
});
