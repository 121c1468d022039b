import { PassThrough, Writable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ManualClock } from "../../../../src/testing/index.ts";
import { silenceGate, spacedSink } from "../../../../src/transports/node/silence.ts";
import { StreamSink } from "../../../../src/transports/node/stream-sink.ts";

/** What was put off to a later turn. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function gateOf(silence: number, most = 100) {
  const clock = new ManualClock();
  const frames: string[] = [];
  const gate = silenceGate({
    clock,
    silence,
    most: () => most,
    deliver: (bytes) => frames.push(String.fromCharCode(...bytes)),
  });
  const push = (text: string): void => gate.push(Buffer.from(text));
  const advance = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await settle();
  };
  return { clock, gate, frames, push, advance };
}

describe("a silence gate", () => {
  it("ends a frame after the time without a byte, counted from the last one", async () => {
    const { frames, push, advance } = gateOf(50);
    push("a");
    await advance(49);
    push("b");
    await advance(49);
    expect(frames).toEqual([]);
    await advance(1);
    expect(frames).toEqual(["ab"]);
    push("c");
    await advance(50);
    push("d");
    await advance(500);
    expect(frames).toEqual(["ab", "c", "d"]);
  });

  it("has no timer while the line is idle", async () => {
    const { clock, push, advance } = gateOf(50);
    expect(clock.waiting).toBe(0);
    push("a");
    expect(clock.waiting).toBe(1);
    await advance(50);
    expect(clock.waiting).toBe(0);
  });

  it("reads what waits behind a late timer before the frame is over", async () => {
    const { clock, frames, push, advance } = gateOf(50);
    push("a");
    // The program was busy: the timer runs first, then the bytes are read that came in time.
    clock.advance(70);
    push("b");
    await settle();
    expect(frames).toEqual([]);
    await advance(50);
    expect(frames).toEqual(["ab"]);
  });

  it("delivers one byte more than the longest frame, and drops the rest of it", async () => {
    const { frames, push, advance } = gateOf(50, 4);
    push("abcd");
    await advance(50);
    push("abc");
    push("defgh");
    push("ijkl");
    expect(frames).toEqual(["abcd", "abcde"]);
    await advance(50);
    push("next");
    await advance(50);
    expect(frames).toEqual(["abcd", "abcde", "next"]);
  });

  it("takes the end of the stream for silence, and delivers nothing once it was stopped", async () => {
    const { clock, gate, frames, push, advance } = gateOf(50);
    push("last");
    gate.flush();
    gate.flush();
    expect(frames).toEqual(["last"]);
    await advance(50);
    push("lost");
    gate.stop();
    push("too");
    await advance(50);
    expect([frames, clock.waiting]).toEqual([["last"], 0]);
    const late = gateOf(50);
    late.push("a");
    late.clock.advance(50);
    late.gate.stop();
    await settle();
    expect(late.frames).toEqual([]);
  });

  it("works with a clock without soon", () => {
    const clock = new ManualClock();
    const frames: number[] = [];
    const bare = {
      now: () => clock.now(),
      after: (ms: number, run: () => void) => clock.after(ms, run),
    };
    const deliver = (bytes: Uint8Array): void => void frames.push(bytes.length);
    const gate = silenceGate({ clock: bare, silence: 5, most: () => 10, deliver });
    gate.push(new Uint8Array(3));
    gate.push(new Uint8Array(0));
    clock.advance(5);
    expect(frames).toEqual([3]);
  });

  it("keeps every byte in order, for any gaps", async () => {
    const piece = fc.record({
      gap: fc.nat(100),
      text: fc.string({ minLength: 1, maxLength: 600 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(piece), async (pieces) => {
        const { gate, clock, frames } = gateOf(50, 1_000_000);
        const expected: string[] = [];
        for (const { gap, text } of pieces) {
          clock.advance(gap);
          await Promise.resolve();
          const latin = text.replace(/[^ -~]/g, "?");
          if (gap >= 50 || expected.length === 0) expected.push(latin);
          else expected[expected.length - 1] += latin;
          gate.push(Buffer.from(latin));
        }
        clock.advance(50);
        await Promise.resolve();
        expect(frames).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });
});

describe("a spaced sink", () => {
  function spaced() {
    const clock = new ManualClock();
    const stream = new PassThrough();
    const written: string[] = [];
    stream.on("data", (chunk) => written.push(`${clock.now()} ${chunk}`));
    let drains = 0;
    const sink = spacedSink(new StreamSink(stream, stream), {
      ...{ clock, silence: 20, writable: stream, port: undefined },
      drained: () => drains++,
    });
    const write = (text: string): boolean => sink.write(new Uint8Array(Buffer.from(text)), false);
    const advance = async (ms: number): Promise<void> => {
      await settle();
      clock.advance(ms);
      await settle();
    };
    return { clock, stream, written, sink, write, advance, drains: () => drains };
  }

  it("leaves the line silent between two frames, and tells when there is room again", async () => {
    const { sink, written, write, advance, drains } = spaced();
    expect([write("a"), write("b"), write("c")]).toEqual([true, false, false]);
    expect(sink.buffered?.()).toBeGreaterThanOrEqual(2);
    await advance(19);
    expect(written).toEqual(["0 a"]);
    await advance(1);
    expect([written, drains()]).toEqual([["0 a", "20 b"], 0]);
    await advance(20);
    expect([written, drains()]).toEqual([["0 a", "20 b", "40 c"], 1]);
    await advance(100);
    expect(write("d")).toBe(true);
    await settle();
    expect(written.at(-1)).toBe("140 d");
  });

  it("ends the line after the last frame, or at once by abort", async () => {
    for (const way of ["close", "end"] as const) {
      const { sink, stream, written, write, advance } = spaced();
      write("a");
      write("b");
      sink[way]?.();
      await advance(20);
      expect(written).toEqual(["0 a", "20 b"]);
      expect(stream.writableEnded).toBe(true);
    }
    const idle = spaced();
    idle.write("a");
    await settle();
    idle.sink.close();
    expect(idle.stream.writableEnded).toBe(true);
    const cut = spaced();
    cut.write("a");
    cut.write("b");
    await settle();
    cut.sink.abort();
    expect([cut.stream.destroyed, cut.clock.waiting]).toEqual([true, 0]);
    expect(cut.write("c")).toBe(true);
  });

  it("does not wait for a line that is gone", async () => {
    const clock = new ManualClock();
    const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error("gone")) });
    broken.on("error", () => {});
    const sink = spacedSink(new StreamSink(new PassThrough(), broken), {
      ...{ clock, silence: 20, writable: broken, port: undefined },
      drained() {},
    });
    expect(sink.write(Uint8Array.of(1), false)).toBe(true);
    await settle();
    expect(clock.waiting).toBe(0);
    sink.pause();
    sink.resume();
    expect(sink.peer).toBeUndefined();
  });
});
