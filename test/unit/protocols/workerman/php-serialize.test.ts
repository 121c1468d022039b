import { describe, expect, it } from "vitest";
import {
  decodeFrame,
  decodeUtf8,
  duplex,
  encodeFrame,
  lengthPrefixed,
  type MessageProtocol,
  type ProtocolError,
  perMessage,
} from "../../../../src/index.ts";
import {
  type GatewayPackage,
  gatewayCommands,
  gatewayProtocol,
  gatewayQueries,
  phpSerialize,
} from "../../../../src/protocols/workerman/index.ts";
import { Requests } from "../../../../src/session/index.ts";
import { connect, listen } from "../../../../src/transports/node/index.ts";
import { bytesOf } from "../../../support/hex.ts";
import { readText } from "../../../support/package.ts";

const values: MessageProtocol<unknown> = perMessage().wrap(phpSerialize());
const bytesIn = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (text: string): unknown => decodeFrame(values, bytesIn(text));
const write = (value: unknown): string => decodeUtf8(encodeFrame(values, value));
const errorOf = (run: () => unknown): ProtocolError => {
  try {
    run();
  } catch (error) {
    return error as ProtocolError;
  }
  throw new Error("nothing was thrown");
};

describe("phpSerialize", () => {
  it.each<[string, unknown]>([
    ["N;", null],
    ["b:1;", true],
    ["b:0;", false],
    ["i:0;", 0],
    ["i:-5;", -5],
    ["i:9007199254740993;", 9007199254740993n],
    ["i:-9223372036854775808;", -(2n ** 63n)],
    ["d:0.1;", 0.1],
    ["d:-0;", -0],
    ["d:1.0E-7;", 1e-7],
    ["d:1.0E+25;", 1e25],
    ["d:1.5E+300;", 1.5e300],
    ["d:9007199254740992;", 2 ** 53],
    ["d:INF;", Infinity],
    ["d:-INF;", -Infinity],
    ["d:NAN;", Number.NaN],
    ['s:0:"";', ""],
    ['s:5:"hello";', "hello"],
    ['s:6:"é"漢";', 'é"漢'],
    ["a:0:{}", []],
    ['a:2:{i:0;s:2:"u1";i:1;s:2:"u2";}', ["u1", "u2"]],
    [
      "a:2:{i:1;i:10;i:0;i:20;}",
      new Map([
        [1, 10],
        [0, 20],
      ]),
    ],
    [
      'a:2:{s:3:"uid";i:7;i:-3;a:1:{i:0;N;}}',
      new Map<unknown, unknown>([
        ["uid", 7],
        [-3, [null]],
      ]),
    ],
    ['a:1:{s:2:"05";b:1;}', new Map([["05", true]])],
  ])("reads and writes %s", (text, value) => {
    expect(read(text)).toEqual(value);
    expect(write(value)).toBe(text);
  });

  it("reads arrays that GatewayWorker has sent", () => {
    const { cases } = JSON.parse(readText("test/vectors/workerman.json")) as {
      cases: { name: string; hex: string }[];
    };
    const { hex } = cases.find(({ name }) => name === "gateway-array-body-serialized")!;
    const protocol = gatewayProtocol({ serialized: phpSerialize<string[]>() });
    expect(decodeFrame(protocol, bytesOf(hex)).body).toEqual(["u1", "u2"]);
    expect(encodeFrame(protocol, { cmd: gatewayCommands.SEND_TO_UID, body: ["u1", "u2"] })).toEqual(
      bytesOf(hex),
    );
  });

  it("reads a key of decimal digits as an integer, as PHP does, and writes objects as arrays", () => {
    expect(read('a:2:{s:1:"5";N;s:2:"-7";N;}')).toEqual(
      new Map([
        [5, null],
        [-7, null],
      ]),
    );
    expect(write({ 5: "a", "05": "b", c: undefined })).toBe('a:2:{i:5;s:1:"a";s:2:"05";s:1:"b";}');
    expect(
      write(
        new Map<unknown, unknown>([
          ["5", 1],
          [6n, 2],
        ]),
      ),
    ).toBe("a:2:{i:5;i:1;i:6;i:2;}");
  });

  it("keeps the last value of a repeated key, in its first place", () => {
    expect([
      ...(read('a:3:{s:1:"a";i:1;s:1:"b";i:2;s:1:"a";i:3;}') as Map<string, number>),
    ]).toEqual([
      ["a", 3],
      ["b", 2],
    ]);
    expect(read("a:2:{i:0;i:1;i:0;i:2;}")).toEqual(new Map([[0, 2]]));
  });

  it("reads strings as bytes with the option, but keys as text", () => {
    const raw = perMessage().wrap(phpSerialize<unknown>({ strings: "bytes" }));
    const bytes = Uint8Array.of(...bytesIn('a:1:{s:1:"k";s:2:"'), 255, 34, ...bytesIn('";}'));
    const value = decodeFrame(raw, bytes);
    expect(value).toEqual(new Map([["k", Uint8Array.of(255, 34)]]));
    expect(encodeFrame(raw, value)).toEqual(bytes);
    expect(errorOf(() => decodeFrame(values, bytes)).code).toBe("malformed");
    expect(() => phpSerialize({ strings: "latin1" as "utf8" })).toThrow("not latin1");
  });

  it.each([
    ["", 0],
    ["N", 1],
    ["N;N;", 2],
    ["b:2;", 4],
    ["i:;", 3],
    ["i:1", 2],
    ["i:1.5;", 6],
    ["i:9223372036854775808;", 22],
    ["d:1e;", 5],
    ["d:0x10;", 7],
    ['s:5:"hell";', 10],
    ['s:4:"hello";', 9],
    ['s:-1:"";', 5],
    ["a:1:{}", 6],
    ["a:0:{", 5],
    ["a:1:{i:0;}", 10],
    ["a:1:{N;N;}", 6],
    ["a:9999999999:{i:0;N;", 20],
    ['O:8:"stdClass":0:{}', 0],
    ['C:1:"A":0:{}', 0],
    ['E:3:"A:B";', 0],
    ["r:1;", 0],
    ["R:1;", 0],
  ])("refuses %s", (text, offset) => {
    expect(errorOf(() => read(text))).toMatchObject({ code: "malformed", offset });
  });

  it("limits the depth, in both directions", () => {
    const nested = (depth: number): string => `${"a:1:{i:0;".repeat(depth)}N;${"}".repeat(depth)}`;
    expect(write(read(nested(512)))).toBe(nested(512));
    expect(errorOf(() => read(nested(513))).code).toBe("malformed");
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(errorOf(() => write(cycle)).code).toBe("unencodable");
  });

  it.each<[string, unknown]>([
    ["undefined", undefined],
    ["a symbol", Symbol("x")],
    ["a function", () => {}],
    ["a bigint of 65 bits", 2n ** 63n],
    ["a lone surrogate", "\ud800"],
    ["a Set", new Set()],
    ["a Date", new Date(0)],
    ["a fraction as key", new Map([[0.5, 1]])],
    ["an object as key", new Map([[{}, 1]])],
    ["undefined in a list", [undefined]],
  ])("does not write %s", (_, value) => {
    expect(errorOf(() => encodeFrame(values, value)).code).toBe("unencodable");
  });
});

