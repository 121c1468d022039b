import { deflateSync, inflateSync } from "node:zlib";
import fc from "fast-check";
import { encodeAll, encodeFrame, json, lines, type MessageProtocol } from "framewright";
import {
  command,
  commandFields,
  type Dialect,
  fastway,
  packet,
  packetFields,
} from "framewright/fastway";
import type { AnyField } from "framewright/fields";
import { batch, bilibili, goim, goimFields, goimJson } from "framewright/goim";
import { type Explainable, explain, hexView, type Part } from "framewright/inspect";
import { answerFields, answerPackages, requestFields, requestPackages } from "framewright/skynet";
import { fastwayCommands, goimPackets, jsonValues } from "framewright/testing";
import { gatewayFields, gatewayProtocol, jsonNL } from "framewright/workerman";
import { describe, expect, it } from "vitest";
import { checkExplained } from "../../support/explained.ts";

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
const rows = (what: Explainable, bytes: Uint8Array): readonly string[] =>
  hexView(explain(what, bytes), bytes).split("\n");

/** What the code by hand and the description must have in common: names, places, values, hidden or not. */
function shapeOf({ name, start, end, value, parts, hidden }: Part): unknown {
  return {
    name,
    place: [start, end],
    hidden: hidden === true,
    ...(parts === undefined ? { value } : { parts: parts.map(shapeOf) }),
  };
}

/** Leaves alone: descriptions may group them. */
const leavesOf = (part: Part): readonly unknown[] =>
  part.parts === undefined ? [shapeOf(part)] : part.parts.flatMap(leavesOf);

function sameLeaves(protocol: Explainable, field: AnyField, bytes: Uint8Array): void {
  const described = leavesOf(explain(field, bytes));
  expect(leavesOf(explain(protocol, bytes))).toEqual(
    // A description has an empty `extra` after every command.
    described.filter((leaf) => (leaf as { name: string; place: number[] }).name !== "extra"),
  );
}

describe("explain of ready formats shows what their descriptions show", () => {
  it("goim", () => {
    fc.assert(
      fc.property(goimPackets(), (value) => {
        if (value.op === 9) return;
        sameLeaves(goim(), goimFields(), encodeFrame(goim(), value));
      }),
    );
  });

  for (const dialect of ["v1", "v2"] as const satisfies readonly Dialect[]) {
    it(`fastway ${dialect}`, () => {
      fc.assert(
        fc.property(fastwayCommands(dialect), (value) => {
          const bytes = encodeFrame(command({ dialect }) as MessageProtocol<unknown>, value);
          sameLeaves(command({ dialect }), commandFields({ dialect }), bytes);
        }),
      );
    });
  }

  it("fastway's packets", () => {
    const bytes = encodeFrame(packet(), { connId: 7, message: ascii("hi") });
    sameLeaves(packet(), packetFields(), bytes);
  });

  it("skynet's packages", () => {
    const content = ascii("hi");
    const request = encodeFrame(requestPackages(), { content, session: 7 });
    const answer = encodeFrame(answerPackages(), { content, ok: true, session: 7 });
    // The length and what follows it have other names there, and zeros before `ok` are parts of their own.
    const named = (part: Part): readonly unknown[] =>
      (part.parts ?? [part])
        .flatMap((one) => one.parts ?? [one])
        .filter(({ hidden }) => hidden !== true)
        .map(({ name, start, end, value }) => [name, start, end, value]);
    for (const [protocol, field, frame] of [
      [requestPackages(), requestFields(), request],
      [answerPackages(), answerFields(), answer],
    ] as const) {
      expect(named(explain(protocol as Explainable, frame))).toEqual(
        named(explain(field as AnyField, frame)),
      );
    }
  });

  it("GatewayWorker's packages", () => {
    const ext = ascii("ab");
    const bytes = encodeFrame(gatewayProtocol(), {
      cmd: 5,
      client_ip: 3,
      ext_data: ext,
      body: "x",
    });
    sameLeaves(gatewayProtocol(), gatewayFields() as AnyField, bytes);
  });
});

