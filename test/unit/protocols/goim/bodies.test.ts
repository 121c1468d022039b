import { fc, it as prop } from "@fast-check/vitest";
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  decodeFrame,
  decodeUtf8,
  encodeFrame,
  json,
  ProtocolError,
  type Received,
  utf8,
} from "../../../../src/index.ts";
import {
  authToken,
  chatReceive,
  chatReply,
  chatSend,
  chatToken,
  onlineCount,
  operationList,
  operations,
  roomId,
  userId,
} from "../../../../src/protocols/goim/index.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const code = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    return (error as ProtocolError).code;
  }
  return "no error";
};

const INT64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const INT32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

describe("operations", () => {
  it("differ by dialect as on the wire", () => {
    expect([operations.v1.raw, operations.v2.raw]).toEqual([11, 9]);
    expect([operations.v1.handshakeSid, operations.v2.changeRoom]).toEqual([9, 12]);
    expectTypeOf(operations.v2.auth).toEqualTypeOf<7>();
    for (const table of Object.values(operations)) {
      expect(Object.isFrozen(table)).toBe(true);
      const codes = Object.values(table);
      expect(new Set(codes).size).toBe(codes.length);
    }
  });
});

describe("userId", () => {
  prop.prop([INT64], { numRuns: 100 })("is exact to 64 bits", (id) => {
    expect(decodeFrame(userId, encodeFrame(userId, id))).toBe(id);
  });

  it("accepts safe numbers", () => {
    expect(decodeUtf8(encodeFrame(userId, 123))).toBe("123");
  });

  it.each([
    "",
    "1.5",
    "1e3",
    "0x1",
    " 1",
    "9223372036854775808",
    "-9223372036854775809",
    "1".repeat(99),
  ])("refuses to read %j", (text) =>
    expect(code(() => decodeFrame(userId, bytes(text)))).toBe("malformed"),
  );

  it.each([2 ** 53, 1.5, Number.NaN, 2n ** 63n, -(2n ** 63n) - 1n])("refuses to write %s", (id) => {
    expect(code(() => encodeFrame(userId, id))).toBe("unencodable");
  });
});

describe("authToken", () => {
  const empty = { mid: 0n, key: "", room_id: "", platform: "", accepts: [] };

  it("reads what the official client sends", () => {
    const text =
      '{"mid":123, "room_id":"live://1000", "platform":"web", "accepts":[1000,1001,1002]}';
    expect(decodeFrame(authToken, bytes(text))).toEqual({
      mid: 123n,
      key: "",
      room_id: "live://1000",
      platform: "web",
      accepts: [1000, 1001, 1002],
    });
  });

  it("writes only the members that are set", () => {
    expect(decodeUtf8(encodeFrame(authToken, { mid: 1 }))).toBe('{"mid":1}');
    expect(decodeUtf8(encodeFrame(authToken, { mid: 2n ** 62n, key: "k", accepts: [] }))).toBe(
      '{"mid":4611686018427387904,"key":"k","accepts":[]}',
    );
  });

  it.each([
    ["{}", {}],
    [' {"MID":1,"x":{"mid":2}} ', { mid: 1n }],
    ['{"mid":-9223372036854775808,"mid":null}', { mid: -(2n ** 63n) }],
    ['{"accepts":[ 1 , -2 ],"key":"\\u0061"}', { accepts: [1, -2], key: "a" }],
  ])("reads %s as Go does", (text, found) => {
    expect(decodeFrame(authToken, bytes(text))).toEqual({ ...empty, ...found });
  });

  it.each([
    "",
    "[]",
    "null",
    "1",
    "{",
    '{"mid":"1"}',
    '{"mid":1.0}',
    '{"mid":9223372036854775808}',
    '{"key":1}',
    '{"accepts":{}}',
    '{"accepts":[1.5]}',
    '{"accepts":[2147483648]}',
    '{"accepts":["1"]}',
  ])("refuses to read %j", (text) => {
    expect(code(() => decodeFrame(authToken, bytes(text)))).toBe("malformed");
  });

  it("refuses to write inexact ids", () => {
    expect(code(() => encodeFrame(authToken, { mid: 2 ** 60 }))).toBe("unencodable");
    expect(code(() => encodeFrame(authToken, { mid: 1, accepts: [2 ** 31] }))).toBe("unencodable");
  });

  const token = fc.record({
    mid: INT64,
    key: fc.string(),
    room_id: fc.string(),
    platform: fc.string(),
    accepts: fc.array(INT32),
  });
  prop.prop([token], { numRuns: 100 })("round-trips", (value) => {
    expect(decodeFrame(authToken, encodeFrame(authToken, value))).toEqual(value);
  });
});

