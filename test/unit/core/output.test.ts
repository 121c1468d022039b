import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeUtf8, Output, ProtocolError } from "../../../src/index.ts";
import { failureOf, text } from "../../support/chunks.ts";
import { floats, integers, natural, written } from "../../support/numbers.ts";

/** Checks that a value is refused, and that the output is unchanged and still works. */
function expectRefusal(out: Output, write: () => unknown): void {
  const before = out.view().slice();
  expect(failureOf(write)).toMatchObject({ code: "unencodable", offset: undefined });
  expect(out.view()).toEqual(before);
}

describe.each(integers)("Output.$name", (integer) => {
  const { width, least, most, read, write } = integer;

  it("writes every value of its range, including the ends, and its reader returns it", () => {
    const value = fc.bigInt(least, most);
    const ends = fc.constantFrom(least, least + 1n, most - 1n, most, most / 2n, 0n, 1n);
    fc.assert(
      fc.property(fc.oneof(value, ends), (value) => {
        const bytes = written((out) => write(out.u8(0x55), natural(integer, value)).u8(0xaa));
        expect(bytes).toHaveLength(width + 2);
        expect(read(bytes, 1)).toBe(natural(integer, value));
        expect([bytes[0], bytes[width + 1]]).toEqual([0x55, 0xaa]);
      }),
      { numRuns: 60 },
    );
  });

  it("refuses values out of range or not integers", () => {
    const out = new Output().u8(1);
    const outside = [natural(integer, least - 1n), natural(integer, most + 1n)];
    const strange = [0.5, -0.5, NaN, Infinity, -Infinity, "1", "-1", "", null, undefined, [1], {}];
    for (const value of [...outside, ...strange]) expectRefusal(out, () => write(out, value));
    expect(write(out, natural(integer, most)).length).toBe(1 + width);
  });

  it("takes minus zero for zero", () => {
    expect(written((out) => write(out, -0))).toEqual(new Uint8Array(width));
  });
});

describe.each(integers.filter(({ width }) => width > 6))(
  "Output.$name",
  ({ signed, read, write }) => {
    it("accepts safe integers too, but none that may have lost digits", () => {
      const out = new Output();
      for (const value of [
        0,
        1,
        2 ** 32,
        Number.MAX_SAFE_INTEGER,
        ...(signed ? [-1, -(2 ** 52)] : []),
      ]) {
        const bytes = written((out) => write(out, value));
        expect(read(bytes, 0)).toBe(BigInt(value));
      }
      for (const value of [2 ** 53, -(2 ** 53), 2 ** 60])
        expectRefusal(out, () => write(out, value));
    });
  },
);

