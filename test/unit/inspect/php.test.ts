import fc from "fast-check";
import { encodeFrame, perMessage } from "framewright";
import { explain, hexView, type Part } from "framewright/inspect";
import { jsonValues } from "framewright/testing";
import { gatewayProtocol, phpSerialize } from "framewright/workerman";
import { describe, expect, it } from "vitest";
import { checkExplained } from "../../support/explained.ts";

const values = perMessage().wrap(phpSerialize());
const raw = perMessage().wrap(phpSerialize({ strings: "bytes" }));
const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

/** What the leaves say, but for marks. */
const leavesOf = (part: Part): readonly unknown[] =>
  part.parts === undefined
    ? part.type === "mark"
      ? []
      : [[part.name, part.type, part.value]]
    : part.parts.flatMap(leavesOf);

describe("explain of what PHP serialized", () => {
  it("shows arrays as trees, with keys before their values", () => {
    const bytes = encodeFrame(values, { uid: 7, groups: ["a", true], rate: 0.5, none: null });
    expect(hexView(explain(phpSerialize(), bytes), bytes, { columns: 28 }).split("\n")).toEqual([
      "0000  61 3a 34 3a 7b                                         {       mark    (4 elements)",
      "0005  73 3a 33 3a 22 75 69 64 22 3b 69 3a 37 3b              uid     int     7",
      "0013                                                         groups  array",
      "0013  73 3a 36 3a 22 67 72 6f 75 70 73 22 3b 61 3a 32 3a 7b    {     mark    (2 elements)",
      '0025  69 3a 30 3b 73 3a 31 3a 22 61 22 3b                      [0]   string  "a"',
      "0031  69 3a 31 3b 62 3a 31 3b                                  [1]   bool    true",
      "0039  7d                                                       }     mark",
      "003a  73 3a 34 3a 22 72 61 74 65 22 3b 64 3a 30 2e 35 3b     rate    float   0.5",
      "004b  73 3a 34 3a 22 6e 6f 6e 65 22 3b 4e 3b                 none    null    null",
      "0058  7d                                                     }       mark",
    ]);
  });

  it("shows every scalar, and strings as bytes if they are", () => {
    const text =
      'a:6:{i:0;i:-9223372036854775808;i:1;d:-INF;i:2;d:NAN;i:3;b:0;i:4;s:1:"\xff";i:-5;N;}';
    expect(leavesOf(explain(raw, ascii(text)))).toEqual([
      ["[0]", "int", -9223372036854775808n],
      ["[1]", "float", Number.NEGATIVE_INFINITY],
      ["[2]", "float", Number.NaN],
      ["[3]", "bool", false],
      ["[4]", "string", Uint8Array.of(0xff)],
      ["[-5]", "null", null],
    ]);
    expect(leavesOf(explain(values, ascii("i:5;")))).toEqual(
      [["perMessage", "int", 5]].map(([, ...rest]) => [values.name, ...rest]),
    );
  });

  it("shows the body of a package of GatewayWorker", () => {
    const protocol = gatewayProtocol({ serialized: phpSerialize() });
    const bytes = encodeFrame(protocol, { cmd: 5, body: { a: [1] } });
    const body = explain(protocol as never, bytes).parts!.at(-1)!;
    expect([body.name, body.type]).toEqual(["body", "array"]);
    expect(leavesOf(body)).toEqual([["[0]", "int", 1]]);
  });

  it("keeps what was right of bytes that are wrong", () => {
    const cut = ascii('a:2:{s:1:"k";i:1;s:1:"l";a:1:{i:0;x');
    const part = explain(values, cut);
    expect(part.error?.code).toBe("malformed");
    expect(leavesOf(part)).toContainEqual(["k", "int", 1]);
    for (const wrong of [
      "",
      "x",
      "N",
      "i:1",
      "i:a;",
      "d:x;",
      "b:2;",
      's:2:"a";',
      's:x:"a";',
      "a:x:{}",
      "a:1:{b:1;i:1;}",
      "a:1:{i:0;i:1;",
      `i:${"1".repeat(80)};`,
      `${"a:1:{i:0;".repeat(600)}N;`,
      "i:1;i:2;",
    ]) {
      checkExplained(values, values, ascii(wrong));
    }
  });

  it("has no gaps, and value and error of decode, whatever the bytes are", () => {
    fc.assert(
      fc.property(jsonValues(), fc.nat(), fc.nat(255), (value, place, byte) => {
        for (const protocol of [values, raw]) {
          const bytes = encodeFrame(values, value).slice();
          checkExplained(protocol, protocol, bytes);
          bytes[place % bytes.length] = byte;
          checkExplained(protocol, protocol, bytes);
          checkExplained(protocol, protocol, bytes.subarray(0, place % bytes.length));
        }
      }),
      { numRuns: 60 },
    );
  });
});
