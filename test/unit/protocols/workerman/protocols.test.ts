import { describe, expect, expectTypeOf, it } from "vitest";
import { fromBase64, toBase64 } from "../../../../src/core/base64.ts";
import { newScan } from "../../../../src/core/index.ts";
import {
  decodeAll,
  decodeFrame,
  decodeUtf8,
  encodeFrame,
  type Protocol,
  type Received,
  type Sent,
  Splitter,
} from "../../../../src/index.ts";
import {
  binaryTransfer,
  frame,
  type GatewayPackage,
  gatewayCommands,
  gatewayFlags,
  gatewayProtocol,
  jsonInt,
  jsonNL,
  phpJson,
  type TransferReply,
  type TransferredFile,
  text,
  textTransfer,
  xml10,
} from "../../../../src/protocols/workerman/index.ts";
import { ascii, failureOf } from "../../../support/chunks.ts";

/** Returns the length and error for every prefix of a package. */
function measured(protocol: Protocol<never, unknown>, start: Uint8Array): (number | string)[] {
  return Array.from(start, (_, i) => {
    try {
      return protocol.measure(start, 0, i + 1, newScan());
    } catch (error) {
      return (error as Error).message;
    }
  });
}

describe("every built-in protocol", () => {
  const made: [string, (options: { maxFrame?: number }) => Protocol<never, unknown>, number][] = [
    ["jsonNL", jsonNL, 1],
    ["text", text, 1],
    ["frame", frame, 4],
    ["jsonInt", jsonInt, 4],
    ["xml10", xml10, 10],
    ["binaryTransfer", binaryTransfer, 5],
    ["textTransfer", textTransfer, 1],
    ["gateway", gatewayProtocol, 28],
  ];

  it.each(made)("%s: name, limit, frozen", (name, make, least) => {
    const protocol = make({});
    expect(protocol).toMatchObject({ name, maxFrame: 1024 * 1024 });
    expect(Object.isFrozen(protocol)).toBe(true);
    expect(make({ maxFrame: least }).maxFrame).toBe(least);
    expect(() => make({ maxFrame: least - 1 })).toThrow(RangeError);
  });

  it.each(made.filter(([, , least]) => least > 1))("%s: over the limit", (_, make, least) => {
    const limit = least + 10;
    const header = (total: number) =>
      least === 10 ? ascii(String(total).padStart(10, "0")) : Uint8Array.of(0, 0, 0, total);
    const start = (total: number) => {
      const bytes = new Uint8Array(least);
      bytes.set(header(total));
      return bytes;
    };
    const splitter = new Splitter(make({ maxFrame: limit }));
    splitter.push(start(limit));
    expect(splitter.next()).toBe(false);
    const over = new Splitter(make({ maxFrame: limit }));
    over.push(start(limit + 1));
    expect(failureOf(() => over.next())).toEqual({
      code: "too-long",
      offset: 0,
      message: `frame of ${limit + 1} bytes exceeds maxFrame ${limit}`,
    });
  });
});

describe("a total length", () => {
  it("is measured when the header is complete, and refused as soon as possible", () => {
    expect(measured(frame(), Uint8Array.of(0, 0, 0, 9, 1))).toEqual([0, 0, 0, 9, 9]);
    expect(measured(binaryTransfer(), Uint8Array.of(0, 0, 0, 9, 1))).toEqual([0, 0, 0, 0, 9]);
    expect(measured(binaryTransfer(), Uint8Array.of(0, 0, 0, 4)).at(-1)).toBe(
      "length-below-header: package of 4 bytes, its header has 5",
    );
    expect(measured(gatewayProtocol(), Uint8Array.of(0, 0, 0, 27)).at(-1)).toBe(
      "length-below-header: package of 27 bytes, its header has 28",
    );
    expect(measured(jsonInt(), Uint8Array.of(0, 0, 0, 3)).at(-1)).toBe(
      "length-below-header: package of 3 bytes, its header has 4",
    );
  });

  it("limits the parts of a package before the rest of it arrives", () => {
    const name = Uint8Array.of(0, 0, 0, 7, 3);
    expect(failureOf(() => binaryTransfer().measure(name, 0, 5, newScan()))).toEqual({
      code: "malformed",
      offset: 4,
      message: "bad-length: name of 3 bytes in a package of 7, which has room for 2",
    });
    const ext = new Uint8Array(28);
    ext[3] = 30;
    ext[27] = 3;
    expect(failureOf(() => gatewayProtocol().measure(ext, 0, 28, newScan()))).toEqual({
      code: "malformed",
      offset: 24,
      message: "bad-length: ext_data of 3 bytes in a package of 30, which has room for 2",
    });
    ext[27] = 2;
    expect(gatewayProtocol().measure(ext, 0, 28, newScan())).toBe(30);
  });
});

