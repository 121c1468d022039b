import { describe, expect, it } from "vitest";
import { Output, ProtocolError } from "../../../../src/core/index.ts";
import { load, pack, parse, SchemaError, unpack } from "../../../../src/protocols/sproto/index.ts";
import { bytesOf, hexOf } from "../../../support/hex.ts";
import { fromVector, vectors } from "../../../support/sproto-vectors.ts";

const engines = ["interpreted", "compiled"] as const;

/** Strings that are not UTF-8 are read and written with the option for bytes. */
const BYTES = new Set(["str-invalid-utf8"]);

/** Intentional differences from the reference, by name. */
const DIFFERENT: Readonly<Record<string, string>> = {
  "dec-double-4": "4 bytes are not a double: the reference reads garbage",
};

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return "nothing was thrown";
}

describe.each(engines)("vectors of the reference, engine %s", (engine) => {
  const schema = (name: string, isBytes = false) =>
    parse(vectors.schemas[name]!, { engine, strings: isBytes ? "bytes" : "utf8" });

  it.each(vectors.cases)("case $name", (one) => {
    const isBytes = BYTES.has(one.name);
    const sproto = schema(one.schema, isBytes);
    const bytes = bytesOf(one.hex);
    const value = fromVector(one.value);
    expect(hexOf(sproto.encode(one.type, value))).toBe(hexOf(bytes));
    expect(hexOf(sproto.pencode(one.type, value))).toBe(hexOf(bytesOf(one.packedHex)));
    const expected = fromVector(one.decoded ?? one.value);
    expect(sproto.decode(one.type, bytes)).toEqual(expected);
    expect(sproto.pdecode(one.type, bytesOf(one.packedHex))).toEqual(expected);
    const codec = sproto.type(one.type);
    const out = new Output();
    codec.encode(value, out.u8(7));
    expect(hexOf(out.take())).toBe(`07${hexOf(bytes)}`);
  });

  it.each(vectors.decode)("decode $name", (one) => {
    const sproto = schema(one.schema);
    const bytes = bytesOf(one.hex);
    if (one.name in DIFFERENT) {
      expect(codeOf(() => sproto.decode(one.type, bytes))).toBe("malformed");
      return;
    }
    const { value, consumed } = sproto.decodeFrom(one.type, bytes, 0, bytes.length);
    expect(value).toEqual(fromVector(one.value));
    expect(consumed).toBe(one.consumed);
    // The sign of a NaN need not survive.
    if (one.name !== "dec-double-snan") {
      expect(hexOf(sproto.encode(one.type, value))).toBe(hexOf(bytesOf(one.reencodedHex)));
    }
  });

  const invalid = vectors.invalid.filter(({ what }) => what === "decode" || what === "encode");
  it.each(invalid)("refuses $name", (one) => {
    const sproto = schema(one.schema!);
    if (one.what === "encode") {
      const value = fromVector(one.value);
      expect(codeOf(() => sproto.encode(one.type!, value))).toBe("unencodable");
    } else {
      const code = one.name === "bad-nest-65" ? "too-long" : "malformed";
      expect(codeOf(() => sproto.decode(one.type!, bytesOf(one.hex!)))).toBe(code);
    }
  });
});

describe("bundles", () => {
  it.each(vectors.bundles)("$schema", ({ schema, hex }) => {
    const bytes = bytesOf(hex);
    const sproto = parse(vectors.schemas[schema]!);
    expect(hexOf(sproto.bundle())).toBe(hexOf(bytes));
    const loaded = load(bytes);
    expect(hexOf(loaded.bundle())).toBe(hexOf(bytes));
    expect(loaded.schema).toEqual(sproto.schema);
  });

  it("writes the bundle of an empty schema, which cannot be loaded", () => {
    expect(hexOf(parse("# nothing").bundle())).toBe("0000");
  });

  const invalid = vectors.invalid.filter(({ what }) => what === "bundle");
  it.each(invalid)("refuses $name", ({ hex }) => {
    expect(codeOf(() => load(bytesOf(hex!)))).toBe("malformed");
  });
});

describe("schema texts", () => {
  const invalid = vectors.invalid.filter(({ what }) => what === "schema");
  it.each(invalid)("refuses $name", ({ text, error }) => {
    let thrown: unknown;
    try {
      parse(text!);
    } catch (caught) {
      thrown = caught;
    }
    expect(thrown).toBeInstanceOf(SchemaError);
    const line = /line \((\d+)\)/.exec(error!)?.[1];
    if (line !== undefined) expect((thrown as SchemaError).line).toBe(Number(line));
  });
});

describe("packing", () => {
  it.each(vectors.pack)("$name", ({ rawHex, packedHex }) => {
    const raw = bytesOf(rawHex);
    const packed = bytesOf(packedHex);
    expect(hexOf(pack(raw))).toBe(hexOf(packed));
    const padded = new Uint8Array(Math.ceil(raw.length / 8) * 8);
    padded.set(raw);
    expect(hexOf(unpack(packed))).toBe(hexOf(padded));
  });

  it.each(vectors.unpack)("$name", ({ packedHex, rawHex, repackedHex }) => {
    const raw = unpack(bytesOf(packedHex));
    expect(hexOf(raw)).toBe(hexOf(bytesOf(rawHex)));
    expect(hexOf(pack(raw))).toBe(hexOf(bytesOf(repackedHex)));
  });

  const invalid = vectors.invalid.filter(({ what }) => what === "unpack");
  it.each(invalid)("refuses $name", ({ hex }) => {
    expect(codeOf(() => unpack(bytesOf(hex!)))).toBe("malformed");
  });
});
