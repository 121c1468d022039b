import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../../../src/core/index.ts";
import { load, parse, SchemaError } from "../../../../src/protocols/sproto/index.ts";
import { bytesOf } from "../../../support/hex.ts";

function refused(text: string | readonly { name: string; text: string }[]): SchemaError {
  try {
    parse(text);
  } catch (error) {
    expect(error).toBeInstanceOf(SchemaError);
    expect(error).toBeInstanceOf(ProtocolError);
    return error as SchemaError;
  }
  throw new Error("the schema was taken");
}

describe("an invalid schema text", () => {
  it.each([
    [".A {\n  a 0 integer\n}", '2:7: expected ":" in field a, found "integer"'],
    [".A {", '1:5: expected a field, a type or "}" in A, found the end of the text'],
    [". A {}", '1:2: expected the name of a type, found " "'],
    [".A{} p{}", '1:7: expected a blank and a tag after p, found "{"'],
    [".A{ a b:integer }", '1:7: expected the tag of a, found "b"'],
    [".A{} p 1 { ask A }", '1:12: expected request or response in protocol p, found "ask"'],
    [".A{} p 1 { request{} }", '1:19: expected a blank after request, found "{"'],
    [".A{ a 0 : }", '1:11: expected the type of field a, found "}"'],
    [".A{ a 0 : integer(2 3) }", '1:21: expected ")" in type integer, found "3"'],
    [".A{ a 0 : integer(10) }", "1:11: integer(10) of field a: at most 9"],
    [".A{ a 0 : double(2) }", "1:11: double of field a takes no parentheses"],
    [".A{ a 0 : A(2) }", "1:11: Invalid map index :2"],
    [".A{ k 0 : *integer } .B{ a 0 : *A(k) }", "1:33: Invalid map index :k"],
    [".P{ k 0 : P v 1 : integer } .B{ a 0 : *P() }", "1:40: Invalid map index :k"],
    [".A{} p 1 { response nil response A }", "1:25: redefine response in protocol p"],
    [".A{} p 1 { request A.B }", "1:20: Undefined request type A.B in protocol p"],
    [".A{} p 1{} q 1{}", "1:12: redefined protocol tag 1 at q"],
    ["\u{1f600}", '1:1: expected a type or a protocol, found "\u{1f600}"'],
    [".A{}\r.B{}", '1:5: expected a type or a protocol, found "\\r"'],
    ["\ufeff.A{}", '1:1: expected a type or a protocol, found "\\u{feff}"'],
    [".A{ a 0 :\u00a0integer }", '1:10: expected the type of field a, found "\\u{a0}"'],
  ])("%j", (text, message) => {
    expect(refused(text).message).toBe(message);
  });

  it("reports line, column and text", () => {
    const error = refused([
      { name: "a.sproto", text: ".A {}" },
      { name: "b.sproto", text: "# two lines\n.B { x 0 : C }" },
    ]);
    expect(error.message).toBe("b.sproto:2:12: Undefined type C in type B");
    expect(error).toMatchObject({ source: "b.sproto", line: 2, column: 12, offset: 23 });
    expect(error).toMatchObject({ code: "malformed", name: "SchemaError" });
  });

  it("has limited nesting, and is read in linear time", () => {
    expect(refused(".A{".repeat(200)).message).toMatch(/deeper than 100/);
    // A parser that looks back at each blank would take minutes.
    const blanks = " \t\n# x\n\r\n".repeat(200_000);
    expect(parse(`${blanks}.A${blanks}{${blanks}}${blanks}`).schema.types.length).toBe(1);
  });

  it("has at most 32767 types, whose bundle loads", () => {
    const types = (count: number): string =>
      Array.from({ length: count }, (_, i) => `.T${i}{}`).join("");
    expect(load(parse(types(32767)).bundle()).schema.types.length).toBe(32767);
    expect(refused(types(32768)).message).toMatch(/more than 32767 types: 32768/);
  });
});

