#!/usr/bin/env node
import { realpathSync } from "node:fs";
import process from "node:process";
import { execute } from "./run.ts";

// npm runs it through a link.
const file = realpathSync(process.argv[1]!);
// Its reader may end first: `framewright decode ... | head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});
let stop: AbortController | undefined;
let hasInput = false;

void execute(
  process.argv.slice(2),
  {
    out: process.stdout,
    errors: process.stderr,
    // Set up only for commands that use them: otherwise Ctrl-C ends the process, and standard input
    // is not read.
    get input() {
      hasInput = true;
      return process.stdin;
    },
    get stop() {
      if (stop === undefined) {
        const controller = new AbortController();
        for (const signal of ["SIGINT", "SIGTERM"] as const) {
          process.once(signal, () => controller.abort());
        }
        stop = controller;
      }
      return stop.signal;
    },
  },
  file,
).then((code) => {
  process.exitCode = code;
  if (hasInput) process.stdin.destroy();
});
