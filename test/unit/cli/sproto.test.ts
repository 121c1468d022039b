import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { execute } from "../../../src/cli/run.ts";
import { generateModule, parse } from "../../../src/protocols/sproto/index.ts";
import { equal } from "../../../src/testing/index.ts";
import { GeneratedModules } from "../../support/generated.ts";
import { bytesOf, hexOf } from "../../support/hex.ts";
import { models, textOf, valuesOf } from "../../support/sproto-schemas.ts";
import { fromVector, vectors } from "../../support/sproto-vectors.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const modules = new GeneratedModules("cli");
const files = mkdtempSync(join(tmpdir(), "framewright-"));
afterAll(() => {
  modules.clean();
  rmSync(files, { recursive: true, force: true });
});

/** Runs the command: its exit code, and what it wrote. */
async function framewright(
  ...args: string[]
): Promise<{ code: number; out: string; errors: string }> {
  let out = "";
  let errors = "";
  const code = await execute(args, {
    out: { write: (text: string) => (out += text) },
    errors: { write: (text: string) => (errors += text) },
  } as never);
  return { code, out, errors };
}

function file(name: string, text: string): string {
  const path = join(files, name);
  writeFileSync(path, text);
  return path;
}

// Names that mean something in TypeScript, and that get in each other's way.
const NAMES = `
  .package { type 0 : integer  session 1 : integer }
  .Map { constructor 0 : string  __proto__ 1 : integer  class 2 : *Map }
  .A { .B { x 0 : integer }  b 0 : B }
  .A_B { m 0 : *Map(constructor)  p 1 : *Pair() }
  .Pair { k 0 : integer  v 1 : *A.B }
  .Nothing {}
  default 1 { request A.B  response nil }`;