describe("a schema text", () => {
  it("needs few blanks", () => {
    const { types, protocols } = parse(
      ".A{a 0:integer b 1:*B(k)(x)}.B{k 0:string}p 1{request A}q 2{}",
    ).schema;
    expect(types.map(({ name }) => name)).toEqual(["A", "B"]);
    expect(types[0]!.fields[1]!.key!.name).toBe("k");
    expect(protocols.map(({ name }) => name)).toEqual(["p", "q"]);
  });

  it("may have redundant parentheses", () => {
    const { fields } = parse(`.T { id 0 : integer }
      .A { a 0 : T(id)  b 1 : integer()  c 2 : integer(id)  d 3 : T()  e 4 : integer(0) }`).schema
      .types[0]!;
    expect(fields.map(({ kind, decimals, key }) => [kind, decimals, key])).toEqual([
      ["struct", undefined, undefined],
      ["integer", undefined, undefined],
      ["integer", undefined, undefined],
      ["struct", undefined, undefined],
      ["integer", 0, undefined],
    ]);
  });

  it("may contain nil twice", () => {
    const [p] = parse(".A{} p 1 { request nil request nil response nil response nil }").schema
      .protocols;
    expect(p).toMatchObject({ request: undefined, response: undefined, confirm: true });
  });

  it("does not use nil as a type, even if one has that name", () => {
    const { types, protocols } = parse(`
      .nil { a 0 : nil }
      p 1 { request nil  response nil }`).schema;
    expect(types[0]!.fields[0]!.type).toBe(types[0]);
    expect(protocols[0]).toMatchObject({ request: undefined, response: undefined, confirm: true });
  });

  it("finds protocols by name and tag", () => {
    const sproto = parse(".A{} p 0 { request A }");
    expect(sproto.protocol("p")).toBe(sproto.protocol(0));
    expect(sproto.protocol("q")).toBeUndefined();
    expect(sproto.protocol(1)).toBeUndefined();
  });
});

