import { describe, expect, it } from "vitest";
import { decodeFrame, encodeFrame, ProtocolError } from "../../../src/index.ts";
import { READY, type Ready } from "./ready.ts";

// Whatever a program hands to an encoder by mistake: it is refused with a ProtocolError, or comes back as it was.

class Point {
  x = 1;
}

const detached = (): Uint8Array => {
  const bytes = Uint8Array.of(1, 2, 3);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  return bytes;
};

const cyclic: Record<string, unknown> = {};
cyclic["self"] = cyclic;

const throwing = {
  get a(): never {
    throw new Error("no");
  },
};

const ODD: readonly (readonly [string, unknown])[] = [
  ["undefined", undefined],
  ["null", null],
  ["true", true],
  ["0", 0],
  ["-0", -0],
  ["-1", -1],
  ["1.5", 1.5],
  ["NaN", Number.NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
  ["2^31", 2 ** 31],
  ["2^32", 2 ** 32],
  ["2^53", 2 ** 53],
  ["1e308", 1e308],
  ["0n", 0n],
  ["-1n", -1n],
  ["2^64 as a bigint", 1n << 64n],
  ["2^80 as a bigint", 1n << 80n],
  ["an empty string", ""],
  ["a string", "text"],
  ["a digit", "5"],
  ["LF", "\n"],
  ["CR", "\r"],
  ["NUL", "\0"],
  ["a byte order mark", "\ufeff"],
  ["a high surrogate", "\ud800"],
  ["a low surrogate", "a\udc00"],
  ["a pair", "\ud83d\ude00"],
  ["a String object", Object("text")],
  ["a Number object", Object(5)],
  ["a Boolean object", Object(true)],
  ["a BigInt object", Object(5n)],
  ["a Symbol object", Object(Symbol("s"))],
  ["a symbol", Symbol("s")],
  ["a function", () => 1],
  ["an async function", async () => 1],
  ["a class", Point],
  ["an empty object", {}],
  ["an object without prototype", Object.create(null)],
  ["an instance", new Point()],
  ["an empty array", []],
  ["an array of undefined", [undefined]],
  ["a hole", new Array(1)],
  ["a nested array", [[[]]]],
  ["a Map", new Map([["a", 1]])],
  ["an empty Map", new Map()],
  ["a Set", new Set([1])],
  ["a WeakMap", new WeakMap()],
  ["a Date", new Date(0)],
  ["an invalid Date", new Date(Number.NaN)],
  ["a RegExp", /x/],
  ["an Error", new Error("x")],
  ["a promise", Promise.resolve(1)],
  // biome-ignore lint/suspicious/noThenProperty: a value may have one
  ["a thenable", { then: () => {} }],
  ["an ArrayBuffer", new ArrayBuffer(2)],
  ["a SharedArrayBuffer", new SharedArrayBuffer(2)],
  ["a DataView", new DataView(new ArrayBuffer(2))],
  ["a Uint8Array", Uint8Array.of(1, 2)],
  ["an empty Uint8Array", new Uint8Array(0)],
  ["a detached Uint8Array", detached()],
  ["a Buffer", Buffer.from([1, 2])],
  ["a Uint8ClampedArray", Uint8ClampedArray.of(1)],
  ["a Uint16Array", Uint16Array.of(1)],
  ["a Float64Array", Float64Array.of(1)],
  ["a BigInt64Array", BigInt64Array.of(1n)],
  ["a generator", (function* () {})()],
  ["a cycle", cyclic],
  ["a getter that throws", throwing],
  ["a Proxy of nothing", new Proxy({}, {})],
  ["URLSearchParams", new URLSearchParams("a=1")],
  ["a toJSON that returns a Map", { toJSON: () => new Map() }],
];

/** What JSON says of a value, for those that say it themselves. */
function jsonOf(value: object): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}