describe("frame", () => {
  it("returns views, or copies", () => {
    const bytes = encodeFrame(frame(), ascii("abc"));
    const view = decodeFrame(frame(), bytes);
    const copy = decodeFrame(frame({ copy: true }), bytes);
    expect(view.buffer).toBe(bytes.buffer);
    expect(copy.buffer).not.toBe(bytes.buffer);
    expect(copy).toEqual(view);
  });
});

describe("text", () => {
  it("removes only the CRs of the line end", () => {
    const bytes = ascii("\r\n\n");
    expect(text().decode(bytes, 1, 2)).toBe("");
    expect(text().decode(bytes, 0, 2)).toBe("");
  });

  it("refuses a CR only at the end, in text and bytes", () => {
    for (const inner of ["\r", "a\r", "\r\r"]) {
      const said = /ends in a CR, which readers remove/;
      expect(() => encodeFrame(text(), inner)).toThrow(said);
      expect(() => encodeFrame(text({ bytes: true }), ascii(inner))).toThrow(said);
    }
    for (const inner of ["", "a", "a\rb", "\rb"]) {
      expect(decodeFrame(text(), encodeFrame(text(), inner))).toBe(inner);
      const rows = text({ bytes: true });
      expect(decodeFrame(rows, encodeFrame(rows, ascii(inner)))).toEqual(ascii(inner));
    }
  });
});

describe("xml10", () => {
  it("refuses a byte that is not a digit as soon as it arrives", () => {
    expect(measured(xml10(), ascii("00x"))).toEqual([
      0,
      0,
      "bad-header: byte 120 at digit 2 of 10",
    ]);
    expect(measured(xml10(), ascii("/"))).toEqual(["bad-header: byte 47 at digit 0 of 10"]);
    expect(measured(xml10(), ascii(":"))).toEqual(["bad-header: byte 58 at digit 0 of 10"]);
    expect(measured(xml10(), ascii("0000000009")).at(-1)).toBe(
      "length-below-header: package of 9 bytes, its header has 10",
    );
  });

  it("has a limit that ten digits can express", () => {
    expect(xml10({ maxFrame: 2 ** 40 }).maxFrame).toBe(9_999_999_999);
    expect(frame({ maxFrame: 2 ** 40 }).maxFrame).toBe(2 ** 32 - 1);
  });
});

