import { posix } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readText } from "../support/package.ts";
import { Scratch } from "../support/scratch.ts";

const scratch = new Scratch();
beforeEach(() => scratch.clear());
afterAll(() => scratch.remove());

// All possible targets of imports. "mqtt", "udp" and "later" stand for folders that do not exist
// yet.
const TARGETS = [
  "src/index.ts",
  "src/core/index.ts",
  "src/core/memory.ts",
  "src/framing/index.ts",
  "src/framing/fixed.ts",
  "src/fields/index.ts",
  "src/fields/later/index.ts",
  "src/fields/struct.ts",
  "src/session/index.ts",
  "src/session/requests.ts",
  "src/protocols/goim/index.ts",
  "src/protocols/goim/packet.ts",
  "src/protocols/sproto/index.ts",
  "src/protocols/sproto/rpc.ts",
  "src/protocols/mqtt/index.ts",
  "src/protocols/mqtt/later/packet.ts",
  "src/transports/node/index.ts",
  "src/transports/node/attach.ts",
  "src/transports/udp/index.ts",
  "src/inspect/index.ts",
  "src/inspect/hex.ts",
  "src/inspect/ready.ts",
  "src/inspect/ready/index.ts",
  "src/testing/index.ts",
  "src/testing/laws.ts",
  "src/testing/laws/purity.ts",
  "src/cli/run.ts",
  "src/later/index.ts",
  "node:fs",
  "node:fs/promises",
  "fs",
  "fast-check",
  "vitest",
  "@fast-check/vitest",
  "@noble/hashes/legacy.js",
  "ws",
  "framewright",
];

const CORE = "src/core/index.ts";
const FRAMING = "src/framing/index.ts";
const FIELDS = "src/fields/index.ts";
const SESSION = "src/session/index.ts";
const INSPECT = "src/inspect/index.ts";
const SPROTO = "src/protocols/sproto/index.ts";
const PROTOCOLS = ["src/protocols/goim/index.ts", SPROTO, "src/protocols/mqtt/index.ts"];
const TRANSPORTS = ["src/transports/node/index.ts", "src/transports/udp/index.ts"];
const BELOW_PROTOCOLS = [CORE, FRAMING, FIELDS, SESSION];
const NODE = ["node:fs", "node:fs/promises"];
const BELOW_CLI = [
  ...BELOW_PROTOCOLS,
  ...PROTOCOLS,
  ...TRANSPORTS,
  ...NODE,
  INSPECT,
  "src/inspect/ready.ts",
  "src/inspect/ready/index.ts",
  "src/testing/index.ts",
  "src/later/index.ts",
  "fast-check",
];

/** Importing files, and their allowed targets. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  "src/index.ts": [CORE, FRAMING],
  "src/core/new.ts": [],
  "src/core/later/new.ts": [],
  "src/framing/new.ts": [CORE],
  "src/framing/later/new.ts": [CORE],
  "src/fields/new.ts": [CORE],
  "src/fields/later/new.ts": [CORE],
  "src/session/new.ts": [CORE],
  "src/session/later/new.ts": [CORE],
  "src/protocols/workerman/new.ts": BELOW_PROTOCOLS,
  "src/protocols/modbus/new.ts": BELOW_PROTOCOLS,
  "src/protocols/modbus/later/new.ts": BELOW_PROTOCOLS,
  "src/protocols/skynet/new.ts": [...BELOW_PROTOCOLS, SPROTO],
  "src/protocols/fastway/new.ts": BELOW_PROTOCOLS,
  "src/protocols/fastway/handshake.ts": [...BELOW_PROTOCOLS, "@noble/hashes/legacy.js"],
  "src/transports/bun/new.ts": [CORE, SESSION, ...NODE],
  "src/transports/serial/new.ts": [CORE, SESSION, ...NODE],
  "src/transports/web/new.ts": [CORE, SESSION],
  "src/inspect/new.ts": [CORE, FIELDS],
  "src/inspect/later/new.ts": [CORE, FIELDS],
  "src/inspect/ready.ts": [CORE, FRAMING, FIELDS, ...PROTOCOLS],
  "src/inspect/ready/new.ts": [CORE, FRAMING, FIELDS, ...PROTOCOLS],
  "src/testing/new.ts": [CORE, FIELDS, INSPECT, "fast-check"],
  "src/testing/later/new.ts": [CORE, FIELDS, INSPECT, "fast-check"],
  "src/cli/new.ts": BELOW_CLI,
  "src/cli/later/new.ts": BELOW_CLI,
  // Not covered by any rule: they list others, or import nothing.
  "src/new.ts": [CORE, FRAMING],
  "src/unknown/new.ts": [],
  "src/protocols/new.ts": [],
  "src/protocols/modbus/later/deep/new.ts": [],
  "src/transports/new.ts": [],
};

/** The folder with one index: `src/core`, `src/protocols/goim`. */
const folderOf = (path: string): string =>
  /^src\/((protocols|transports)\/)?[^/.]+(?=\/)/.exec(path)?.[0] ?? path;

