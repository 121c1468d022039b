// Reads the output of a program that prints JSON lines with log lines between them. Each line that is not
// JSON, and each line that is too long, is reported and skipped.
import { spawn } from "node:child_process";
import { json, lines } from "framewright";
import { skip } from "framewright/framing";
import { attach } from "framewright/node";

interface Reading {
  readonly sensor: number;
  readonly celsius: number;
}

const program = `
  console.log("starting up");
  console.log(JSON.stringify({ sensor: 1, celsius: 21.5 }));
  console.log("{ looks like JSON, but is not }");
  console.log(JSON.stringify({ sensor: 2, notes: "x".repeat(1000) }));
  console.log(JSON.stringify({ sensor: 3, celsius: 4 }));
`;
const child = spawn(process.execPath, ["-e", program], { stdio: ["pipe", "pipe", "inherit"] });

const readings = lines({ maxFrame: 200 }).wrap(json<never, Reading>());
attach({ readable: child.stdout, writable: child.stdin }, readings, {
  onInvalid: skip(),
  message: (_, { sensor, celsius }) => console.log(`sensor ${sensor}: ${celsius} degrees`),
  skipped: (_, { error, length }) => console.log(`skipped ${length} bytes: ${error.code}`),
});
//=> skipped 12 bytes: malformed
//=> sensor 1: 21.5 degrees
//=> skipped 32 bytes: malformed
//=> skipped 1024 bytes: too-long
//=> sensor 3: 4 degrees
