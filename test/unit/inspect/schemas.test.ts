import { fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { encodeFrame, lengthPrefixed, type MessageProtocol, perMessage } from "framewright";
import { type Explainable, explain, hexView, type Part } from "framewright/inspect";
import { bufbuild, headerService, messageCodec, protobufjs } from "framewright/protobuf";
import { netpack, parse, sprotoRpc } from "framewright/sproto";
import { equal } from "framewright/testing";
import type protobuf from "protobufjs";
import { describe, expect, it } from "vitest";
import { checkExplained } from "../../support/explained.ts";
import { bytesOf } from "../../support/hex.ts";
import { models, textOf, valuesOf } from "../../support/sproto-schemas.ts";
import { vectors } from "../../support/sproto-vectors.ts";
import { schemaOf, typeOf } from "../protocols/protobuf/samples.ts";

const rows = (what: Explainable, bytes: Uint8Array): readonly string[] =>
  hexView(explain(what, bytes), bytes).split("\n");
const alone = (codec: unknown): MessageProtocol<unknown> => perMessage().wrap(codec as never);

describe("explain of sproto", () => {
  const schema = parse(`
    .Phone { number 0 : string  kind 1 : integer }
    .Person { name 0 : string  age 1 : integer  ok 3 : boolean  phones 4 : *Phone  n 5 : *integer }
    .package { type 0 : integer  session 1 : integer }
    find 7 { request Person  response Phone }
  `);
  const ann = {
    name: "Ann",
    age: 40,
    ok: true,
    phones: [{ number: "1", kind: 70_000 }],
    n: [1, 2],
  };

  it("shows records and data by the schema", () => {
    expect(rows(schema.type("Person") as Explainable, schema.encode("Person", ann))).toEqual([
      "0000  06 00        records       u16le     6",
      "0002  00 00        name          u16le     0  (in the data)",
      "0004  52 00        age           integer   40",
      "0006  01 00        skip          u16le     1  (to tag 3)",
      "0008  04 00        ok            boolean   true",
      "000a  00 00        phones        u16le     0  (in the data)",
      "000c  00 00        n             u16le     0  (in the data)",
      '000e               name          string    "Ann"',
      "000e  03 00 00 00    length      u32le     3",
      '0012  41 6e 6e       value       string    "Ann"',
      "0015               phones        *Phone    1 item",
      "0015  17 00 00 00    length      u32le     23",
      "0019                 [0]         Phone",
      "0019  13 00 00 00      length    u32le     19",
      "001d  02 00            records   u16le     2",
      "001f  00 00            number    u16le     0  (in the data)",
      "0021  00 00            kind      u16le     0  (in the data)",
      '0023                   number    string    "1"',
      "0023  01 00 00 00        length  u32le     1",
      '0027  31                 value   string    "1"',
      "0028                   kind      integer   70000",
      "0028  04 00 00 00        length  u32le     4",
      "002c  70 11 01 00        value   integer   70000",
      "0030               n             *integer  2 items",
      "0030  09 00 00 00    length      u32le     9",
      "0034  04             width       u8        4  (bytes of an item)",
      "0035  01 00 00 00    [0]         integer   1",
      "0039  02 00 00 00    [1]         integer   2",
    ]);
  });

  it("shows what packed bytes stand for", () => {
    const people = netpack().wrap(schema.packed("Person"));
    const frame = encodeFrame(people, { name: "Ann", age: 40 });
    expect(rows(people, frame)).toEqual([
      "0000                            length-prefixed u16be  frame",
      "0000   00 08                      length               u16be    8  (frame length minus 2)",
      '0002   51 02 52 03 1c 41 6e 6e    payload              packed   {"name":"Ann","age":40}',
      "~0000                               unpacked           Person",
      "~0000  02 00                          records          u16le    2",
      "~0002  00 00                          name             u16le    0  (in the data)",
      "~0004  52 00                          age              integer  40",
      '~0006                                 name             string   "Ann"',
      "~0006  03 00 00 00                      length         u32le    3",
      '~000a  41 6e 6e                         value          string   "Ann"',
      "~000d  00 00 00                       padding          bytes    3 bytes",
    ]);
    const packed = alone(schema.packed("Person"));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (junk) => {
        checkExplained(packed as Explainable, packed as never, junk);
      }),
    );
  });

  it("shows the header of a call, and its request", () => {
    const rpc = sprotoRpc({ local: schema, remote: schema });
    const call = encodeFrame(rpc, {
      kind: "request",
      name: "find",
      session: 5,
      args: { name: "Ann" },
    });
    expect(rows(rpc, call).slice(2)).toEqual([
      '0002   55 02 10 0c 01 c4 03 41    payload         packed   {"kind":"request","name":"find","args":{...',
      "000a   6e 01 6e",
      "~0000                               unpacked      call",
      "~0000                                 header      package",
      "~0000  02 00                            records   u16le    2",
      "~0002  10 00                            type      integer  7",
      "~0004  0c 00                            session   integer  5",
      "~0006                                 request     Person",
      "~0006  01 00                            records   u16le    1",
      "~0008  00 00                            name      u16le    0  (in the data)",
      '~000a                                   name      string   "Ann"',
      "~000a  03 00 00 00                        length  u32le    3",
      '~000e  41 6e 6e                           value   string   "Ann"',
      "~0011  00 00 00 00 00 00 00           padding     bytes    7 bytes",
    ]);
    const answer = { kind: "response", name: "find", session: 5, args: { kind: 3 } } as const;
    expect(rows(rpc, encodeFrame(rpc, answer)).slice(3)).toEqual([
      "~0000                               unpacked     call",
      "~0000                                 header     package",
      "~0000  02 00                            records  u16le    2",
      "~0002  01 00                            skip     u16le    1  (to tag 1)",
      "~0004  0c 00                            session  integer  5",
      "~0006  02 00 01 00 08 00 00 00        response   bytes    10 bytes",
      "~000e  00 00",
    ]);
  });

  it("reads the same values as decode, of random schemas", () => {
    const withoutMaps = models.filter(({ types }) =>
      types.every((fields) => fields.every(({ key }) => key === undefined)),
    );
    const cases = withoutMaps.chain((model) => fc.tuple(fc.constant(model), valuesOf(model, 0)));
    fc.assert(
      fc.property(cases, ([model, value]) => {
        const random = parse(textOf(model));
        const bytes = random.encode("T0", value as never);
        const part = checkExplained(
          random.type("T0") as Explainable,
          alone(random.type("T0")) as never,
          bytes,
        );
        const found = structIn(part);
        const wanted = random.decode("T0", bytes);
        if (!equal(found, wanted)) expect(found).toEqual(wanted);
      }),
    );
  });

  it("covers all vectors", () => {
    for (const { schema: name, type, hex, packedHex } of vectors.cases) {
      const one = parse(vectors.schemas[name]!);
      const [plain, packed] = [alone(one.type(type)), alone(one.packed(type))];
      checkExplained(plain as Explainable, plain as never, bytesOf(hex));
      checkExplained(packed as Explainable, packed as never, bytesOf(packedHex));
    }
  });
});