describe.each(floats)("Output.$name", ({ name, width, read, write }) => {
  it("writes any number, and its reader returns it", () => {
    const numbers = width === 4 ? fc.float() : fc.double();
    fc.assert(
      fc.property(numbers, fc.nat(9), (value, before) => {
        const bytes = written((out) => {
          out.reserve(before);
          write(out, value);
        });
        expect(bytes).toHaveLength(before + width);
        expect(Object.is(read(bytes, before), value)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it("refuses values that are not numbers", () => {
    const out = new Output().u8(1);
    for (const value of ["1", 1n, undefined, null]) expectRefusal(out, () => write(out, value));
  });

  it("continues in new memory, after growing and after take", () => {
    const out = new Output(width);
    for (let i = 0; i < 3000; i++) write(out, i);
    const first = out.take();
    write(out, -1);
    const second = out.take();
    for (let i = 0; i < 3000; i++) expect(read(first, width * i), name).toBe(i);
    expect(read(second, 0)).toBe(-1);
  });
});

describe("Output.f32be and f32le", () => {
  it("round to the nearest float, as usual in JavaScript", () => {
    for (const { width, read, write } of floats) {
      if (width === 4)
        expect(
          read(
            written((out) => write(out, 0.1)),
            0,
          ),
        ).toBe(Math.fround(0.1));
    }
  });

  const largest = 3.4028234663852886e38; // (2 - 2 ** -23) * 2 ** 127
  const tie = 2 ** 128 - 2 ** 103; // halfway to what would be the next one

  it.each([largest, -largest, tie - 2 ** 75, Infinity, -Infinity, Number.NaN])(
    "write %s",
    (value) => {
      for (const { read, write } of floats.filter(({ width }) => width === 4)) {
        const bytes = written((out) => write(out, value));
        expect(read(bytes, 0)).toBe(Math.fround(value));
      }
    },
  );

  it.each([tie, -tie, 1e300])("refuse %s, which would become infinite", (value) => {
    for (const { write } of floats.filter(({ width }) => width === 4)) {
      const out = new Output();
      expect(() => write(out, value)).toThrow(/^f32 .*e\+/);
      expect(out.length).toBe(0);
    }
  });
});

describe("Output.varint", () => {
  it.each([
    [0, [0]],
    [1, [1]],
    [127, [0x7f]],
    [128, [0x80, 0x01]],
    [300, [0xac, 0x02]],
    [2 ** 31 - 1, [0xff, 0xff, 0xff, 0xff, 0x07]],
    [2 ** 31, [0x80, 0x80, 0x80, 0x80, 0x08]],
    [2 ** 32 - 1, [0xff, 0xff, 0xff, 0xff, 0x0f]],
    [2 ** 53 - 1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    [(1n << 64n) - 1n, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
  ])("writes %s as protobuf does", (value, expected) => {
    expect([...written((out) => out.varint(value))]).toEqual(expected);
    expect([...written((out) => out.varint(BigInt(value)))]).toEqual(expected);
  });

  it("writes any number of up to 64 bits, seven bits a byte, lowest first, as short as can be", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, (1n << 64n) - 1n), (value) => {
        const bytes = written((out) => out.varint(value));
        const found = bytes.reduceRight((sum, byte) => (sum << 7n) | BigInt(byte & 0x7f), 0n);
        expect(found).toBe(value);
        const continued = Array.from(bytes, (byte) => byte >= 0x80);
        expect(continued.lastIndexOf(true)).toBe(bytes.length - 2);
        expect(continued.indexOf(false)).toBe(bytes.length - 1);
        expect(bytes.length === 1 || bytes.at(-1) !== 0).toBe(true);
        if (value <= BigInt(Number.MAX_SAFE_INTEGER)) {
          expect(written((out) => out.varint(Number(value)))).toEqual(bytes);
        }
      }),
    );
  });

  it("refuses anything else", () => {
    const out = new Output().u8(1);
    for (const value of [-1, -1n, 1n << 64n, 2 ** 53, 0.5, NaN, Infinity, "1", undefined]) {
      expectRefusal(out, () => out.varint(value as number));
    }
  });
});

describe("Output.utf8", () => {
  it.each(["", "a", "é", "€", "😀", "short text, é€😀", `long text ${"é€😀".repeat(20)}`])(
    "writes %j",
    (value) => {
      const bytes = written((out) => out.u8(0).utf8(value).u8(1));
      expect(decodeUtf8(bytes, 1, bytes.length - 1)).toBe(value);
      expect(bytes.at(-1)).toBe(1);
    },
  );

  it("refuses a lone surrogate and values that are not text, and writes nothing of them", () => {
    const out = new Output().u8(1);
    const broken = ["\ud800", "ab\udc00", `${"x".repeat(100)}\ud83d`, `\udc00${"é".repeat(100)}`];
    for (const value of [...broken, 1, null, undefined, {}]) {
      expectRefusal(out, () => out.utf8(value as string));
    }
    expect(text(out.utf8("ok").take())).toBe("\x01ok");
  });
});

describe("Output.bytes", () => {
  it("appends a copy", () => {
    const source = Uint8Array.of(1, 2, 3);
    const out = new Output().bytes(source).bytes(new Uint8Array(0));
    source.fill(9);
    expect([...out.take()]).toEqual([1, 2, 3]);
  });

  it("accepts its own view, even if appending moves it", () => {
    const out = new Output(4).u32be(0x01020304);
    out.bytes(out.view()).bytes(out.view(1, 3));
    expect([...out.take()]).toEqual([1, 2, 3, 4, 1, 2, 3, 4, 2, 3]);
  });

  it("accepts only bytes: numbers or wider elements would be cut silently", () => {
    const out = new Output().u8(1);
    for (const value of [[256], Uint16Array.of(256), new ArrayBuffer(2), "ab", null, undefined]) {
      expectRefusal(out, () => out.bytes(value as unknown as Uint8Array));
    }
  });
});

describe("Output's refusals", () => {
  it("name the field and the number that does not fit", () => {
    expect(() => new Output().u16be(70000)).toThrow("u16 cannot hold 70000");
    expect(() => new Output().i48le(-(2 ** 47) - 1)).toThrow("i48 cannot hold -140737488355329");
    expect(() => new Output().u64be(1n << 64n)).toThrow("u64 cannot hold 18446744073709551616");
    expect(() => new Output().u8("secret" as never)).toThrow("u8 cannot hold string");
  });

  it("are ProtocolErrors that an encoder need not catch", () => {
    expect(() => new Output().u8(256)).toThrow(ProtocolError);
  });
});

describe("Output.sized", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("fills in a length of %s bytes, in both orders", (width) => {
    for (const endian of ["be", "le"] as const) {
      const out = new Output().u8(7);
      const returned = out.sized(width, endian, (body) => body.utf8("hello"));
      expect(returned).toBe(out);
      const bytes = out.u8(9).take();
      const length = Array.from({ length: width }, (_, i) => (i === 0 ? 5 : 0));
      if (endian === "be") length.reverse();
      expect([...bytes]).toEqual([7, ...length, ...[..."hello"].map((c) => c.charCodeAt(0)), 9]);
    }
  });

  it("nests, and may be empty", () => {
    const out = new Output();
    out.sized(1, "be", () => out.sized(2, "le", () => out.u8(1)).sized(1, "be", () => {}));
    expect([...out.take()]).toEqual([4, 1, 0, 1, 0]);
  });

  it("refuses a body longer than its length can express, and an asynchronous body", async () => {
    const out = new Output();
    const long = () => out.sized(1, "be", (body) => body.bytes(new Uint8Array(256)));
    expect(failureOf(long)?.code).toBe("unencodable");
    const late = failureOf(() => out.sized(1, "be", async () => {}));
    expect(late?.message).toMatch(/must be synchronous/);
    const failing = failureOf(() => out.sized(1, "be", () => Promise.reject(new Error("late"))));
    expect(failing?.code).toBe("unencodable");
    await Promise.resolve();
    for (const width of [0, 9, 1.5, Number.NaN]) {
      expect(() => out.sized(width, "be", () => {})).toThrow(RangeError);
    }
    expect(() => out.truncate(0).sized(2, "be", () => out.truncate(1))).toThrow(RangeError);
  });
});

describe("every writer of Output", () => {
  const numbers =
    "u8 i8 u16be u16le i16be i16le u24be u24le i24be i24le u32be u32le i32be i32le u48be u48le i48be " +
    "i48le u64be u64le i64be i64le f32be f32le f64be f64le varint";

  it.each(numbers.split(" "))("returns the output: %s", (name) => {
    const out = new Output();
    const writer = name as "u8" | "u64be" | "varint";
    expect(out[writer](1)).toBe(out);
    if (/[ui]64|varint/.test(name)) expect(out[writer](1n as never)).toBe(out);
  });

  it("returns the output: text, bytes, numbers of any width, changes", () => {
    const out = new Output();
    expect(out.utf8("a")).toBe(out);
    expect(out.bytes(new Uint8Array(2))).toBe(out);
    expect(out.uint(1, 3)).toBe(out);
    expect(out.int(-1, 3, "le")).toBe(out);
    expect(out.patch(0, 4, 1)).toBe(out);
    expect(out.patch(0, 5, 1)).toBe(out);
    expect(out.insert(1, 2)).toBe(out);
    expect(out.truncate(1)).toBe(out);
  });
});
