import * as S from "@solana/codecs";
// @ts-expect-error its exports hide its declarations, as the page says
import { Parser } from "binary-parser";
import { decodeFrame, encodeFrame, Output } from "framewright";
import * as f from "framewright/fields";
import * as P from "micro-packed";
// @ts-expect-error it has no declarations, as the page says
import * as R from "restructure";
import { describe, expect, expectTypeOf, it } from "vitest";
import { readText } from "../../support/package.ts";

/* The table of docs/fields-compared.md: each cell about a package is checked by running the package. */

interface Subject {
  readonly encode?: ((value: never) => Uint8Array) | undefined;
  readonly decode: (bytes: Uint8Array) => unknown;
}

interface Library {
  readonly name: string;
  /** `{ a: u8, items: after a u8 count, structs { n: u16 } }`, in the library's usual byte order. */
  readonly list: Subject;
  /** Text after a u8 length. */
  readonly text: Subject;
  /** Bytes after a u8 length. */
  readonly bytes: Subject;
}

function described(field: f.Field<never, unknown>): Subject {
  return {
    encode(value) {
      const out = new Output();
      field.encode(value, out);
      return out.take();
    },
    decode: (bytes) => field.decode(bytes, 0, bytes.length),
  };
}

const codec = (one: S.Codec<unknown>): Subject => ({
  encode: (value) => Uint8Array.from(one.encode(value)),
  decode: (bytes) => one.decode(bytes),
});

const restructured = (one: {
  toBuffer(value: unknown): Uint8Array;
  fromBuffer(bytes: Uint8Array): unknown;
}): Subject => ({
  encode: (value) => one.toBuffer(value),
  decode: (bytes) => one.fromBuffer(bytes),
});

const parsed = (one: { parse(bytes: Uint8Array): unknown }): Subject => ({
  decode: (bytes) => one.parse(bytes),
});

const LIBRARIES: readonly Library[] = [
  {
    name: "framewright",
    list: described(f.struct({ a: f.u8, items: f.array(f.struct({ n: f.u16le }), f.u8) }) as never),
    text: described(f.utf8(f.u8) as never),
    bytes: described(f.bytes(f.u8) as never),
  },
  {
    name: "binary-parser",
    list: parsed(
      new Parser()
        .uint8("a")
        .uint8("count")
        .array("items", { length: "count", type: new Parser().uint16le("n") }),
    ),
    text: parsed(new Parser().uint8("length").string("text", { length: "length" })),
    bytes: parsed(new Parser().uint8("length").buffer("bytes", { length: "length" })),
  },
  {
    name: "@solana/codecs",
    list: codec(
      S.getStructCodec([
        ["a", S.getU8Codec()],
        [
          "items",
          S.getArrayCodec(S.getStructCodec([["n", S.getU16Codec()]]), { size: S.getU8Codec() }),
        ],
      ]) as never,
    ),
    text: codec(S.addCodecSizePrefix(S.getUtf8Codec(), S.getU8Codec()) as never),
    bytes: codec(S.addCodecSizePrefix(S.getBytesCodec(), S.getU8Codec()) as never),
  },
  {
    name: "micro-packed",
    list: P.struct({ a: P.U8, items: P.array(P.U8, P.struct({ n: P.U16LE })) }) as never,
    text: P.string(P.U8) as never,
    bytes: P.bytes(P.U8) as never,
  },
  {
    name: "restructure",
    list: restructured(
      new R.Struct({
        a: R.uint8,
        items: new R.Array(new R.Struct({ n: R.uint16le }), R.uint8),
      }),
    ),
    text: restructured(new R.String(R.uint8, "utf8")),
    bytes: restructured(new R.Buffer(R.uint8)),
  },
];

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function refusal(run: () => string): string {
  try {
    return run();
  } catch (error) {
    // Most libraries report the same error as for other faults in the bytes.
    return error instanceof Error ? "refused" : "throws no Error";
  }
}

/** The written bytes, in the words of the table. */
const writes =
  (part: keyof Library, value: unknown, says: (bytes: Uint8Array) => string) =>
  (library: Library): string => {
    const { encode } = library[part] as Subject;
    if (encode === undefined) return "-";
    return refusal(() => says(encode(value as never)));
  };

const reads =
  (part: keyof Library, bytes: readonly number[], says: (value: unknown) => string) =>
  (library: Library): string =>
    refusal(() => says((library[part] as Subject).decode(Uint8Array.from(bytes))));