const visible = ({ parts = [] }: Part): readonly Part[] =>
  parts.filter(({ hidden }) => hidden !== true);

/** The value that the leaves make up. */
function structIn(part: Part): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const one of visible(part)) {
    const value = one.parts === undefined ? one.value : dataIn(one);
    Object.defineProperty(found, one.name, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return found;
}

function dataIn(part: Part): unknown {
  if (part.type.startsWith("*")) {
    return visible(part).map((one) => (one.parts === undefined ? one.value : dataIn(one)));
  }
  const [only] = visible(part);
  if (/^(integer|string|binary|double)$/.test(part.type)) return only?.value;
  return structIn(part);
}

describe("explain of protobuf", () => {
  const type = (name: string): Explainable =>
    protobufjs(typeOf(name) as never) as unknown as Explainable;
  const everything = {
    int32: -5,
    uint32: 4_000_000_000,
    sint32: -3,
    bool: true,
    fixed32: 7,
    sfixed32: -7,
    float: 1.5,
    double: -2.5,
    string: "h\u00fc",
    bytes: Uint8Array.of(0, 1),
    enum: 1,
    inner: { int32: 1 },
  };
  const written = (name: string, value: object): Uint8Array =>
    Uint8Array.from(typeOf(name).encode(typeOf(name).fromObject(value)).finish());

  it("shows fields by a type of protobufjs or of protobuf-es, the same way", () => {
    const bytes = written("Everything", everything);
    const part = explain(type("Everything"), bytes);
    expect(visible(part).map(({ name, value, type: shown }) => [name, shown, value])).toEqual([
      ["int32", "int32", -5],
      ["uint32", "uint32", 4_000_000_000],
      ["sint32", "sint32", -3],
      ["bool", "bool", true],
      ["fixed32", "fixed32", 7],
      ["sfixed32", "sfixed32", -7],
      ["float", "float", 1.5],
      ["double", "double", -2.5],
      ["string", "string", "h\u00fc"],
      ["bytes", "bytes", Uint8Array.of(0, 1)],
      ["enum", "Color", "RED"],
      ["inner", "samples.Everything", undefined],
    ]);
    const other = bufbuild(schemaOf("Everything"), { toBinary, fromBinary });
    const names = ({ name, start, end, parts = [] }: Part): unknown => [
      name,
      start,
      end,
      parts.map(names),
    ];
    expect(names(explain(other as unknown as Explainable, bytes))).toEqual(names(part));
  });

  it("shows lists, packed or not, and maps", () => {
    const bytes = written("Lists", {
      packedUint32: [1, 300],
      looseUint32: [5, 6],
      packedDouble: [1.5],
      strings: ["a", ""],
      numbers: { "-1": 2 },
      byName: { x: { int32: 3 } },
    });
    for (const one of [
      type("Lists"),
      bufbuild(schemaOf("Lists"), { toBinary, fromBinary }) as unknown as Explainable,
    ]) {
      const part = explain(one, bytes);
      expect(visible(part).map(({ value }) => value)).toEqual([
        [1, 300],
        5,
        6,
        [1.5],
        "a",
        "",
        undefined,
        undefined,
      ]);
      const [numbers, byName] = visible(part).slice(-2);
      expect(visible(numbers!).map(({ name, value }) => [name, value])).toEqual([
        ["key", -1],
        ["value", 2],
      ]);
      expect(visible(visible(byName!)[1]!).map(({ name }) => name)).toEqual(["int32"]);
    }
  });

  it("shows what the bytes look like without a type", () => {
    const codec = messageCodec(typeOf("LoginReq") as never) as unknown as Explainable;
    const bytes = written("LoginReq", {
      header: { msgType: "samples.LoginReq", seq: 3 },
      account: "ann",
    });
    expect(rows(codec, bytes)).toEqual([
      "0000                           field 1     message",
      "0000  0a                         tag       varint   10  (field 1, length)",
      "0001  14                         length    varint   20",
      '0002                             field 1   string   "samples.LoginReq"',
      "0002  0a                           tag     varint   10  (field 1, length)",
      "0003  10                           length  varint   16",
      '0004  73 61 6d 70 6c 65 73 2e      value   string   "samples.LoginReq"',
      "000c  4c 6f 67 69 6e 52 65 71",
      "0014                             field 2   number   3",
      "0014  10                           tag     varint   16  (field 2, varint)",
      "0015  03                           value   number   3",
      '0016                           field 2     string   "ann"',
      "0016  12                         tag       varint   18  (field 2, length)",
      "0017  03                         length    varint   3",
      '0018  61 6e 6e                   value     string   "ann"',
    ]);
    // A group, which proto3 has no more, and bytes that are no text.
    const group = Uint8Array.of(0x0b, 0x10, 1, 0x0c, 0x1a, 2, 0xff, 0xfe);
    expect(rows(codec, group).slice(0, -1)).toEqual([
      "0000         field 1    group",
      "0000  0b       tag      varint  11  (field 1, group)",
      "0001           field 2  number  1",
      "0001  10         tag    varint  16  (field 2, varint)",
      "0002  01         value  number  1",
      "0003  0c       end      varint  12  (end of group 1)",
      "0004         field 3    bytes   2 bytes",
      "0004  1a       tag      varint  26  (field 3, length)",
      "0005  02       length   varint  2",
      "0006  ff fe    value    bytes   2 bytes",
    ]);
  });

  it("shows the header of a message, and the type that it names", () => {
    const login = protobufjs<{ account: string }>(typeOf("LoginReq") as protobuf.Type as never);
    const service = headerService({ requests: { "samples.LoginReq": { request: login } } });
    const sent = encodeFrame(service.clientProtocol as MessageProtocol<unknown>, {
      type: "samples.LoginReq",
      seq: 3,
      message: { account: "ann" },
    });
    expect(rows(service.serverProtocol as Explainable, sent)).toEqual([
      "0000                           protobuf with header  frame",
      "0000  1b 00 00 00                length              u32le             27  (frame length minus 4)",
      "0004                             payload             samples.LoginReq",
      "0004                               header            Header",
      "0004  0a                             tag             varint            10  (field 1, length)",
      "0005  14                             length          varint            20",
      '0006                                 msg_type        string            "samples.LoginReq"',
      "0006  0a                               tag           varint            10  (field 1, length)",
      "0007  10                               length        varint            16",
      '0008  73 61 6d 70 6c 65 73 2e          value         string            "samples.LoginReq"',
      "0010  4c 6f 67 69 6e 52 65 71",
      "0018                                 seq             uint32            3",
      "0018  10                               tag           varint            16  (field 2, varint)",
      "0019  03                               value         uint32            3",
      '001a                               account           string            "ann"',
      "001a  12                             tag             varint            18  (field 2, length)",
      "001b  03                             length          varint            3",
      '001c  61 6e 6e                       value           string            "ann"',
    ]);
  });

  it("covers good bytes, cut ones and junk, with and without a type", () => {
    const good = [written("Everything", everything), written("Lists", { strings: ["a"] })];
    const codecs = [
      protobufjs(typeOf("Everything") as never),
      protobufjs(typeOf("Lists") as never),
      messageCodec(typeOf("Everything") as never),
      bufbuild(schemaOf("Lists"), { toBinary, fromBinary }),
    ];
    for (const codec of codecs) {
      const protocol = lengthPrefixed({ width: 1 }).wrap(codec as never) as MessageProtocol<never>;
      const check = (body: Uint8Array): void => {
        const frame = Uint8Array.of(body.length, ...body);
        checkExplained(protocol as Explainable, protocol, frame);
      };
      for (const bytes of good) {
        for (let end = 0; end <= bytes.length; end++) check(bytes.subarray(0, end));
        for (let at = 0; at < bytes.length; at++) {
          check(bytes.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte)));
        }
      }
      fc.assert(fc.property(fc.uint8Array({ maxLength: 20 }), check), { numRuns: 50 });
    }
  });

  it("does not nest without end", () => {
    const deep = new Uint8Array(2000).fill(0x0b);
    const codec = messageCodec(typeOf("LoginReq") as never) as unknown as Explainable;
    const part = explain(codec, deep);
    expect(part.error).toBeDefined();
    expect(part.parts?.at(-1)?.end).toBe(2000);
  });
});
