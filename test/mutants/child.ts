// Runs in the process of one bundle of tests: all of them with counters, or some of them until one fails.
import { readFileSync, writeFileSync } from "node:fs";
import { run, tests } from "./harness.ts";

/** What the tests did without a mutant. */
export interface Baseline {
  /** Mutants that are reached while the modules load. */
  readonly atLoad: readonly number[];
  readonly tests: readonly {
    readonly name: string;
    readonly ms: number;
    readonly hits: readonly number[];
  }[];
  readonly failed: readonly string[];
}

/** Called by the script that is bundled, after it has loaded the tests. */
export async function main(): Promise<void> {
  const { MUTANT_TESTS, MUTANT_BASELINE } = process.env;
  if (MUTANT_BASELINE !== undefined) await measure(MUTANT_BASELINE);
  else await check(JSON.parse(readFileSync(MUTANT_TESTS!, "utf8")));
}

async function measure(path: string): Promise<void> {
  const hits = (globalThis as unknown as { __hits: Set<number> }).__hits;
  const atLoad = [...hits];
  const done: Baseline["tests"][number][] = [];
  const failed: string[] = [];
  const { error } = console;
  console.error = () => {};
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
  console.error = error;
  writeFileSync(path, JSON.stringify({ atLoad, tests: done, failed } satisfies Baseline));
  process.exit(0);
}

async function check(names: readonly string[]): Promise<void> {
  let running = "";
  const die = (why: string) => (): void => {
    console.log(`${running}: ${why}`);
    process.exit(1);
  };
  process.on("uncaughtException", die("an uncaught exception"));
  process.on("unhandledRejection", die("an unhandled rejection"));
  // Nothing is left that could settle what a test waits for.
  process.on("beforeExit", die("never ends"));
  console.error = () => {};
  const byName = new Map(tests.map((test) => [test.name, test]));
  for (const name of names) {
    running = name;
    try {
      await run(byName.get(name)!);
    } catch {
      console.log(name);
      process.exit(1);
    }
  }
  process.exit(0);
}
