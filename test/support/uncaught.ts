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
