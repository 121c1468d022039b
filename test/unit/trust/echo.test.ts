import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeAll, encodeFrame, type ProtocolError } from "../../../src/index.ts";
import { mutated } from "../../../src/testing/index.ts";
import { ascii, failureOf } from "../../support/chunks.ts";
import { READY, type Ready } from "./ready.ts";

// A server that sends back what it received must not be stopped by one message: what `decode` yields, `encode` writes.
// Types of what is received and sent differ in calls and header services: those have no echo.

/** Sizes may grow on the way back: a limit is no fault of the value. */
const isLimit = ({ message }: ProtocolError): boolean =>
  /exceeds|more than|the most are|too-large/.test(message) && !message.includes("levels");

/** The values in the bytes; none if they are refused. */
function received({ protocol }: Ready, bytes: Uint8Array): readonly unknown[] {
  try {
    return decodeAll(protocol, bytes);
  } catch {
    return [];
  }
}

/** What is received is written, and read again. */
function checkEcho(ready: Ready, bytes: Uint8Array): void {
  for (const value of received(ready, bytes)) {
    let frame: Uint8Array;
    try {
      frame = encodeFrame(ready.protocol, value as never);
    } catch (error) {
      if (isLimit(error as ProtocolError)) continue;
      throw error;
    }
    // A goim server writes arrays, and reads objects.
    if (!ready.name.includes("of server")) expect(decodeAll(ready.protocol, frame).length).toBe(1);
  }
}

const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);

const HOSTILE = [
  "1e999",
  "[-1e999]",
  '{"a":1e999}',
  "9".repeat(400),
  nested(8000),
  nested(513),
  nested(512),
  nested(511),
  '"\\ud800"',
  '["\\udc00\\ud800"]',
  '{"\\ud800":1}',
  '{"__proto__":{"toJSON":1}}',
  '{"toJSON":{}}',
  "-0",
  "9007199254740993",
  '"\\u0000\\u2028\\u007f\\n"',
  "null",
  '""',
];

// As in PHP, whose json_encode does not write what its json_decode reads there; docs/workerman.md says so.
const isInfinite = (json: string): boolean => /1e999|9{400}/.test(json);

const echoing = READY.filter(({ hasNoEcho }) => hasNoEcho !== true);

describe.each(echoing.map((ready) => [ready.name, ready] as const))("an echo of %s", (_, ready) => {
  const frames = ready.values.map((value) => encodeFrame(ready.protocol, value as never));

  it("writes what it reads of good frames", () => {
    for (const frame of frames) {
      if (!ready.name.includes("of server")) expect(received(ready, frame).length).toBe(1);
      checkEcho(ready, frame);
    }
  });

  it("writes what it reads of damaged frames", () => {
    fc.assert(
      fc.property(mutated(fc.constantFrom(...frames)), (bytes) => checkEcho(ready, bytes)),
      { numRuns: 500 },
    );
  });

  it("writes what it reads of bytes by chance", () => {
    const few = fc.constantFrom(
      0,
      1,
      2,
      4,
      8,
      10,
      13,
      16,
      0x22,
      0x2c,
      0x30,
      0x31,
      0x61,
      0x7f,
      0x80,
      0xff,
    );
    const bytes = fc.array(fc.oneof(few, fc.nat(255)), { maxLength: 40 });
    fc.assert(
      fc.property(bytes, (list) => checkEcho(ready, Uint8Array.from(list))),
      { numRuns: 300 },
    );
  });

  const { framed } = ready;
  if (framed === undefined) return;
  it.each(HOSTILE.map((json) => [json.slice(0, 40), json] as const))(
    "writes or refuses %s",
    (_name, json) => {
      if (ready.name === "phpJson" && isInfinite(json)) {
        expect(failureOf(() => checkEcho(ready, ascii(json)))?.code).toBe("unencodable");
        return;
      }
      checkEcho(ready, ascii(framed(json)));
    },
  );
});

describe("an echo of lines", () => {
  it.each(["\r\r\n", "a\r\r\n", "\r\n", "\n\r\n\r\r\n"])("writes or refuses %j", (stream) => {
    for (const ready of echoing.filter(({ name }) => /^lines|^several/.test(name))) {
      checkEcho(ready, ascii(stream));
    }
  });
});
