import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  client,
  Push,
  type Reply,
  ReplyError,
  resp,
  Status,
  server,
  type Value,
  Verbatim,
} from "../../examples/peers/_resp.ts";
import { decodeAll, decodeFrame, encodeFrame, Splitter } from "../../src/index.ts";
import { laws, text } from "../../src/testing/index.ts";
import { ascii, everySize, failureOf, readAll } from "../support/chunks.ts";
import { keeps } from "../support/laws.ts";

// The protocol of examples/peers, which walks: values that hold values, many of them, of both versions.

const line = fc.string({ unit: fc.constantFrom("a", " ", "é", "0"), maxLength: 20 });
const words = fc.oneof(text({ max: 60 }), fc.constantFrom("", "\r\n", "$5\r\n"));
const error = fc.string({ maxLength: 20 }).map((message) => new ReplyError(message));
const oneLine = line.map((message) => new ReplyError(`ERR ${message}`));
const integers = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.constantFrom(0, -1, 2 ** 53 - 1));
const long = fc.bigInt(2n ** 60n, 2n ** 63n - 1n).map((n) => (n & 1n ? -n : n));

const old = fc.oneof<fc.Arbitrary<Value>[]>(
  words,
  integers,
  long,
  fc.constant(null),
  oneLine,
  line.map((one) => new Status(one)),
);
const recent = fc.oneof<fc.Arbitrary<Value>[]>(
  old,
  error,
  fc.boolean(),
  fc.double(),
  fc.bigInt(2n ** 64n, 2n ** 80n),
  words.map((one) => new Verbatim("txt", one)),
);
const many = { maxLength: 40, size: "max" } as const;
const items = (one: fc.Arbitrary<Value>): fc.Arbitrary<Value[]> => fc.array(one, many);
const nestedIn = (one: fc.Arbitrary<Value>): fc.Arbitrary<Value> =>
  fc.oneof(one, items(one), items(fc.oneof(one, fc.array(one, { maxLength: 4 }))));
const collections = fc.oneof<fc.Arbitrary<Value>[]>(
  nestedIn(recent),
  fc.uniqueArray(words, many).map((all) => new Set(all)),
  fc
    .uniqueArray(fc.tuple(words, nestedIn(recent)), { selector: ([key]) => key, maxLength: 9 })
    .map((all) => new Map(all)),
  fc.array(recent, { maxLength: 5 }).map((all) => new Push(all.map(received))),
);

/** What is received for a value: both kinds of marked texts are texts. */
function received(value: Value): Reply {
  if (value instanceof Status || value instanceof Verbatim) return value.text;
  if (Array.isArray(value)) return value.map(received);
  if (value instanceof Map) {
    return new Map([...value].map(([key, one]) => [received(key), received(one)] as const));
  }
  return value as Reply;
}

/** Errors are compared by what they say. */
const plain = (value: Reply): unknown => {
  if (value instanceof ReplyError) return { error: value.message };
  if (value instanceof Push) return { push: value.items.map(plain) };
  if (value instanceof Set) return { set: [...value].map(plain) };
  if (value instanceof Map) return { map: [...value].map(([k, v]) => [plain(k), plain(v)]) };
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === "bigint" ? `${value}n` : Object.is(value, -0) ? "-0" : value;
};
const equal = (a: Reply, b: Reply): boolean =>
  JSON.stringify(plain(a), unusual) === JSON.stringify(plain(b), unusual);
const unusual = (_: string, value: unknown): unknown =>
  typeof value === "number" && !Number.isFinite(value) ? String(value) : value;

const options = { runs: 60, expected: received, equal };
const refusedOf2 = fc.constantFrom<unknown>(true, 0.5, new Map(), new Set(), 2n ** 70n, undefined);
keeps("RESP 2", laws(resp({ version: 2 }), nestedIn(old), { ...options, refused: refusedOf2 }));
keeps(
  "RESP 3",
  laws(resp(), collections, {
    ...options,
    refused: fc.constantFrom<unknown>(undefined, {}, () => 1),
  }),
);
keeps("RESP 3, small values only", laws(resp({ maxFrame: 300 }), collections, options));
const commands = fc
  .tuple(fc.constantFrom("GET", "SET"), fc.array(words, { maxLength: 60, size: "max" }))
  .map(([name, rest]) => [name, ...rest] as [string, ...string[]]);
keeps("commands", laws(client(), commands, { runs: 60, reader: server(), expected: (all) => all }));
keeps(
  "bulk strings as bytes",
  laws(resp({ bytes: true }), items(fc.uint8Array({ maxLength: 90 })), { runs: 60 }),
);