describe("framewright sproto", () => {
  it("writes what compiles under the strictest options, and is formatted", async () => {
    const forms = [
      {},
      { int64: "bigint", maps: "object", strings: "bytes" },
      { int64: "number", width: 100 },
    ] as const;
    const texts = [...Object.values(vectors.schemas), NAMES];
    for (const options of forms) for (const text of texts) modules.write(text, options);
    // Nor is a schema of a hundred types in a program too much for the compiler.
    const many = Array.from({ length: 100 }, (_, i) => {
      return `.T${i} { a 0 : integer  b 1 : *T${(7 * i) % 100}  c 2 : *T${i}(a)  d 3 : string }\n`;
    });
    const program = `
      import { parse } from "../../src/protocols/sproto/index.ts";
      const sproto = parse(\`${many.join("")}\`);
      const value = sproto.decode("T3", new Uint8Array(2));
      export const text: string | undefined = value.b?.[0]?.c?.get(5)?.d;
      // @ts-expect-error no such field
      export const wrong: unknown = value.b?.[0]?.e;\n`;
    writeFileSync(`${modules.folder}many.ts`, program);
    const config = {
      compilerOptions: {
        target: "ES2022",
        lib: ["ES2022"],
        types: [],
        module: "NodeNext",
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        noImplicitOverride: true,
        noImplicitReturns: true,
        noFallthroughCasesInSwitch: true,
        noUnusedLocals: true,
        noUnusedParameters: true,
        verbatimModuleSyntax: true,
        isolatedDeclarations: true,
        declaration: true,
        stripInternal: true,
        erasableSyntaxOnly: true,
        allowImportingTsExtensions: true,
        noEmit: true,
      },
      include: ["*.ts"],
    };
    writeFileSync(`${modules.folder}tsconfig.json`, JSON.stringify(config));
    const options = { cwd: root, encoding: "utf8" } as const;
    const tsc = `${root}node_modules/.bin/tsc`;
    const checked = spawnSync(tsc, ["-p", `${modules.folder}tsconfig.json`], options);
    expect(checked.stdout).toBe("");
    expect(checked.status).toBe(0);
    // In a folder outside of this package, so that its own configuration says nothing.
    for (const width of [80, 100]) {
      const folder = join(files, String(width));
      mkdirSync(folder);
      for (let nth = 0; nth < forms.length * texts.length; nth++) {
        const name = `schema-${nth}.ts`;
        if (width === 80 ? nth < 2 * texts.length : nth >= 2 * texts.length) {
          copyFileSync(`${modules.folder}${name}`, join(folder, name));
        }
      }
      const biome = `${root}node_modules/.bin/biome`;
      const args = ["format", "--indent-style=space", `--line-width=${width}`, "."];
      const { status, stderr } = spawnSync(biome, args, { cwd: folder, encoding: "utf8" });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    }
  }, 120_000);

  it("writes code that passes the vectors of the reference", { timeout: 120_000 }, async () => {
    for (const [name, text] of Object.entries(vectors.schemas)) {
      const sproto = await modules.load(text);
      // One string is not UTF-8: for that there is an option.
      const raw = await modules.load(text, { strings: "bytes" });
      for (const one of vectors.cases.filter(({ schema }) => schema === name)) {
        const chosen = one.name === "str-invalid-utf8" ? raw : sproto;
        const bytes = bytesOf(one.hex);
        expect(hexOf(chosen.encode(one.type, fromVector(one.value)))).toBe(hexOf(bytes));
        const back = chosen.decode(one.type, bytes);
        expect(equal(back, fromVector(one.decoded ?? one.value)), one.name).toBe(true);
      }
      for (const one of vectors.invalid.filter(({ schema }) => schema === name)) {
        if (one.what === "decode") {
          expect(() => sproto.decode(one.type!, bytesOf(one.hex!)), one.name).toThrow();
        } else if (one.what === "encode") {
          expect(() => sproto.encode(one.type!, fromVector(one.value)), one.name).toThrow();
        }
      }
    }
  });

  it("writes code that does what the other engines do", { timeout: 120_000 }, async () => {
    for (const model of fc.sample(models, { numRuns: 25, seed: 6 })) {
      const text = textOf(model);
      const ahead = await modules.load(text);
      const [first, second] = (["interpreted", "compiled"] as const).map((engine) =>
        parse(text, { engine }),
      );
      fc.assert(
        fc.property(valuesOf(model, 0), (value) => {
          const bytes = ahead.encode("T0", value);
          expect(bytes).toEqual(first!.encode("T0", value));
          expect(bytes).toEqual(second!.encode("T0", value));
          expect(equal(ahead.decode("T0", bytes), value)).toBe(true);
        }),
        { numRuns: 20 },
      );
    }
  });

  it("joins files, and writes where it is told", async () => {
    const a = file("a.sproto", ".A { b 0 : B }");
    const b = file("b.sproto", ".B { n 0 : integer }");
    const out = join(files, "schema.ts");
    expect(await framewright("sproto", a, b, "--out", out)).toEqual({
      code: 0,
      out: "",
      errors: "",
    });
    const text = readFileSync(out, "utf8");
    expect(text).toContain("from a.sproto, b.sproto.\n");
    expect(text).toContain("  b?: B | undefined;\n");
    expect((await framewright("sproto", a, b)).out).toBe(text);
  });

  it("writes the same text each time", async () => {
    const a = file("same.sproto", NAMES);
    expect((await framewright("sproto", a)).out).toBe((await framewright("sproto", a)).out);
  });

  it("gives the forms of values to types and code", async () => {
    const a = file(
      "forms.sproto",
      ".A { i 0 : integer  s 1 : string  m 2 : *B(s) } .B { s 0 : string }",
    );
    const { out } = await framewright("sproto", a, "--int64", "bigint", "--maps", "object");
    expect(out).toContain("  i?: bigint | undefined;\n");
    expect(out).toContain("  m?: { [key: string]: B } | undefined;\n");
    expect(out).toContain('  { int64: "bigint", maps: "object" },\n');
  });

  it.each([
    [
      [],
      "number | bigint",
      "(number | bigint)[]",
      "string[]",
      "Map<Uint8Array, (number | bigint)[]>",
    ],
    [["--int64", "bigint"], "bigint", "bigint[]", "string[]", "Map<Uint8Array, bigint[]>"],
    // Bytes are no name of a property.
    [
      ["--int64", "number", "--maps", "object"],
      "number",
      "number[]",
      "string[]",
      "Map<Uint8Array, number[]>",
    ],
    [
      ["--strings", "bytes"],
      "number | bigint",
      "(number | bigint)[]",
      "Uint8Array[]",
      "Map<Uint8Array, (number | bigint)[]>",
    ],
  ])(
    "writes the types of lists and maps with %j",
    async (options, integer, integers, strings, map) => {
      const a = file(
        "lists.sproto",
        ".A { i 0 : integer  l 1 : *integer  s 2 : *string  m 3 : *P() } .P { k 0 : binary  v 1 : *integer }",
      );
      const { out } = await framewright("sproto", a, ...options);
      const found = [..."ilsm"].map(
        (name) => out.match(`  ${name}\\?: (.*) \\| undefined;\n`)?.[1],
      );
      expect(found).toEqual([integer, integers, strings, map]);
    },
  );

  it("says where a schema is wrong", async () => {
    const a = file("wrong.sproto", ".A {\n  b 0 integer\n}");
    const { code, errors } = await framewright("sproto", a);
    expect(code).toBe(1);
    expect(errors).toBe(`${a}:2:7: expected ":" in field b, found "integer"\n`);
    expect((await framewright("sproto", join(files, "missing.sproto"))).code).toBe(1);
  });

  it("keeps names of files inside of the comment", async () => {
    const name = "evil\nconsole.log(1);\u2028*/0";
    const text = file(name.replaceAll("/", "\u2215"), ".A { x 0 : integer }");
    const { code, out } = await framewright("sproto", text);
    expect(code).toBe(0);
    const [first, second] = out.split(/[\n\u2028]/);
    expect(first).toContain("evil\\u000aconsole.log(1);\\u2028");
    expect(second).toMatch(/^\/\/ Changes/);
    const sources = ["a\u2029b", "c*/d"];
    expect(generateModule(".A { x 0 : integer }", { sources }).split("\n")[0]).toBe(
      '// Written by "framewright sproto" from a\\u2029b, c*\\/d.',
    );
  });

  it("does not write over the schema that it reads", async () => {
    const a = file("own.sproto", ".A { x 0 : integer }");
    const link = join(files, "link.sproto");
    symlinkSync(a, link);
    for (const out of [a, join(files, ".", "own.sproto"), link]) {
      const { code, errors } = await framewright("sproto", a, "--out", out);
      expect(code).toBe(2);
      expect(errors).toMatch(/^framewright sproto: --out .* is one of the files to read\n$/);
    }
    expect(readFileSync(a, "utf8")).toBe(".A { x 0 : integer }");
  });

  it("tells the version of its package", async () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const main = join(root, "src/cli/main.ts");
    let out = "";
    const pipe = { write: (text: string) => (out += text) };
    expect(await execute(["--version"], { out: pipe, errors: pipe } as never, main)).toBe(0);
    expect(out).toBe(`${version}\n`);
  });

  it("keeps control characters out of the terminal", async () => {
    const { code, errors } = await framewright("sproto", "\u001b[2J\nmissing");
    expect(code).toBe(1);
    expect(errors).toMatch(/\\u001b\[2J\\u000amissing/);
    expect(errors.split("\n").length).toBe(2);
  });

  it("explains itself to who uses it wrongly", async () => {
    const a = file("empty.sproto", "# nothing");
    expect(await framewright("sproto", a)).toMatchObject({
      code: 2,
      errors: expect.stringMatching(/no types/),
    });
    expect((await framewright("sproto")).errors).toMatch(/no files/);
    expect((await framewright("sproto", a, "--nope")).code).toBe(2);
    expect((await framewright("sproto", a, "--width", "59")).errors).toMatch(/width must be/);
    expect((await framewright("sproto", a, "--width", "60.5")).errors).toMatch(/width must be/);
    expect((await framewright("sproto", a, "--width", "60")).errors).toMatch(/no types/);
    expect((await framewright("sproto", a, "--int64", "3")).errors).toMatch(/int64 must be one of/);
    expect((await framewright("sproto", "--help")).out).toMatch(/^framewright sproto/);
    expect((await framewright("--help")).code).toBe(0);
    expect(await framewright("other")).toEqual({
      code: 2,
      out: "",
      errors: 'framewright: unknown command "other"; try framewright --help\n',
    });
    expect(await framewright()).toEqual({
      code: 2,
      out: "",
      errors: "framewright: no command given; try framewright --help\n",
    });
  });
});
