import { cpSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import * as own from "framewright/fields";
import { compiled } from "framewright/fields/compiled";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../support/package.ts";

// Requires `npm run build` first. Fields of one copy of the package in structs of another one.

type Fields = typeof own;

const second = `${root}reports/fields-copy/`;

beforeAll(() => cpSync(`${root}dist`, `${second}dist`, { recursive: true }));
afterAll(() => rmSync(second, { recursive: true, force: true }));

const COPIES: readonly (readonly [name: string, load: () => Promise<Fields> | Fields])[] = [
  ["a second copy", () => import(/* @vite-ignore */ `${second}dist/fields.js`)],
  [
    "the CommonJS build",
    () => createRequire(import.meta.url)(`${root}dist/fields.cjs`) as unknown as Fields,
  ],
];

describe("fields of another copy", () => {
  for (const [name, load] of COPIES) {
    it(`of ${name} are read and written in a struct`, async () => {
      const other = await load();
      expect(other.struct).not.toBe(own.struct);
      const inner = other.struct({
        n: other.size(other.u8, "text"),
        text: other.utf8(),
        has: other.present("more", other.u8),
        more: other.optional(other.u16be),
      });
      const field = own.struct({
        before: own.u8,
        inner,
        items: own.array(inner, own.u8),
        kind: other.enumOf(other.u8, { a: 1, b: 2 }),
        body: own.match("kind", { a: other.varint(), b: inner }),
        length: own.size(other.u16be, own.rest),
        rest: other.bytes(),
      });
      const protocol = own.protocolOf(own.prefixed(other.varint(2), field), { name: "mixed" });
      const part = { text: "hi", more: 7 };
      const value = {
        before: 1,
        inner: part,
        items: [part, { text: "", more: undefined }],
        kind: "b" as const,
        body: part,
        rest: Uint8Array.of(9),
      };
      const { Output, ProtocolError, decodeFrame, encodeFrame, newScan } = {
        ...(await import("framewright")),
        ...(await import("framewright/framing")),
      };
      const frame = encodeFrame(protocol, value);
      for (const one of [protocol, compiled(protocol)]) {
        expect(one.measure(frame, 0, frame.length, newScan())).toBe(frame.length);
        expect(decodeFrame(one, frame)).toEqual(value);
        expect(encodeFrame(one, value)).toEqual(frame);
        const wrong = { ...value, items: [part, { text: "", more: 70_000 }] };
        let error: unknown;
        try {
          one.encode(wrong, new Output());
        } catch (thrown) {
          error = thrown;
        }
        expect(error).toBeInstanceOf(ProtocolError);
        expect(error).toMatchObject({
          message: "items[1].more: u16 cannot hold 70000",
          path: ["items", 1, "more"],
        });
      }
    });
  }
});
