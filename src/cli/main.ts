#!/usr/bin/env node
import { realpathSync } from "node:fs";
import process from "node:process";
import { execute } from "./run.ts";

// npm runs it by a link.
const file = realpathSync(process.argv[1]!);
const streams = { out: process.stdout, errors: process.stderr };
void execute(process.argv.slice(2), streams, file).then((code) => {
  process.exitCode = code;
});
