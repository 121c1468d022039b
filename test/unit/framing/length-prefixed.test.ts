import { describe, expect, expectTypeOf, it } from "vitest";
import { newScan } from "../../../src/core/index.ts";
import {
  decodeAll,
  decodeFrame,
  defineProtocol,
  type Endian,
  encodeFrame,
  type FrameLayout,
  type LengthPrefixedOptions,
  lengthPrefixed,
  Output,
  type Protocol,
  raw,
  type WrappingFraming,
} from "../../../src/index.ts";
import { ascii, failureOf, poisoned } from "../../support/chunks.ts";

type Width = LengthPrefixedOptions["width"];

const DEFAULT = 1024 * 1024;
const widths: readonly Width[] = [1, 2, 3, 4, 5, 6, 7, 8];
const endians: readonly Endian[] = ["be", "le"];
const counted = ["body", "frame"] as const;
const adjusts = [-300, -9, -8, -3, -1, 0, 1, 2, 7, 300];
const fronts: readonly Pick<LengthPrefixedOptions, "offset" | "header">[] = [
  {},
  { offset: 0 },
  { offset: 1 },
  { offset: 5 },
  { header: ascii("GO!") },
  { header: ascii("GO!"), offset: 3 },
  { header: new Uint8Array(0) },
];

/** The same rule as in the documentation, written without looking at the code. */
function rules(options: LengthPrefixedOptions) {
  const { width, counts = "body", adjust = 0, header } = options;
  const offset = options.offset ?? header?.length ?? 0;
  const start = offset + width;
  // length of the frame = value of the field + adjust + (counts 'frame' ? 0 : offset + width)
  const fieldOf = (length: number): number => length - adjust - (counts === "frame" ? 0 : start);
  const most = Math.min(2 ** (8 * width) - 1, Number.MAX_SAFE_INTEGER);
  const isWritable = (length: number): boolean =>
    length >= start && fieldOf(length) >= 0 && fieldOf(length) <= most;
  return { start, offset, fieldOf, isWritable, most };
}

/** A codec for whole frames, which writes the bytes before the length itself. */
function whole(framing: WrappingFraming, options: LengthPrefixedOptions): Protocol<Uint8Array> {
  const { width, endian = "be" } = options;
  const { start, offset, fieldOf } = rules(options);
  return defineProtocol<Uint8Array>({
    ...framing,
    name: "whole",
    decode: (bytes, at, end) => bytes.subarray(framing.payloadStart(bytes, at, end), end),
    encode(body, out) {
      out.reserve(offset);
      const at = out.reserve(width);
      out.bytes(body).patch(at, width, fieldOf(start + body.length), endian);
    },
  });
}

function fieldBytes(value: number, width: number, endian: Endian): number[] {
  const digits = Array.from({ length: width }, (_, i) => Math.floor(value / 256 ** i) % 256);
  return endian === "le" ? digits : digits.reverse();
}

const combinations = widths.flatMap((width) =>
  endians.flatMap((endian) =>
    counted.flatMap((counts) => fronts.map((front) => ({ width, endian, counts, ...front }))),
  ),
);

const named = (options: LengthPrefixedOptions): string =>
  `u${8 * options.width}${options.endian} counts ${options.counts}, ${
    options.header ? `header of ${options.header.length}` : "no header"
  }, offset ${options.offset}`;

/** Frames of all lengths near the ends of the possible range. */
function edges({ start, fieldOf, most }: ReturnType<typeof rules>, width: number): Set<number> {
  const ends = [start, -fieldOf(0), most - fieldOf(0), ...(width > 1 ? [] : [255, 256])];
  const lengths = ends.flatMap((end) => [-2, -1, 0, 1, 2].map((by) => end + by));
  return new Set(lengths.filter((length) => length >= start && length <= 70_000));
}

