import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Endian, Output } from "../../../src/index.ts";
import { failureOf, sameBytes } from "../../support/chunks.ts";

describe("Output.reserve and patch", () => {
  it("reserve room for a number that is known later", () => {
    const out = new Output().u8(9);
    const at = out.reserve(3);
    expect(at).toBe(1);
    out.u8(8);
    expect([...out.view()]).toEqual([9, 0, 0, 0, 8]);
    expect(out.patch(at, 3, 0x010203)).toBe(out);
    expect([...out.patch(at, 2, 0x0405, "le").take()]).toEqual([9, 5, 4, 3, 8]);
  });

  it("count positions from the last take", () => {
    const out = new Output().u32be(0x01020304);
    const first = out.take();
    expect(out.reserve(1)).toBe(0);
    out.patch(0, 1, 7);
    expect([...out.take()]).toEqual([7]);
    expect([...first]).toEqual([1, 2, 3, 4]);
  });

  it("reserve zeros, whatever a frame that was rolled back left there", () => {
    const out = new Output(8).bytes(new Uint8Array(8).fill(0xff));
    out.truncate(0).reserve(4);
    expect([...out.take()]).toEqual([0, 0, 0, 0]);
  });

  it("write every width from 1 to 8, both ways round", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.bigInt(0n, (1n << 64n) - 1n),
        fc.constantFrom<Endian>("be", "le"),
        (width, wide, endian) => {
          const value = BigInt.asUintN(8 * width, wide);
          const out = new Output().u8(0x55).bytes(new Uint8Array(width).fill(0x99)).u8(0xaa);
          out.patch(1, width, value, endian);
          const digits = [...out.view(1, 1 + width)];
          if (endian === "le") digits.reverse();
          expect(digits.reduce((sum, digit) => sum * 256n + BigInt(digit), 0n)).toBe(value);
          expect([out.view()[0], out.view()[width + 1]]).toEqual([0x55, 0xaa]);
          if (value <= BigInt(Number.MAX_SAFE_INTEGER)) {
            const same = out.view().slice();
            expect(out.patch(1, width, Number(value), endian).view()).toEqual(same);
          }
        },
      ),
    );
  });

  it("refuse a number that does not fit, and change nothing", () => {
    const out = new Output().u32be(0x01020304);
    for (const [width, value] of [
      [1, 256],
      [2, 65536],
      [3, -1],
      [4, 2 ** 32],
      [1, 0.5],
      [4, NaN],
      [2, 65536n],
      [4, -1n],
    ] as const) {
      const failure = failureOf(() => out.patch(0, width, value));
      expect(failure).toMatchObject({ code: "unencodable" });
      expect(failure?.message).toBe(`u${8 * width} cannot hold ${value}`);
    }
    expect([...out.view()]).toEqual([1, 2, 3, 4]);
  });

  it("stay within the written bytes", () => {
    const out = new Output(64).u32be(1);
    for (const [at, width] of [
      [4, 1],
      [3, 2],
      [-1, 2],
      [0.5, 1],
      [NaN, 1],
      [0, 5],
    ] as const) {
      expect(() => out.patch(at, width, 0)).toThrow(RangeError);
    }
  });

  it("know no width but 1 to 8", () => {
    const out = new Output().bytes(new Uint8Array(20).fill(7));
    for (const width of [0, 9, -1, 1.5, NaN]) {
      expect(() => out.patch(0, width, 0)).toThrow(RangeError);
    }
    expect(out.view()).toEqual(new Uint8Array(20).fill(7));
  });

  it("refuse a width of 9, however many bytes are written", () => {
    const out = new Output().bytes(new Uint8Array(20));
    for (const width of [0, 9, 0.5, Number.NaN]) {
      expect(() => out.patch(0, width, 1)).toThrow(RangeError);
      expect(() => out.sized(width, "be", () => {})).toThrow(RangeError);
    }
    expect(out.take()).toEqual(new Uint8Array(20));
  });

  it.each([-1, 0.5, NaN, Infinity])("refuse to make room for %s bytes, and go on", (count) => {
    const out = new Output().u16be(0x0102);
    expect(() => out.reserve(count)).toThrow(RangeError);
    expect(() => out.insert(0, count)).toThrow(RangeError);
    expect([...out.u8(3).take()]).toEqual([1, 2, 3]);
  });
});

