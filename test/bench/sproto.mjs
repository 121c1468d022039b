/*
 * Messages a to d of sproto beside JSON, in one run: `npm run build && node test/bench/sproto.mjs`. With SPROTO_C, also
 * beside cloudwu/sproto's own C binding for Lua 5.4.
 *
 * Nanoseconds of CPU time for one operation, best and median of the rounds. All contestants of an operation take turns,
 * once a round. Each result is checked before it is timed.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { pack, parse, unpack } from "framewright/sproto";
import { median } from "./_measure.mjs";

const text = `
  .Contact {
    name 0 : string  id 1 : integer  mail 2 : string
    .Line { number 0 : string  kind 1 : integer }
    lines 3 : *Line
  }
  .Book { contacts 0 : *Contact }
  .Small { id 0 : integer  name 1 : string  x 2 : integer }
  .Pt { x 0 : integer  y 1 : integer }
  .List { pts 0 : *Pt }`;

const alice = [
  { number: "123456789", kind: 1 },
  { number: "87654321", kind: 2 },
];
const pts = Array.from({ length: 100 }, (_, i) => ({ x: i + 1, y: -1000 * (i + 1) }));

/** Type, value, and bytes encoded and packed. */
const messages = {
  a: {
    type: "Book",
    value: {
      contacts: [
        { name: "Alice", id: 10000, lines: alice },
        { name: "Bob", id: 20000, lines: [{ number: "01234567890", kind: 3 }] },
      ],
    },
    sizes: [130, 83],
  },
  b: {
    type: "Contact",
    value: { name: "Alice", id: 10000, mail: "alice@example.com", lines: alice },
    sizes: [89, 65],
  },
  c: { type: "Small", value: { id: 12345, name: "player", x: 100 }, sizes: [18, 14] },
  d: { type: "List", value: { pts }, sizes: [1808, 1026] },
};

const ROUNDS = 15;
const ROUND_MS = Number(process.env.ROUND_MS ?? 30);

/** Keeps the optimiser from dropping the work. */
let kept;

function microseconds(run, count) {
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) kept = run();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** A contestant of this process: each call returns the CPU nanoseconds of one operation. */
function ours(engine, run) {
  let count = 0;
  const round = () => {
    if (count === 0) for (count = 1; microseconds(run, count) <= ROUND_MS * 1000; ) count *= 2;
    return (microseconds(run, count) * 1000) / count;
  };
  return { engine, round };
}

/** A value of JSON, or bytes, as a Lua expression on one line. */
function lua(value) {
  if (value instanceof Uint8Array) {
    return `"${Array.from(value, (byte) => `\\${String(byte).padStart(3, "0")}`).join("")}"`;
  }
  if (Array.isArray(value)) return `{${value.map(lua).join(",")}}`;
  if (typeof value !== "object") return JSON.stringify(value);
  const fields = Object.entries(value).map(([key, field]) => `["${key}"]=${lua(field)}`);
  return `{${fields.join(",")}}`;
}

/** Starts the C binding in `folder`; the program checks every result against these bytes before it answers. */
async function startC(folder, expected) {
  const from = resolve(folder);
  const script = fileURLToPath(new URL("./peers/sproto.lua", import.meta.url));
  const child = spawn("lua5.4", [script], {
    env: { ...process.env, LUA_PATH: `${from}/?.lua;;`, LUA_CPATH: `${from}/?.so;;` },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const failed = new Promise((_, reject) => {
    child.on("error", reject);
    child.stdin.on("error", reject);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (line) => {
    child.stdin.write(`${line}\n`);
    const { value, done } = await Promise.race([lines.next(), failed]);
    if (done) throw new Error("the program of the C binding ended");
    return value;
  };
  const input = { schema: text, seconds: ROUND_MS / 1000, messages: expected };
  const version = await ask(lua(input));
  return {
    version,
    contestant: (message, operation) => ({
      engine: "C",
      round: async () => Number(await ask(`${message} ${operation}`)),
    }),
    stop: () => child.stdin.end(),
  };
}

/** Best and median of each contestant, in rounds in which they take turns. */
async function race(contestants) {
  for (const { round } of contestants) await round();
  const times = contestants.map(() => []);
  for (let i = 0; i < ROUNDS; i++) {
    for (const [n, { round }] of contestants.entries()) times[n].push(await round());
  }
  return contestants.map(({ engine }, n) => ({
    engine,
    best: Math.min(...times[n]),
    median: median(times[n]),
  }));
}

const expected = {};
const contests = [];

for (const [name, { type, value, sizes }] of Object.entries(messages)) {
  const operations = { encode: [], decode: [], pack: [], unpack: [], pencode: [], pdecode: [] };
  for (const engine of ["compiled", "interpreted"]) {
    const sproto = parse(text, { engine });
    const bytes = sproto.encode(type, value);
    const packed = sproto.pencode(type, value);
    assert.deepEqual([bytes.length, packed.length], sizes);
    assert.deepEqual(sproto.decode(type, bytes), value);
    assert.deepEqual(sproto.pdecode(type, packed), value);
    operations.encode.push(ours(engine, () => sproto.encode(type, value)));
    operations.decode.push(ours(engine, () => sproto.decode(type, bytes)));
    if (engine === "compiled") {
      assert.deepEqual(pack(bytes), packed);
      assert.deepEqual(unpack(packed).subarray(0, bytes.length), bytes);
      operations.pack.push(ours("", () => pack(bytes)));
      operations.unpack.push(ours("", () => unpack(packed)));
      expected[name] = { type, value, encoded: bytes, packed };
    }
    operations.pencode.push(ours(engine, () => sproto.pencode(type, value)));
    operations.pdecode.push(ours(engine, () => sproto.pdecode(type, packed)));
  }
  const json = JSON.stringify(value);
  assert.deepEqual(JSON.parse(json), value);
  operations.encode.push(ours("JSON", () => JSON.stringify(value)));
  operations.decode.push(ours("JSON", () => JSON.parse(json)));
  for (const [operation, contestants] of Object.entries(operations)) {
    contests.push({ name, operation, contestants });
  }
}

const folder = process.env.SPROTO_C;
const c = folder === undefined ? undefined : await startC(folder, expected);
if (c === undefined) {
  console.log(
    "C is left out: build cloudwu/sproto (make, with Lua 5.4's headers), and set SPROTO_C to its folder; needs lua5.4 and lua-lpeg.\n",
  );
} else {
  console.log(`C is cloudwu/sproto in ${c.version}.\n`);
}

const head = ["message", "operation", "engine", "best ns", "median ns"];
if (c !== undefined) head.push("C best ns", "C median ns", "best / C", "median / C");
console.log(`| ${head.join(" | ")} |`);
console.log(`|${"---|".repeat(head.length)}`);
for (const { name, operation, contestants } of contests) {
  if (c !== undefined) contestants.push(c.contestant(name, operation));
  const results = await race(contestants);
  const peer = c === undefined ? undefined : results.pop();
  for (const { engine, best, median } of results) {
    const row = [name, operation, engine, Math.round(best), Math.round(median)];
    if (peer !== undefined && engine !== "JSON") {
      row.push(Math.round(peer.best), Math.round(peer.median));
      row.push((best / peer.best).toFixed(2), (median / peer.median).toFixed(2));
    } else if (peer !== undefined) row.push("", "", "", "");
    console.log(`| ${row.join(" | ")} |`);
  }
}
c?.stop();
assert.ok(kept !== undefined);
