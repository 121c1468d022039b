// Side by side in one process: every contestant runs once a round, rounds are interleaved, and medians are compared,
// so that a noisy machine disturbs all of them alike; CPU time is, because other programs do not add to it. Each run
// checks its result.

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

// Milliseconds that each contestant runs before it counts, unless told otherwise.
const WARM_UP = 100;

/**
 * Nanoseconds of CPU time, garbage collection included, per operation of each contestant.
 *
 * @param {{ name: string, run: () => number | Promise<number> }[]} contestants - `run` answers how many operations it did
 * @param {number} expected - what every run must answer
 * @returns {Promise<number[]>} medians, in the order given
 */
export async function race(contestants, expected, rounds = 9, warmUp = WARM_UP) {
  const times = contestants.map(() => []);
  const once = async (i) => {
    const { name, run } = contestants[i];
    const before = process.cpuUsage();
    const count = await run();
    const { user, system } = process.cpuUsage(before);
    if (count !== expected) throw new Error(`${name} did ${count} of ${expected}`);
    return (user + system) / 1000;
  };
  // V8 compiles beside the run, and on a busy machine that takes a while.
  for (const i of times.keys()) for (let spent = 0; spent < warmUp; ) spent += await once(i);
  for (let round = 0; round < rounds; round++) {
    for (const i of times.keys()) times[i].push(((await once(i)) * 1e6) / expected);
  }
  return times.map(median);
}

/** Prints a table in Markdown. */
export function table(head, rows) {
  const all = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i].length)));
  const line = (cells) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  console.log(line(all[0]));
  console.log(`|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`);
  for (const row of all.slice(1)) console.log(line(row));
  console.log();
}

export const ns = (value) => `${value < 100 ? value.toFixed(1) : value.toFixed(0)} ns`;
export const ratio = (value, base) => {
  const times = value / base;
  return `${times < 10 ? times.toFixed(1) : times.toFixed(0)}x`;
};