/** Returns the import path from one file to another, or to a package. */
function specifier(from: string, to: string): string {
  if (!to.startsWith("src/")) return to;
  const path = posix.relative(posix.dirname(from), to);
  return path.startsWith(".") ? path : `./${path}`;
}

const IMPORTS = ["lint/style/noRestrictedImports", "plugin"];
const GLOBALS = ["lint/style/noRestrictedGlobals"];
const CYCLES = ["lint/suspicious/noImportCycles"];

/** Writes a file with one import per line. */
function writeImports(scratch: Scratch, from: string, imports: readonly string[]): void {
  scratch.write(from, imports.map((to, at) => `import { a${at} } from "${to}";\n`).join(""));
}

/** Writes files that import every target outside of their own folder. */
function writeMatrix(scratch: Scratch): void {
  for (const from of Object.keys(MAY)) {
    const imports = TARGETS.map((to) => (folderOf(to) === folderOf(from) ? "./own.ts" : to));
    writeImports(
      scratch,
      from,
      imports.map((to) => specifier(from, to)),
    );
  }
}

const OWN = {
  "src/core/own.ts": ["./memory.ts", "./later/a.ts"],
  "src/core/later/own.ts": ["./a.ts", "../memory.ts", "../other/a.ts"],
  "src/protocols/modbus/own.ts": ["./packet.ts", "./later/a.ts"],
  "src/protocols/modbus/later/own.ts": ["./a.ts", "../packet.ts", "../other/a.ts"],
  "src/transports/udp/own.ts": ["./socket.ts"],
  "src/inspect/own.ts": ["./hex.ts"],
  "src/testing/own.ts": ["./laws.ts", "./laws/purity.ts"],
  "src/testing/laws/own.ts": ["./purity.ts", "../laws.ts", "../sessions/wire.ts"],
  "src/cli/own.ts": ["./run.ts"],
};

// Evasions: through the folder's own index, and paths that only look local.
const AROUND = {
  "src/core/around.ts": ["./index.ts", "./../framing/index.ts", "./later/../../framing/index.ts"],
  "src/core/later/around.ts": ["../index.ts", "./../../framing/index.ts", "../../framing.ts"],
  "src/protocols/modbus/around.ts": ["./index.ts", "./../goim/index.ts", "../goim/packet.ts"],
  "src/protocols/modbus/later/around.ts": ["../index.ts", "../../goim/index.ts", "../../goim.ts"],
  "src/fields/around.ts": ["../core", "../core/index.js", "/src/core/index.ts", "#core"],
  "src/inspect/around.ts": ["./ready.ts", "./ready/index.ts"],
  "src/testing/around.ts": ["../inspect/ready.ts", "../inspect/ready/index.ts"],
};

// Every form of an import, for an index that must not be imported here.
const FORMS = [
  `import "../goim/index.ts";`,
  `import a from "../goim/index.ts";`,
  `import * as b from "../goim/index.ts";`,
  `import type { C } from "../goim/index.ts";`,
  `import { type D } from "../goim/index.ts";`,
  `export * from "../goim/index.ts";`,
  `export { e } from "../goim/index.ts";`,
  `export type { F } from "../goim/index.ts";`,
  `export const g = () => import("../goim/index.ts");`,
  `export type H = import("../goim/index.ts").H;`,
  `export type I = typeof import("../goim/index.ts");`,
  "export const j = () => import(`../goim/index.ts`);",
  `export const k = (name: string) => import("../goim/" + name);`,
];

const HOST = `
  globalThis window self global process require module navigator document localStorage Deno Bun Buffer console
  TextDecoder TextEncoder setTimeout clearTimeout setInterval clearInterval setImmediate clearImmediate queueMicrotask
  requestAnimationFrame MessageChannel performance crypto structuredClone atob btoa URL URLSearchParams Blob
  AbortController AbortSignal Event EventTarget Worker fetch XMLHttpRequest WebSocket EventSource BroadcastChannel
  ReadableStream WritableStream TransformStream CompressionStream DecompressionStream eval Function WebAssembly`
  .trim()
  .split(/\s+/);

const PURE = [
  "src/index.ts",
  "src/core/new.ts",
  "src/core/later/new.ts",
  "src/framing/new.ts",
  "src/fields/new.ts",
  "src/fields/later/new.ts",
  "src/session/new.ts",
  "src/protocols/goim/new.ts",
  "src/protocols/mqtt/new.ts",
  "src/protocols/mqtt/later/new.ts",
  "src/inspect/new.ts",
  "src/inspect/ready.ts",
  "src/unknown/new.ts",
];
const WITH_HOST = [
  "src/core/host.ts",
  "src/transports/web/new.ts",
  "src/transports/udp/later/new.ts",
  "src/testing/new.ts",
  "src/cli/new.ts",
];

const linesOf = (file: string, lines: readonly unknown[]): string[] =>
  lines.map((_, at) => `${file}:${at + 1}`);

