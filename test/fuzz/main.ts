// npm run fuzz -- [target ...] [--seconds 10] [--seed 1] [--save]
//
// Fuzzes each target for a bounded time. A crash is made smaller, printed and kept in fixtures/, where the tests
// find it; --save keeps the inputs that reached something new, too.
import { readdirSync } from "node:fs";
import { parseArgs } from "node:util";
import vm from "node:vm";
import type { Target } from "./check.ts";
import { type Fuzzer, fuzzer, smaller } from "./engine.ts";
import { type Fixtures, load, save, vectors } from "./fixtures.ts";
import { instrumented } from "./instrument.ts";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    save: { type: "boolean", default: false },
  },
});

const all = readdirSync("test/fuzz/targets").map((file) => file.replace(/\.ts$/, ""));
const wanted = positionals.length > 0 ? positionals : all;
const unknown = wanted.filter((name) => !all.includes(name));
if (unknown.length > 0) throw new Error(`no target ${unknown}: there are ${all}`);

// An input that takes longer is a crash, too. The clock is looked at once a batch.
const BATCH_MS = 250;
const HANG_MS = 10_000;
/** Of a corpus, inputs this long and no more of them are kept as fixtures. */
const KEPT_BYTES = 200;
const KEPT = 150;

let crashed = false;
for (const name of wanted) if (!(await fuzz(name))) crashed = true;
process.exitCode = crashed ? 1 : 0;

async function fuzz(name: string): Promise<boolean> {
  const { target, counters } = await instrumented(`test/fuzz/targets/${name}.ts`);
  const known = load(name);
  const engine = fuzzer({
    run: (input) => target.fuzz(input),
    counters,
    seeds: [
      ...target.seeds(),
      ...known.corpus,
      ...known.crashes,
      ...vectors(name, target.cases.length),
    ],
    seed: Number(options.seed),
  });
  const until = Date.now() + 1000 * Number(options.seconds);
  (globalThis as { __fuzzBatch?: () => void }).__fuzzBatch = () => {
    for (const end = Math.min(until, Date.now() + BATCH_MS); Date.now() < end; ) engine.step();
  };
  const batch = new vm.Script("__fuzzBatch()");
  try {
    while (Date.now() < until) batch.runInThisContext({ timeout: BATCH_MS + HANG_MS });
  } catch (error) {
    report(name, engine, target, error, known);
    return false;
  }
  const { runs, reached, corpus } = engine;
  const share = `${reached} of ${counters.length} counters reached`;
  console.log(`${name}: ${runs} runs, no crash, ${corpus.length} inputs kept, ${share}`);
  if (options.save) {
    const short = corpus.filter(({ length }) => length <= KEPT_BYTES);
    save(name, { ...known, corpus: short.slice(0, KEPT) });
  }
  return true;
}

function report(
  name: string,
  engine: Fuzzer,
  target: Target,
  error: unknown,
  known: Fixtures,
): void {
  const hangs = (error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
  const crashes = (input: Uint8Array): boolean => {
    try {
      target.fuzz(input);
      return false;
    } catch {
      return true;
    }
  };
  const input = hangs ? engine.current : smaller(engine.current, crashes);
  console.log(`${name}: crash in run ${engine.runs}, seed ${options.seed}`);
  console.log(`  case: ${target.cases[(input[0] ?? 0) % target.cases.length]}`);
  console.log(`  input: ${Buffer.from(input).toString("hex")}`);
  console.log(hangs ? `  runs longer than ${HANG_MS} ms` : `  ${error}`);
  save(name, { ...known, crashes: [...known.crashes, input] });
}