describe("RESP", () => {
  it.each<[string, string, unknown]>([
    ["a simple string", "+OK\r\n", "OK"],
    ["an error", "-ERR no\r\n", { error: "ERR no" }],
    [
      "integers",
      "*4\r\n:0\r\n:-5\r\n:+7\r\n:9007199254740993\r\n",
      [0, -5, 7, "9007199254740993n"],
    ],
    ["nulls of both versions", "*3\r\n$-1\r\n*-1\r\n_\r\n", [null, null, null]],
    [
      "booleans and doubles",
      "*5\r\n#t\r\n#f\r\n,-1.5e3\r\n,inf\r\n,10\r\n",
      [true, false, -1500, Infinity, 10],
    ],
    [
      "a big number",
      "(3492890328409238509324850943850943825024385\r\n",
      "3492890328409238509324850943850943825024385n",
    ],
    ["a bulk error", "!21\r\nSYNTAX invalid syntax\r\n", { error: "SYNTAX invalid syntax" }],
    ["a verbatim string", "=15\r\ntxt:Some string\r\n", "Some string"],
    [
      "a map",
      "%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n",
      {
        map: [
          ["a", 1],
          ["b", [2]],
        ],
      },
    ],
    ["a set", "~2\r\n+a\r\n+b\r\n", { set: ["a", "b"] }],
    ["a push", ">2\r\n+message\r\n$2\r\nhi\r\n", { push: ["message", "hi"] }],
    [
      "attributes, which are passed over",
      "|1\r\n+ttl\r\n:3\r\n*2\r\n|1\r\n+a\r\n+b\r\n:1\r\n:2\r\n",
      [1, 2],
    ],
    ["bytes that are no text in a length", "$3\r\n\r\n\r\r\n", "\r\n\r"],
  ])("reads %s, cut anywhere", (_, wire, expected) => {
    const bytes = ascii(wire);
    expect(plain(decodeFrame(resp(), bytes))).toEqual(expected);
    for (let size = 1; size < bytes.length; size++) {
      const { frames, failure } = readAll(resp(), everySize(bytes, size));
      expect([frames.length, failure]).toEqual([1, undefined]);
    }
  });

  it.each<[string, string, string]>([
    ["an unknown type", "?1\r\n", "malformed"],
    ["an inline command", "PING\r\n", "malformed"],
    ["CR without LF", "+a\rb\r\n", "malformed"],
    ["LF without CR", "+a\nb\r\n", "malformed"],
    ["a length that is no number", "$a\r\n", "malformed"],
    ["a negative length", "$-2\r\n", "malformed"],
    ["a map without a length", "%-1\r\n", "malformed"],
    ["a string without its line end", "*1\r\n$1\r\nabc", "malformed"],
    ["a boolean that is none", "#x\r\n", "malformed"],
    ["a double that is none", ",1,5\r\n", "malformed"],
    ["more values than maxFrame can hold", "*400000\r\n", "too-long"],
    ["a string above maxFrame in an array", "*2\r\n$1048570\r\n", "too-long"],
    ["a string above maxFrame", "$1048570\r\n", "too-long"],
    ["values within values without end", `${"*1\r\n".repeat(200)}:1\r\n`, "malformed"],
    ["a value that is cut off", "*2\r\n:1\r\n", "truncated"],
  ])("refuses %s, cut anywhere", (_, wire, code) => {
    const bytes = ascii(wire);
    expect(failureOf(() => decodeAll(resp(), bytes))?.code).toBe(code);
    for (const size of [1, 2, 5]) {
      const splitter = new Splitter(resp());
      const failure = failureOf(() => {
        for (const chunk of everySize(bytes, size)) {
          splitter.push(chunk);
          while (splitter.next()) resp().decode(splitter.bytes, splitter.start, splitter.end);
        }
        splitter.finish();
      });
      expect(failure?.code).toBe(code);
    }
  });

  it("asks a long array for its end only a few times, whatever the chunks", () => {
    const protocol = resp({ maxFrame: 1 << 24 });
    const values = Array.from({ length: 20_000 }, (_, i) => `value ${i}`);
    const bytes = encodeFrame(protocol, values);
    let calls = 0;
    const splitter = new Splitter({
      ...protocol,
      measure(...args) {
        calls++;
        return protocol.measure(...args);
      },
    });
    for (const chunk of everySize(bytes, 100)) {
      splitter.push(chunk);
      while (splitter.next()) {
        expect(protocol.decode(splitter.bytes, splitter.start, splitter.end)).toEqual(values);
      }
    }
    expect(splitter.pending).toBe(0);
    expect(calls).toBeLessThan(200);
  });
});
