/*
 * Messages a to d of sproto beside JSON, in one run: `npm run build && node test/bench/sproto.mjs`.
 *
 * Nanoseconds of CPU time for one operation, best and median of the rounds. Each result is checked before it is timed.
 * The C column is the best figure of cloudwu/sproto's own C binding for Lua 5.4 on the development machine.
 */
import assert from "node:assert/strict";
import { pack, parse, unpack } from "framewright/sproto";

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

/** Type, value, bytes encoded and packed, and the best C figures: encode, decode, pack, unpack, pencode, pdecode. */
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
    c: [1237, 3250, 301, 357, 1567, 3686],
  },
  b: {
    type: "Contact",
    value: { name: "Alice", id: 10000, mail: "alice@example.com", lines: alice },
    sizes: [89, 65],
    c: [705, 1807, 256, 268, 984, 2110],
  },
  c: {
    type: "Small",
    value: { id: 12345, name: "player", x: 100 },
    sizes: [18, 14],
    c: [335, 690, 126, 129, 481, 835],
  },
  d: {
    type: "List",
    value: { pts },
    sizes: [1808, 1026],
    c: [11287, 41599, 2542, 2376, 13833, 46762],
  },
};

const ROUNDS = 15;
const ROUND_MS = Number(process.env.ROUND_MS ?? 30);

/** Keeps the optimiser from dropping the work. */
let kept;

/** CPU nanoseconds for one call. */
function time(run) {
  let count = 1;
  for (;;) {
    const before = process.cpuUsage();
    for (let i = 0; i < count; i++) kept = run();
    const { user, system } = process.cpuUsage(before);
    if (user + system > ROUND_MS * 1000) break;
    count *= 2;
  }
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage();
    for (let i = 0; i < count; i++) kept = run();
    const { user, system } = process.cpuUsage(before);
    return ((user + system) * 1000) / count;
  }).sort((a, b) => a - b);
  return { best: rounds[0], median: rounds[ROUNDS >> 1] };
}

const operations = ["encode", "decode", "pack", "unpack", "pencode", "pdecode"];
const rows = [];

function report(message, operation, engine, run, c) {
  const { best, median } = time(run);
  rows.push({
    message,
    operation,
    engine,
    best: Math.round(best),
    median: Math.round(median),
    c: c ?? "",
    ratio: c === undefined ? "" : (best / c).toFixed(2),
  });
}

for (const [name, { type, value, sizes, c }] of Object.entries(messages)) {
  for (const engine of ["compiled", "interpreted"]) {
    const sproto = parse(text, { engine });
    const bytes = sproto.encode(type, value);
    const packed = sproto.pencode(type, value);
    assert.deepEqual([bytes.length, packed.length], sizes);
    assert.deepEqual(sproto.decode(type, bytes), value);
    assert.deepEqual(sproto.pdecode(type, packed), value);
    report(name, "encode", engine, () => sproto.encode(type, value), c[0]);
    report(name, "decode", engine, () => sproto.decode(type, bytes), c[1]);
    if (engine === "compiled") {
      assert.deepEqual(pack(bytes), packed);
      report(name, "pack", "", () => pack(bytes), c[2]);
      report(name, "unpack", "", () => unpack(packed), c[3]);
    }
    report(name, "pencode", engine, () => sproto.pencode(type, value), c[4]);
    report(name, "pdecode", engine, () => sproto.pdecode(type, packed), c[5]);
  }
  const json = JSON.stringify(value);
  assert.deepEqual(JSON.parse(json), value);
  report(name, "encode", "JSON", () => JSON.stringify(value));
  report(name, "decode", "JSON", () => JSON.parse(json));
}
assert.ok(kept !== undefined);

const order = ["compiled", "interpreted", "", "JSON"];
rows.sort(
  (x, y) =>
    x.message.localeCompare(y.message) ||
    operations.indexOf(x.operation) - operations.indexOf(y.operation) ||
    order.indexOf(x.engine) - order.indexOf(y.engine),
);
console.log("| message | operation | engine | best ns | median ns | C best ns | best / C |");
console.log("|---|---|---|---|---|---|---|");
for (const row of rows) console.log(`| ${Object.values(row).join(" | ")} |`);