describe("explain of goim", () => {
  it("shows the packets of a batch in its body", () => {
    const packets = [
      { op: 1000, body: ascii("hi") },
      { op: 1001, seq: 3 },
    ];
    expect(rows(goim(), encodeFrame(goim(), batch(packets)))).toEqual([
      "0000               goim                struct",
      "0000  00 00 00 32    packetLength      i32be    50  (bytes of the whole struct)",
      "0004  00 10          headerLength      i16be    16  (always)",
      "0006  00 01          ver               i16be    1",
      "0008  00 00 00 09    op                i32be    9",
      "000c  00 00 00 00    seq               i32be    0",
      "0010                 body              packets",
      "0010                   [0]             struct",
      "0010  00 00 00 12        packetLength  i32be    18  (bytes of the whole struct)",
      "0014  00 10              headerLength  i16be    16  (always)",
      "0016  00 01              ver           i16be    1",
      "0018  00 00 03 e8        op            i32be    1000",
      "001c  00 00 00 00        seq           i32be    0",
      '0020  68 69              body          bytes    2 bytes "hi"',
      "0022                   [1]             struct",
      "0022  00 00 00 10        packetLength  i32be    16  (bytes of the whole struct)",
      "0026  00 10              headerLength  i16be    16  (always)",
      "0028  00 01              ver           i16be    1",
      "002a  00 00 03 e9        op            i32be    1001",
      "002e  00 00 00 03        seq           i32be    3",
      "0032                     body          bytes    0 bytes",
    ]);
  });

  it("shows the packets of one message, each by itself", () => {
    const { measure: _, ...message } = goim();
    const bytes = encodeAll(goim(), [{ op: 3 }, { op: 4, body: ascii("x") }]);
    const part = checkExplained(message as Explainable, message, bytes);
    expect(part.parts?.map(({ name, type }) => `${name} ${type}`)).toEqual([
      "[0] struct",
      "[1] struct",
    ]);
    expect(part.value).toHaveLength(2);
  });
});

describe("explain of fastway", () => {
  it("shows commands by the dialect, and messages", () => {
    const both = fastway({ dialect: "v2" });
    expect(rows(both, encodeFrame(both, { type: "accept", connId: 7, remoteId: 9 }))).toEqual([
      "0000               fastway v2  struct",
      "0000  0d 00 00 00    length    u32le    13  (bytes that follow)",
      "0004  00 00 00 00    connId    u32le    0  (a command)",
      '0008  01             type      enum u8  "accept"  (1)',
      "0009  07 00 00 00    connId    u32le    7",
      "000d  09 00 00 00    remoteId  u32le    9",
    ]);
    const message = { type: "message", connId: 7, message: ascii("hi") } as const;
    expect(rows(both, encodeFrame(both, message)).slice(2)).toEqual([
      "0004  07 00 00 00    connId    u32le   7",
      '0008  68 69          message   bytes   2 bytes "hi"',
    ]);
  });
});

describe("explain of JSON", () => {
  it("shows members with their keys, and the commas after them", () => {
    const bytes = ascii('{"a": 1, "b": [true, "x"]}\n');
    expect(rows(lines().wrap(json()), bytes)).toEqual([
      "0000                           lines        frame",
      "0000                             payload    object",
      "0000  7b                           {        mark",
      "0001  22 61 22 3a 20 31 2c 20      a        number   1",
      "0009                               b        array",
      "0009  22 62 22 3a 20 5b              [      mark",
      "000f  74 72 75 65 2c 20              [0]    boolean  true",
      '0015  22 78 22                       [1]    string   "x"',
      "0018  5d                             ]      mark",
      "0019  7d                           }        mark",
      "001a  0a                         delimiter  bytes    1 byte  (always)",
    ]);
    const packets = ascii('[{"op":2},{"op":3}]\n');
    const part = checkExplained(goimJson() as Explainable, goimJson() as never, packets);
    expect(part.value).toHaveLength(2);
    expect(part.parts?.map(({ name, type }) => `${name} ${type}`)).toEqual([
      "[ mark",
      "[0] object",
      "[1] object",
      "] mark",
    ]);
  });

  it("has the value of each member", () => {
    const check = (value: unknown, bytes: Uint8Array): void => {
      const part = explain(json() as Explainable, bytes);
      const valueIn = ({ type, value: own, parts = [] }: Part): unknown => {
        const inner = parts.filter(({ hidden }) => hidden !== true);
        if (type === "array") return inner.map(valueIn);
        if (type !== "object") return own;
        return Object.fromEntries(inner.map((one) => [one.name, valueIn(one)]));
      };
      expect(valueIn(part)).toEqual(value);
    };
    fc.assert(
      fc.property(jsonValues(), (value) => {
        const text = JSON.stringify(value);
        check(JSON.parse(text), new TextEncoder().encode(text));
        check(JSON.parse(text), new TextEncoder().encode(JSON.stringify(value, null, 2)));
      }),
    );
  });

  it("shows what stands before a fault", () => {
    const bytes = ascii('{"a":1,"b":nope}\n');
    expect(rows(jsonNL(), bytes).slice(3)).toEqual([
      "0001  22 61 22 3a 31 2c            a        number  1",
      "0007  22 62 22 3a 6e 6f 70 65      ?        bytes   9 bytes",
      "000f  7d",
      "0010  0a                         delimiter  bytes   1 byte  (always)",
      "error: malformed: decode-threw: package: 16 bytes are not JSON: expected a value at character 11 of 16 (at 0000)",
    ]);
  });

  it("does not let control characters in keys through", () => {
    const bytes = ascii('{"\\u001b[31m":1}');
    expect(rows(json() as Explainable, bytes).join("")).not.toContain("\u001b");
  });
});

