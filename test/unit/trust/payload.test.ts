import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeAll, decodeFrame, encodeFrame, Splitter } from "../../../src/index.ts";
import { concat } from "../../support/chunks.ts";
import { READY, type Ready } from "./ready.ts";

// Whatever a peer sends, its bytes must not reach a log by way of an error: not in the message, not in a cause.

const SECRET = "hunter2";

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

/** Bytes that hold the secret, and are wrong in many ways. */
function malformed({ values, protocol, framed }: Ready): Uint8Array[] {
  const frames = values.map((value) => encodeFrame(protocol, value as never));
  const secret = bytes(SECRET);
  const texts = [
    SECRET,
    `"${SECRET}`,
    `{"password":${SECRET}}`,
    `{"${SECRET}":}`,
    `["${SECRET}" 1]`,
    `{"a":"${SECRET}","b":1e999}`,
    `{"${SECRET}":"\\ud800"}`,
    `["${SECRET}", "\\x"]`,
    `{"mid":"${SECRET}"}`,
    `${SECRET},1`,
    `${SECRET}\r\r\n`,
    `\u00ff${SECRET}\u00ff`,
  ];
  const wrong = texts.flatMap((text) =>
    [text, `${text}\n`, ...(framed === undefined ? [] : [framed(text)])].map(bytes),
  );
  for (const frame of frames) {
    for (let at = 0; at <= Math.min(frame.length, 40); at++) {
      const [front, back] = [frame.subarray(0, at), frame.subarray(at)];
      wrong.push(concat([front, secret, back]), concat([front, secret]), concat([secret, back]));
      for (const byte of [0x00, 0x07, 0x7f, 0xff]) {
        wrong.push(concat([front, Uint8Array.of(byte), back.subarray(1)]));
      }
    }
  }
  return wrong;
}

/** All that a log may print of what `run` throws. */
function printed(run: () => unknown): string {
  try {
    const value = run() as { readonly kind?: unknown; readonly cause?: unknown } | undefined;
    // A server of a header service delivers what it refuses.
    return value?.kind === "refusal" ? inspect(value, { depth: 9, showHidden: true }) : "";
  } catch (error) {
    return inspect(error, { depth: 9, showHidden: true });
  }
}

const shows = (text: string): boolean => text.toLowerCase().includes(SECRET);

describe.each(READY.map((ready) => [ready.name, ready] as const))("errors of %s", (_, ready) => {
  it("print nothing of the payload", () => {
    const { protocol } = ready;
    let refused = 0;
    for (const wrong of malformed(ready)) {
      const texts = [
        printed(() => decodeFrame(protocol, wrong)),
        printed(() => decodeAll(protocol, wrong)),
        printed(() => protocol.decode(wrong, 0, wrong.length)),
      ];
      if ("measure" in protocol) {
        texts.push(
          printed(() => {
            const splitter = new Splitter(protocol as never);
            splitter.push(wrong);
            while (splitter.next()) protocol.decode(splitter.bytes, splitter.start, splitter.end);
            splitter.finish();
            splitter.next();
          }),
        );
      }
      for (const text of texts) {
        if (text !== "") refused++;
        if (shows(text)) expect.fail(text);
      }
    }
    if (ready.name !== "raw" && ready.name !== "latin1") expect(refused).toBeGreaterThan(0);
  });

  it("print nothing of a value that cannot be written", () => {
    const text = fc.constantFrom(SECRET, `${SECRET}\n`, `${SECRET}\ud800`, `\r${SECRET}\r`);
    const { protocol } = ready;
    // Names of types and calls are words of the program: errors say them.
    const odd = fc.oneof(
      text,
      fc.record({ body: text, op: text, head: text, mid: text, connId: text, args: text }),
      fc.array(text),
    );
    fc.assert(
      fc.property(odd, (value) => {
        const shown = printed(() => encodeFrame(protocol, value as never));
        if (shows(shown)) expect.fail(shown);
      }),
      { numRuns: 60 },
    );
  });
});
