import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync, inflateSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { execute } from "../../../src/cli/run.ts";
import { valueText } from "../../../src/core/index.ts";
import {
  cobs,
  concatenatedJson,
  contentLength,
  decimalPrefixed,
  hdlc,
  pieces,
  slip,
} from "../../../src/framing/index.ts";
import {
  decodeAll,
  decodeFrame,
  delimited,
  encodeAll,
  encodeFrame,
  fixed,
  json,
  latin1,
  lengthPrefixed,
  lines,
  type MessageProtocol,
  netstring,
  type Protocol,
  perMessage,
  raw,
  Splitter,
  utf8,
  varintPrefixed,
} from "../../../src/index.ts";
import { explain } from "../../../src/inspect/index.ts";
import {
  fromHex,
  lengthHint,
  namedProtocol,
  PROTOCOL_NAMES,
} from "../../../src/inspect/ready/index.ts";
import { fastway } from "../../../src/protocols/fastway/index.ts";
import { bilibili, goim, goimJson } from "../../../src/protocols/goim/index.ts";
import {
  answerPackages,
  handshakePackages,
  loginLines,
  requestPackages,
} from "../../../src/protocols/skynet/index.ts";
import { netpack, parse, sprotoRpc } from "../../../src/protocols/sproto/index.ts";
import * as workerman from "../../../src/protocols/workerman/index.ts";

import { thrownBy } from "../../support/thrown.ts";

// `framewright decode --protocol <name>` of every name that there is, on bytes that the library wrote.

const files = mkdtempSync(join(tmpdir(), "framewright-names-"));
afterAll(() => rmSync(files, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(files, name);
  writeFileSync(path, content);
  return path;
}

/** The decoded values. Expects no error. */
async function valuesBy(protocol: string, wire: Uint8Array): Promise<unknown[]> {
  let [out, errors] = ["", ""];
  const args = ["decode", file("wire", wire), "--input", "raw", "--protocol", protocol, "--json"];
  const code = await execute(args, {
    out: { write: (text) => (out += text) },
    errors: { write: (text) => (errors += text) },
  });
  expect([code, errors], out).toEqual([0, ""]);
  return out
    .split("\n")
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { value: unknown }).value);
}

const bytes = Uint8Array.of(1, 2, 3);
const MOVE = ".Move { x 0 : integer  who 1 : string }\n";
const CALLS =
  ".package { type 0 : integer  session 1 : integer }\nsay 1 { request { text 0 : string } }\n";
const [moveFile, callsFile] = [file("move.sproto", MOVE), file("calls.sproto", CALLS)];
const moves = parse(MOVE);
const move = { x: 300, who: "me" };
const both = parse(CALLS);
const inner = encodeAll(goim(), [{ ver: 0, op: 5, body: Uint8Array.from(Buffer.from("{}")) }]);
const upload = { file_name: "a.txt", file_data: bytes };
const gatewayQuery = {
  local_ip: 2 ** 31,
  local_port: 80,
  cmd: 3,
  body: { uid: 7 },
  ext_data: bytes,
};
const php = workerman.phpSerialize();

type Any = Protocol<never, unknown> | MessageProtocol<never, unknown>;
const framed = lengthPrefixed({ width: 4 });

