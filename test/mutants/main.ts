// npm run mutants: changes src/core in small ways, one at a time, and looks whether a test fails.
//
//   npm run mutants -- [--count 300] [--seed 1] [--only connection/] [--again]
//
// The tests of the core are bundled with the source; a run without a mutant counts which of them reach which place, so
// each mutant is tried by those tests alone, the fastest first, in a process of its own. What they let live is tried by
// the tests that need Vitest itself. No file of the source is changed.
import { spawn } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { context, type Plugin } from "esbuild";
import type { Baseline } from "./child.ts";
import { counted, type Mutant, mutantsOf, mutated } from "./mutate.ts";

const { values: options } = parseArgs({
  options: {
    count: { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    again: { type: "boolean", default: false },
  },
});
const root = process.cwd();
const reports = join(root, "reports/mutants");
mkdirSync(reports, { recursive: true });

/** Tests that load modules anew, read their own files or start programs: they need Vitest. */
const NEED_VITEST = /vi\.mock|vi\.hoisted|resetModules|stubEnv|@fast-check\/vitest|child_process/;
const FOLDERS = ["test/unit/core", "test/unit/framing", "test/unit/trust", "test/unit/session"];
const LAWS = [
  "connection",
  "connection-model",
  "framing",
  "policies",
  "splitter-cuts",
  "splitter-model",
];

const testFiles = [
  ...FOLDERS.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".test.ts"))
      .map((name) => `${folder}/${name}`),
  ),
  ...LAWS.map((name) => `test/laws/${name}.test.ts`),
].filter((file) => !file.endsWith("trust/cases.test.ts"));
const needVitest = testFiles.filter((file) => NEED_VITEST.test(readFileSync(file, "utf8")));
const bundled = testFiles.filter((file) => !needVitest.includes(file));

const sources = new Map<string, string>();
for (const entry of readdirSync("src/core", { recursive: true, encoding: "utf8" })) {
  if (entry.endsWith(".ts") && !entry.endsWith("index.ts")) {
    sources.set(`src/core/${entry}`, readFileSync(`src/core/${entry}`, "utf8"));
  }
}

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const all = [...sources].flatMap(([file, text]) => mutantsOf(file, text));
const next = random(Number(options.seed));
for (let i = all.length - 1; i > 0; i--) {
  const j = Math.floor(next() * (i + 1));
  [all[i], all[j]] = [all[j]!, all[i]!];
}
const sample = all
  .filter(({ file }) => file.includes(options.only))
  .slice(0, Number(options.count));

// ---- bundles

/** What is loaded in place of a file of the source. */
let replaced = new Map<string, string>();
const replace: Plugin = {
  name: "mutants",
  setup(build) {
    build.onResolve({ filter: /^vitest$/ }, () => ({
      path: join(root, "test/mutants/harness.ts"),
    }));
    // Files that look for others do so from where they are.
    build.onLoad({ filter: /\/(test|scripts)\/.*\.m?[jt]s$/ }, ({ path }) => ({
      contents: `${path.endsWith(".test.ts") ? "__newFile();" : ""}${readFileSync(path, "utf8").replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href))}`,
      loader: "ts",
    }));
    build.onLoad({ filter: /src\/core\/.*\.ts$/ }, ({ path }) => {
      const contents = replaced.get(relative(root, path));
      return contents === undefined ? undefined : { contents, loader: "ts" };
    });
  },
};
const outfile = join(reports, "tests.mjs");
const builder = await context({
  stdin: {
    contents: [
      'import "./test/support/seed.ts";',
      ...bundled.map((file) => `import "./${file}";`),
      'import { main } from "./test/mutants/child.ts";',
      "await main();",
    ].join("\n"),
    resolveDir: root,
    loader: "ts",
  },
  outfile,
  bundle: true,
  packages: "external",
  plugins: [replace],
  // The tests are part of a package without side effects.
  ignoreAnnotations: true,
  platform: "node",
  format: "esm",
  target: "node20",
  logLevel: "error",
  banner: {
    js: "globalThis.__hits = new Set(); globalThis.__hit = (id) => globalThis.__hits.add(id);",
  },
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
}

/** Runs a program, with a limit of processor time: time alone says little on a busy machine. */
function execute(command: string, env: Record<string, string>, cpu: number): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn("sh", ["-c", `ulimit -t ${cpu}; exec ${command}`], {
      env: { ...process.env, NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "ignore"],
    });
    let out = "";
    child.stdout.on("data", (data) => {
      out += data;
    });
    // One that waits for ever takes no processor time.
    const timer = setTimeout(() => child.kill("SIGKILL"), 600_000);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, out: out.trim() });
    });
  });
}

const NODE = "node --max-old-space-size=800";

// ---- without a mutant

