import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { newScan } from "../../../src/core/index.ts";
import {
  delimited,
  type Framing,
  fixed,
  lengthPrefixed,
  lines,
  netstring,
  Splitter,
  varintPrefixed,
} from "../../../src/index.ts";
import { concat } from "../../support/chunks.ts";

// The cost of reading, counted and not timed: new bytes passed to the framing, bytes copied, memory
// allocated.

const spent = { measured: 0, fresh: 0, copied: 0, allocations: 0, allocated: 0 };

vi.mock("../../../src/core/memory.ts", async (original) => {
  const memory = await original<typeof import("../../../src/core/memory.ts")>();
  return {
    ...memory,
    copy(...args: Parameters<typeof memory.copy>): void {
      spent.copied += args[2] - args[1];
      memory.copy(...args);
    },
  };
});

const { Uint8Array: real } = globalThis;

// Calls of the constructor with a number allocate memory; all others make views.
const counted = new Proxy(real, {
  construct(target, args, newTarget) {
    if (typeof args[0] === "number") {
      spent.allocations++;
      spent.allocated += args[0];
    }
    return Reflect.construct(target, args, newTarget) as object;
  },
});

function countAllocations(): void {
  vi.stubGlobal("Uint8Array", counted);
  real.prototype.constructor = counted;
}

function countNoMore(): void {
  vi.unstubAllGlobals();
  real.prototype.constructor = real;
}

beforeEach(() => {
  for (const key of Object.keys(spent) as (keyof typeof spent)[]) spent[key] = 0;
});

afterEach(countNoMore);

/** The same framing, which counts the bytes passed to it. */
function counting(framing: Framing): Framing {
  return {
    maxFrame: framing.maxFrame,
    measure(bytes, start, end, scan) {
      spent.measured++;
      spent.fresh += end - start - scan.at;
      return framing.measure(bytes, start, end, scan);
    },
  };
}

/** Reads `stream` in pieces of `size`, and returns the number of frames. */
function read(framing: Framing, stream: Uint8Array, size: number): number {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < stream.length; at += size) chunks.push(stream.slice(at, at + size));
  const splitter = new Splitter(counting(framing));
  countAllocations();
  let frames = 0;
  for (const chunk of chunks) {
    splitter.push(chunk);
    while (splitter.next()) frames++;
  }
  splitter.finish();
  countNoMore();
  return frames;
}

const repeated = (bytes: Uint8Array, times: number): Uint8Array =>
  concat(Array.from({ length: times }, () => bytes));

/** A frame of `length` bytes that repeats `text` and ends in `end`. */
function filledWith(text: string, length: number, end: string): Uint8Array {
  const frame = new Uint8Array(length);
  for (let i = 0; i < length; i++) frame[i] = text.charCodeAt(i % text.length);
  for (let i = 0; i < end.length; i++) frame[length - end.length + i] = end.charCodeAt(i);
  return frame;
}

function prefixed(length: number, header: readonly number[]): Uint8Array {
  const frame = new Uint8Array(length).fill(0x0a);
  frame.set(header);
  return frame;
}

// Frames of 64 bytes, which a header or a delimiter tells.
const small: readonly (readonly [string, Framing, Uint8Array])[] = [
  ["u8", lengthPrefixed({ width: 1 }), prefixed(64, [63])],
  ["u32", lengthPrefixed({ width: 4 }), prefixed(64, [0, 0, 0, 60])],
  [
    "u16 behind a header",
    lengthPrefixed({ width: 2, offset: 6 }),
    prefixed(64, [1, 2, 3, 4, 5, 6, 0, 56]),
  ],
  ["varint", varintPrefixed(), prefixed(64, [63])],
  ["overlong varint", varintPrefixed(), prefixed(64, [0xbd, 0x80, 0])],
  ["lines", lines(), filledWith("x", 64, "\r\n")],
  ["aa", delimited("aa"), filledWith("ab", 64, "baa")],
  ["several delimiters", delimited(["abab", "\r\n", "baa"]), filledWith("ab.", 64, "baa")],
  ["netstring", netstring(), filledWith("60:x", 64, ",").fill(0x78, 3, 63)],
  ["fixed", fixed(64), prefixed(64, [])],
];