/** By its name, a protocol made without it, and values. */
const CASES: readonly (readonly [name: string, protocol: Any, values: readonly unknown[]])[] = [
  ["goim", goim(), [{ op: 4, seq: 2, body: bytes }, { op: 5 }]],
  ["goim-json", goimJson({ side: "client" }), [{ op: 7, seq: 1, body: 123 }]],
  [
    "bilibili",
    // Its packets are those of goim, and a compressed one holds others.
    { ...bilibili({ inflate: (_, packed) => inflateSync(packed) }), encode: goim().encode },
    [{ ver: 2, op: 5, body: deflateSync(inner) }],
  ],
  [
    "fastway:dialect=v1",
    fastway({ dialect: "v1" }),
    [{ type: "message", connId: 9, message: bytes }],
  ],
  ["fastway:dialect=v2", fastway({ dialect: "v2" }), [{ type: "dial", remoteId: 9 }]],
  ["workerman-json", workerman.jsonNL(), [{ a: [1] }, "text"]],
  ["workerman-text", workerman.text(), ["one", "two"]],
  ["workerman-frame", workerman.frame(), [bytes, new Uint8Array(0)]],
  ["workerman-json-int", workerman.jsonInt(), [{ a: [1] }, "text"]],
  ["workerman-xml", workerman.xml10(), ["<a/>", "<b>text</b>"]],
  ["workerman-binary-transfer", workerman.binaryTransfer(), [upload]],
  ["workerman-text-transfer", workerman.textTransfer(), [upload]],
  ["workerman-gateway", workerman.gatewayProtocol(), [{ ...gatewayQuery, body: "scalar" }]],
  [
    "workerman-gateway:serialized=php",
    workerman.gatewayProtocol({ serialized: php }),
    [gatewayQuery, { ...gatewayQuery, body: "scalar" }],
  ],
  ["skynet-login", loginLines(), ["Y2hhbGxlbmdl", "200 MQ=="]],
  ["skynet-handshake", handshakePackages(), ["alice@c2FtcGxl#MQ==:1:aG1hYw==", "200 OK"]],
  ["skynet-request", requestPackages(), [{ content: bytes, session: 7 }]],
  ["skynet-answer", answerPackages(), [{ content: bytes, ok: true, session: 7 }]],
  [
    `sproto-rpc:local=${callsFile},remote=${callsFile}`,
    sprotoRpc({ local: both, remote: both }),
    [{ kind: "request", name: "say", session: 1, args: { text: "hi" } }],
  ],
  ["length:width=4+raw", framed.wrap(raw()), [bytes]],
  [
    "length:width=4,endian=le,header=cafe0101+utf8",
    lengthPrefixed({ width: 4, endian: "le", header: Uint8Array.of(0xca, 0xfe, 1, 1) }).wrap(
      utf8(),
    ),
    ["a", ""],
  ],
  [
    "length:width=1,header=0x0102",
    lengthPrefixed({ width: 1, header: Uint8Array.of(1, 2) }).wrap(raw()),
    [bytes],
  ],
  ["varint+utf8", varintPrefixed().wrap(utf8()), ["a", ""]],
  ["lines+utf8", lines().wrap(utf8()), ["a", "\u00fc"]],
  ["delimited:delimiter=|+latin1", delimited("|").wrap(latin1()), ["a", "\u00fc"]],
  ["fixed:size=3+raw", fixed(3).wrap(raw()), [bytes, bytes]],
  ["netstring+json", netstring().wrap(json()), [{ a: 1 }]],
  ["netpack+utf8", netpack().wrap(utf8()), ["a"]],
  ["message+json", perMessage().wrap(json()), [{ a: 1 }]],
  ["content-length+json", contentLength().wrap(json()), [{ a: 1 }]],
  ["decimal:digits=4+utf8", decimalPrefixed({ digits: 4 }).wrap(utf8()), ["a", "bc"]],
  ["concatenated-json+json", concatenatedJson().wrap(json()), [{ a: 1 }, [2]]],
  ["pieces+utf8", pieces().wrap(utf8()), ["all"]],
  ["slip+raw", slip().wrap(raw()), [Uint8Array.of(0xc0, 0xdb)]],
  ["cobs+raw", cobs().wrap(raw()), [Uint8Array.of(0, 1, 0)]],
  ["hdlc+raw", hdlc().wrap(raw()), [Uint8Array.of(0x7e, 0x7d)]],
  ["lines+php-json", lines().wrap(workerman.phpJson()), [{ a: "/" }]],
  ["length:width=4+php-serialize", framed.wrap(php), [{ uid: 7 }, ["a", null]]],
  ["php-serialize", perMessage().wrap(php), [{ uid: 7, groups: ["a", "b"] }]],
  [`netpack+sproto:${moveFile}#Move`, netpack().wrap(moves.type("Move")), [move, {}]],
  [`netpack+sproto-packed:${moveFile}#Move`, netpack().wrap(moves.packed("Move")), [move, {}]],
  [`sproto-packed:${moveFile}#Move`, perMessage().wrap(moves.packed("Move")), [move]],
];

