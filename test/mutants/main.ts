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
  rmSync,
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
const LAWS = ["connection", "connection-model", "policies", "splitter-model"];
/** They load all protocols, or other libraries, and find little else in the core. */
const LEFT_OUT =
  /trust\/(cases|payload|odd-values|echo)|core\/schema|framing\/(examined|stuffed|with-checksum)/;

const testFiles = [
  ...FOLDERS.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".test.ts"))
      .map((name) => `${folder}/${name}`),
  ),
  ...LAWS.map((name) => `test/laws/${name}.test.ts`),
].filter((file) => !LEFT_OUT.test(file));
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
    build.onLoad({ filter: /\/(test\/(unit|laws|support)|scripts)\/.*\.m?[jt]s$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replaceAll(
        "import.meta.url",
        JSON.stringify(pathToFileURL(path).href),
      ),
      loader: "ts",
    }));
    build.onLoad({ filter: /src\/core\/.*\.ts$/ }, ({ path }) => {
      const contents = replaced.get(relative(root, path));
      return contents === undefined ? undefined : { contents, loader: "ts" };
    });
  },
};
const outdir = join(reports, "bundles");
const builder = await context({
  entryPoints: ["test/mutants/child.ts", "test/support/seed.ts", ...bundled],
  outbase: root,
  outdir,
  bundle: true,
  splitting: true,
  packages: "external",
  plugins: [replace],
  // The tests are part of a package without side effects.
  ignoreAnnotations: true,
  platform: "node",
  format: "esm",
  target: "node20",
  logLevel: "error",
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

const CHILD = `node --max-old-space-size=800 ${join(outdir, "test/mutants/child.js")}`;
const jobPath = join(reports, "job.json");

function runChild(job: object, cpu: number): Promise<Ended> {
  writeFileSync(jobPath, JSON.stringify(job));
  return execute(CHILD, { MUTANT_JOB: jobPath }, cpu);
}

// ---- without a mutant

for (const file of sources.keys()) {
  const own = sample.flatMap((mutant, id) => (mutant.file === file ? [[id, mutant] as const] : []));
  if (own.length > 0) replaced.set(file, counted(sources.get(file)!, own));
}
await builder.rebuild();
const baselinePath = join(reports, "baseline.json");
const first = await runChild({ files: bundled, baseline: baselinePath }, 900);
if (first.code !== 0) throw new Error(`the tests do not run without a mutant: ${CHILD}`);
const baseline: readonly Baseline[] = JSON.parse(readFileSync(baselinePath, "utf8"));
const sum = (tests: Baseline["tests"]): number => tests.reduce((total, { ms }) => total + ms, 0);
const seconds = baseline.reduce((total, { tests }) => total + sum(tests), 0) / 1000;
console.log(
  `${all.length} mutants possible, ${sample.length} taken with seed ${options.seed}; ` +
    `${baseline.flatMap(({ tests }) => tests).length} tests, ${seconds.toFixed(0)} s; ` +
    `${needVitest.length} files need Vitest`,
);
for (const text of baseline.flatMap(({ failed }) => failed)) console.log(`not used: ${text}`);

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

const atLoad = new Set(baseline.flatMap((file) => file.atLoad));

/** The tests that reach a mutant, the fastest files first. */
function reaching(id: number): { readonly file: string; readonly tests: Baseline["tests"] }[] {
  const found = baseline.map(({ file, tests }) => {
    const own = atLoad.has(id) ? tests : tests.filter(({ hits }) => hits.includes(id));
    return { file, tests: [...own].sort((a, b) => a.ms - b.ms) };
  });
  return found.filter(({ tests }) => tests.length > 0).sort((a, b) => sum(a.tests) - sum(b.tests));
}

async function tryOut(mutant: Mutant, id: number): Promise<Result> {
  const text = mutated(sources.get(mutant.file)!, mutant);
  const files = reaching(id);
  if (files.length > 0) {
    replaced = new Map([[mutant.file, text]]);
    rmSync(outdir, { recursive: true, force: true });
    try {
      await builder.rebuild();
    } catch {
      return { mutant, isKilled: true, by: "does not compile" };
    }
    const chosen = files.map(({ file, tests }) => ({ file, names: tests.map(({ name }) => name) }));
    const cpu = Math.ceil(20 + (3 * files.reduce((ms, { tests }) => ms + sum(tests), 0)) / 1000);
    const { code, out } = await runChild({ chosen }, cpu);
    if (code !== 0) return { mutant, isKilled: true, by: out || "takes too much time or memory" };
  }
  const count = files.reduce((total, { tests }) => total + tests.length, 0);
  // They are about what the runtime has, and how modules load: nothing of it is of connections.
  if (mutant.file.startsWith("src/core/connection/")) {
    return { mutant, isKilled: false, by: `${count} tests reach it` };
  }
  const code = await withVitest(mutant.file, text);
  return {
    mutant,
    isKilled: code !== 0,
    by: code === 0 ? `${count} tests reach it` : "Vitest",
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
