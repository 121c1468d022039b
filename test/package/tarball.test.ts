import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { declaredFiles, entries, entryPoints, manifest, root } from "../support/package.ts";

// What `npm publish` would upload, installed into an empty folder and used as strangers use it.

const folder = mkdtempSync(join(tmpdir(), "framewright-"));

/** The files in the tarball, and its weight in bytes. */
let packed: readonly string[] = [];
let weight = 0;

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
  const [tarball] = JSON.parse(report) as [{ size: number; files: { path: string }[] }];
  packed = tarball.files.map((file) => file.path);
  weight = tarball.size;
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

  it("weighs at most 450 kB", () => {
    expect(weight).toBeLessThanOrEqual(450_000);
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

/** A program of CommonJS as TypeScript knew it before it read `exports`. */
const oldTyped = `
import { encodeFrame, json, lines } from "framewright";
import { goim, type Packet } from "framewright/goim";
import { listen } from "framewright/node";

const frame: Uint8Array = encodeFrame(lines().wrap(json()), { hello: "world" });
const seq: Packet["seq"] = 1;
export default [frame, goim(), seq, listen];
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

const hosted = {
  ...strict,
  lib: ["ES2022", "DOM"],
  types: ["node"],
  typeRoots: [join(root, "node_modules/@types")],
  // The types of others are not this package's to check.
  skipLibCheck: true,
};

const every = (names: readonly string[]): string =>
  names.map((entry, i) => `export * as entry${i} from "${entry}";`).join("\n");
const pure = every(entryPoints.filter((entry) => entry.pure).map(({ name }) => name));
const all = every(entries);

const projects: Record<string, { options: object; files: Record<string, string> }> = {
  nodenext: {
    options: { ...strict, module: "NodeNext" },
    files: { "index.mts": typed, "index.cts": typed, "pure.mts": pure, "pure.cts": pure },
  },
  node16: {
    options: { ...strict, module: "Node16" },
    files: { "index.mts": typed, "index.cts": typed, "pure.mts": pure, "pure.cts": pure },
  },
  bundler: {
    options: { ...strict, module: "ESNext", moduleResolution: "Bundler" },
    files: { "index.ts": typed, "pure.ts": pure },
  },
  "every entry": {
    options: { ...hosted, module: "NodeNext" },
    files: { "index.mts": all, "index.cts": all },
  },
  node10: {
    options: { ...hosted, module: "CommonJS", moduleResolution: "Node10" },
    files: { "index.ts": oldTyped },
  },
  "node10, deprecated": {
    options: {
      ...hosted,
      module: "CommonJS",
      moduleResolution: "Node10",
      ignoreDeprecations: "6.0",
    },
    files: { "index.ts": oldTyped },
  },
};

const modern = ["nodenext", "node16", "bundler", "every entry"];
// Those between the newest and the oldest are slow, and have found nothing that the others do not find.
const short = ["nodenext", "every entry"];

/** Compilers by their paths: two of them are called `tsc`. */
const compilers = {
  "7.0": ["@typescript/native/bin/tsc", modern],
  "6.0": ["typescript/bin/tsc6", [...short, "node10, deprecated"]],
  "5.9": ["typescript59/node_modules/typescript/bin/tsc", [...short, "node10"]],
  "5.7": ["typescript57/node_modules/typescript/bin/tsc", [...modern, "node10"]],
} as const;

describe.each(Object.entries(compilers))("the tarball, seen by TypeScript %s", (version, row) => {
  const [bin, names] = row;
  const compile = (...args: string[]): string =>
    run(process.execPath, join(root, "node_modules", bin), ...args);

  it("is seen by that version", () => {
    expect(compile("--version")).toContain(`Version ${version}`);
  });

  it.each(names)("compiles: %s", (name) => {
    const { options, files } = projects[name]!;
    const project = name.replace(/\W+/g, "-");
    for (const [file, text] of Object.entries(files)) write(`${project}/${file}`, text);
    write(`${project}/tsconfig.json`, { compilerOptions: options, files: Object.keys(files) });
    expect(compile("-p", join(folder, project))).toBe("");
  });
});
