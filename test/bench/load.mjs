// How long a module takes to load, in a fresh process for each time: Node's own modules that it imports are loaded
// before, and do not count. Other packages are beside it.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { median, table } from "./_measure.mjs";

const ROUNDS = 15;
const OWN = ["buffer", "crypto", "dgram", "events", "fs", "http", "https", "net", "stream", "tls"];

const dist = (file) => new URL(`../../dist/${file}`, import.meta.url);
const contestants = [
  ["framewright/node", `await import(${JSON.stringify(dist("node.js").href)})`],
  ["framewright/node, CommonJS", `require(${JSON.stringify(fileURLToPath(dist("node.cjs")))})`],
  ["framewright", `await import(${JSON.stringify(dist("index.js").href)})`],
  ["framewright/sproto", `await import(${JSON.stringify(dist("sproto.js").href)})`],
  ["ws", 'await import("ws")'],
  ["protobufjs", 'await import("protobufjs")'],
];

function timeOf(load) {
  const code = `import { createRequire } from "node:module";
${OWN.map((name) => `import "node:${name}";`).join("\n")}
const require = createRequire(${JSON.stringify(import.meta.url)});
const start = performance.now();
const loaded = ${load};
const ms = performance.now() - start;
if (Object.keys(loaded).length < 2) throw new Error("nothing was loaded");
console.log(ms);`;
  const options = { encoding: "utf8", cwd: fileURLToPath(new URL(".", import.meta.url)) };
  return Number(execFileSync(process.execPath, ["--input-type=module", "-e", code], options));
}

const times = contestants.map(() => []);
for (let round = 0; round < ROUNDS; round++) {
  for (const [i, [, load]] of contestants.entries()) times[i].push(timeOf(load));
}
table(
  ["module", "median", "lowest"],
  contestants.map(([name], i) => [
    name,
    `${median(times[i]).toFixed(1)} ms`,
    `${Math.min(...times[i]).toFixed(1)} ms`,
  ]),
);