/** The same as far as a wire can tell: numbers of both kinds, absent members, views of whatever class. */
function plainOf(value: unknown, isJson: boolean): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Object.is(value, -0)) return 0;
  if (typeof value !== "object" || value === null) return value;
  const deeper = (one: unknown): unknown => plainOf(one, isJson);
  if (isJson && typeof (value as { toJSON?: unknown }).toJSON === "function") return jsonOf(value);
  if (ArrayBuffer.isView(value) && Symbol.iterator in value)
    return Array.from(value as never, deeper);
  if (value instanceof Number || value instanceof String || value instanceof Boolean) {
    return value.valueOf();
  }
  if (value instanceof Map) return Object.fromEntries([...value].map(([k, v]) => [k, deeper(v)]));
  if (Array.isArray(value)) return Array.from(value, deeper);
  const members = Object.entries(value).filter(
    ([, member]) => !["undefined", "function", "symbol"].includes(typeof member),
  );
  return Object.fromEntries(members.map(([key, member]) => [key, deeper(member)]));
}

/** True if nothing of what was given is missing or changed; what was left out may have come back as a default. */
function isKept(given: unknown, back: unknown): boolean {
  // Fields of proto3 that are empty are not written; an empty list may stand for an empty map.
  if ((given === null || given === "") && back === undefined) return true;
  if (typeof given !== "object" || given === null) return Object.is(given, back);
  if (Array.isArray(given) && given.length === 0) return Object.keys(back as object).length === 0;
  if (typeof back !== "object" || back === null) return false;
  if (Array.isArray(given) && given.length !== (back as unknown[]).length) return false;
  return Object.entries(given).every(([key, member]) =>
    isKept(member, (back as Record<string, unknown>)[key]),
  );
}

/** Throws unless the value is refused as it should be, or is read back. */
function check({ protocol, hasNoEcho, changes, name, framed }: Ready, value: unknown): void {
  let frame: Uint8Array;
  try {
    frame = encodeFrame(protocol, value as never);
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    expect((error as ProtocolError).code).toBe("unencodable");
    return;
  }
  const { type, body } = ((name === "bilibili" ? value : undefined) ?? {}) as {
    type?: unknown;
    body?: unknown;
  };
  if (type === "auth" && (typeof body === "string" || body instanceof Uint8Array)) {
    // Sent as it is: what an API of Bilibili's handed out.
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    expect([...frame.subarray(16)]).toEqual([...bytes]);
    return;
  }
  if (hasNoEcho === true || changes === true || name.includes("of server")) return;
  const back = plainOf(decodeFrame(protocol, frame), false);
  const given = plainOf(value, false);
  if (isKept(given, back) || (framed !== undefined && isKept(plainOf(value, true), back))) return;
  expect(back).toEqual(given);
}

/** The value, and the value in the place of each member of a good one. */
function placesOf(good: unknown, odd: unknown): unknown[] {
  if (typeof good !== "object" || good === null || ArrayBuffer.isView(good)) return [];
  if (Array.isArray(good)) return good.map((_, i) => good.map((one, j) => (i === j ? odd : one)));
  if (Object.getPrototypeOf(good) !== Object.prototype) return [];
  return Object.keys(good).flatMap((key) => [
    { ...good, [key]: odd },
    ...placesOf((good as Record<string, unknown>)[key], odd).map((inner) => ({
      ...good,
      [key]: inner,
    })),
  ]);
}

describe.each(READY.map((ready) => [ready.name, ready] as const))("%s", (_, ready) => {
  it("refuses odd values, or reads them back", () => {
    const faults: string[] = [];
    const tried = (what: string, value: unknown): void => {
      try {
        check(ready, value);
      } catch (error) {
        faults.push(`${ready.name} ${what}: ${String((error as Error).message).split("\n")[0]}`);
      }
    };
    // Members that are not in the schema are not looked at.
    const isSchema = /^(sproto|protobufjs)/.test(ready.name);
    for (const [what, odd] of ODD) {
      if (isSchema && ["an instance", "a cycle", "a getter that throws"].includes(what)) continue;
      tried(what, odd);
      for (const [i, good] of ready.values.entries()) {
        for (const [j, value] of placesOf(good, odd).entries())
          tried(`${what} at ${i}/${j}`, value);
      }
    }
    expect(faults).toEqual([]);
  });
});