describe("Output.insert", () => {
  it("opens a gap of zeros anywhere", () => {
    const out = new Output(8).u32be(0x01020304);
    expect([...out.insert(0, 1).view()]).toEqual([0, 1, 2, 3, 4]);
    expect([...out.insert(5, 2).view()]).toEqual([0, 1, 2, 3, 4, 0, 0]);
    expect([...out.insert(2, 3).take()]).toEqual([0, 1, 0, 0, 0, 2, 3, 4, 0, 0]);
  });

  it("stays within the written bytes", () => {
    const out = new Output(8).u8(1);
    for (const at of [2, -1, 0.5, NaN]) expect(() => out.insert(at, 1)).toThrow(RangeError);
    expect([...out.take()]).toEqual([1]);
  });
});

describe("Output.view", () => {
  it("returns the written bytes, or a part of them", () => {
    const out = new Output().u32be(0x01020304);
    expect([...out.view()]).toEqual([1, 2, 3, 4]);
    expect([...out.view(1)]).toEqual([2, 3, 4]);
    expect([...out.view(1, 3)]).toEqual([2, 3]);
    expect([...out.view(4)]).toEqual([]);
    expect(out.length).toBe(4);
  });

  it("shows nothing else", () => {
    const out = new Output(64).u32be(1);
    out.take();
    out.u8(1);
    for (const [start, end] of [
      [0, 2],
      [2, 2],
      [-1, 1],
      [1, 0],
      [0.5, 1],
      [0, NaN],
      [0, 0.5],
    ]) {
      expect(() => out.view(start, end), `${start} to ${end}`).toThrow(RangeError);
    }
  });
});

describe("Output.truncate", () => {
  it("forgets the end", () => {
    const out = new Output().u32be(0x01020304);
    expect([...out.truncate(2).u8(9).take()]).toEqual([1, 2, 9]);
  });

  it.each([3, -1, 0.5, NaN])("refuses the length %s of 2", (length) => {
    expect(() => new Output(8).u16be(1).truncate(length)).toThrow(RangeError);
  });
});

describe("Output.take", () => {
  it("returns everything once", () => {
    const out = new Output().u8(1);
    expect([...out.take()]).toEqual([1]);
    expect(out.length).toBe(0);
    expect(out.take()).toHaveLength(0);
  });

  it("lets small pieces share a slab, and lets a large slab go", () => {
    const out = new Output();
    const [a, b] = [out.u8(1).take(), out.u8(2).take()];
    expect(b.buffer).toBe(a.buffer);
    expect(a.buffer.byteLength).toBe(8 * 1024);
    // Piece by piece: the slab that grew has room left.
    for (let i = 0; i < 1000; i++) out.bytes(new Uint8Array(100));
    const large = out.take();
    expect(large.buffer.byteLength).toBeGreaterThan(large.length);
    const after = out.u8(3).take();
    expect(after.buffer).not.toBe(large.buffer);
    expect(after.buffer.byteLength).toBe(8 * 1024);
  });

  it("makes room immediately for the capacity of the constructor", () => {
    const out = new Output(1000);
    const { buffer } = out.view();
    out.bytes(new Uint8Array(1000));
    expect(out.view().buffer).toBe(buffer);
  });
});

describe("Output's growth", () => {
  it("is linear: each byte is moved a few times at most", () => {
    const out = new Output();
    const buffers = new Set<ArrayBufferLike>();
    for (let i = 0; i < 1 << 20; i++) {
      out.u8(i & 0xff);
      buffers.add(out.view(0, 0).buffer);
    }
    // 8 KiB doubled until 1 MiB is in: eight slabs, whose sizes add up to less than twice the last one.
    expect(buffers.size).toBeLessThanOrEqual(9);
    const sum = [...buffers].reduce((all, { byteLength }) => all + byteLength, 0);
    expect(sum).toBeLessThanOrEqual(4 << 20);
    out.view().forEach((byte, i) => {
      if (byte !== (i & 0xff)) throw new Error(`byte ${i} is ${byte}`);
    });
  });
});