describe("transfers", () => {
  const file: TransferredFile = { file_name: "é.bin", file_data: ascii("data") };

  it.each([
    ["binaryTransfer", binaryTransfer({ side: "client" }), binaryTransfer({ side: "server" })],
    ["textTransfer", textTransfer({ side: "client" }), textTransfer({ side: "server" })],
  ])("%s: only the client's packages have a frame", (name, client, server) => {
    expectTypeOf<Sent<typeof client>>().toEqualTypeOf<TransferredFile>();
    expectTypeOf<Received<typeof client>>().toEqualTypeOf<Uint8Array>();
    expectTypeOf<Sent<typeof server>>().toEqualTypeOf<TransferReply>();
    expectTypeOf<Received<typeof server>>().toEqualTypeOf<TransferredFile>();
    expect([client.name, server.name]).toEqual([name, name]);

    const sent = encodeFrame(client, file);
    expect(decodeFrame(server, sent)).toEqual(file);
    expect(encodeFrame(server, "säved")).toEqual(new TextEncoder().encode("säved"));
    expect(encodeFrame(server, Uint8Array.of(1, 2))).toEqual(Uint8Array.of(1, 2));

    // Each chunk is a message of its own.
    const splitter = new Splitter(client);
    const got: string[] = [];
    for (const chunk of ["sav", "ed\n", "x"]) {
      splitter.push(ascii(chunk));
      while (splitter.next()) {
        got.push(decodeUtf8(client.decode(splitter.bytes, splitter.start, splitter.end)));
      }
    }
    expect(got).toEqual(["sav", "ed\n", "x"]);
  });

  it("have two sides", () => {
    const side = "middle" as "client";
    expect(() => binaryTransfer({ side })).toThrow(
      new RangeError('side must be "client" or "server", not middle'),
    );
    expect(() => textTransfer({ side })).toThrow(RangeError);
  });

  it.each([
    ['{"file_name":"a","file_data":"eA==",  "more":1}', "x"],
    ['{"file_data":"eHg=","file_name":"a"}\r', "xx"],
    ['{"file_name":"a","file_data":""}', ""],
  ])("textTransfer reads %s", (json, data) => {
    expect(decodeFrame(textTransfer(), ascii(`${json}\n`))).toEqual({
      file_name: "a",
      file_data: ascii(data),
    });
  });

  it.each([
    ["", "expected a value at character 0 of 0"],
    ["null", "no file_name"],
    ["5", "no file_name"],
    ["[]", "no file_name"],
    ['{"file_data":"eA=="}', "no file_name"],
    ['{"file_name":"a"}', "no file_data in base64"],
    ['{"file_name":"a","file_data":5}', "no file_data in base64"],
    ['{"file_name":"a","file_data":"eA"}', "no file_data in base64"],
    ['{"file_name":"a","file_data":"e==="}', "no file_data in base64"],
    ['{"file_name":"a","file_data":"eA=A"}', "no file_data in base64"],
    ['{"file_name":"a","file_data":"e-__"}', "no file_data in base64"],
    ['{"file_name":"a","file_data":"ab\\u0100d"}', "no file_data in base64"],
  ])("textTransfer refuses %s", (json, reason) => {
    expect(failureOf(() => decodeAll(textTransfer(), ascii(`${json}\n`)))).toEqual({
      code: "malformed",
      offset: 0,
      message: `decode-threw: package: ${reason}`,
    });
  });

  it("textTransfer reports the offset of invalid UTF-8", () => {
    const bytes = Uint8Array.of(0x7b, 0xff, 0x0a);
    expect(failureOf(() => decodeFrame(textTransfer(), bytes))?.offset).toBe(1);
  });
});

describe("base64", () => {
  it("matches RFC 4648", () => {
    const pairs = { f: "Zg==", fo: "Zm8=", foo: "Zm9v", foob: "Zm9vYg==", foobar: "Zm9vYmFy" };
    for (const [plain, coded] of Object.entries(pairs)) {
      expect(toBase64(ascii(plain))).toBe(coded);
      expect(fromBase64(coded)).toEqual(ascii(plain));
    }
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(toBase64(all)).toBe(btoa(String.fromCharCode(...all)));
    expect(fromBase64(toBase64(all))).toEqual(all);
  });
});

