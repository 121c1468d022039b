import { describe, expect, it } from "vitest";
import {
  command,
  fastway,
  linkFixlen,
  linkJson,
  packet,
} from "../../../src/protocols/fastway/index.ts";
import { bilibili, chatReply, goim, goimJson } from "../../../src/protocols/goim/index.ts";
import { headerService, messageCodec, protobufjs } from "../../../src/protocols/protobuf/index.ts";
import {
  generateModule,
  netpack,
  pack,
  parse,
  sprotoRpc,
  unpack,
} from "../../../src/protocols/sproto/index.ts";
import {
  binaryTransfer,
  defineCodec,
  frame,
  gatewayProtocol,
  jsonInt,
  jsonNL,
  text,
  textTransfer,
  xml10,
} from "../../../src/protocols/workerman/index.ts";
import { typeOf } from "../protocols/protobuf/samples.ts";

type Options = Record<string, unknown>;

const SCHEMA = ".package { type 0 : integer  session 1 : integer }";
const schema = parse(SCHEMA);

/** Each factory, what it needs, and its limits. */
const factories: readonly [string, (options: never) => unknown, Options, readonly string[]][] = [
  ["goim", goim, {}, ["maxFrame", "maxSendBody"]],
  ["goimJson", goimJson, {}, ["maxFrame"]],
  ["bilibili", bilibili, { inflate: () => new Uint8Array(0) }, ["maxFrame", "maxInflated"]],
  ["chatReply", chatReply, {}, []],
  ["packet", packet, {}, ["maxPacket"]],
  ["command", command, { dialect: "v1" }, ["maxPacket"]],
  ["fastway", fastway, { dialect: "v2" }, ["maxPacket"]],
  ["linkFixlen", linkFixlen, { width: 4, endian: "le" }, ["maxReceive", "maxSend"]],
  ["linkJson", linkJson, {}, ["maxFrame"]],
  ["frame", frame, {}, ["maxFrame"]],
  ["text", text, {}, ["maxFrame"]],
  ["xml10", xml10, {}, ["maxFrame"]],
  ["jsonNL", jsonNL, {}, ["maxFrame"]],
  ["jsonInt", jsonInt, {}, ["maxFrame"]],
  ["binaryTransfer", binaryTransfer, {}, ["maxFrame"]],
  ["textTransfer", textTransfer, {}, ["maxFrame"]],
  ["gatewayProtocol", gatewayProtocol, {}, ["maxFrame"]],
  ["sproto", (options) => parse(SCHEMA, options), {}, ["maxDepth", "maxSize"]],
  ["generateModule", (options) => generateModule(SCHEMA, options), {}, ["width"]],
  ["netpack", netpack, {}, ["maxFrame"]],
  ["sprotoRpc", sprotoRpc, { local: schema, remote: schema }, []],
  ["pack", (options) => pack(Uint8Array.of(1), options), {}, ["maxSize"]],
  ["unpack", (options) => unpack(new Uint8Array(0), options), {}, ["maxSize"]],
  ["messageCodec", (options) => messageCodec(typeOf("LoginReq") as never, options), {}, []],
  ["protobufjs", (options) => protobufjs(typeOf("LoginReq"), options), {}, []],
  ["headerService", headerService, { requests: {} }, ["maxFrame"]],
];

describe.each(factories)("the options of %s", (name, make, needed, limits) => {
  it("are taken as documented", () => {
    expect(() => make(needed as never)).not.toThrow();
    for (const limit of limits) {
      expect(() => make({ ...needed, [limit]: undefined } as never)).not.toThrow();
      expect(() => make({ ...needed, [limit]: 100 } as never)).not.toThrow();
    }
  });

  it("are refused if there is no such option", () => {
    const wrong = { ...needed, maxLength: 5 } as never;
    expect(() => make(wrong)).toThrow(TypeError);
    expect(() => make(wrong)).toThrow(`${name} has no option "maxLength"; use `);
  });

  it.each(limits)("are refused if %s is not a limit", (limit) => {
    for (const value of [Number.NaN, -1, -Infinity, "8", null, 5n, {}]) {
      const wrong = { ...needed, [limit]: value } as never;
      expect(() => make(wrong), String(value)).toThrow(RangeError);
      expect(() => make(wrong)).toThrow(limit);
    }
  });
});

it("a codec of the user's may have members of its own, but its limit is checked", () => {
  const functions = { input: () => 0, decode: () => 0, encode: () => "", end: 5 };
  expect(() => defineCodec(functions)).not.toThrow();
  expect(() => defineCodec({ ...functions, maxFrame: Number.NaN })).toThrow(/maxFrame/);
});

it("a side that does not exist is refused", () => {
  for (const make of [goim, goimJson, binaryTransfer, textTransfer] as ((
    options: never,
  ) => unknown)[]) {
    expect(() => make({ side: "peer" } as never)).toThrow(/side must be "client" or "server"/);
  }
});
