// Laws and vectors of the packed package in five test runners, as its users write them: each runner is to count the same tests,
// all passed, and to fail for a protocol with a bug.
import { execFile } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const here = fileURLToPath(new URL(".", import.meta.url));
const bin = (name) => join(here, "node_modules/.bin", name);
const require = createRequire(import.meta.url);
/** A file of a package, exported or not. */
const inside = (name, file) => join(dirname(require.resolve(`${name}/package.json`)), file);

/** The tests; `bug` plants one, which the laws must find. */
const tests = (test, bug) => `${test}
import { defineProtocol, lengthPrefixed, utf8 } from "framewright";
import { protocolOf, struct, u8, utf8 as utf8Field } from "framewright/fields";
import { laws, text, vectors } from "framewright/testing";

const framed = lengthPrefixed({ width: 2 }).wrap(utf8());
const words = ${bug} ? defineProtocol({ ...framed, name: "words", encode: (word, out) => framed.encode(word.trim(), out) }) : framed;
for (const law of laws(words, text({ max: 300 }), { seed: 1, runs: 30 })) test(\`words: \${law.name}\`, law.check);

const names = protocolOf(struct({ id: u8, name: utf8Field(u8) }), { name: "names" });
for (const law of laws(names, { seed: 1, runs: 30 })) test(\`names: \${law.name}\`, law.check);

const golden = vectors(words, [["0005 68656c6c6f", "hello"], ["0000", ""]]);
for (const vector of golden) test(\`golden: \${vector.name}\`, vector.check);
`;

const VITEST = 'import { test } from "vitest";';
const NODE = 'import { test } from "node:test";';
const BUN = 'import { test } from "bun:test";';
const DENO = "const test = (name, fn) => Deno.test(name, () => fn());";
const JEST = "";

/** What each runner is called with, and how many tests passed by what it prints. */
const runners = {
  vitest: {
    test: VITEST,
    file: "laws.vitest.test.mjs",
    command: (file) => [
      process.execPath,
      inside("vitest", "vitest.mjs"),
      "run",
      "--no-color",
      file,
    ],
    passed: /Tests +(?:\d+ failed \| )?(\d+) passed/,
  },
  jest: {
    test: JEST,
    file: "laws.jest.test.mjs",
    command: (file) => [
      ...[process.execPath, "--experimental-vm-modules", inside("jest", "bin/jest.js")],
      ...["--rootDir", ".", "--testMatch", `**/${file}`, "--colors=false", "--watchman=false"],
    ],
    passed: /Tests: +(?:\d+ failed, )?(\d+) passed/,
  },
  "node:test": {
    test: NODE,
    file: "laws.node.test.mjs",
    command: (file) => [process.execPath, "--test", "--test-reporter=tap", file],
    passed: /^# pass (\d+)$/m,
  },
  "bun test": {
    test: BUN,
    file: "laws.bun.test.mjs",
    command: (file) => [bin("bun"), "test", `./${file}`],
    passed: /^ *(\d+) pass$/m,
  },
  "deno test": {
    test: DENO,
    file: "laws.deno.test.mjs",
    command: (file) => [bin("deno"), "test", "-A", "--no-check", file],
    passed: /(\d+) passed/,
  },
};

/** Runs a command to its end, whichever that is. */
async function outcome([command, ...args], cwd) {
  const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0", CI: "true" };
  const options = { cwd, env, timeout: 180_000, maxBuffer: 1 << 24 };
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, options);
    return { isOk: true, text: `${stdout}\n${stderr}` };
  } catch ({ stdout, stderr, message }) {
    return { isOk: false, text: `${stdout}\n${stderr}\n${message}` };
  }
}

/**
 * The checks by their names.
 *
 * @param work - the folder with the package
 */
export function testRunners({ work }) {
  const link = (name) => {
    const to = join(work, "node_modules", name);
    mkdirSync(dirname(to), { recursive: true });
    symlinkSync(dirname(require.resolve(`${name}/package.json`)), to);
  };
  for (const name of ["fast-check", "pure-rand", "vitest"]) link(name);
  const counts = new Set();
  const checks = {};
  for (const [name, { test, file, command, passed }] of Object.entries(runners)) {
    checks[`${name}: laws and vectors`] = async () => {
      writeFileSync(join(work, file), tests(test, false));
      const good = await outcome(command(file), work);
      const count = Number(good.text.match(passed)?.[1]);
      if (!good.isOk || !(count > 30))
        throw new Error(`${count} passed\n${good.text.slice(-2000)}`);
      counts.add(count);
      if (counts.size > 1) throw new Error(`runners count ${[...counts].join(" and ")} tests`);
      writeFileSync(join(work, file), tests(test, true));
      const bad = await outcome(command(file), work);
      if (bad.isOk || !/breaks the law "round trip"/.test(bad.text)) {
        throw new Error(`the bug was not found\n${bad.text.slice(-2000)}`);
      }
      return `${count} tests`;
    };
  }
  return checks;
}
