import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { execute } from "../../../src/cli/run.ts";
import { encodeAll, json, lengthPrefixed, lines, utf8 } from "../../../src/index.ts";
import { fastway } from "../../../src/protocols/fastway/index.ts";
import { goim } from "../../../src/protocols/goim/index.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const files = mkdtempSync(join(tmpdir(), "framewright-"));
symlinkSync(join(root, "node_modules"), join(files, "node_modules"));
afterAll(() => rmSync(files, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(files, name);
  writeFileSync(path, content);
  return path;
}

async function framewright(
  ...args: string[]
): Promise<{ code: number; out: string; errors: string }> {
  let [out, errors] = ["", ""];
  const code = await execute(args, {
    out: { write: (text) => (out += text) },
    errors: { write: (text) => (errors += text) },
  });
  return { code, out, errors };
}

/** What --json writes. */
async function decoded(protocol: string, content: string | Uint8Array): Promise<unknown[]> {
  const path = file("input", content);
  const { out } = await framewright("decode", path, "--protocol", protocol, "--json");
  return out
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

const packets = encodeAll(goim(), [
  { ver: 1, op: 2, seq: 1 },
  { ver: 1, op: 4, seq: 2, body: Uint8Array.of(104, 105) },
]);

describe("framewright decode", () => {
  it("writes a line of JSON for each message", async () => {
    expect(await decoded("goim", packets)).toEqual([
      { offset: 0, size: 16, value: { ver: 1, op: 2, seq: 1, body: { $bytes: "" } } },
      { offset: 16, size: 18, value: { ver: 1, op: 4, seq: 2, body: { $bytes: "6869" } } },
    ]);
  });

  it("shows the fields of each frame beside its bytes", async () => {
    const { code, out } = await framewright("decode", file("a", packets), "--protocol", "goim");
    expect(code).toBe(0);
    expect(out).toContain("frame 1, 16 bytes at 0x0\n");
    expect(out).toContain("frame 2, 18 bytes at 0x10\n");
    expect(out).toMatch(/00 00 00 04\s+op\s+/);
    expect(out).toMatch(/68 69\s+body/);
  });

  it.each<[string, Uint8Array | string, unknown[]]>([
    ["lines+json", '{"a":1}\n[2]\n', [{ a: 1 }, [2]]],
    ["lines:skipEmpty=true+utf8", "a\n\nb\n", ["a", "b"]],
    ["netstring+utf8", "5:hello,", ["hello"]],
    ["content-length+json", "Content-Length: 2\r\n\r\n{}", [{}]],
    ["json", '{"alone":true}', [{ alone: true }]],
    ["delimited:delimiter=\\r\\n+latin1", "a\r\n", ["a"]],
    ["lines:ending=\\r\\n+utf8", "a\r\n", ["a"]],
    ["length:width=2,adjust=-1+utf8", Uint8Array.of(0, 3, 0x68, 0x69), ["hi"]],
    ["workerman-text", "hi\n", ["hi"]],
    [
      "length:width=2,endian=le+utf8",
      encodeAll(lengthPrefixed({ width: 2, endian: "le" }).wrap(utf8()), ["hey", ""]),
      ["hey", ""],
    ],
    [
      "fastway:dialect=v2",
      encodeAll(fastway({ dialect: "v2" }), [
        { type: "message", connId: 9, message: Uint8Array.of(1) },
      ]),
      [{ type: "message", connId: 9, message: { $bytes: "01" } }],
    ],
  ])("reads %s", async (protocol, content, values) => {
    const found = (await decoded(protocol, content)) as { value: unknown }[];
    expect(found.map(({ value }) => value)).toEqual(values);
  });

  it("reads sproto by a schema", async () => {
    const schema = file("s.sproto", ".Move { x 0 : integer  who 1 : string }");
    const { parse } = await import("../../../src/protocols/sproto/index.ts");
    const type = parse(".Move { x 0 : integer  who 1 : string }").type("Move");
    const wire = encodeAll(lengthPrefixed({ width: 2 }).wrap(type), [{ x: 3, who: "me" }]);
    const found = await decoded(`length:width=2+sproto:${schema}#Move`, wire);
    expect(found).toMatchObject([{ value: { x: 3, who: "me" } }]);
  });

  const hex = Buffer.from(packets).toString("hex");
  const spaced = hex.replace(/(..)/g, "$1 ");
  /** As xxd writes it. */
  const xxd = (): string => {
    const text: string[] = [];
    for (let at = 0; at < packets.length; at += 16) {
      const line = Buffer.from(packets.subarray(at, at + 16));
      const groups = line
        .toString("hex")
        .replace(/(.{4})/g, "$1 ")
        .trimEnd();
      const shown = line.toString("latin1").replace(/[^\x20-\x7e]/g, ".");
      text.push(`${at.toString(16).padStart(8, "0")}: ${groups.padEnd(39)}  ${shown}`);
    }
    return `${text.join("\n")}\n`;
  };
  it.each<[string, string, string]>([
    ["hex", hex, "hex"],
    ["hex with spaces and line ends", `${spaced.slice(0, 48)}\n${spaced.slice(48)}\n`, "hex"],
    [
      "hex of a C array",
      Array.from(packets, (b) => `0x${b.toString(16).padStart(2, "0")}`).join(", "),
      "hex",
    ],
    ["a dump of xxd", xxd(), "dump"],
    [
      "a dump of hexdump -C",
      "00000000  00 00 00 10 00 10 00 01  00 00 00 02 00 00 00 01  |................|\n" +
        "00000010  00 00 00 12 00 10 00 01  00 00 00 04 00 00 00 02  |................|\n" +
        "00000020  68 69                                             |hi|\n00000022\n",
      "dump",
    ],
    [
      "a dump of Wireshark",
      "0000   00 00 00 10 00 10 00 01  00 00 00 02 00 00 00 01   ................\n" +
        "0010   00 00 00 12 00 10 00 01  00 00 00 04 00 00 00 02   ................\n" +
        "0020   68 69                                              hi\n",
      "dump",
    ],
  ])("recognises %s", async (_, content, kind) => {
    const path = file("dump", content);
    const { code, out, errors } = await framewright("decode", path, "--protocol", "goim", "--json");
    expect([code, out.split("\n").length]).toEqual([0, 3]);
    expect(errors).toBe(`framewright: the input is read as ${kind}; --input raw reads its bytes\n`);
  });

  it("reads lines that a dump leaves out", async () => {
    const wire = encodeAll(lines().wrap(utf8()), ["a".repeat(63)]);
    const path = file(
      "star",
      "00000000  61 61 61 61 61 61 61 61  61 61 61 61 61 61 61 61  |aaaaaaaaaaaaaaaa|\n*\n" +
        "00000030  61 61 61 61 61 61 61 61  61 61 61 61 61 61 61 0a  |aaaaaaaaaaaaaaa.|\n00000040\n",
    );
    const { out } = await framewright("decode", path, "--protocol", "lines+utf8", "--json");
    expect(JSON.parse(out)).toMatchObject({ size: wire.length, value: "a".repeat(63) });
  });

  it("takes bytes as they are when told to", async () => {
    const path = file("raw", "6869\n");
    const args = ["decode", path, "--protocol", "lines+utf8", "--json"];
    const { out, errors } = await framewright(...args, "--input", "raw");
    expect([out, errors]).toEqual(['{"offset":0,"size":5,"value":"6869"}\n', ""]);
  });

  it("shows what is wrong, after what is right, and ends with 1", async () => {
    const content = encodeAll(lines().wrap(json()), [1]);
    const wire = Buffer.concat([content, Buffer.from("{no\n3\n")]);
    expect(await decoded("lines+json", wire)).toMatchObject([
      { offset: 0, value: 1 },
      { offset: 2, error: { code: "malformed" } },
      { offset: 6, value: 3 },
    ]);
    const cut = await framewright(
      "decode",
      file("cut", packets.subarray(0, 20)),
      "--protocol",
      "goim",
    );
    expect(cut.code).toBe(1);
    expect(cut.out).toContain("frame 2, 4 bytes at 0x10");
    expect(cut.out).toMatch(/\nerror: truncated: /);
  });

  describe("of a stream in which a length is wrong", () => {
    const protocol = "length:width=2,header=cafe+json";
    const framing = lengthPrefixed({ width: 2, header: Uint8Array.of(0xca, 0xfe) });
    /** Frames of 7 bytes at 0, 7, 14 and 21, with another length in the second. */
    const wire = (by: number): Uint8Array => {
      const all = encodeAll(framing.wrap(json()), [101, 102, 103, 104]);
      all[10]! += by;
      return all;
    };

    it("gives a hint, and addresses in the stream", async () => {
      const path = file("wrong", wire(2));
      const { code, out } = await framewright("decode", path, "--protocol", protocol);
      expect(code).toBe(1);
      const [, second, third] = out.split("\n\n");
      expect(second).toMatch(/^frame 2, 9 bytes at 0x7\n/);
      expect(second).toMatch(/\n0009 {2}00 05 +length/);
      expect(second).toContain("(at 000e, offset 7 in the frame)");
      expect(second).toContain(
        "\nhint: the mark cafe occurs again at 0xe, inside this frame: its length (at 0x9, 2 bytes) may be 2 bytes too large",
      );
      expect(third).toMatch(/^frame 3, 12 bytes at 0x10\n0010 /);
      expect(third).toContain("inside the frame before");
    });

    it("writes both as JSON", async () => {
      const [, second, third, ...more] = await decoded(protocol, wire(-1));
      expect(second).toMatchObject({ offset: 7, size: 6, value: 10 });
      expect(third).toMatchObject({ offset: 13, error: { code: "malformed", offset: 13 } });
      expect(third).toMatchObject({
        error: { hint: expect.stringContaining("(at 0x9, 2 bytes) may be 1 byte too small") },
      });
      expect(more).toEqual([]);
    });

    it("says where the input ends too early", async () => {
      const path = file("short", encodeAll(framing.wrap(json()), [1, 2]).subarray(0, 9));
      const { out } = await framewright("decode", path, "--protocol", protocol);
      expect(out).toMatch(/input ends after 4 bytes.* \(at 0005, offset 0 in the frame\)\n\n$/);
    });

    it("goes on at the next good frame with --resync", async () => {
      const path = file("wrong", wire(2));
      const args = ["decode", path, "--protocol", protocol, "--resync"];
      const { code, out } = await framewright(...args);
      expect(code).toBe(1);
      expect(out).toContain("\n\nleft out 7 bytes at 0x7\n\nframe 3, 7 bytes at 0xe\n");
      expect(out).toContain("frame 4, 7 bytes at 0x15");
      const { out: lines } = await framewright(...args, "--json");
      expect(
        lines
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line)),
      ).toMatchObject([
        { offset: 0, value: 101 },
        { offset: 7, error: {} },
        { offset: 7, leftOut: 7 },
        { offset: 14, value: 103 },
        { offset: 21, value: 104 },
      ]);
    });

    it("leaves out the rest if no good frame follows", async () => {
      const path = file("rest", Uint8Array.of(...wire(0), 0xca, 0xfe, 0, 9));
      const args = ["decode", path, "--protocol", protocol, "--resync", "--json"];
      const { code, out } = await framewright(...args);
      expect(code).toBe(1);
      expect(out).toMatch(/"code":"truncated".*\n\{"offset":28,"leftOut":4\}\n$/);
      const good = await framewright("decode", file("good", wire(0)), ...args.slice(2));
      expect(good.code).toBe(0);
    });

    it("refuses --resync without a mark", async () => {
      const args = ["decode", file("wrong", wire(0)), "--resync", "--protocol", "lines+json"];
      const { code, errors } = await framewright(...args);
      expect(code).toBe(2);
      expect(errors).toContain("--resync needs a protocol whose frames begin with bytes");
    });
  });

  it("reads protocols of your own, also in TypeScript", async () => {
    const source = (types: string): string => `
      import { lines, utf8 } from "framewright";
      ${types}
      export const shout = { ...lines().wrap(utf8()), name: "shout", decode: (...args) => utf8().decode(...args).trim().toUpperCase() };
      export default lines().wrap(utf8());
    `;
    const plain = file("mine.mjs", source(""));
    const wire = file("text", "hi there\n");
    const own = await framewright("decode", wire, "--protocol", `${plain}#shout`, "--json");
    expect(own).toMatchObject({ code: 0, out: '{"offset":0,"size":9,"value":"HI THERE"}\n' });
    const typed = file(
      "typed.ts",
      "const codec: { decode(bytes: Uint8Array, start: number, end: number): number } = { decode: (_, start, end) => end - start };\n" +
        "export const sizes = { ...codec, name: 'sizes', maxFrame: 100, encode() {}, measure: (_bytes: Uint8Array, start: number, end: number): number => end - start };",
    );
    const sizes = await framewright("decode", wire, "--protocol", `${typed}#sizes`, "--json");
    expect(sizes).toMatchObject({ code: 0, out: '{"offset":0,"size":9,"value":9}\n', errors: "" });
    const none = await framewright("decode", wire, "--protocol", `${typed}#none`);
    expect(none.code).toBe(2);
    expect(none.errors).toContain("none of ");
    expect(none.errors).toContain("it exports sizes");
  });

  it.each<[string, string[], RegExp]>([
    ["no protocol", ["decode", "x"], /no --protocol given/],
    [
      "an unknown protocol",
      ["decode", "x", "--protocol", "gopher"],
      /unknown protocol "gopher"; available: goim/,
    ],
    ["an unknown option of one", ["decode", "x", "--protocol", "goim:colour=red"], /colour/],
    [
      "a wrong option",
      ["decode", "x", "--protocol", "length:width=99+raw"],
      /--protocol length:width=99\+raw: /,
    ],
    [
      "an unknown codec",
      ["decode", "x", "--protocol", "lines+xml"],
      /unknown protocol "lines\+xml"/,
    ],
    ["no file", ["decode", "--protocol", "goim"], /name one file/],
    ["two files", ["decode", "a", "b", "--protocol", "goim"], /name one file/],
    ["an unknown option", ["decode", "a", "--colour"], /--colour/],
    [
      "an unknown input",
      ["decode", "a", "--protocol", "goim", "--input", "xml"],
      /--input is one of raw/,
    ],
    ["no such module", ["decode", "a", "--protocol", "./no-such.mjs#x"], /no file/],
    ["an unknown verb", ["encode"], /unknown command "encode"/],
  ])("refuses %s in one line, with exit code 2", async (_, args, message) => {
    const { code, out, errors } = await framewright(...args);
    expect([code, out]).toEqual([2, ""]);
    expect(errors).toMatch(message);
    expect(errors.trimEnd()).not.toContain("\n");
  });

  it("ends with 1 for a file that cannot be read", async () => {
    const { code, errors } = await framewright("decode", join(files, "none"), "--protocol", "goim");
    expect([code, errors.includes("ENOENT")]).toEqual([1, true]);
  });

  it("tells of itself", async () => {
    expect((await framewright("decode", "--help")).out).toContain("--protocol <protocol>");
    expect((await framewright("--help")).out).toContain("decode");
  });
});
