import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { declaredFiles, entries, entryPoints, manifest, root } from "../support/package.ts";
import { Folder, type Tarball, type Version } from "../support/tarball.ts";

// Installs the tarball of `npm publish` in an empty folder and uses it like a new user.

const folder = new Folder();

/** The packed tarball. */
let tarball: Tarball;

beforeAll(() => {
  tarball = folder.pack();
  folder.write("package.json", { name: "stranger", private: true });
  folder.run("npm", "install", "--offline", "--no-audit", "--no-fund", tarball.path);
});

afterAll(() => folder.remove());

/** A program for either module system: a message, split in two chunks. */
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
  it("contains only what users need", () => {
    const others = tarball.files.filter((path) => !path.startsWith("dist/"));
    expect([...others].sort()).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "README.zh-CN.md",
      "package.json",
    ]);
    for (const file of declaredFiles(manifest.exports))
      expect(tarball.files).toContain(file.slice(2));
  });

  it("weighs at most 760 kB", () => {
    expect(tarball.size).toBeLessThanOrEqual(760_000);
  });
});

describe("the tarball, installed", () => {
  it("installs no dependencies", () => {
    const installed = readdirSync(join(folder.path, "node_modules")).filter(
      (name) => name[0] !== ".",
    );
    expect(installed).toEqual(["framewright"]);
  });

  it("works in an ES module", () => {
    folder.write("esm.mjs", program(`import { ${names} } from "framewright";`));
    expect(folder.run(process.execPath, "esm.mjs")).toBe(printed);
  });

  it("works in a CommonJS module", () => {
    folder.write("cjs.cjs", program(`const { ${names} } = require("framewright");`));
    expect(folder.run(process.execPath, "cjs.cjs")).toBe(printed);
  });

  it("does not expose its internal files", () => {
    for (const path of ["framewright/dist/index.js", "framewright/src/index.ts"]) {
      folder.write("inner.mjs", `await import("${path}");`);
      expect(() => folder.run(process.execPath, "inner.mjs")).toThrow(
        "ERR_PACKAGE_PATH_NOT_EXPORTED",
      );
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

// @ts-expect-error a client cannot send an answer
encodeFrame(protocol, { answer: 1 });
// @ts-expect-error no such width
lengthPrefixed({ width: 9 });
`;

/** Exports with types that can be read without their implementation. */
const isolated = `
import { json, lengthPrefixed, type Connection, type Protocol } from "framewright";
import { struct, u8, utf8, type Field } from "framewright/fields";

export interface Name { id: number; name: string }
export const protocol: Protocol<Name> = lengthPrefixed({ width: 2 }).wrap(json<Name>());
export const field: Field<Name> = struct({ id: u8, name: utf8(u8) });
export const send = (connection: Connection<Name>, value: Name): boolean => connection.send(value);
`;

/** A CommonJS program for versions of TypeScript that do not read `exports`. */
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
  // All that pure code may use: no DOM, no Node.
  lib: ["ES2022"],
  types: [] as string[],
  skipLibCheck: false,
};

const hosted = {
  ...strict,
  lib: ["ES2022", "DOM"],
  types: ["node"],
  typeRoots: [join(root, "node_modules/@types")],
  // This package does not check the types of others.
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
  isolatedDeclarations: {
    options: { ...strict, module: "NodeNext", declaration: true, isolatedDeclarations: true },
    files: { "index.mts": isolated, "index.cts": isolated },
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

const modern = ["nodenext", "node16", "bundler", "isolatedDeclarations", "every entry"];

const seenBy: Readonly<Record<Version, readonly string[]>> = {
  "7.0": modern,
  "6.0": [...modern, "node10, deprecated"],
  "5.9": [...modern, "node10"],
  "5.7": [...modern, "node10"],
};

describe.each(Object.keys(seenBy) as Version[])("the tarball with TypeScript %s", (version) => {
  it("is checked by that version", () => {
    expect(folder.compile(version, "--version")).toContain(`Version ${version}`);
  });

  it.each(seenBy[version])("compiles: %s", (name) => {
    const { options, files } = projects[name]!;
    const project = name.replace(/\W+/g, "-");
    for (const [file, text] of Object.entries(files)) folder.write(`${project}/${file}`, text);
    const settings = { compilerOptions: options, files: Object.keys(files) };
    folder.write(`${project}/tsconfig.json`, settings);
    expect(folder.compile(version, "-p", project)).toBe("");
  });
});