describe.each(combinations.map((options) => [named(options), options] as const))(
  "lengthPrefixed: %s",
  (_, base) => {
    it("reads its own output with any adjust, or is refused when it is made", () => {
      for (const adjust of adjusts) {
        const options = { ...base, adjust };
        const rule = rules(options);
        const { start, offset, fieldOf, isWritable, most } = rule;
        if (most - fieldOf(0) < start) {
          // The field cannot describe any frame.
          expect(() => lengthPrefixed(options), `adjust ${adjust}`).toThrow(RangeError);
          continue;
        }
        const framing = lengthPrefixed(options);
        const protocol = offset > 0 && !base.header ? whole(framing, options) : framing.wrap(raw());
        expect(framing.maxFrame).toBe(Math.min(DEFAULT, most - fieldOf(0)));

        let written = 0;
        for (const length of edges(rule, base.width)) {
          const body = new Uint8Array(length - start).fill(0x42);
          if (!isWritable(length)) {
            const failure = failureOf(() => encodeFrame(protocol, body));
            expect(failure?.code, `${length} bytes, adjust ${adjust}`).toBe("unencodable");
            continue;
          }
          written++;
          const frame = encodeFrame(protocol, body);
          expect(frame).toHaveLength(length);
          const front = base.header ?? new Uint8Array(offset);
          expect([...frame.subarray(0, start)]).toEqual([
            ...front,
            ...fieldBytes(fieldOf(length), base.width, base.endian),
          ]);
          const { length: size, byteOffset } = decodeFrame(protocol, frame);
          expect([size, byteOffset]).toEqual([length - start, frame.byteOffset + start]);
          expect(frame.at(-1)).toBe(size > 0 ? 0x42 : frame[start - 1]);
          // The header alone determines the length, at any index; one byte less does not.
          const header = poisoned(frame.subarray(0, start));
          expect(framing.measure(header, 0, start, newScan())).toBe(length);
          expect(framing.measure(header, 0, start - 1, newScan())).toBe(0);
        }
        expect(written).toBeGreaterThan(0);
      }
    });
  },
);

describe("lengthPrefixed's pictures", () => {
  it.each<[string, LengthPrefixedOptions, string]>([
    ["width 2", { width: 2 }, "00 05 68 65 6c 6c 6f"],
    ["counts 'frame'", { width: 2, counts: "frame" }, "00 07 68 65 6c 6c 6f"],
    ["endian 'le'", { width: 2, endian: "le" }, "05 00 68 65 6c 6c 6f"],
    ["header [ca]", { width: 2, header: Uint8Array.of(0xca) }, "ca 00 05 68 65 6c 6c 6f"],
    ["adjust 1", { width: 2, adjust: 1 }, "00 04 68 65 6c 6c 6f"],
  ])("%s", (_, options, expected) => {
    const frame = encodeFrame(lengthPrefixed(options).wrap(raw()), ascii("hello"));
    const digits = Array.from(frame, (byte) => byte.toString(16).padStart(2, "0"));
    expect(digits.join(" ")).toBe(expected);
  });
});

describe("lengthPrefixed is refused when it is made", () => {
  const wrong = (options: object): unknown => lengthPrefixed(options as LengthPrefixedOptions);
  it.each<[string, object]>([
    ["without a width", {}],
    ["width 0", { width: 0 }],
    ["width 9", { width: 9 }],
    ["width 2.5", { width: 2.5 }],
    ["width '2'", { width: "2" }],
    ["another byte order", { width: 2, endian: "big" }],
    ["another count", { width: 2, counts: "all" }],
    ["an adjust that is no integer", { width: 2, adjust: 0.5 }],
    ["an adjust that is no number", { width: 2, adjust: "1" }],
    ["an adjust without end", { width: 2, adjust: Infinity }],
    ["an offset below 0", { width: 2, offset: -1 }],
    ["an offset that is no integer", { width: 2, offset: 1.5 }],
    ["a header that is shorter than its offset", { width: 2, offset: 2, header: ascii("a") }],
    ["a header that is longer than its offset", { width: 2, offset: 0, header: ascii("a") }],
    ["a header of text, whose bytes nobody knows", { width: 2, header: "GO" }],
    ["a header of numbers that need not be bytes", { width: 2, header: [0x147, 0x14f] }],
    ["a field too narrow for its own header", { width: 1, counts: "frame", offset: 300 }],
    ["an adjust that leaves no frame", { width: 1, adjust: -256 }],
    ["maxFrame 0", { width: 1, maxFrame: 0 }],
    ["a maxFrame below the header", { width: 4, offset: 2, maxFrame: 5 }],
    ["a maxFrame below the shortest frame", { width: 1, adjust: 10, maxFrame: 10 }],
    ["a maxFrame that is no integer", { width: 1, maxFrame: 1.5 }],
    ["a maxFrame without end", { width: 1, maxFrame: Infinity }],
  ])("%s", (_, options) => {
    expect(() => wrong(options)).toThrow(RangeError);
  });

  it("but not at the very edge of these", () => {
    expect(lengthPrefixed({ width: 4, offset: 2, maxFrame: 6 }).maxFrame).toBe(6);
    expect(lengthPrefixed({ width: 1, adjust: 10, maxFrame: 11 }).maxFrame).toBe(11);
    expect(lengthPrefixed({ width: 1, adjust: -255 }).maxFrame).toBe(1);
    expect(lengthPrefixed({ width: 1, counts: "frame", offset: 254 }).maxFrame).toBe(255);
  });

  it("by the compiler, too", () => {
    expectTypeOf<{ width: 2 }>().toExtend<LengthPrefixedOptions>();
    expectTypeOf<{ width: 9 }>().not.toExtend<LengthPrefixedOptions>();
    expectTypeOf<{ width: 2; endian: "big" }>().not.toExtend<LengthPrefixedOptions>();
    expectTypeOf<{ endian: "be" }>().not.toExtend<LengthPrefixedOptions>();
  });
});