describe("gatewayProtocol", () => {
  it("requires only a command", () => {
    const ping = { cmd: gatewayCommands.PING };
    const bytes = encodeFrame(gatewayProtocol(), ping);
    expect(decodeFrame(gatewayProtocol(), bytes)).toEqual({
      pack_len: 28,
      cmd: 201,
      local_ip: 0,
      local_port: 0,
      client_ip: 0,
      client_port: 0,
      connection_id: 0,
      flag: 1,
      gateway_port: 0,
      ext_len: 0,
      ext_data: ascii(""),
      body: ascii(""),
    });
  });

  it("forwards a received package", () => {
    const protocol = gatewayProtocol();
    const bytes = encodeFrame(protocol, {
      cmd: gatewayCommands.ON_MESSAGE,
      flag: gatewayFlags.NOT_CALL_ENCODE,
      connection_id: 17,
      ext_data: "{}",
      body: "hello",
    });
    const received = decodeFrame(protocol, bytes);
    expectTypeOf(received).toEqualTypeOf<GatewayPackage>();
    expect(received).toMatchObject({ flag: 3, pack_len: 35, ext_len: 2 });
    expect(encodeFrame(protocol, received)).toEqual(bytes);
  });

  it("reads and writes bodies that are not scalars with a codec, and sets the flag by the body", () => {
    const protocol = gatewayProtocol({ serialized: phpJson<string[]>() });
    expectTypeOf<Received<typeof protocol>["body"]>().toEqualTypeOf<Uint8Array | string[]>();
    const list = encodeFrame(protocol, { cmd: 14, flag: 3, body: ["u1"] });
    expect(decodeFrame(protocol, list)).toMatchObject({ flag: 2, body: ["u1"] });
    const scalar = encodeFrame(protocol, { cmd: 14, flag: 2, body: '["u1"]' });
    expect(decodeFrame(protocol, scalar)).toMatchObject({ flag: 3, body: ascii('["u1"]') });
    // Without a codec it remains bytes.
    expect(decodeFrame(gatewayProtocol(), list)).toMatchObject({ flag: 2, body: ascii('["u1"]') });
    expect(
      failureOf(() => encodeFrame(gatewayProtocol(), { cmd: 1, body: ["u1"] as never })),
    ).toEqual({
      code: "unencodable",
      offset: undefined,
      message:
        "gateway cannot write this value: body is not a scalar, and the option serialized is not set",
    });
  });

  // Copied from src/Protocols/GatewayProtocol.php a second time, to catch typing errors.
  it.each([
    ["ON_CONNECT", 1],
    ["ON_MESSAGE", 3],
    ["ON_CLOSE", 4],
    ["SEND_TO_ONE", 5],
    ["SEND_TO_ALL", 6],
    ["KICK", 7],
    ["DESTROY", 8],
    ["UPDATE_SESSION", 9],
    ["GET_ALL_CLIENT_SESSIONS", 10],
    ["IS_ONLINE", 11],
    ["BIND_UID", 12],
    ["UNBIND_UID", 13],
    ["SEND_TO_UID", 14],
    ["GET_CLIENT_ID_BY_UID", 15],
    ["BATCH_GET_CLIENT_ID_BY_UID", 16],
    ["JOIN_GROUP", 20],
    ["LEAVE_GROUP", 21],
    ["SEND_TO_GROUP", 22],
    ["GET_CLIENT_SESSIONS_BY_GROUP", 23],
    ["GET_CLIENT_COUNT_BY_GROUP", 24],
    ["SELECT", 25],
    ["GET_GROUP_ID_LIST", 26],
    ["UNGROUP", 27],
    ["BATCH_GET_CLIENT_COUNT_BY_GROUP", 28],
    ["WORKER_CONNECT", 200],
    ["PING", 201],
    ["GATEWAY_CLIENT_CONNECT", 202],
    ["GET_SESSION_BY_CLIENT_ID", 203],
    ["SET_SESSION", 204],
    ["ON_WEBSOCKET_CONNECT", 205],
  ] as const)("has the command %s as %i", (name, number) => {
    expect(gatewayCommands[name]).toBe(number);
  });

  it("has no other commands, and the flags", () => {
    expect(Object.keys(gatewayCommands)).toHaveLength(30);
    expect(gatewayFlags).toEqual({ BODY_IS_SCALAR: 1, NOT_CALL_ENCODE: 2 });
    expect(Object.isFrozen(gatewayCommands) && Object.isFrozen(gatewayFlags)).toBe(true);
  });
});

describe("types", () => {
  it("describe sent and received values", () => {
    const lines = text();
    expectTypeOf<Received<typeof lines>>().toEqualTypeOf<string>();
    const rows = text({ bytes: true });
    expectTypeOf<Received<typeof rows>>().toEqualTypeOf<Uint8Array>();
    const xml = xml10({ bytes: true });
    expectTypeOf<Sent<typeof xml>>().toEqualTypeOf<Uint8Array>();
    const typed = jsonNL<{ code: number }, { type: string }>();
    expectTypeOf<Sent<typeof typed>>().toEqualTypeOf<{ code: number }>();
    expectTypeOf<Received<typeof typed>>().toEqualTypeOf<{ type: string }>();
    const lenient = jsonInt<number, string>({ invalid: "null" });
    expectTypeOf<Received<typeof lenient>>().toEqualTypeOf<string | null>();
    const files = binaryTransfer();
    expectTypeOf<Sent<typeof files>>().toEqualTypeOf<TransferredFile>();
  });
});