for (const file of sources.keys()) {
  const own = sample.flatMap((mutant, id) => (mutant.file === file ? [[id, mutant] as const] : []));
  if (own.length > 0) replaced.set(file, counted(sources.get(file)!, own));
}
await builder.rebuild();
const baselinePath = join(reports, "baseline.json");
const first = await execute(`${NODE} ${outfile}`, { MUTANT_BASELINE: baselinePath }, 600);
if (first.code !== 0) throw new Error(`the tests do not run without a mutant: node ${outfile}`);
const baseline: Baseline = JSON.parse(readFileSync(baselinePath, "utf8"));
const total = baseline.tests.reduce((sum, { ms }) => sum + ms, 0);
console.log(
  `${all.length} mutants possible, ${sample.length} taken with seed ${options.seed}; ` +
    `${baseline.tests.length} tests, ${(total / 1000).toFixed(0)} s; ${needVitest.length} files need Vitest`,
);
for (const text of baseline.failed) console.log(`not used: ${text}`);

// ---- one after the other

interface Result {
  readonly mutant: Mutant;
  readonly isKilled: boolean;
  readonly by: string;
}

const log = join(reports, "results.jsonl");
const known = new Map<string, Result>();
const keyOf = (mutant: Mutant): string =>
  JSON.stringify([mutant, sources.get(mutant.file)!.length]);
if (existsSync(log) && !options.again) {
  for (const line of readFileSync(log, "utf8").split("\n")) {
    if (line === "") continue;
    const result: Result & { readonly key: string } = JSON.parse(line);
    // What lived may be killed by a test that is new.
    if (result.isKilled) known.set(result.key, result);
  }
}

const atLoad = new Set(baseline.atLoad);
const ordered = [...baseline.tests].sort((a, b) => a.ms - b.ms);
const testsPath = join(reports, "names.json");

async function tryOut(mutant: Mutant, id: number): Promise<Result> {
  const text = mutated(sources.get(mutant.file)!, mutant);
  const reaching = ordered.filter(({ hits }) => atLoad.has(id) || hits.includes(id));
  if (reaching.length > 0) {
    replaced = new Map([[mutant.file, text]]);
    try {
      await builder.rebuild();
    } catch {
      return { mutant, isKilled: true, by: "does not compile" };
    }
    writeFileSync(testsPath, JSON.stringify(reaching.map(({ name }) => name)));
    const ms = reaching.reduce((sum, test) => sum + test.ms, 0);
    const cpu = Math.ceil(10 + (3 * ms) / 1000);
    const { code, out } = await execute(`${NODE} ${outfile}`, { MUTANT_TESTS: testsPath }, cpu);
    if (code !== 0) return { mutant, isKilled: true, by: out || "takes too much time or memory" };
  }
  const code = await withVitest(mutant.file, text);
  return {
    mutant,
    isKilled: code !== 0,
    by: code === 0 ? `${reaching.length} tests reach it` : "Vitest",
  };
}

/** Runs the tests that need Vitest, with a text in place of that of one file. */
async function withVitest(file: string, text: string): Promise<number | null> {
  const path = join(reports, "mutant.ts");
  writeFileSync(path, text);
  const config = "--config test/mutants/vitest.config.ts --bail 1 --maxWorkers 1";
  const command = `node node_modules/vitest/vitest.mjs run ${config} ${needVitest.join(" ")}`;
  const env = { MUTANT_FILE: join(root, file), MUTANT_TEXT: path };
  return (await execute(command, env, 300)).code;
}

const [[anyFile, itsText] = ["", ""]] = sources;
if ((await withVitest(anyFile, itsText)) !== 0) {
  throw new Error(`these tests fail without a mutant: ${needVitest.join(" ")}`);
}

const results: Result[] = [];
for (const [id, mutant] of sample.entries()) {
  const key = keyOf(mutant);
  const result = known.get(key) ?? (await tryOut(mutant, id));
  if (!known.has(key)) appendFileSync(log, `${JSON.stringify({ key, ...result })}\n`);
  results.push(result);
  if (!result.isKilled) {
    const { file, line, kind, before, after } = mutant;
    console.log(
      `lives: ${file}:${line} ${kind}: ${short(before)} -> ${short(after)} (${result.by})`,
    );
  }
  if (results.length % 25 === 0) {
    console.log(
      `  ${results.length} tried, ${results.filter(({ isKilled }) => isKilled).length} killed`,
    );
  }
}
await builder.dispose();

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > 90 ? `${line.slice(0, 87)}...` : line;
}

const files = new Map<string, { killed: number; of: number }>();
for (const { mutant, isKilled } of results) {
  const score = files.get(mutant.file) ?? { killed: 0, of: 0 };
  score.of++;
  if (isKilled) score.killed++;
  files.set(mutant.file, score);
}
for (const [file, { killed, of }] of [...files].sort()) {
  console.log(`${file.padEnd(44)} ${`${killed}`.padStart(4)} of ${of}`);
}
const killed = results.filter(({ isKilled }) => isKilled).length;
console.log(
  `${killed} of ${results.length} mutants were killed: ${((100 * killed) / results.length).toFixed(1)} %`,
);
if (killed < 0.85 * results.length) process.exitCode = 1;