describe("gatewayQueries", () => {
  it("queries a gateway and reads its answers, in the order of the queries", async () => {
    // Like a gateway: src/Gateway.php answers with a length and serialize().
    const gateway = duplex({
      read: gatewayProtocol(),
      write: lengthPrefixed({ width: 4 }).wrap(phpSerialize()),
    });
    const answers: Readonly<Record<number, (query: GatewayPackage) => unknown>> = {
      [gatewayCommands.IS_ONLINE]: ({ connection_id }) => (connection_id === 5 ? 1 : 0),
      [gatewayCommands.GET_GROUP_ID_LIST]: () => ["a", "b"],
      [gatewayCommands.GET_SESSION_BY_CLIENT_ID]: () => null,
      [gatewayCommands.GET_ALL_CLIENT_SESSIONS]: () => new Map([[5, 'a:1:{s:1:"n";i:1;}']]),
    };
    const seen: string[] = [];
    const server = await listen(gateway, {
      port: 0,
      host: "127.0.0.1",
      message(connection, query) {
        if (query.cmd === gatewayCommands.GATEWAY_CLIENT_CONNECT) seen.push(decodeUtf8(query.body));
        else connection.send(answers[query.cmd]!(query));
      },
    });
    const requests = new Requests<unknown>({ ids: "fifo" });
    const client = await connect(gatewayQueries(), {
      port: server.port,
      message: (_, answer) => requests.answer(undefined, answer),
    });
    client.onInputEnd((error) => requests.end(error));
    client.send({ cmd: gatewayCommands.GATEWAY_CLIENT_CONNECT, body: '{"secret_key":"x"}' });
    const ask = (cmd: number, connection_id = 0): Promise<unknown> =>
      requests.ask(() => client.send({ cmd, connection_id }));
    expect(
      await Promise.all([
        ask(gatewayCommands.IS_ONLINE, 5),
        ask(gatewayCommands.GET_ALL_CLIENT_SESSIONS),
        ask(gatewayCommands.IS_ONLINE, 6),
        ask(gatewayCommands.GET_SESSION_BY_CLIENT_ID, 6),
        ask(gatewayCommands.GET_GROUP_ID_LIST),
      ]),
    ).toEqual([1, new Map([[5, 'a:1:{s:1:"n";i:1;}']]), 0, null, ["a", "b"]]);
    expect(seen).toEqual(['{"secret_key":"x"}']);
    client.close();
    await server.close();
  });

  it("checks its options, and accepts another codec for the answers", () => {
    expect(() => gatewayQueries({ serialised: 1 } as never)).toThrow("serialized");
    const bytes = gatewayQueries({ serialized: phpSerialize({ strings: "bytes" }) });
    expect(decodeFrame(bytes, bytesOf("00000008 733a313a22ff223b"))).toEqual(Uint8Array.of(255));
  });
});
