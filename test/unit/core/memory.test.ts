import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import {
  compact,
  copy,
  isBytes,
  isDetached,
  pinsMuch,
  plain,
  viewOf,
} from "../../../src/core/memory.ts";
import { decodeFrame, delimited, encodeFrame, raw } from "../../../src/index.ts";

// Frames and the sandboxes of test runners have a Uint8Array of their own.
const foreign = (): Uint8Array => runInNewContext("Uint8Array.of(1, 2, 3)") as Uint8Array;

describe("isDetached", () => {
  it("distinguishes transferred bytes from empty ones", () => {
    const bytes = new Uint8Array(3);
    expect([isDetached(bytes), isDetached(new Uint8Array(0))]).toEqual([false, false]);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    expect(isDetached(bytes)).toBe(true);
    expect(() => encodeFrame(delimited("|").wrap(raw()), bytes)).toThrow("transferred");
  });
});

describe("plain", () => {
  it("leaves a plain Uint8Array as it is", () => {
    const bytes = new Uint8Array(3);
    expect(plain(bytes)).toBe(bytes);
  });

  it("converts a Buffer without copying it", () => {
    const buffer = Buffer.from("xhello").subarray(1);
    const bytes = plain(buffer);
    expect(bytes.constructor).toBe(Uint8Array);
    expect([...bytes]).toEqual([...buffer]);
    buffer[0] = 0x6a;
    expect(bytes[0]).toBe(0x6a);
    expect(bytes.slice(0, 1).buffer).not.toBe(buffer.buffer);
  });

  it("takes the bytes of another realm", () => {
    const bytes = plain(foreign());
    expect(bytes).toBeInstanceOf(Uint8Array);
    expect([...bytes]).toEqual([1, 2, 3]);
  });

  it.each([
    ["an array", [1, 2]],
    ["text", "ab"],
    ["an ArrayBuffer", new ArrayBuffer(2)],
    ["a DataView", new DataView(new ArrayBuffer(2))],
    ["wider elements", Uint16Array.of(256)],
    ["clamped elements", Uint8ClampedArray.of(1)],
    ["an impostor", { [Symbol.toStringTag]: "Uint8Array", length: 1 }],
    ["null", null],
    ["undefined", undefined],
  ])("refuses %s", (_, value) => {
    expect(isBytes(value)).toBe(false);
    expect(() => plain(value as unknown as Uint8Array)).toThrow(TypeError);
  });
});

describe("bytes of another realm", () => {
  it("are written, read and used as a delimiter like all others", () => {
    const protocol = delimited(foreign()).wrap(raw());
    const payload = runInNewContext("Uint8Array.of(7, 8)") as Uint8Array;
    const frame = encodeFrame(protocol, payload);
    expect([...frame]).toEqual([7, 8, 1, 2, 3]);
    const wire = runInNewContext("Uint8Array.of(7, 8, 1, 2, 3)") as Uint8Array;
    expect([...decodeFrame(protocol, wire)]).toEqual([7, 8]);
  });
});

describe("copy", () => {
  // The two ways meet at 64 bytes.
  it.each([0, 1, 63, 64, 65, 500])("copies %s bytes, and touches no others", (count) => {
    const from = Uint8Array.from({ length: count + 4 }, (_, i) => i + 1);
    const to = new Uint8Array(count + 6).fill(0xee);
    copy(from, 2, 2 + count, to, 3);
    expect(to.slice(3, 3 + count)).toEqual(from.slice(2, 2 + count));
    expect([...to.slice(0, 3), ...to.slice(3 + count)]).toEqual(new Array(6).fill(0xee));
  });
});

describe("viewOf", () => {
  it.each([1, 65_536, 65_537])(
    "shows parts of a chunk, also of a part of memory: %s bytes",
    (size) => {
      const memory = Uint8Array.from({ length: size + 3 }, (_, i) => i);
      const chunk = memory.subarray(3);
      for (const [start, end] of [
        [0, 1],
        [0, size],
        [size >> 1, size],
        [size, size],
        [0, 1],
      ] as const) {
        const view = viewOf(chunk, start, end);
        expect(view.buffer).toBe(memory.buffer);
        expect([view.byteOffset, view.length]).toEqual([3 + start, end - start]);
      }
      const other = new Uint8Array(size);
      expect(viewOf(other, 0, size).buffer).toBe(other.buffer);
      expect(viewOf(chunk, 0, size).buffer).toBe(memory.buffer);
    },
  );

  it("keeps to the end of a chunk, as subarray does", () => {
    const chunk = new Uint8Array(8).subarray(0, 4);
    for (let i = 0; i < 3; i++) expect(viewOf(chunk, 2, 6)).toHaveLength(2);
  });

  it("of a Buffer is a Buffer", () => {
    const buffer = Buffer.from("abc");
    for (let i = 0; i < 3; i++) expect(viewOf(buffer, 1, 3)).toBeInstanceOf(Buffer);
  });
});

describe("pinsMuch", () => {
  it.each<[number, number, number, boolean]>([
    [0, 1024, 1024, false],
    [0, 1025, 1025, true],
    [256, 1025, 1025, true],
    [257, 1025, 1025, false],
    [500, 2000, 2000, false],
    [499, 2000, 2000, true],
    [10, 10, 1024, false],
    [10, 10, 1025, true],
    [257, 300, 1028, false],
    [256, 300, 1028, true],
  ])("of %s bytes, of a part of %s of %s bytes, is %s", (length, part, memory, expected) => {
    expect(pinsMuch(length, new Uint8Array(memory).subarray(0, part))).toBe(expected);
  });
});

describe("compact", () => {
  it("leaves a quarter of its memory, and any memory of 1 KiB", () => {
    const few = (length: number, of: number) => new Uint8Array(of).subarray(0, length);
    for (const part of [few(1, 1024), few(257, 1025), few(500, 2000)])
      expect(compact(part)).toBe(part);
    for (const part of [few(256, 1025), few(499, 2000)]) {
      expect(compact(part).buffer.byteLength).toBe(part.length);
    }
  });

  it("copies a few bytes of large memory, and not bytes that fill their own", () => {
    const memory = new Uint8Array(2000).fill(7);
    const few = memory.subarray(10, 34);
    const copied = compact(few);
    expect([...copied]).toEqual([...few]);
    expect(copied.buffer.byteLength).toBe(24);
    const many = memory.subarray(10, 510);
    expect(compact(many)).toBe(many);
    expect(compact(memory)).toBe(memory);
  });
});