describe("framewright decode --protocol", () => {
  it.each(CASES)("%s", async (name, protocol, values) => {
    const isStream = "measure" in protocol;
    const wire = isStream
      ? encodeAll(protocol, values as never[])
      : encodeFrame(protocol, values[0] as never);
    const read = isStream ? decodeAll(protocol, wire) : [decodeFrame(protocol, wire)];
    expect(read.length).toBe(values.length);
    const expected = read.map((value) => JSON.parse(valueText(value)));
    expect(await valuesBy(name, wire)).toEqual(expected);
  });

  it("has no other names", () => {
    const named = CASES.flatMap(([name]) => name.split("+").map((piece) => piece.split(":")[0]));
    const { ready, framings, codecs } = PROTOCOL_NAMES;
    expect([...new Set(named)].sort()).toEqual([...ready, ...framings, ...codecs].sort());
  });

  it.each([
    ["sproto-packed", /sproto-packed needs a schema and a type: sproto-packed:schema\.sproto#Type/],
    [`sproto-packed:${moveFile}#None`, /None/],
    ["sproto-packed:none.sproto#Move", /none\.sproto/],
    ["workerman-gateway:serialized=xml", /serialized must be php, not xml/],
    [
      "php-serialize+lines",
      /unknown protocol "php-serialize\+lines".*; or a file: \.\/mine\.ts#name/,
    ],
    ["length:width=4,header=magic", /header must be bytes in hex, .* header=cafe01\?\?, not magic/],
    ["length:width=4,header=123", /header must be bytes in hex, .* not 123/],
    ["length:width=4,header", /has no option ""; use .*header/],
    ["length:width=4,header=cafe?", /header must be bytes in hex, .* not cafe\?/],
    ["length:width=4,header=ca?e", /header must be bytes in hex, .* not ca\?e/],
    ["length:width=4,offset=2,header=cafe??", /header has 3 bytes, but offset is 2/],
    ["length:width=4,header=", /header must be bytes in hex/],
    ["length:width=4,offset=8,header=cafe", /header has 2 bytes, but offset is 8/],
  ])("%s is refused in one line, with exit code 2", async (name, message) => {
    let errors = "";
    const args = ["decode", file("wire", bytes), "--protocol", name];
    const code = await execute(args, {
      out: { write: () => expect.unreachable("nothing is decoded") },
      errors: { write: (text) => (errors += text) },
    });
    expect(code).toBe(2);
    expect(errors).toMatch(message);
    expect(errors.split("\n")).toHaveLength(2);
  });
});

describe("a framing with an offset, by its name", () => {
  const header = Uint8Array.of(0xca, 0xfe, 1, 1);
  const host = { inflate: () => bytes, schema: () => "" };

  it.each([
    ["length:offset=4,width=4,endian=le", "cafe0101 03000000 010203"],
    ["length:offset=4,width=1,counts=frame", "cafe0101 08 010203"],
    ["varint:offset=4", "cafe0101 03 010203"],
  ])("%s has values with the bytes before the length", async (name, hex) => {
    const wire = fromHex(hex);
    const protocol = namedProtocol(name, host) as Protocol<unknown, unknown>;
    expect(decodeAll(protocol, wire)).toEqual([{ header, payload: bytes }]);
    expect(encodeFrame(protocol, { header, payload: bytes })).toEqual(wire);
    expect(await valuesBy(name, wire)).toEqual([
      { header: { $bytes: "cafe0101" }, payload: { $bytes: "010203" } },
    ]);
  });

  describe("and a header with any bytes", () => {
    const name = "length:width=2,header=ca??01+utf8";
    const protocol = namedProtocol(name, host) as Protocol<unknown, unknown>;

    it("checks the other bytes", async () => {
      const wire = fromHex("ca 07 01 0002 6869  ca ff 01 0000");
      expect(await valuesBy(name, wire)).toEqual([
        { header: { $bytes: "ca0701" }, payload: "hi" },
        { header: { $bytes: "caff01" }, payload: "" },
      ]);
      const value = { header: Uint8Array.of(0xca, 7, 1), payload: "hi" };
      expect(encodeFrame(protocol, value)).toEqual(wire.subarray(0, 7));
    });

    it("refuses a wrong byte when it arrives", () => {
      const wrong = thrownBy(() => decodeAll(protocol, fromHex("ca 07 02")));
      expect(wrong).toMatchObject({
        code: "malformed",
        offset: 2,
        message: "header byte 2 is 0x02, not 0x01",
      });
      const splitter = new Splitter(protocol);
      splitter.push(fromHex("ca"));
      expect(splitter.next()).toBe(false);
      splitter.push(fromHex("07"));
      expect(splitter.next()).toBe(false);
      splitter.push(fromHex("02"));
      expect(() => splitter.next()).toThrow("header byte 2");
    });

    it("writes no other header", () => {
      const value = { header: Uint8Array.of(0xcb, 7, 1), payload: "hi" };
      expect(thrownBy(() => encodeFrame(protocol, value))).toMatchObject({
        code: "unencodable",
        message: "header byte 0 is 0xcb, not 0xca",
      });
    });

    it("shows which bytes are always the same", () => {
      const frame = fromHex("ca 07 01 0002 6869");
      const { parts } = explain(protocol, frame);
      expect(parts?.map(({ name: part, end, note }) => [part, end, note])).toEqual([
        ["header", 1, "always"],
        ["header", 2, undefined],
        ["header", 3, "always"],
        ["length", 5, expect.any(String)],
        ["payload", 7, undefined],
      ]);
    });

    it("gives hints by the mark that it begins with", () => {
      const marked = namedProtocol("length:width=2,header=cafe??", host);
      const wire = fromHex("cafe01 0003 6869 cafe02 0001 68");
      expect(lengthHint(marked, wire, 0, undefined)).toContain(
        "(at 0x3, 2 bytes) may be 1 byte too large",
      );
    });
  });

  it("has payloads of its codec", async () => {
    const wire = fromHex("cafe 0007 7b2261223a317d");
    const expected = { header: { $bytes: "cafe" }, payload: { a: 1 } };
    expect(await valuesBy("length:offset=2,width=2+json", wire)).toEqual([expected]);
  });

  it("shows header and payload apart", async () => {
    let out = "";
    const args = ["decode", file("wire", fromHex("cafe 0002 6869")), "--input", "raw"];
    await execute([...args, "--protocol", "length:offset=2,width=2+utf8"], {
      out: { write: (text) => (out += text) },
      errors: { write: (text) => expect.unreachable(text) },
    });
    expect(out).toMatch(
      /ca fe +header +bytes +2 bytes\n.*00 02 +length .*\n.*68 69 +payload +bytes +"hi"\n/,
    );
  });

  it.each(["length:offset=4,width=4", "varint:offset=4"])("%s refuses other values", (name) => {
    const protocol = namedProtocol(name, host);
    const text = "expected { header, payload } with a header of 4 bytes";
    for (const value of [bytes, undefined, { header: bytes, payload: bytes }]) {
      expect(() => encodeFrame(protocol, value)).toThrow(text);
    }
  });
});
