#!/usr/bin/env node
import { realpathSync } from "node:fs";
import process from "node:process";
import { run } from "./run.ts";

// npm runs it by a link.
const file = realpathSync(process.argv[1]!);
process.exitCode = run(process.argv.slice(2), process.stdout, process.stderr, file);
