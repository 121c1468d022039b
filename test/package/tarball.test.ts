import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  declaredFiles,
  entries,
  entryPoints,
  filesIn,
  manifest,
  root,
} from "../support/package.ts";

// What `npm publish` would upload, installed into an empty folder and used as strangers use it.

const folder = mkdtempSync(join(tmpdir(), "framewright-"));

/** The files in the tarball. */
let packed: readonly string[] = [];

/** The output of a command that is run in the folder; its error output where it fails. */
function run(command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { cwd: folder, encoding: "utf8", stdio: "pipe" }).trim();
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(" ")}\n${stdout}${stderr}`);
  }
}

function write(path: string, content: string | object): void {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), text);
}

beforeAll(() => {
  const pack = ["pack", "--json", "--pack-destination", folder];
  const report = execFileSync("npm", pack, { cwd: root, encoding: "utf8", stdio: "pipe" });
  const [tarball] = JSON.parse(report) as [{ files: { path: string }[] }];
  packed = tarball.files.map((file) => file.path);
  write("package.json", { name: "stranger", private: true });
  run(
    "npm",
    "install",
    "--offline",
    "--no-audit",
    "--no-fund",
    `framewright-${manifest.version}.tgz`,
  );
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** One program, in either module system: a message, cut in the middle. */
const program = (names: string): string => `
${names}
const protocol = lengthPrefixed({ width: 2 }).wrap(json());
const frame = encodeFrame(protocol, { hello: "world" });
const splitter = new Splitter(protocol);
splitter.push(frame.slice(0, 1));
splitter.push(frame.slice(1));
while (splitter.next()) {
  const { hello } = protocol.decode(splitter.bytes, splitter.start, splitter.end);
  console.log(splitter.offset, hello);
}
splitter.finish();
try {
  decodeFrame(protocol, frame.subarray(0, 5));
} catch (error) {
  console.log(error instanceof ProtocolError, error.code, error.message);
}
`;
const names = "decodeFrame, encodeFrame, json, lengthPrefixed, ProtocolError, Splitter";
const printed = "0 world\ntrue truncated input ends after 5 bytes of a frame of 19 bytes";

describe("the tarball", () => {
  it("holds only what users need", () => {
    const others = packed.filter((path) => !path.startsWith("dist/"));
    expect([...others].sort()).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
    for (const file of declaredFiles(manifest.exports)) expect(packed).toContain(file.slice(2));
  });
});

describe("the tarball, installed", () => {
  it("brings nothing along", () => {
    const installed = readdirSync(join(folder, "node_modules")).filter((name) => name[0] !== ".");
    expect(installed).toEqual(["framewright"]);
  });

  it("works in an ES module", () => {
    write("esm.mjs", program(`import { ${names} } from "framewright";`));
    expect(run(process.execPath, "esm.mjs")).toBe(printed);
  });

  it("works in a CommonJS module", () => {
    write("cjs.cjs", program(`const { ${names} } = require("framewright");`));
    expect(run(process.execPath, "cjs.cjs")).toBe(printed);
  });

  it("gives no way to its inner files", () => {
    for (const path of ["framewright/dist/index.js", "framewright/src/index.ts"]) {
      write("inner.mjs", `await import("${path}");`);
      expect(() => run(process.execPath, "inner.mjs")).toThrow("ERR_PACKAGE_PATH_NOT_EXPORTED");
    }
  });

  it("holds the text of every source that its maps name", () => {
    for (const file of filesIn("dist", /\.map$/)) {
      const map = JSON.parse(
        readFileSync(join(folder, "node_modules/framewright", file), "utf8"),
      ) as {
        sources: string[];
        sourcesContent?: unknown[];
      };
      const texts = (map.sourcesContent ?? []).filter((text) => typeof text === "string");
      expect(texts, file).toHaveLength(map.sources.length);
    }
  });
});

const typed = `
import { encodeFrame, json, lengthPrefixed, type Protocol, type Received, type Sent } from "framewright";

interface Ask { readonly question: string }
interface Answer { readonly answer: number }
const protocol: Protocol<Ask, Answer> = lengthPrefixed({ width: 4 }).wrap(json<Ask, Answer>());
const frame: Uint8Array<ArrayBuffer> = encodeFrame(protocol, { question: "6 x 7" });
const sent: Sent<typeof protocol>["question"] = "?";
const received: Received<typeof protocol>["answer"] = 42;
export default [frame, sent, received];

// @ts-expect-error an answer is not sent
encodeFrame(protocol, { answer: 1 });
// @ts-expect-error no such width
lengthPrefixed({ width: 5 });
`;

const strict = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  target: "ES2022",
  // All that pure code may need: no DOM, no Node.
  lib: ["ES2022"],
  types: [] as string[],
  skipLibCheck: false,
};

const pure = entryPoints.filter((entry) => entry.pure).map(({ name }) => name);
const all = entries.map((entry, i) => `export * as entry${i} from "${entry}";`).join("\n");

const projects: Record<string, { options: object; files: Record<string, string> }> = {
  nodenext: {
    options: { ...strict, module: "NodeNext" },
    files: { "index.mts": typed, "index.cts": typed },
  },
  bundler: {
    options: { ...strict, module: "ESNext", moduleResolution: "Bundler" },
    files: { "index.ts": typed },
  },
  "every pure entry": {
    options: { ...strict, module: "NodeNext" },
    files: {
      "index.mts": pure.map((entry, i) => `export * as entry${i} from "${entry}";`).join("\n"),
    },
  },
  "every entry": {
    options: {
      ...strict,
      module: "NodeNext",
      lib: ["ES2022", "DOM"],
      types: ["node"],
      typeRoots: [join(root, "node_modules/@types")],
      // The types of others are not this package's to check.
      skipLibCheck: true,
    },
    files: { "index.mts": all, "index.cts": all },
  },
};

const nodeNextOnly = ["nodenext", "every entry"];

describe.each([
  ["tsc", Object.keys(projects)],
  // The compiler before: slow, and no different in what else it resolves.
  ["tsc6", nodeNextOnly],
])("the tarball, seen by %s", (compiler, names) => {
  it.each(names)("compiles: %s", (name) => {
    const { options, files } = projects[name]!;
    const project = name.replaceAll(" ", "-");
    for (const [file, text] of Object.entries(files)) write(`${project}/${file}`, text);
    write(`${project}/tsconfig.json`, { compilerOptions: options, files: Object.keys(files) });
    const bin = join(root, "node_modules/.bin", compiler);
    expect(run(bin, "-p", join(folder, project))).toBe("");
  });
});
