import { readFileSync } from "node:fs";
import fc from "fast-check";
import { encodeFrame } from "framewright";
import type { Explainable } from "framewright/inspect";
import { answerPackages, handshakePackages, loginLines, requestPackages } from "framewright/skynet";
import { gatewayProtocol, phpSerialize } from "framewright/workerman";
import { describe, expect, it } from "vitest";
import { checkExplained } from "../../support/explained.ts";
import { READY, type Ready } from "../trust/ready.ts";

/* Whatever the protocol and the bytes: all of them are shown, and value and error are those of decode. */

const content = Uint8Array.of(0x68, 0x69);
const all: readonly Ready[] = [
  ...READY,
  { name: "skynet's login", protocol: loginLines() as never, values: ["200 aGk="] },
  { name: "skynet's handshake", protocol: handshakePackages() as never, values: ["200 OK"] },
  {
    name: "skynet's requests",
    protocol: requestPackages() as never,
    values: [{ content, session: 7 }],
  },
  {
    name: "skynet's answers",
    protocol: answerPackages() as never,
    values: [
      { content, ok: true, session: 7 },
      { content: new Uint8Array(0), ok: false, session: 8 },
    ],
  },
  {
    name: "GatewayWorker, with serialized bodies",
    protocol: gatewayProtocol({ serialized: phpSerialize() }) as never,
    values: [
      { cmd: 5, body: { a: [1, "b"] } },
      { cmd: 5, body: "text" },
    ],
  },
];

/** All bytes in a file of vectors: good frames, bad ones and streams. */
function hexIn(file: string): readonly Uint8Array[] {
  const url = new URL(`../../vectors/${file}.json`, import.meta.url);
  const found = new Set<string>();
  const search = (value: unknown): void => {
    if (typeof value === "string" && /^(?:[0-9a-f]{2}){1,600}$/i.test(value)) found.add(value);
    else if (typeof value === "object" && value !== null) Object.values(value).forEach(search);
  };
  search(JSON.parse(readFileSync(url, "utf8")));
  return [...found].map((hex) => new Uint8Array(Buffer.from(hex, "hex")));
}

describe("explain of the vectors", () => {
  for (const [file, names, least] of [
    ["goim", /goim|bilibili/i, 40],
    ["fastway", /fastway|link/, 60],
    ["workerman", /^json|[Tt]ransfer|xml10|gateway|frame|Workerman/, 150],
    ["sproto", /^sproto/, 150],
    [
      "real",
      /^bilibili$|^sproto, int64 auto|sproto calls|^protobufjs$|^phpJson$|^goimJson of either side, body json/,
      50,
    ],
  ] as const) {
    it(`${file}: parts without gaps, value and error of decode`, () => {
      const vectors = hexIn(file);
      expect(vectors.length).toBeGreaterThan(least);
      const protocols = READY.filter(({ name }) => names.test(name));
      expect(protocols.length).toBeGreaterThan(3);
      for (const { protocol } of protocols) {
        for (const bytes of vectors) checkExplained(protocol as Explainable, protocol, bytes);
      }
    });
  }
});

describe("explain covers every ready protocol", () => {
  for (const { name, protocol, values } of all) {
    it(`${name}: parts without gaps, value and error of decode`, () => {
      const check = (bytes: Uint8Array): void => {
        checkExplained(protocol as Explainable, protocol, bytes);
      };
      const frames = values.map((value) => encodeFrame(protocol, value as never).slice());
      for (const frame of frames) {
        check(frame);
        check(Uint8Array.of(...frame, ...frame));
        const step = Math.ceil(frame.length / 30);
        for (let at = 0; at < frame.length; at += step) {
          check(frame.subarray(0, at));
          check(frame.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte)));
          check(frame.map((byte, i) => (i === at ? 255 : byte)));
        }
      }
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 24 }), (junk) => {
          check(junk);
          for (const frame of frames.slice(0, 1)) check(Uint8Array.of(...frame, ...junk));
        }),
        { numRuns: 20 },
      );
    });
  }
});