describe("lengthPrefixed's limit", () => {
  it("is the least of 1 MiB, the header's maximum and the option", () => {
    expect(lengthPrefixed({ width: 4 }).maxFrame).toBe(DEFAULT);
    expect(lengthPrefixed({ width: 1 }).maxFrame).toBe(256);
    expect(lengthPrefixed({ width: 2, counts: "frame" }).maxFrame).toBe(65_535);
    expect(lengthPrefixed({ width: 1, maxFrame: 10_000 }).maxFrame).toBe(256);
    expect(lengthPrefixed({ width: 4, maxFrame: 2 ** 40 }).maxFrame).toBe(2 ** 32 + 3);
    expect(lengthPrefixed({ width: 8, maxFrame: 2 ** 40 }).maxFrame).toBe(2 ** 40);
  });

  it("is exact, both ways", () => {
    const protocol = lengthPrefixed({ width: 2, maxFrame: 10 }).wrap(raw());
    expect(encodeFrame(protocol, new Uint8Array(8))).toHaveLength(10);
    expect(failureOf(() => encodeFrame(protocol, new Uint8Array(9)))).toMatchObject({
      code: "unencodable",
      message: "frame of 11 bytes exceeds maxFrame 10",
    });
    expect(decodeFrame(protocol, ascii("\0\x08abcdefgh"))).toHaveLength(8);
    expect(failureOf(() => decodeFrame(protocol, ascii("\0\x09abcdefghi")))).toMatchObject({
      code: "too-long",
      message: "frame of 11 bytes exceeds maxFrame 10",
    });
  });
});

describe("lengthPrefixed's malformed headers", () => {
  it("are those of a frame shorter than its header, with both numbers", () => {
    const options = { width: 2, offset: 1, counts: "frame" } as const;
    const protocol = whole(lengthPrefixed(options), options);
    const failure = failureOf(() => decodeAll(protocol, ascii("\0\0\x03\0\0\x02")));
    expect(failure).toEqual({
      code: "malformed",
      offset: 4,
      message: "length field 2 means a frame of 2 bytes, but its header has 3",
    });
  });

  it("are those that differ from the fixed bytes, as soon as they do", () => {
    const framing = lengthPrefixed({ width: 1, header: ascii("GO!") });
    for (const [wire, offset, message] of [
      ["x", 0, "header byte 0 is 0x78, not 0x47"],
      ["GOx", 2, "header byte 2 is 0x78, not 0x21"],
      ["GOx\0", 2, "header byte 2 is 0x78, not 0x21"],
    ] as const) {
      const bytes = poisoned(ascii(wire));
      const failure = failureOf(() => framing.measure(bytes, 0, wire.length, newScan()));
      expect(failure).toEqual({ code: "malformed", offset, message });
    }
    expect(framing.measure(ascii("GO!"), 0, 3, newScan())).toBe(0);
    expect(framing.measure(ascii("GO!\0"), 0, 4, newScan())).toBe(4);
  });

  it("do not look at fixed bytes twice", () => {
    const framing = lengthPrefixed({ width: 1, header: ascii("GO!") });
    const scan = newScan();
    expect(framing.measure(ascii("GO"), 0, 2, scan)).toBe(0);
    expect(framing.measure(ascii("??!\x05"), 0, 4, scan)).toBe(9);
  });

  it("of 64 bits are far above every limit, and never wrap around", () => {
    for (const endian of endians) {
      const protocol = lengthPrefixed({ width: 8, endian }).wrap(raw());
      for (const field of [2n ** 64n - 1n, 2n ** 63n, 2n ** 53n, 2n ** 32n, 2n ** 32n + 1n]) {
        const out = new Output();
        const wire = endian === "be" ? out.u64be(field).take() : out.u64le(field).take();
        expect(failureOf(() => decodeAll(protocol, wire))).toMatchObject({ code: "too-long" });
      }
    }
  });
});

