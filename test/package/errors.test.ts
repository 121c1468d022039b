import { execFileSync, spawnSync } from "node:child_process";
import { buildSync } from "esbuild";
import { describe, expect, it } from "vitest";
import { entries, filesIn, readText, root } from "../support/package.ts";

/** Runs an ES module in a plain Node process, in this package, and returns its output. */
function run(script: string): string {
  const options = { cwd: root, encoding: "utf8", input: script } as const;
  return execFileSync(process.execPath, ["--input-type=module", "-"], options);
}

// Creates an error of each class that an entry exports, and prints its class and its inspected
// form.
const program = `
import { inspect } from "node:util";
${entries.map((entry, i) => `import * as entry${i} from "${entry}";`).join("\n")}
const classes = [${entries.map((_, i) => `entry${i}`)}].flatMap((entry) =>
  Object.entries(entry).filter(([, value]) => value?.prototype instanceof Error));
const shown = new Map(classes.map(([name, value]) => {
  const error = Reflect.construct(Error, ["text"], value);
  return [name, [String(error), inspect(error).split("\\n")[0].replace(/^\\[(.*)\\].*$/, "$1")]];
}));
console.log(JSON.stringify([...shown]));
`;

describe("errors", () => {
  it("have no static blocks, which Metro and Babel's presets do not compile", () => {
    expect(
      filesIn("dist", /\.c?js$/).filter((file) => /\bstatic\s*\{/.test(readText(file))),
    ).toEqual([]);
  });

  const shownBy = (text: string) => JSON.parse(run(text)) as [string, [string, string]][];

  it.each([
    ["module", `import { lengthPrefixed } from "framewright"; lengthPrefixed({ width: 99 });`],
    ["commonjs", `require("framewright").lengthPrefixed({ width: 99 });`],
  ])("that are not caught print a few short lines (%s)", (type, script) => {
    const args = [`--input-type=${type}`, "-e", script];
    const { stderr, status } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
    expect(status).toBe(1);
    expect(stderr).toContain("RangeError: width must be");
    expect(Math.max(...stderr.split("\n").map((line) => line.length))).toBeLessThan(1000);
  });

  it("print their own names", () => {
    const shown = shownBy(program);
    expect(shown.map(([name]) => name)).toContain("ProtocolError");
    expect(shown.length).toBeGreaterThan(3);
    for (const [name, texts] of shown) expect(texts).toEqual([`${name}: text`, `${name}: text`]);
  });

  it("print their own names when a user's bundler has minified them", () => {
    const { outputFiles } = buildSync({
      stdin: { contents: program, resolveDir: root },
      bundle: true,
      minify: true,
      write: false,
      format: "esm",
      platform: "node",
      external: ["fast-check"],
    });
    const shown = shownBy(outputFiles[0]!.text);
    expect(shown.length).toBeGreaterThan(3);
    for (const [name, [text, inspected]] of shown) {
      expect(text).toBe(`${name}: text`);
      // Node adds the bundler's name of the class.
      expect(inspected.replace(/^[\w$]+ \[(\w+)\]/, "$1")).toBe(text);
    }
  });
});