describe("lint of imports", () => {
  it("lets each folder import only the indexes that it may", () => {
    writeMatrix(scratch);
    const refused = new Set(scratch.lint(IMPORTS));
    const allowed = Object.keys(MAY).map((from) => {
      const others = TARGETS.map((to, at) => ({ to, place: `${from}:${at + 1}` }));
      const passed = others.filter(({ to }) => folderOf(to) !== folderOf(from));
      return [
        from,
        passed
          .filter(({ place }) => !refused.has(place))
          .map(({ to }) => to)
          .sort(),
      ];
    });
    const expected = Object.entries(MAY).map(([from, may]) => [from, [...may].sort()]);
    expect(Object.fromEntries(allowed)).toEqual(Object.fromEntries(expected));
  });

  it("lets the files of a folder import each other", () => {
    for (const [from, imports] of Object.entries(OWN)) writeImports(scratch, from, imports);
    expect(scratch.lint(IMPORTS)).toEqual([]);
  });

  it("refuses the folder's own index, and evasions", () => {
    for (const [from, imports] of Object.entries(AROUND)) writeImports(scratch, from, imports);
    const all = Object.entries(AROUND).flatMap(([from, imports]) => linesOf(from, imports));
    expect(scratch.lint(IMPORTS)).toEqual(all.sort());
  });

  it("detects every form of an import", () => {
    scratch.write("src/protocols/mqtt/forms.ts", `${FORMS.join("\n")}\n`);
    const all = linesOf("src/protocols/mqtt/forms.ts", FORMS);
    expect(scratch.lint(IMPORTS)).toEqual(all.sort());
  });

  it("lets transports load the inspector on demand", () => {
    const text = `export const load = () => import("../../inspect/index.ts");\n`;
    scratch.write("src/transports/node/lazy.ts", text);
    scratch.write("src/transports/web/lazy.ts", text);
    expect(scratch.lint(IMPORTS)).toEqual([]);
  });

  it("refuses circular imports of values, but not of types", () => {
    scratch.write("src/core/a.ts", `import { b } from "./b.ts";\nexport const a = () => b;\n`);
    scratch.write("src/core/b.ts", `import { a } from "./a.ts";\nexport const b = () => a;\n`);
    scratch.write("src/core/c.ts", `import type { D } from "./d.ts";\nexport type C = D;\n`);
    scratch.write("src/core/d.ts", `import type { C } from "./c.ts";\nexport type D = C;\n`);
    expect(scratch.lint(CYCLES)).toEqual(["src/core/a.ts:1", "src/core/b.ts:1"]);
  });
});

describe("lint of globals", () => {
  it("refuses host globals in pure code, in new folders too", () => {
    const text = HOST.map((name, at) => `export const a${at} = () => ${name};\n`).join("");
    for (const file of [...PURE, ...WITH_HOST]) scratch.write(file, text);
    const all = PURE.flatMap((file) => linesOf(file, HOST));
    expect(scratch.lint(GLOBALS)).toEqual(all.sort());
  });
});

describe("the compiler's view of pure code", () => {
  it("has no host globals and nothing after ES2022, in new folders too", () => {
    const text = "export const a = (): unknown => setTimeout;\nexport const b = [1].toSorted();\n";
    const files = [...PURE, "src/transports/node/new.ts", "src/testing/new.ts", "src/cli/new.ts"];
    for (const file of files) scratch.write(file, text);
    const report = scratch.compile("tsconfig.core.json");
    const places = [...report.matchAll(/^(src\S+)\((\d+),/gm)].map(
      ([, file, at]) => `${file}:${at}`,
    );
    expect([...new Set(places)].sort()).toEqual(
      PURE.flatMap((file) => linesOf(file, [1, 2])).sort(),
    );
  });
});

describe("each rule of lint", () => {
  interface Override {
    readonly includes: readonly string[];
    readonly plugins?: readonly string[];
  }
  const file = "biome.imports.jsonc";
  const { overrides } = JSON.parse(readText(file).replace(/^\s*\/\/.*$/gm, "")) as {
    readonly overrides: readonly Override[];
  };
  const plugins = [...new Set(overrides.flatMap((override) => override.plugins ?? []))];

  const changed = new Scratch();
  let refused: readonly string[];
  beforeAll(() => {
    writeMatrix(changed);
    changed.write("src/protocols/mqtt/forms.ts", `${FORMS.join("\n")}\n`);
    refused = changed.lint(IMPORTS);
  });
  afterAll(() => changed.remove());

  it.each(overrides.map(({ includes }, at) => [includes.join(", "), at] as const))(
    "fails this test if removed: the imports of %s",
    (_, at) => {
      changed.write(file, JSON.stringify({ overrides: overrides.filter((__, i) => i !== at) }));
      expect(changed.lint(IMPORTS)).not.toEqual(refused);
    },
  );

  it.each(plugins)("fails this test if removed: %s", (plugin) => {
    changed.write(file, readText(file));
    changed.write(plugin, "language js\n\nJsNewExpression()\n");
    expect(changed.lint(IMPORTS)).not.toEqual(refused);
    changed.write(plugin, readText(plugin));
  });
});