describe("an invalid bundle", () => {
  // .group { type 0 }, one type "A" with one field, with the given records.
  const bundle = (records: string, count: number, name = "61"): string => {
    const field = `${u16(count)}${records}01000000${name}`;
    const type = "0200000000000100000041";
    const fields = sized(field);
    return `01000000${sized(sized(type + sized(fields)))}`;
  };
  const u16 = (value: number): string => {
    return [value & 255, value >> 8].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  };
  const sized = (hex: string): string => `${u16(hex.length / 2)}0000${hex}`;

  const codeAndText = (hex: string): string => {
    try {
      load(bytesOf(hex));
    } catch (error) {
      return `${(error as ProtocolError).code}: ${(error as Error).message}`;
    }
    return "taken";
  };

  it("differs from a valid one", () => {
    // name, buildin integer, skip type, tag 0
    expect(codeAndText(bundle("0000020001000200", 4))).toBe("taken");
    const { schema } = load(bytesOf(bundle("0000020001000200", 4)));
    expect(schema.types[0]).toMatchObject({ name: "A", fields: [{ name: "a", kind: "integer" }] });
    // A string is bytes only with type 1.
    for (const [type, kind] of [
      ["0200", "string"],
      ["0400", "binary"],
      ["0600", "string"],
    ] as const) {
      const loaded = load(bytesOf(bundle(`00000600${type}0200`, 4)));
      expect(loaded.schema.types[0]!.fields[0]!.kind).toBe(kind);
    }
  });

  it.each([
    ["no tag", "00000200", 2, /a has no tag/],
    ["unknown built-in type", "00000a0001000200", 4, /buildin 4 of a exceeds 3/],
    ["missing type", "0000010004000200", 4, /type 1 of 1/],
    ["struct without a type", "000003000200", 3, /a has no type/],
    ["integer(10)", "0000020016000200", 4, /integer\(10\)/],
    ["key without a map", "00000100020002000100" + "0200", 6, /key 0 of A.a is not a field/],
    ["map without a key", "000002000100020003000400", 6, /map A.a has no key/],
    ["field of a later version", "000002000100020005000200", 6, /field 7, known are 0 to 6/],
    ["name inline", "0200020001000200", 4, /not text|after a field/],
    ["number in the data part", "00000000", 2, /not an inline number|exceeds|cut off/],
  ])("%s", (_, records, count, reason) => {
    const found = codeAndText(bundle(records, count));
    expect(found).toMatch(/^malformed: bundle: /);
    expect(found).toMatch(reason);
  });

  it("has repeated names or tags", () => {
    const twice = (text: string, from: string, to: string): Uint8Array => {
      const bytes = parse(text).bundle();
      const hex = Buffer.from(bytes).toString("hex");
      expect(hex).toContain(from);
      return bytesOf(hex.replace(from, to));
    };
    const hexOf = (text: string): string => Buffer.from(text).toString("hex");
    expect(() => load(twice(".Aa{} .Ab{}", hexOf("Ab"), hexOf("Aa")))).toThrow("type Aa twice");
    expect(() => load(twice(".A{ xx 0:integer xy 1:integer }", hexOf("xy"), hexOf("xx")))).toThrow(
      "field of A xx twice",
    );
    expect(() => load(twice(".A{} pp 1 {} pq 2 {}", hexOf("pq"), hexOf("pp")))).toThrow(
      "protocol pp twice",
    );
    expect(() =>
      load(twice(".A{} p 1 {} q 2 {}", "02000000060001000000" + "71", "0200000004000100000071")),
    ).toThrow("protocol tag 1 follows 1");
    expect(() =>
      load(
        twice(
          ".A{ x 0:integer y 1:integer }",
          "0400000002000100040001000000" + "79",
          "040000000200010002000100000079",
        ),
      ),
    ).toThrow("tag 0 of A follows 0");
  });

  it("has a map whose type has three fields", () => {
    const hex = Buffer.from(
      parse(
        ".P{ k 0:string v 1:integer } .Q{ k 0:string v 1:integer w 2:integer } .A{ m 0:*P() }",
      ).bundle(),
    ).toString("hex");
    // The field m: skip buildin, type 1 (P), tag 0, array, key 0, map; type 2 is Q.
    const from = "0700000001000400020004000200" + "0400";
    expect(hex).toContain(from);
    expect(() => load(bytesOf(hex.replace(from, "07000000010006000200040002000400")))).toThrow(
      "map A.m needs a type of two fields",
    );
    // The second field of P as key.
    expect(() => load(bytesOf(hex.replace(from, "07000000010004000200040004000400")))).toThrow(
      "map A.m needs a type of two fields, the key first",
    );
  });

  it("has parts that exceed their containers, or do not fill them", () => {
    const records = "0000020001000200";
    const hex = bundle(records, 4);
    expect(hex.endsWith("0100000061")).toBe(true);
    for (const length of [2, 3, 4, 5]) {
      const longer = hex.replace(/01000000(?=61$)/, sized("00".repeat(length)).slice(0, 8));
      expect(codeAndText(longer)).toBe(
        `malformed: bundle: length ${length} exceeds the 1 bytes left`,
      );
      // Also if bytes follow in the bundle.
      expect(codeAndText(`${longer}${"00".repeat(8)}`)).toMatch(/exceeds the 1 bytes left$/);
    }
    const type = (rest: string): string => `01000000${sized(sized(`010000000100000041${rest}`))}`;
    expect(codeAndText(type(""))).toBe("taken");
    expect(codeAndText(type("00"))).toBe("malformed: bundle: 1 bytes after a type");
    expect(codeAndText(`${type("")}00`)).toBe("taken");
  });

  it("has fields of a later version in group, type or protocol", () => {
    const group = (type: string, protocol: string): string =>
      `02000000 0000 ${sized(sized(type))} ${sized(sized(protocol))}`.replaceAll(" ", "");
    const type = "0100 0000 01000000 41".replaceAll(" ", "");
    const protocol = "0200 0000 0400 01000000 70".replaceAll(" ", "");
    expect(codeAndText(group(type, protocol))).toBe("taken");
    for (const [hex, text] of [
      [group("0200 0000 0300".replaceAll(" ", "") + type.slice(8), protocol), "taken"],
      [group(`030000000100 0200${type.slice(8)}`.replace(" ", ""), protocol), /type has a field 2/],
      [group(type, `04000000040005000200${protocol.slice(12)}`), /protocol has a field 5/],
      [
        `03000000 0000 0200${group(type, protocol).slice(12)}`.replaceAll(" ", ""),
        /group has a field 2/,
      ],
    ] as const) {
      expect(codeAndText(hex)).toMatch(text);
    }
  });

  it("has more types than indexes", () => {
    const types = (count: number): string => {
      const all = Array.from({ length: count }, (_, i) =>
        sized(`01000000${sized(Buffer.from(`T${i}`).toString("hex"))}`),
      ).join("");
      const length = Buffer.alloc(4);
      length.writeUInt32LE(all.length / 2);
      return `01000000${length.toString("hex")}${all}`;
    };
    expect(codeAndText(types(32767))).toBe("taken");
    expect(codeAndText(types(32768))).toBe("malformed: bundle: 32768 types exceed 32767");
  });
});