describe("lengthPrefixed", () => {
  it("refuses a wrap that would lose the bytes before the field", () => {
    const framing = lengthPrefixed({ width: 1, offset: 2 });
    expect(framing.measure(Uint8Array.of(8, 9, 1), 0, 3, newScan())).toBe(4);
    expect(() => framing.wrap(raw())).toThrow(TypeError);
    expect(() => framing.wrap(raw())).toThrow(/lose the 2 bytes .*`header`.*defineProtocol/);
    expect(Object.isFrozen(framing)).toBe(true);
  });

  it("refuses unknown options, and lists the known ones", () => {
    const misspelt = { width: 2, maxframe: 10 } as LengthPrefixedOptions;
    expect(() => lengthPrefixed(misspelt)).toThrow(TypeError);
    expect(() => lengthPrefixed(misspelt)).toThrow(/no option "maxframe"; use width, .*maxFrame/);
    expect(() => lengthPrefixed(4 as never)).toThrow(/takes options as an object of width/);
  });

  it("is asked again only when its field is here", () => {
    const scan = newScan();
    expect(lengthPrefixed({ width: 4, offset: 2 }).measure(ascii("ab"), 0, 2, scan)).toBe(0);
    expect(scan.at).toBe(6);
  });

  it.each<[LengthPrefixedOptions, FrameLayout]>([
    [
      { width: 2 },
      [
        { name: "length", kind: "length", size: 2, endian: "be", add: 2 },
        { name: "payload", kind: "payload", size: "rest" },
      ],
    ],
    [
      { width: 4, endian: "le", header: ascii("GO"), counts: "frame", adjust: 1 },
      [
        { name: "header", kind: "header", size: 2, bytes: ascii("GO") },
        { name: "length", kind: "length", size: 4, endian: "le", add: 1 },
        { name: "payload", kind: "payload", size: "rest" },
      ],
    ],
    [
      { width: 1, offset: 3 },
      [
        { name: "header", kind: "header", size: 3, bytes: undefined },
        { name: "length", kind: "length", size: 1, endian: "be", add: 4 },
        { name: "payload", kind: "payload", size: "rest" },
      ],
    ],
  ])("tells its layout: %o", (options, layout) => {
    expect(lengthPrefixed(options).layout).toEqual(layout);
  });

  it("keeps its header, whatever happens to the caller's array", () => {
    const header = ascii("GO");
    const protocol = lengthPrefixed({ width: 1, header }).wrap(raw());
    header.fill(0);
    expect([...encodeFrame(protocol, new Uint8Array(0))]).toEqual([0x47, 0x4f, 0]);
  });

  it("treats an undefined option as missing", () => {
    const options = { width: 2, endian: undefined, counts: undefined, adjust: undefined } as const;
    const framing = lengthPrefixed({ ...options, offset: undefined, header: undefined });
    expect([...encodeFrame(framing.wrap(raw()), Uint8Array.of(7))]).toEqual([0, 1, 7]);
  });

  it("is no text, whatever is in it, and says what it is", () => {
    expect(lengthPrefixed({ width: 1 }).wrap({ ...raw(), text: true }).text).toBe(false);
    expect(lengthPrefixed({ width: 1 }).wrap(raw()).name).toBe("length-prefixed u8");
    expect(lengthPrefixed({ width: 4, endian: "le" }).wrap(raw()).name).toBe(
      "length-prefixed u32le",
    );
  });
});
