import { describe, expect, it } from "vitest";
import { compilerMessages, hovers, instantiations } from "../../support/compiler.ts";

const FIELDS = `
import * as f from "./src/fields/index.ts";
import { encodeFrame, type Received, type Sent } from "./src/index.ts";
`;

const GOIM = `${FIELDS}
const goim = f.protocolOf(
  f.struct({
    packetLength: f.size(f.i32be, f.whole),
    headerLength: f.constant(f.i16be, 16),
    ver: f.withDefault(f.i16be, 1),
    op: f.i32be,
    seq: f.withDefault(f.i32be, 0),
    body: f.withDefault(f.bytes(), new Uint8Array(0)),
  }),
  { name: "goim" },
);
`;

const COMMANDS = `${FIELDS}
const connId = f.u32le;
const command = f.protocolOf(
  f.envelope({
    length: f.size(f.u32le, f.rest),
    command: f.union("type", f.enumOf(f.u8, { dial: 0, accept: 1 }), {
      dial: { remoteId: f.u32le },
      accept: { connId, remoteId: f.u32le },
    }),
  }),
  { name: "commands" },
);
`;

const MODBUS = `${FIELDS}
const request = f.protocolOf(
  f.struct({
    length: f.size(f.u16be, f.rest),
    fn: f.enumOf(f.u8, { readOne: 3, writeOne: 6 }, { open: true }),
    data: f.match(
      "fn",
      { readOne: f.struct({ address: f.u16be }), writeOne: f.struct({ address: f.u16be, value: f.u16be }) },
      f.bytes(),
    ),
  }),
  { name: "modbus" },
);
`;

describe("types of descriptions in an editor", () => {
  it("are members in wire order, without helper types", () => {
    const types = hovers(`${GOIM}
type In = Sent<typeof goim>;
type Out = Received<typeof goim>;
`);
    expect(types).toEqual({
      In:
        "{ readonly op: number; readonly ver?: number | undefined; " +
        "readonly seq?: number | undefined; readonly body?: Uint8Array<ArrayBufferLike> | undefined; }",
      Out:
        "{ readonly ver: number; readonly op: number; readonly seq: number; " +
        "readonly body: Uint8Array<ArrayBufferLike>; }",
    });
  });

  it("are a plain union for a union", () => {
    expect(hovers(`${COMMANDS}\ntype Out = Received<typeof command>;`)).toEqual({
      Out:
        '{ readonly type: "dial"; readonly remoteId: number; } | ' +
        '{ readonly type: "accept"; readonly connId: number; readonly remoteId: number; }',
    });
  });

  it("are a plain union for a match, with the other numbers of an open enum", () => {
    expect(hovers(`${MODBUS}\ntype Out = Received<typeof request>;`)).toEqual({
      Out:
        '{ readonly fn: "readOne"; readonly data: { readonly address: number; }; } | ' +
        '{ readonly fn: "writeOne"; readonly data: { readonly address: number; readonly value: number; }; } | ' +
        "{ readonly fn: number; readonly data: Uint8Array<ArrayBufferLike>; }",
    });
  });
});

describe("messages of the compiler", () => {
  const CASES: readonly (readonly [what: string, program: string, messages: readonly RegExp[]])[] =
    [
      [
        "a member that is missing",
        `${GOIM}encodeFrame(goim, { seq: 1 });`,
        [/Property 'op' is missing in type '\{ seq: number; \}'/],
      ],
      [
        "a member that does not exist",
        `${GOIM}encodeFrame(goim, { op: 1, opp: 2 });`,
        [/'opp' does not exist in type '\{ readonly op: number; readonly ver\?: number/],
      ],
      [
        "a body of another case",
        `${MODBUS}encodeFrame(request, { fn: "writeOne", data: { address: 1, quantity: 2 } });`,
        [/'quantity' does not exist in type .*readonly value: number/],
      ],
      [
        "an unknown case",
        `${COMMANDS}encodeFrame(command, { type: "dail", remoteId: 1 });`,
        [/^Type '"dail"' is not assignable to type '"dial" \| "accept"'\.$/],
      ],
      [
        "a field that does not exist",
        `${FIELDS}f.struct({ n: f.size(f.u16be, "boddy"), body: f.bytes() });`,
        [/Property 'error' is missing .*"no field is called \\"boddy\\""/],
      ],
      [
        "a union without a case",
        `${FIELDS}f.union("type", f.enumOf(f.u8, { a: 1, b: 2 }), { a: { x: f.u8 } });`,
        [/Property 'b' is missing in type '\{ a: /],
      ],
    ];
  for (const [what, program, patterns] of CASES) {
    it(`name ${what}`, () => {
      const messages = compilerMessages(program);
      expect(messages.length, messages.join("\n\n")).toBe(patterns.length);
      for (const [i, pattern] of patterns.entries()) expect(messages[i]).toMatch(pattern);
    });
  }
});

describe("the cost of checking descriptions", () => {
  const structs = (count: number): string =>
    `${FIELDS}${Array.from(
      { length: count },
      (_, i) => `
export const s${i} = f.struct({
  length: f.size(f.u16be, f.rest),
  kind${i}: f.enumOf(f.u8, { a: 1, b: 2, c${i}: 3 }),
  id: f.u32be,
  at: f.u64be,
  name${i}: f.utf8(f.u8),
  level: f.withDefault(f.u8, 1),
  hasNote: f.present("note", f.u8),
  note: f.optional(f.utf8(f.u16be)),
  n: f.count(f.u16be, "points"),
  points: f.array(f.struct({ x${i}: f.i32be, y: f.i32be, tags: f.array(f.struct({ t: f.u8 }), f.u8) })),
  flags: f.flags(f.u8, ["urgent", "signed"]),
  bodySize: f.size(f.u16be, "body"),
  body: f.match("kind${i}", { a: f.struct({ q: f.u8 }), b: f.utf8() , c${i}: f.bytes() }),
  tail: f.bytes(4),
  crc: f.checksum(f.u16be, () => 0),
});
export type R${i} = typeof s${i} extends f.Field<infer In, infer Out> ? [In, Out] : never;
export const send${i} = (value: R${i}[1]): string => value.name${i} + value.points.length;
`,
    ).join("")}`;

  it("is at most 2,300 instantiations for each of 200 structs of 15 fields", () => {
    const one = instantiations(structs(1));
    expect((instantiations(structs(201)) - one) / 200).toBeLessThan(2300);
  }, 300_000);
});
