/** What is thrown where nobody can catch it, while `run` runs and until everything has settled. (Node only.) */
export async function uncaughtBy(run: () => unknown): Promise<unknown[]> {
  const uncaught: unknown[] = [];
  const collect = (error: unknown): void => void uncaught.push(error);
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", collect);
  try {
    await run();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.removeListener("uncaughtException", collect);
    for (const other of others) process.on("uncaughtException", other);
  }
  return uncaught;
}

/** Messages of the errors that are printed as bugs of handlers, while `run` runs and until everything has settled. */
export async function bugsPrintedBy(run: () => unknown): Promise<string[]> {
  const bugs: string[] = [];
  const { error } = console;
  console.error = (line: string): void => {
    const [, message] = /^framewright: a handler failed: (?:\w+: )?(.*)/.exec(line) ?? [];
    if (message !== undefined) bugs.push(message);
  };
  try {
    await run();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    console.error = error;
  }
  return bugs;
}

let jump = 0;

/** What is printed while `run` runs and until everything has settled, as if nothing had been printed before. */
export async function printedBy(run: () => unknown): Promise<string[]> {
  const lines: string[] = [];
  const { error } = console;
  const { now } = performance;
  // At most one line in ten seconds is printed for each kind.
  jump += 1_000_000;
  performance.now = () => now.call(performance) + jump;
  console.error = (line: string): void => {
    lines.push(line.replace(/ \(and \d+ more before\)$/, ""));
  };
  try {
    await run();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    console.error = error;
    performance.now = now;
  }
  return lines;
}
