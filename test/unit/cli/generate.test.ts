import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { nameOf } from "../../../src/cli/generate.ts";
import { execute } from "../../../src/cli/run.ts";

const folder = mkdtempSync(join(tmpdir(), "framewright-generate-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function generate(...args: string[]): Promise<{ code: number; out: string; errors: string }> {
  let [out, errors] = ["", ""];
  const code = await execute(["generate", ...args], {
    out: { write: (text) => (out += text) },
    errors: { write: (text) => (errors += text) },
  });
  return { code, out, errors };
}

describe("framewright generate lua", () => {
  it("writes a dissector for what --protocol names", async () => {
    const { code, out, errors } = await generate(
      ...["lua", "--protocol", "fastway:dialect=v2", "--port", "3101,3102", "--title", "Fastway"],
    );
    expect([code, errors]).toEqual([0, ""]);
    expect(out).toMatch(/^-- A dissector of Fastway for Wireshark/);
    expect(out).toContain('Proto("fw_fastway", "Fastway")');
    expect(out).toContain("{ [3101] = true, [3102] = true }");
  });

  it("writes it into a file, by the name that is given", async () => {
    const file = join(folder, "chat.lua");
    const args = ["--protocol", "lines+json", "--replies", "lines+utf8", "--name", "chat"];
    expect(await generate("lua", ...args, "--out", file)).toEqual({ code: 0, out: "", errors: "" });
    expect(readFileSync(file, "utf8")).toContain('ProtoField.string("chat.reply.payload"');
  });

  it("names protocols after what they are called", () => {
    const names = {
      goim: "goim",
      "fastway:dialect=v2": "fastway",
      "length:width=2,endian=le+utf8": "length_utf8",
      "netpack+sproto:a/b.sproto#Move": "netpack_sproto",
      "./mine.ts": "mine",
      "../a b/Mine-2.mjs": "mine_2",
      "./mine.ts#chatFrames": "chatframes",
    };
    for (const [protocol, name] of Object.entries(names)) expect(nameOf(protocol)).toBe(name);
  });

  it("refuses in one line what has no description and no layout, and what is misspelled", async () => {
    const own = join(folder, "own.mjs");
    writeFileSync(
      own,
      "export default { name: 'own', maxFrame: 9, measure: () => 1, decode() {}, encode() {} };",
    );
    for (const [args, text] of [
      [
        ["lua", "--protocol", own],
        /^framewright generate lua: dissector: "own" has no description/,
      ],
      [["lua", "--protocol", "goim", "--port", "x"], /a port is a number from 1 to 65535, not NaN/],
      [["lua", "--protocol", "goim", "--name", "Goim"], /the name must be lower-case letters/],
      [["lua"], /no --protocol given/],
      [["lua", "file"], /framewright generate lua: /],
      [["java"], /^framewright generate: unknown "java"; use /],
    ] as const) {
      const { code, out, errors } = await generate(...args);
      expect([code, out, errors.split("\n").length]).toEqual([2, "", 2]);
      expect(errors).toMatch(text);
    }
  });

  it("explains itself, and writes schemas", async () => {
    for (const args of [[], ["--help"], ["-h"]]) {
      expect((await generate(...args)).out).toMatch(/^framewright generate lua --protocol/);
    }
    expect((await generate("lua", "--help")).out).toMatch(/--port <numbers>/);
    const schema = join(folder, "a.sproto");
    writeFileSync(schema, ".A { x 0 : integer }");
    expect((await generate("sproto", schema)).out).toContain("interface A");
  });
});