/** The text in the value that a library reads. */
const textOf = (value: unknown): string =>
  typeof value === "string" ? value : (value as { readonly text: string }).text;

const ROWS: Readonly<Record<string, (library: Library) => string>> = {
  "writes, too": ({ list }) => (list.encode === undefined ? "no" : "yes"),
  "the value is free of lengths": ({ text }) =>
    typeof text.decode(Uint8Array.of(1, 0x41)) === "string" ? "yes" : "no",
  "300 in a `u8`": writes("list", { a: 300, items: [] }, (bytes) => `writes ${bytes[0]}`),
  "1.5 in a `u8`": writes("list", { a: 1.5, items: [] }, (bytes) => `writes ${bytes[0]}`),
  "a member is missing": writes("list", { items: [] }, (bytes) => `writes ${bytes[0]}`),
  "the error names `items[1].n`": ({ list: { encode } }) => {
    if (encode === undefined) return "-";
    try {
      const bytes = encode({ a: 1, items: [{ n: 1 }, { n: 70_000 }] } as never);
      return `no error, writes ${hex(bytes.subarray(-2))}`;
    } catch (error) {
      return /items\W1\W+n/.test((error as Error).message) ? "yes" : "no";
    }
  },
  "2 bytes too many": reads("list", [1, 1, 5, 0, 9, 9], () => "ignored"),
  "bytes cut off": reads("list", [1, 2, 5, 0], () => "ignored"),
  "bytes that are not UTF-8": reads("text", [2, 0xc3, 0x28], (value) =>
    textOf(value).includes("\ufffd") ? "replaced" : "read",
  ),
  "a lone surrogate": writes("text", "\ud800", (bytes) =>
    hex(bytes).endsWith("efbfbd") ? "replaced" : `writes ${hex(bytes)}`,
  ),
  "9 bytes of text announced, 2 here": reads(
    "text",
    [9, 0x41, 0x42],
    (value) => `reads ${textOf(value)}`,
  ),
  "256 bytes after a `u8` length": writes(
    "bytes",
    new Uint8Array(256),
    (bytes) => `writes the length ${bytes[0]}`,
  ),
};

const cellsOf = (line: string): readonly string[] =>
  line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());

describe("descriptions compared with other libraries", () => {
  const page = readText("docs/fields-compared.md");
  const lines = page.split("\n").filter((line) => line.startsWith("|"));
  const head = cellsOf(lines[0]!);

  for (const [what, run] of Object.entries(ROWS)) {
    it(`behave as documented: ${what}`, () => {
      const line = lines.map(cellsOf).find(([first]) => first === what);
      const expected = LIBRARIES.map((library) => `${library.name}: ${run(library)}`);
      const said = LIBRARIES.map(({ name }) => `${name}: ${line?.[head.indexOf(name)]}`);
      expect(said).toEqual(expected);
    });
  }

  it("are named with the versions that were run", () => {
    const { devDependencies } = JSON.parse(readText("package.json")) as {
      readonly devDependencies: Readonly<Record<string, string>>;
    };
    for (const { name } of LIBRARIES.slice(1)) {
      expect(page).toContain(`${name} ${devDependencies[name]}`);
    }
  });

  it("have types of values, which binary-parser and restructure lack", () => {
    expectTypeOf(Parser).toBeAny();
    expectTypeOf(R).toBeAny();
    const solana = S.getStructCodec([["a", S.getU8Codec()]]);
    expectTypeOf(solana.decode(Uint8Array.of(1)).a).toEqualTypeOf<number>();
    const packed = P.struct({ a: P.U8 });
    expectTypeOf(packed.decode(Uint8Array.of(1)).a).toEqualTypeOf<number>();
    const ours = f.protocolOf(f.struct({ a: f.u8 }), { name: "ours" });
    expectTypeOf(decodeFrame(ours, encodeFrame(ours, { a: 1 })).a).toEqualTypeOf<number>();
  });

  it("refuse lists without bytes, of which @solana/codecs makes a million from 4 bytes", () => {
    const empty = S.getArrayCodec(S.getUnitCodec(), { size: S.getU32Codec() });
    expect(empty.decode(Uint8Array.of(0, 0, 16, 0)).length).toBe(2 ** 20);
    expect(() => f.array(f.struct({}), f.u32le)).toThrow(TypeError);
  });
});