describe("a long text", () => {
  it.each([
    ["ASCII", "x", 8000],
    ["two bytes a unit", "é", 16_000],
    ["three bytes a unit", "語", 24_000],
    ["pairs", "😀", 32_000],
  ])("of %s takes no more memory than its bytes", (_, character, length) => {
    const text = character.repeat(8000);
    const bytes = new Output().utf8(text).take();
    expect([bytes.length, bytes.buffer.byteLength]).toEqual([length, Math.max(8192, length)]);
    expect(bytes).toEqual(new TextEncoder().encode(text));
  });

  it("that is refused leaves the output as it was", () => {
    const out = new Output().u8(1);
    expect(() => out.utf8(`${"é".repeat(9000)}\ud800`)).toThrow("surrogate");
    expect([...out.take()]).toEqual([1]);
  });
});

// The model is an array of numbers: after any operations in any order, an output holds the same as the model,
// and taken bytes never change.
type Step = (out: Output, model: number[], taken: [Uint8Array, number[]][]) => void;

const zeros = (count: number): number[] => new Array<number>(count).fill(0);

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.nat(255).map(
    (byte): Step =>
      (out, model) => {
        out.u8(byte);
        model.push(byte);
      },
  ),
  fc.uint8Array({ maxLength: 40 }).map(
    (bytes): Step =>
      (out, model) => {
        out.bytes(bytes);
        model.push(...bytes);
      },
  ),
  // Long enough to need new slabs.
  fc.tuple(fc.integer({ min: 3000, max: 9000 }), fc.nat(255)).map(
    ([count, byte]): Step =>
      (out, model) => {
        out.bytes(new Uint8Array(count).fill(byte));
        for (let i = 0; i < count; i++) model.push(byte);
      },
  ),
  fc.string({ unit: "grapheme", maxLength: 40 }).map(
    (value): Step =>
      (out, model) => {
        out.utf8(value);
        model.push(...new TextEncoder().encode(value));
      },
  ),
  fc.nat(20).map(
    (count): Step =>
      (out, model) => {
        expect(out.reserve(count)).toBe(model.length);
        model.push(...zeros(count));
      },
  ),
  fc.tuple(fc.nat(), fc.nat(9)).map(
    ([place, count]): Step =>
      (out, model) => {
        const at = place % (model.length + 1);
        out.insert(at, count);
        model.splice(at, 0, ...zeros(count));
      },
  ),
  fc.tuple(fc.nat(), fc.nat(0xffff)).map(
    ([place, value]): Step =>
      (out, model) => {
        if (model.length < 2) return;
        const at = place % (model.length - 1);
        out.patch(at, 2, value);
        model.splice(at, 2, value >> 8, value & 0xff);
      },
  ),
  fc.nat().map(
    (place): Step =>
      (out, model) => {
        const length = place % (model.length + 1);
        out.truncate(length);
        model.length = length;
      },
  ),
  fc.constantFrom(
    (out: Output): unknown => failureOf(() => out.u16be(-1)),
    (out: Output): unknown => failureOf(() => out.u64le(-1n)),
    (out: Output): unknown => failureOf(() => out.utf8(`${"x".repeat(30)}\ud800`)),
  ) as fc.Arbitrary<Step>,
  fc.constant<Step>((out, model, taken) => {
    taken.push([out.take(), model.splice(0)]);
  }),
);

describe("Output and a plain array", () => {
  it("hold the same bytes after any steps, and bytes taken are never written again", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
        const out = new Output();
        const model: number[] = [];
        const taken: [Uint8Array, number[]][] = [];
        for (const run of steps) {
          run(out, model, taken);
          expect(out.length).toBe(model.length);
        }
        taken.push([out.take(), model]);
        for (const [bytes, expected] of taken) expect(sameBytes(bytes, expected)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
});
