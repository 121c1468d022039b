import { encodeFrame, json, lines, perMessage } from "framewright";
import { array, bytes, struct, u8, u16be, utf8 } from "framewright/fields";
import { type Explainable, explain, hexView, htmlView } from "framewright/inspect";
import { messageCodec } from "framewright/protobuf";
import { parse } from "framewright/sproto";
import { describe, expect, it } from "vitest";
import { checkTiles } from "../../support/explained.ts";
import { tlvs } from "../../support/formats.ts";

/* Many parts cost as much each as few, and nesting has an end. */

/** Least CPU time of a run, in a few attempts. Each goes on for long enough to be measured. */
function costOf(run: () => unknown): number {
  const times = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    for (let runs = 1; ; runs++) {
      run();
      const { user, system } = process.cpuUsage(before);
      if (user + system > 20_000) return (user + system) / runs;
    }
  });
  return Math.min(...times);
}

describe("explain of many parts takes as long for each as that of few", () => {
  const schema = parse(".T { list 0 : *T  text 1 : *string }");
  const jsonLines = lines().wrap(json());
  const cases: readonly (readonly [string, Explainable, (count: number) => Uint8Array])[] = [
    ["JSON", jsonLines, (count) => encodeFrame(jsonLines, Array(count).fill({ a: 1 }))],
    [
      "a description",
      struct({ items: array(struct({ n: u16be, text: utf8(u8) })) }),
      (count) => new Uint8Array(3 * count),
    ],
    [
      "sproto",
      schema.type("T") as Explainable,
      (count) => schema.encode("T", { text: Array(count).fill("ab") }),
    ],
    [
      "protobuf",
      messageCodec({ encode: () => new Uint8Array(0), decode: (all) => all }) as never,
      (count) => Uint8Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? 8 : 1)),
    ],
  ];

  for (const [name, what, make] of cases) {
    it(name, () => {
      const [few, many] = [make(2000), make(32_000)];
      const part = explain(what, few);
      expect(part.error).toBeUndefined();
      checkTiles(part, 0, few.length);
      expect(hexView(part, few).split("\n").length).toBeGreaterThan(2000);
      expect(htmlView(part, few).split("\n").length).toBeGreaterThan(2000);
      // 16 times as many; a walk that looks back takes 256 times as long.
      const ratio = costOf(() => explain(what, many)) / costOf(() => explain(what, few));
      expect(ratio).toBeLessThan(120);
    });
  }
});

describe("explain of deep nesting ends where decode ends", () => {
  it("in descriptions", () => {
    const frame = new Uint8Array(60_000);
    // Lists in lists, to the end.
    for (let at = 0; at + 3 <= frame.length; at += 3) {
      frame[at] = 3;
      frame[at + 1] = (frame.length - at - 3) >> 8;
      frame[at + 2] = (frame.length - at - 3) & 255;
    }
    const part = explain(tlvs, frame);
    expect(part.error?.message).toContain("nested more than 64 levels deep");
    checkTiles(part, 0, frame.length);
    expect(hexView(part, frame)).toContain("nested more than 64 levels deep");
  });

  it("in JSON", () => {
    const frame = new Uint8Array(60_000).fill(0x5b);
    const part = explain(perMessage().wrap(json()), frame);
    expect(part.error?.code).toBe("malformed");
    checkTiles(part, 0, frame.length);
    expect(hexView(part, frame)).toContain("error: malformed");
  });

  it("in bytes alone", () => {
    expect(explain(bytes(), new Uint8Array(100_000)).value).toHaveLength(100_000);
  });
});
