// Runs in a process of its own: all tests, to see which of them reach a mutant; or some of them with one mutant, until
// one fails.
import { readFileSync, writeFileSync } from "node:fs";
import { load, run, type Test } from "./harness.ts";

/** What the tests of one file did without a mutant. */
export interface Baseline {
  readonly file: string;
  /** Mutants that are reached while its modules load. */
  readonly atLoad: readonly number[];
  readonly tests: readonly {
    readonly name: string;
    readonly ms: number;
    readonly hits: readonly number[];
  }[];
  readonly failed: readonly string[];
}

/** Tests of some files, by their names. */
export type Chosen = readonly { readonly file: string; readonly names: readonly string[] }[];

const fileOf = (file: string): string =>
  new URL(`../../${file.replace(/\.ts$/, ".js")}`, import.meta.url).href;

async function measure(files: readonly string[], path: string): Promise<void> {
  const hits = new Set<number>();
  Object.assign(globalThis, {
    __is(id: number) {
      hits.add(id);
      return false;
    },
  });
  const measured: Baseline[] = [];
  await import(fileOf("test/support/seed.ts"));
  for (const file of files) {
    hits.clear();
    const tests = await load(fileOf(file));
    const atLoad = [...hits];
    const done: Baseline["tests"][number][] = [];
    const failed: string[] = [];
    for (const test of tests) {
      hits.clear();
      const since = performance.now();
      try {
        await run(test);
        done.push({ name: test.name, ms: performance.now() - since, hits: [...hits] });
      } catch (fault) {
        failed.push(`${test.name}: ${String(fault).split("\n")[0]}`);
      }
    }
    measured.push({ file, atLoad, tests: done, failed });
  }
  writeFileSync(path, JSON.stringify(measured));
}

async function check(mutant: number, chosen: Chosen): Promise<void> {
  Object.assign(globalThis, { __is: (id: number) => id === mutant });
  let running = "";
  const die = (why: string) => (): void => {
    console.log(`${running}: ${why}`);
    process.exit(1);
  };
  process.on("uncaughtException", die("an uncaught exception"));
  process.on("unhandledRejection", die("an unhandled rejection"));
  // Nothing is left that could settle what a test waits for.
  process.on("beforeExit", die("never ends"));
  await import(fileOf("test/support/seed.ts"));
  for (const { file, names } of chosen) {
    running = file;
    const tests = new Map<string, Test>(
      (await load(fileOf(file))).map((test) => [test.name, test]),
    );
    for (const name of names) {
      running = name;
      try {
        await run(tests.get(name)!);
      } catch {
        console.log(name);
        process.exit(1);
      }
    }
  }
}

const { error } = console;
console.error = () => {};
const {
  files,
  baseline,
  mutant,
  chosen,
}: { files: string[]; baseline?: string; mutant: number; chosen: Chosen } = JSON.parse(
  readFileSync(process.env.MUTANT_JOB!, "utf8"),
);
try {
  if (baseline === undefined) await check(mutant, chosen);
  else await measure(files, baseline);
  process.exit(0);
} catch (fault) {
  error(fault);
  process.exit(1);
}
