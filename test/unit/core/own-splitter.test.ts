import { describe, expect, it } from "vitest";
import { newSplitter, type OwnSplitter } from "../../../src/core/own-splitter.ts";
import { lengthPrefixed } from "../../../src/index.ts";

// A chunk that waits costs 200 bytes beside its own.
const CHUNK = 200;

/** A splitter that waits for the rest of a frame of 1000 bytes and two. */
function waiting(): OwnSplitter {
  const splitter = newSplitter(lengthPrefixed({ width: 2 }));
  splitter.push(Uint8Array.of(0x03, 0xe8));
  splitter.next();
  return splitter;
}

describe("chunks that wait", () => {
  it("are collected if they are smaller than 512 bytes", () => {
    const splitter = waiting();
    splitter.keep(new Uint8Array(600));
    const first = splitter.held;
    splitter.keep(new Uint8Array(511));
    splitter.keep(new Uint8Array(511));
    expect(splitter.held - first).toBe(2 * 511 + CHUNK);
    splitter.keep(new Uint8Array(512));
    expect(splitter.held - first).toBe(2 * 511 + 512 + 2 * CHUNK);
    splitter.keep(new Uint8Array(1));
    splitter.keep(new Uint8Array(1));
    expect(splitter.held - first).toBe(2 * 511 + 512 + 2 + 3 * CHUNK);
  });

  it("are collected in pieces of 4096 bytes", () => {
    const splitter = waiting();
    splitter.keep(new Uint8Array(600));
    const first = splitter.held;
    for (let i = 0; i < 16; i++) splitter.keep(new Uint8Array(256));
    expect(splitter.held - first).toBe(4096 + CHUNK);
    splitter.keep(new Uint8Array(1));
    expect(splitter.held - first).toBe(4097 + 2 * CHUNK);
  });

  it("are the bytes of the stream, in order, whatever their sizes", () => {
    const bytes = Uint8Array.from({ length: 9000 }, (_, i) => (i * 7) >> 3);
    const splitter = newSplitter(lengthPrefixed({ width: 2 }));
    splitter.push(Uint8Array.of(9000 >> 8, 9000 & 0xff));
    splitter.next();
    let at = 0;
    for (const size of [600, 1, 2, 511, 512, 3, 300, 400, 500, 511, 511, 511, 511, 511, 511, 511]) {
      const chunk = bytes.slice(at, at + size);
      splitter.keep(chunk);
      // A chunk that was copied may be used again.
      if (size < 512) chunk.fill(0xee);
      at += size;
    }
    splitter.keep(bytes.slice(at));
    expect(splitter.pending).toBe(9002);
    expect(splitter.next()).toBe(true);
    expect(splitter.bytes.slice(splitter.start + 2, splitter.end)).toEqual(bytes);
  });

  it("keep no larger memory alive than four times their own", () => {
    const splitter = waiting();
    splitter.keep(new Uint8Array(20_000).subarray(0, 10));
    expect(splitter.held).toBeLessThan(2 + 10 + 2 * CHUNK + 1);
    expect(() => splitter.keep("text" as never)).toThrow(TypeError);
  });
});

describe("the memory of a slab", () => {
  it("is counted apart from the unread bytes in it", () => {
    const splitter = newSplitter(lengthPrefixed({ width: 2 }));
    expect(splitter.spare).toBe(0);
    splitter.push(Uint8Array.of(0, 1, 5));
    splitter.next();
    // Read in place.
    expect([splitter.spare, splitter.isInPlace]).toEqual([0, true]);
    splitter.push(Uint8Array.of(0));
    splitter.push(Uint8Array.of(2, 5));
    expect(splitter.next()).toBe(false);
    expect([splitter.spare, splitter.pending, splitter.isInPlace]).toEqual([253, 3, false]);
    splitter.push(Uint8Array.of(6));
    expect(splitter.next()).toBe(true);
    splitter.compact();
    expect([splitter.spare, splitter.held]).toEqual([256, 0]);
    splitter.clear();
    expect([splitter.spare, splitter.held, splitter.pending]).toEqual([0, 0, 0]);
  });
});

describe("compact", () => {
  it("copies a few unread bytes out of a large chunk, and keeps their place in the stream", () => {
    const splitter = newSplitter(lengthPrefixed({ width: 2 }));
    const chunk = new Uint8Array(2000);
    chunk.set([1997 >> 8, 1997 & 0xff]);
    chunk[1999] = 7;
    splitter.push(chunk);
    expect(splitter.next()).toBe(true);
    splitter.compact();
    expect(splitter.bytes.buffer.byteLength).toBe(1);
    expect([splitter.offset, splitter.pending]).toEqual([1999, 1]);
    expect(splitter.rest()).toEqual(Uint8Array.of(7));
  });
});