describe("explain of Bilibili's live chat", () => {
  const protocol = bilibili({
    inflate: (_, packed, maxOutputLength) => inflateSync(packed, { maxOutputLength }),
  });
  const packed = (op: number, ver: number, body: Uint8Array): Uint8Array =>
    encodeFrame(goim(), { op, ver, body });

  it("shows the packets that were packed in a message", () => {
    const inner = Uint8Array.of(
      ...packed(5, 0, ascii('{"cmd":"A"}')),
      ...packed(3, 1, Uint8Array.of(0, 0, 1, 0)),
    );
    const frame = packed(5, 2, deflateSync(inner));
    const part = checkExplained(protocol as Explainable, protocol as never, frame);
    expect(part.value).toHaveLength(2);
    const shown = hexView(part, frame, { lines: 1 }).split("\n");
    expect(shown.slice(6)).toEqual([
      "0010   78 9c 63 60 60 90 66 10    body                zlib     46 bytes",
      "       ... 38 more",
      "~0000                               unpacked          packets",
      "~0000                                 [0]             struct",
      "~0000  00 00 00 1b                      packetLength  i32be    27  (bytes of the whole struct)",
      "~0004  00 10                            headerLength  i16be    16  (always)",
      "~0006  00 00                            ver           i16be    0",
      "~0008  00 00 00 05                      op            i32be    5",
      "~000c  00 00 00 00                      seq           i32be    0",
      "~0010                                   body          object",
      "~0010  7b                                 {           mark",
      '~0011  22 63 6d 64 22 3a 22 41            cmd         string   "A"',
      "       ... 1 more",
      "~001a  7d                                 }           mark",
      "~001b                                 [1]             struct",
      "~001b  00 00 00 14                      packetLength  i32be    20  (bytes of the whole struct)",
      "~001f  00 10                            headerLength  i16be    16  (always)",
      "~0021  00 01                            ver           i16be    1",
      "~0023  00 00 00 03                      op            i32be    3",
      "~0027  00 00 00 00                      seq           i32be    0",
      "~002b                                   body          struct",
      "~002b  00 00 01 00                        popularity  u32be    256",
    ]);
  });

  it("shows a popularity, and what stands after it", () => {
    const frame = packed(3, 1, Uint8Array.of(0, 0, 1, 0, 0x5b));
    expect(rows(protocol, frame).slice(6)).toEqual([
      "0010                 body          struct",
      "0010  00 00 01 00      popularity  u32be   256",
      '0014  5b               rest        bytes   1 byte "["',
    ]);
  });

  it("shows a stream that cannot be unpacked", () => {
    const frame = packed(5, 2, ascii("no zlib"));
    expect(rows(protocol, frame).slice(6)).toEqual([
      '0010  6e 6f 20 7a 6c 69 62    body          zlib    7 bytes "no zlib"',
      "error: malformed: 7 bytes are not a zlib stream of at most 8388608 bytes (at 0000)",
    ]);
  });
});