describe.each(small)("many frames of 64 bytes: %s", (_, framing, frame) => {
  const stream = repeated(frame, 1000);

  it.each([1, 2, 3, 7, 63, 64, 65, 100, 1400, 64_000])("in chunks of %s bytes", (size) => {
    const chunks = Math.ceil(stream.length / size);
    expect(read(framing, stream, size)).toBe(1000);
    expect(spent.measured).toBeLessThanOrEqual(1000 + chunks + Math.min(chunks, 3000));
    // A frame in one chunk is measured with the rest of the chunk visible: that is not work of the splitter.
    if (size <= 64) expect(spent.fresh).toBeLessThanOrEqual(3 * stream.length);
    expect(spent.copied).toBeLessThanOrEqual(2 * stream.length);
    expect(spent.allocated).toBeLessThanOrEqual(2 * stream.length + 32 * 1024);
    // 64 KB in pieces, through slabs that grow to 16 KiB.
    expect(spent.allocations).toBeLessThanOrEqual(16);
  });

  it("copies a frame across two chunks, and little of the chunk after it", () => {
    // 6 of 7 chunk ends are in the middle of a frame.
    const straddling = 6;
    read(framing, stream, 9150);
    expect(spent.copied).toBeGreaterThanOrEqual(64 * straddling);
    // If the header has the length, not one byte too many; each cut here is after the header.
    const isKnown = framing.measure(frame, 0, 8, newScan()) === 64;
    expect(spent.copied).toBeLessThanOrEqual((isKnown ? 1 : 2) * 64 * straddling);
  });

  it("costs nothing if each frame is complete in its chunk", () => {
    read(framing, stream, 640);
    expect(spent).toMatchObject({ measured: 1000, copied: 0, allocations: 0 });
  });
});

const MIB = 1024 * 1024;

/** Pushes a chunk without another reference to it. */
function given(splitter: Splitter, chunk: Uint8Array): WeakRef<ArrayBufferLike> {
  splitter.push(chunk);
  return new WeakRef(chunk.buffer);
}

