import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blocksOf, commentsOf, docPages, filesIn, readText, root } from "../support/package.ts";

// Type-checks every ```ts block of the README, of docs/ and of the doc comments in src/ against the
// built package, through its own `exports` map (self-reference). A block with `//=>` lines is also
// run: together these lines must equal the output of its console.log calls. A ```js block is run
// without types: it is a program of another library. A block opened as ```ts no-check is skipped.
const dir = new URL("../../.docs-check/", import.meta.url);

const pages = ["README.md", ...docPages];
const sources = filesIn("src", /\.ts$/);
const blocks = [
  ...pages.flatMap((page) => blocksOf(page, readText(page))),
  ...sources.flatMap((source) => blocksOf(source, commentsOf(readText(source)))),
];

beforeAll(() => {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  for (const block of blocks)
    writeFileSync(new URL(block.file, dir), `${block.code}\nexport {};\n`);
  const tsconfig = {
    extends: "../tsconfig.json",
    compilerOptions: {
      noUnusedLocals: false,
      // Without the paths of the repository, so that `framewright` is the built package.
      paths: {
        "@serialport/binding-mock": [
          `${root}node_modules/@serialport/binding-mock/dist/index.d.ts`,
        ],
      },
    },
    include: ["*.ts", "../examples"],
  };
  writeFileSync(new URL("tsconfig.json", dir), JSON.stringify(tsconfig));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Returns the output of console.log while `run` runs, line by line. */
async function printedBy(run: () => Promise<unknown>): Promise<string[]> {
  const printed: string[] = [];
  const { log } = console;
  console.log = (...args: unknown[]): void => {
    const texts = args.map((arg) => (typeof arg === "string" ? arg : inspect(arg)));
    printed.push(...texts.join(" ").split("\n"));
  };
  try {
    await run();
  } finally {
    console.log = log;
  }
  return printed;
}

describe("docs", () => {
  it("cover the comments of the core", () => {
    expect(blocks.filter(({ name }) => name.startsWith("src/core/")).length).toBeGreaterThan(3);
  });

  it("type-check", () => {
    let report = "";
    try {
      execFileSync("npx", ["tsc", "-p", ".docs-check/tsconfig.json"], {
        cwd: root,
        stdio: "pipe",
        encoding: "utf8",
      });
    } catch (error) {
      report = (error as { stdout: string }).stdout;
    }
    expect(report).toBe("");
  });

  it.each(blocks.filter((block) => block.expected.length > 0))(
    "$name prints its expected output",
    async ({ file, expected }) => {
      const url = new URL(file, dir).href;
      expect(await printedBy(() => import(/* @vite-ignore */ url))).toEqual(expected);
    },
  );
});