describe("chatToken", () => {
  it("matches the fork's document", () => {
    const text = '{"mid":123,"mkey":"xxoo"}';
    expect(decodeUtf8(encodeFrame(chatToken, { mid: 123, mkey: "xxoo" }))).toBe(text);
    expect(decodeFrame(chatToken, bytes(text))).toEqual({ mid: 123n, mkey: "xxoo" });
    expect(decodeFrame(chatToken, bytes("{}"))).toEqual({ mid: 0n, mkey: "" });
    expect(code(() => decodeFrame(chatToken, bytes('{"mkey":1}')))).toBe("malformed");
  });
});

describe("onlineCount, roomId, operationList", () => {
  it.each([0, 1, -1, 12345, 2 ** 31 - 1])("counts %i", (count) => {
    expect(decodeFrame(onlineCount, encodeFrame(onlineCount, count))).toBe(count);
  });

  it("is 4 bytes", () => {
    for (const length of [0, 3, 5]) {
      expect(code(() => decodeFrame(onlineCount, new Uint8Array(length)))).toBe("malformed");
    }
    expect(code(() => encodeFrame(onlineCount, 2 ** 31))).toBe("unencodable");
  });

  it("names rooms", () => {
    expect(decodeFrame(roomId, encodeFrame(roomId, "live://1000"))).toBe("live://1000");
    expect(decodeFrame(roomId, encodeFrame(roomId, ""))).toBe("");
    expect(code(() => decodeFrame(roomId, Uint8Array.of(0xff)))).toBe("malformed");
  });

  prop.prop([fc.array(INT32)], { numRuns: 50 })("lists operations", (list) => {
    expect(decodeFrame(operationList, encodeFrame(operationList, list))).toEqual(list);
  });

  it("reads numbers as Go's strconv does", () => {
    expect(decodeFrame(operationList, bytes("007,+8,-9"))).toEqual([7, 8, -9]);
    const edges = [2 ** 31 - 1, -(2 ** 31)];
    expect(decodeFrame(operationList, bytes(edges.join(",")))).toEqual(edges);
    expect(decodeUtf8(encodeFrame(operationList, [1000, 1001]))).toBe("1000,1001");
  });

  it.each([",", "1,", "1 ,2", "1;2", "2147483648", "-2147483649", "1.5", "+-1", "++1"])(
    "refuses %j",
    (text) => {
      expect(code(() => decodeFrame(operationList, bytes(text)))).toBe("malformed");
    },
  );

  it("refuses operations that are not 32-bit integers", () => {
    expect(code(() => encodeFrame(operationList, [1, 1.5]))).toBe("unencodable");
  });
});

describe("the chat fork's bodies", () => {
  it("carry messages of any codec", () => {
    const texts = chatSend(utf8());
    expectTypeOf<Received<typeof texts>["msg"]>().toEqualTypeOf<string>();
    const plain = chatSend();
    expectTypeOf<Received<typeof plain>["msg"]>().toEqualTypeOf<Uint8Array>();
    const message = { from: 1, to: -2, msg: "héllo" };
    expect(decodeFrame(texts, encodeFrame(texts, message))).toEqual(message);
    const values = chatReceive(json<{ a: number }>());
    const received = { chatId: -(2n ** 63n), from: 1, to: 2, msg: { a: 1 } };
    expect(decodeFrame(values, encodeFrame(values, received))).toEqual(received);
  });

  it.each([
    [chatSend(), 8],
    [chatReceive(), 16],
    [chatReply(), 9],
    [chatReply({ ignoreExtra: true }), 9],
  ])("are refused below their minimum length (%#)", (codec, least) => {
    expect(code(() => decodeFrame(codec as never, new Uint8Array(least - 1)))).toBe("malformed");
    expect(code(() => decodeFrame(codec as never, new Uint8Array(least)))).toBe("no error");
  });

  it("refuse extra bytes, unless `ignoreExtra` is set", () => {
    const long = Uint8Array.of(255, 0, 0, 0, 0, 0, 0, 0, 7, 99);
    expect(code(() => decodeFrame(chatReply(), long))).toBe("malformed");
    const reply = decodeFrame(chatReply({ ignoreExtra: true }), long);
    expect(reply).toEqual({ ret: -1, chatId: 7n });
  });

  it.each([
    { from: 2 ** 31, to: 1 },
    { from: 1, to: 0.5 },
  ])("refuse ids that do not fit: %o", (ids) => {
    const msg = new Uint8Array(0);
    expect(code(() => encodeFrame(chatSend(), { ...ids, msg }))).toBe("unencodable");
    const chatId = 1n;
    expect(code(() => encodeFrame(chatReceive(), { ...ids, chatId, msg }))).toBe("unencodable");
  });

  it("refuse results and message ids that do not fit", () => {
    expect(code(() => encodeFrame(chatReply(), { ret: 128, chatId: 0n }))).toBe("unencodable");
    expect(code(() => encodeFrame(chatReply(), { ret: 0, chatId: 2n ** 63n }))).toBe("unencodable");
  });
});