/** Collects garbage: a full turn of the event loop frees the targets of WeakRefs that were read. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  await new Promise((resolve) => setTimeout(resolve));
  gc();
}

type Case = readonly [name: string, framing: Framing, frame: (length: number) => Uint8Array];

const be32 = (length: number): number[] => [length >> 24, length >> 16, length >> 8, length];
const leb128 = (length: number): number[] => [
  (length & 0x7f) | 0x80,
  ((length >> 7) & 0x7f) | 0x80,
  length >> 14,
];

// Long frames, filled with bytes that resemble their end.
const large: readonly Case[] = [
  ["u32", lengthPrefixed({ width: 4 }), (n) => prefixed(n, be32(n - 4))],
  ["varint", varintPrefixed(), (n) => prefixed(n, leb128(n - 3))],
  ["lines", lines(), (n) => filledWith("\r", n, "\r\n")],
  ["a NUL", delimited("\0"), (n) => filledWith("a", n, "\0")],
  ["aaab, in a run of a", delimited("aaab"), (n) => filledWith("a", n, "aaab")],
  ["abab, in abb", delimited("abab"), (n) => filledWith("abb", n, "abab")],
  ["several delimiters", delimited(["aac", "\r\n", "ab"]), (n) => filledWith("a", n, "aac")],
];

describe.each(large)("a long frame: %s", (_, framing, frameOf) => {
  it.each([
    [MIB, 64],
    [MIB, 1400],
    [MIB / 8, 1],
  ])("of %s bytes in chunks of %s", (length, size) => {
    expect(read(framing, frameOf(length), size)).toBe(1);
    expect(spent.measured).toBeLessThanOrEqual(Math.ceil(length / size) + 40);
    expect(spent.fresh).toBeLessThanOrEqual(length);
    // Doubling: each byte is moved twice on the average, once in and once on.
    expect(spent.copied).toBeLessThanOrEqual(3 * length);
    expect(spent.allocated).toBeLessThanOrEqual(5 * length);
    expect(spent.allocations).toBeLessThanOrEqual(16);
  });

  it("in two chunks is gathered once", () => {
    expect(read(framing, frameOf(MIB), MIB / 2 + 1)).toBe(1);
    expect(spent.copied).toBeLessThanOrEqual(2 * MIB);
    expect(spent.allocations).toBeLessThanOrEqual(3);
  });
});

describe.each(large.slice(0, 2))("a long frame that says its length: %s", (_, framing, frameOf) => {
  it("gets exactly its memory once half of it is here", () => {
    expect(read(framing, frameOf(MIB), MIB / 2 + 1)).toBe(1);
    expect(spent).toMatchObject({ copied: MIB, allocations: 1, allocated: MIB });
  });
});

describe("a delimiter search", () => {
  // Counts what measure itself looks at, with bytes that count.
  function looks(framing: Framing, length: number, fill: string, end: string): number {
    let looked = 0;
    const frame = filledWith(fill, length, end);
    const bytes = new Proxy(frame, {
      get(target, key) {
        if (typeof key === "string" && /^\d+$/.test(key)) looked++;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    expect(framing.measure(bytes, 0, length, newScan())).toBe(length);
    return looked;
  }

  it.each<[string, string | string[], string, string]>([
    ["overlaps itself", "aaaaaaaab", "a", "aaaaaaaab"],
    ["is periodic", "abababac", "ab", "abababac"],
    ["is one of several", ["aaaaaaaab", "aaaac", "ba"], "a", "aaaac"],
  ])("looks at each byte once, where the delimiter %s", (_, delimiters, fill, end) => {
    expect(looks(delimited(delimiters), 400, fill, end)).toBeLessThanOrEqual(2 * 400);
  });

  it("looks at no byte twice", () => {
    const framing = delimited("aaab");
    const frame = filledWith("a", 5000, "aaab");
    for (const shown of [1, 3, 4, 100, 4996, 4999]) {
      const scan = newScan();
      expect(framing.measure(frame, 0, shown, scan)).toBe(0);
      // Bytes that it must not look at again are overwritten.
      const lying = frame.slice();
      for (let i = 0; i < shown; i++) lying[i] = i % 4 === 3 ? 0x62 : 0x61;
      expect(framing.measure(lying, 0, 5000, scan)).toBe(5000);
    }
  });
});

describe("memory", () => {
  it("is never allocated because of a header alone", () => {
    const framing = lengthPrefixed({ width: 4, maxFrame: 2 ** 31 });
    const splitter = new Splitter(framing);
    splitter.push(Uint8Array.of(0x7f, 0xff, 0xff, 0x00, 1, 2, 3));
    countAllocations();
    for (let i = 0; i < 1000; i++) {
      expect(splitter.next()).toBe(false);
      splitter.push(Uint8Array.of(7));
    }
    countNoMore();
    expect(splitter.pending).toBe(1007);
    // 1000 of the bytes are this test's own chunks.
    expect(spent.allocated).toBeLessThanOrEqual(4 * 1007);
  });

  it("of a very large frame is released with it, even while the splitter waits", async () => {
    const splitter = new Splitter(lengthPrefixed({ width: 4 }));
    const frame = prefixed(500_000, [0, 0x07, 0xa1, 0x1c]);
    splitter.push(frame.slice(0, 10));
    splitter.next();
    splitter.push(frame.slice(10));
    expect(splitter.next()).toBe(true);
    const memory = new WeakRef(splitter.bytes.buffer);
    expect(memory.deref()?.byteLength).toBe(500_000);
    expect(splitter.next()).toBe(false);
    await collectGarbage();
    expect(memory.deref()).toBeUndefined();
    expect(splitter.pending).toBe(0);
  });

  it("of a chunk is released once its bytes are collected, even while the splitter waits", async () => {
    const splitter = new Splitter(lengthPrefixed({ width: 4 }));
    splitter.push(Uint8Array.of(0, 0x0f, 0, 0, 1));
    splitter.next();
    const memory = given(splitter, new Uint8Array(100_000));
    expect(splitter.next()).toBe(false);
    await collectGarbage();
    expect(memory.deref()).toBeUndefined();
    expect(splitter.pending).toBe(100_005);
  });

  it("of chunks is released one by one, even if another chunk always waits", async () => {
    const splitter = new Splitter(fixed(1000));
    const memory = given(splitter, new Uint8Array(1000));
    for (let i = 0; i < 200; i++) {
      splitter.push(new Uint8Array(1000));
      expect(splitter.next()).toBe(true);
    }
    await collectGarbage();
    expect(memory.deref()).toBeUndefined();
    expect(splitter.pending).toBe(1000);
  });

  it("of a drip is kept, for the next drip", () => {
    const splitter = new Splitter(lengthPrefixed({ width: 1 }));
    const buffers = new Set<ArrayBufferLike>();
    for (let i = 0; i < 100; i++) {
      for (const byte of [1, 7]) {
        splitter.push(Uint8Array.of(byte));
        while (splitter.next()) buffers.add(splitter.bytes.buffer);
      }
    }
    expect(buffers.size).toBe(1);
  });

  it("of a chunk is released when it is read", () => {
    const splitter = new Splitter(lines());
    splitter.push(new Uint8Array(100_000).fill(0x0a));
    while (splitter.next());
    expect(splitter.bytes).toHaveLength(0);
  });

  it("of chunks that wait is not copied", () => {
    const chunks = Array.from({ length: 500 }, () => prefixed(64, [63]));
    const splitter = new Splitter(lengthPrefixed({ width: 1 }));
    countAllocations();
    for (const chunk of chunks) splitter.push(chunk);
    for (const chunk of chunks) {
      expect(splitter.next()).toBe(true);
      expect(splitter.bytes).toBe(chunk);
    }
    expect(splitter.next()).toBe(false);
    countNoMore();
    expect(spent).toMatchObject({ copied: 0, allocations: 0 });
  });
});
