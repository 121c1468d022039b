// Packs the package, unpacks the tarball as an installed package in an empty folder, and runs it on every runtime:
// the protocols, the transport tests over whatever sockets the runtime has, and the examples for it. Then through the tools
// that apps are built with, and in the test runners.
import { execFile } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { webBundlers } from "./bundlers.mjs";
import { jsrDryRun } from "./jsr.mjs";
import { throughNext } from "./next.mjs";
import { ownProtocols } from "./own-protocol.mjs";
import { runInQuickJs } from "./quickjs.mjs";
import { testRunners } from "./runners.mjs";
import { toolchains } from "./toolchains.mjs";
import { root, unpack } from "./unpack.mjs";
import { withWorker } from "./workerd.mjs";

const bin = (path) => fileURLToPath(new URL(`node_modules/${path}`, import.meta.url));
const deno = [bin(".bin/deno"), "run", "-A"];
const bun = [bin(".bin/bun")];
const nodes = {
  [`node ${process.version}`]: [process.execPath],
  "node 22": [bin("node22/bin/node")],
  "node 24": [bin("node24/bin/node")],
  "node 26": [bin("node26/bin/node")],
};

const { work, dist } = await unpack();
const { startPeers } = await import(pathToFileURL(join(work, "peers.mjs")));
const peers = await startPeers();

// Against hanging alone: nothing takes a tenth of it.
const TIMEOUT = 180_000;

/** Runs a program in the folder, and gives what it prints. */
async function print([command, ...args], { cwd = work } = {}) {
  const options = { cwd, timeout: TIMEOUT, maxBuffer: 1 << 24 };
  const { stdout } = await promisify(execFile)(command, args, options);
  return stdout.trim();
}

/** The outcome of tests as text; throws with the names of those that failed. */
function judge({ passed, failures }) {
  if (failures.length > 0 || passed === 0) {
    throw new Error([`${passed} tests passed`, ...failures].join("\n          "));
  }
  return `${passed} tests`;
}

/** The transport tests of this file of suite/. */
const suite = async (command, file, ...args) => {
  const lines = (await print([...command, `${file}.mjs`, ...args])).split("\n");
  return judge(JSON.parse(lines.at(-1)));
};

/** All protocols, without a socket. */
const protocols = async (command) => isOk(await print([...command, "smoke.mjs"]));

function isOk(out) {
  if (out !== "ok") throw new Error(`printed ${out}`);
  return "";
}

/** An example for this runtime: prints what its `//=>` lines say, and ends by itself. */
async function example(command, file) {
  const text = readFileSync(join(root, "examples", file), "utf8");
  const expected = Array.from(text.matchAll(/^\/\/=> (.*)$/gm), (match) => match[1]).join("\n");
  writeFileSync(join(work, file), text);
  const out = await print([...command, file]);
  if (out !== expected || out === "") throw new Error(`printed ${out}`);
  return "";
}

const text = (file) => readFileSync(join(work, file), "utf8");

async function workerdProtocols() {
  const worker = `${text("smoke.mjs")}\nexport default { fetch: () => new Response(globalThis.smoke) };`;
  return withWorker({ text: worker, dist }, async (mf) =>
    isOk(await (await mf.dispatchFetch("http://localhost/")).text()),
  );
}

/** The tests run in a request to the worker. */
async function workerdClients() {
  return withWorker(server, async (mf) => {
    const body = JSON.stringify({ port: peers.port, tlsPort: peers.tlsPort, url: peers.url });
    const signal = AbortSignal.timeout(TIMEOUT);
    const response = await mf.dispatchFetch("http://localhost/", { method: "POST", body, signal });
    return judge(await response.json());
  });
}

async function workerdServer() {
  return withWorker(server, (_, url) =>
    suite([process.execPath], "to-workerd", `ws://${url.host}`),
  );
}

const server = {
  ...{ text: text("worker.mjs"), dist, durableObjects: { SERVER: "Server" } },
  trusted: text("tls-cert.pem"),
};

const checks = {};
for (const [name, node] of Object.entries(nodes)) {
  checks[`${name}: protocols`] = () => protocols(node);
  checks[`${name}: framewright/node, TCP TLS Unix UDP`] = () => suite(node, "node");
  checks[`${name}: framewright/web, streams`] = () => suite(node, "streams");
  checks[`${name}: framewright/web, ws`] = () => suite(node, "ws");
  // Node 20 has no WebSocket of its own.
  if (name.startsWith("node v20")) continue;
  checks[`${name}: framewright/web, its WebSocket`] = () => suite(node, "web-socket", peers.url);
}
Object.assign(checks, {
  "bun: protocols": () => protocols(bun),
  "bun: framewright/bun, TCP TLS Unix": () => suite(bun, "bun"),
  "bun: framewright/node, TCP TLS Unix UDP": () => suite(bun, "node"),
  "bun: framewright/web, streams": () => suite(bun, "streams"),
  "bun: framewright/web, ws": () => suite(bun, "ws"),
  "bun: framewright/web, its WebSocket": () => suite(bun, "web-socket", peers.url),
  "bun: example": () => example(bun, "bun.mjs"),
  "deno: protocols": () => protocols(deno),
  "deno: framewright/web, TCP TLS Unix WebSocket": () => suite(deno, "deno"),
  "deno: framewright/node, TCP TLS Unix UDP": () => suite(deno, "node"),
  "deno: framewright/web, ws": () => suite(deno, "ws"),
  "deno: framewright/web, its WebSocket": () => suite(deno, "web-socket", peers.url),
  "deno: example": () => example([bin(".bin/deno"), "run", "--allow-net"], "deno.mjs"),
  "workerd: protocols": workerdProtocols,
  "workerd: framewright/web, TCP TLS WebSocket WebSocketPair": workerdClients,
  "workerd: framewright/web, a Durable Object": workerdServer,
  "quickjs: protocols": async () => isOk(await runInQuickJs(text("smoke.mjs"), dist, "smoke")),
  ...toolchains({ work, print, node: nodes["node 24"] }),
  ...webBundlers({ work, print }),
  "Next.js: a page, an edge route, a Node route": () => throughNext({ work, print }),
  "JSR: a dry run": () => jsrDryRun({ work, print, deno: deno[0] }),
  ...testRunners({ work }),
  ...ownProtocols({ work, nodes }),
});

// With an argument only those whose name has it: `node run.mjs deno`.
const chosen = Object.entries(checks).filter(([name]) => name.includes(process.argv[2] ?? ""));
const secondsSince = (start) => `${((Date.now() - start) / 1000).toFixed(1)} s`;
const begin = Date.now();
let failed = 0;
for (const [name, run] of chosen) {
  const start = Date.now();
  try {
    const result = await run();
    console.log(
      `ok      ${name.padEnd(56)} ${result.padStart(9)} ${secondsSince(start).padStart(7)}`,
    );
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name} ${secondsSince(start)}: ${error.message}`);
  }
}
await peers.stop();
rmSync(work, { recursive: true, force: true });
console.log(`${chosen.length - failed} passed, ${failed} failed, in ${secondsSince(begin)}`);
process.exitCode = failed > 0 || chosen.length === 0 ? 1 : 0;
