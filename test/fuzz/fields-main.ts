import { parseArgs } from "node:util";
import { checkSeed, newTally } from "../support/random-agreement.ts";

const { values: options } = parseArgs({
  options: {
    bad: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
  },
});
const wanted = Number(options.bad);
const first = Number(options.seed);
const tally = newTally();
let failed = 0;
let seed = first;
const report = (): void =>
  console.log(JSON.stringify({ seeds: `${first}..${seed - 1}`, ...tally, failed }));

for (; tally.bad < wanted && failed < 20; seed++) {
  try {
    checkSeed(seed, tally);
  } catch (error) {
    failed++;
    console.log(error instanceof Error ? error.message : error);
  }
  if (seed % 1000 === 0) report();
}
report();
process.exitCode = failed === 0 ? 0 : 1;
