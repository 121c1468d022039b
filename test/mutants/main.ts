// npm run mutants: changes src/core in small ways, one at a time, and looks whether a test fails.
//
//   npm run mutants -- [--count 300] [--seed 1] [--only connection/] [--skip connection/] [--again] [--equal]
//
// The tests of the core are bundled with the source and all mutants of the sample, which are switched on one at a time.
// A run without a mutant counts which tests reach which place, so each mutant is tried by those tests alone, the
// fastest first, in a process of its own. What they let live is tried by
// the tests that need Vitest itself. No file of the source is changed.
//
// Mutants that change nothing a user can observe are listed in equal.ts and left out of the score. --equal tries those
// alone: the list is wrong if a test kills one.
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
import { build, type Plugin, transform } from "esbuild";
import type { Baseline } from "./child.ts";
import { equalMutants } from "./equal-mutants.ts";
import { type Mutant, mutantsOf, mutated, switched } from "./mutate.ts";

const { values: options } = parseArgs({
  options: {
    count: { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    skip: { type: "string" },
    again: { type: "boolean", default: false },
    equal: { type: "boolean", default: false },
  },
});
const root = process.cwd();
const reports = join(root, "reports/mutants");
mkdirSync(reports, { recursive: true });

/** Tests that load modules anew, read their own files or start programs: they need Vitest. */
const NEED_VITEST = /vi\.mock|vi\.hoisted|resetModules|@fast-check\/vitest|child_process/;
/** The files of the source that those tests are about: what the runtime has, how modules load, time that is spent. */
const OF_VITEST =
  /core\/(host|clock|observed|utf8|errors|hints|quoteless|json-fault|memory|output|codecs|\w*-?splitter)\.ts$/;
const FOLDERS = ["test/unit/core", "test/unit/framing", "test/unit/trust", "test/unit/session"];
/** They reach parts of the core that nothing else does: base64, text of values, latin1, checks of values. */
const FILES = ["protocols/workerman/protocols", "protocols/skynet/crypt", "inspect/explain"];
const LAWS = ["connection", "connection-model", "policies", "splitter-model"];
/** They load all protocols, or other libraries, and find little else in the core. */
const LEFT_OUT = /trust\/(cases|payload|odd-values|echo)|framing\/(examined|stuffed|with-checksum)/;

const testFiles = [
  ...FOLDERS.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".test.ts"))
      .map((name) => `${folder}/${name}`),
  ),
  ...FILES.map((name) => `test/unit/${name}.test.ts`),
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
const equal = equalMutants(all, sources);
const { only, skip } = options;
const sample = all
  .filter((mutant) => !options.equal || equal.has(mutant))
  .filter(({ file }) => file.includes(only) && (skip === undefined || !file.includes(skip)))
  .slice(0, Number(options.count));

// ---- bundles

const broken = new Set<Mutant>();
for (const mutant of sample) {
  const text = mutated(sources.get(mutant.file)!, mutant);
  await transform(text, { loader: "ts", logLevel: "silent" }).catch(() => broken.add(mutant));
}
/** What is loaded in place of a file of the source. */
const replaced = new Map<string, string>();
for (const [file, text] of sources) {
  const own = sample.flatMap((mutant, id) =>
    mutant.file === file && !broken.has(mutant) ? [[id, mutant] as const] : [],
  );
  if (own.length > 0) replaced.set(file, switched(text, own));
}
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
rmSync(outdir, { recursive: true, force: true });
await build({
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
  if (broken.has(mutant)) return { mutant, isKilled: true, by: "does not compile" };
  const text = mutated(sources.get(mutant.file)!, mutant);
  const files = reaching(id);
  if (files.length > 0) {
    const chosen = files.map(({ file, tests }) => ({ file, names: tests.map(({ name }) => name) }));
    const cpu = Math.ceil(20 + (3 * files.reduce((ms, { tests }) => ms + sum(tests), 0)) / 1000);
    const { code, out } = await runChild({ mutant: id, chosen }, cpu);
    if (code !== 0) return { mutant, isKilled: true, by: out || "takes too much time or memory" };
  }
  const count = files.reduce((total, { tests }) => total + tests.length, 0);
  if (!OF_VITEST.test(mutant.file)) {
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
let left = 0;
for (const [id, mutant] of sample.entries()) {
  if (equal.has(mutant) && !options.equal) {
    left++;
    console.log(`equal: ${shown(mutant)} (${equal.get(mutant)})`);
    continue;
  }
  const key = keyOf(mutant);
  const result = known.get(key) ?? (await tryOut(mutant, id));
  if (!known.has(key)) appendFileSync(log, `${JSON.stringify({ key, ...result })}\n`);
  results.push(result);
  if (!result.isKilled) {
    console.log(`lives: ${shown(mutant)} (${result.by})`);
  }
  if (results.length % 25 === 0) {
    console.log(
      `  ${results.length} tried, ${results.filter(({ isKilled }) => isKilled).length} killed`,
    );
  }
}

function shown({ file, line, kind, before, after }: Mutant): string {
  return `${file}:${line} ${kind}: ${short(before)} -> ${short(after)}`;
}

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
const killed = results.filter(({ isKilled }) => isKilled);
if (options.equal) {
  for (const { mutant, by } of killed) console.log(`not equal: ${shown(mutant)} (${by})`);
  if (killed.length > 0) process.exitCode = 1;
} else {
  const score = (of: number): string => `${((100 * killed.length) / of).toFixed(1)} %`;
  console.log(
    `${killed.length} of ${results.length} mutants were killed: ${score(results.length)}; ` +
      `${left} equal ones are left out (${score(results.length + left)} with them)`,
  );
  if (killed.length < 0.85 * results.length) process.exitCode = 1;
}
