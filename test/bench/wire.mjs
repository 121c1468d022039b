// Protocols written with this package (examples/peers), read from the wire beside the package that everybody uses for
// each. Before any time is taken, both must have read the same values.
import { deepStrictEqual, strictEqual } from "node:assert";
import { EventEmitter } from "node:events";
import * as dnsPacket from "dns-packet";
import { encodeAll, encodeFrame, Splitter } from "framewright";
import { compiled } from "framewright/fields/compiled";
import * as mqttPacket from "mqtt-packet";
import { parse as parsePostgres } from "pg-protocol";
import RedisParser from "redis-parser";
import { StreamMessageReader } from "vscode-jsonrpc/node";
import { example } from "./_example.mjs";
import { ns, race, ratio, table } from "./_measure.mjs";

const { resp } = await example("peers/_resp.ts");
const { mqtt } = await example("peers/mqtt.ts");
const { lsp } = await example("peers/_lsp.ts");
const { backend } = await example("peers/postgres.ts");
const { dns, textOf } = await example("peers/dns.ts");

const SIZES = [65536, 1400];
// Milliseconds. Descriptions are many small functions, which V8 compiles one after the other.
const WARM_UP = 1000;

/** Cuts bytes into chunks, each with memory of its own where it is small, as sockets hand them out. */
function cut(bytes, size) {
  const chunks = [];
  for (let at = 0; at < bytes.length; at += size)
    chunks.push(Buffer.from(bytes.subarray(at, at + size)));
  return chunks;
}

/** A reader: calls `use` with each value, as `read` makes it of what `protocol` decodes. */
const reader =
  (protocol, read = (value) => value) =>
  (chunks, use) => {
    const splitter = new Splitter(protocol);
    for (const chunk of chunks) {
      splitter.push(chunk);
      while (splitter.next()) {
        const { bytes, start, end } = splitter;
        use(read(protocol.decode(bytes, start, end), bytes, start));
      }
    }
    splitter.finish();
  };

/** The same with packages that read from a stream; `subscribe` resolves or returns when all is read. */
async function fromStream(chunks, subscribe) {
  const stream = new EventEmitter();
  const done = subscribe(stream);
  for (const chunk of chunks) stream.emit("data", chunk);
  stream.emit("end");
  await done;
}

/** Throws unless all readers read the same values. */
async function compare(readers, given, same = (value) => value) {
  let first;
  for (const read of Object.values(readers)) {
    const values = [];
    await read(given(), (value) => values.push(same(value)));
    first ??= values;
    strictEqual(values.length, first.length);
    for (const i of values.keys()) deepStrictEqual(values[i], first[i]);
  }
}

/**
 * Prints one table: a row for each reader, the known package first.
 *
 * @param {{
 *   title: string, wire: Uint8Array, count: number,
 *   readers: Record<string, (chunks: Buffer[], use: (value: unknown) => void) => unknown>,
 *   measured?: (value: unknown) => number, same?: (value: unknown) => unknown,
 *   writes?: boolean,
 * }} subject - `count` things are on the wire, and `measured` says how many a value holds; `same` makes what readers of
 *   different packages read comparable; `writes`: a reader writes into its chunks, so they are filled anew for each
 */
async function report({ title, wire, count, readers, measured = () => 1, same, writes = false }) {
  const names = Object.keys(readers);
  const columns = [];
  for (const size of SIZES) {
    const chunks = cut(wire, size);
    const copies = chunks.map((chunk) => Buffer.from(chunk));
    const given = () => {
      if (writes) copies.forEach((copy, i) => void copy.set(chunks[i]));
      return copies;
    };
    await compare(readers, given, same);
    const contestants = names.map((name) => ({
      name,
      async run() {
        let total = 0;
        await readers[name](given(), (value) => {
          total += measured(value);
        });
        return total;
      },
    }));
    columns.push(await race(contestants, count, count > 100_000 ? 5 : 9, WARM_UP));
  }
  console.log(`${title}: time for each, and ratio to the first line\n`);
  table(
    ["", ...SIZES.map((size) => `chunks of ${size} B`)],
    names.map((name, i) => [
      name,
      ...columns.map((times) => `${ns(times[i])} (${ratio(times[i], times[0])})`),
    ]),
  );
}

const list = (count, of) => Array.from({ length: count }, (_, i) => of(i));

// Redis.
const protocol = resp({ version: 2, maxFrame: 1 << 28 });
const redis = {
  "redis-parser"(chunks, use) {
    const parser = new RedisParser({
      returnReply: use,
      returnError(error) {
        throw error;
      },
    });
    for (const chunk of chunks) parser.execute(chunk);
  },
  framewright: reader(protocol),
};
const array = (title, values) => ({
  title,
  wire: encodeFrame(protocol, values),
  count: values.length,
  readers: redis,
  measured: (reply) => reply.length,
});
const small = list(100_000, (i) => `$5\r\n${10_000 + (i % 90_000)}\r\n`).join("");

// MQTT: measurements, every other one of them acknowledged.
const payload = (i) => Buffer.from(`{"celsius":${20 + (i % 10)},"at":${1_700_000_000 + i}}`);
const publish = (i) =>
  i % 2 === 0
    ? { type: "publish0", data: { topic: `sensors/${i % 100}/a`, payload: payload(i) } }
    : {
        type: "publish1",
        data: { topic: `sensors/${i % 100}/b`, id: 1 + (i % 60_000), payload: payload(i) },
      };
const samePublish = ({ type, data, ...theirs }) => {
  const { topic, id, payload: body } = data ?? { ...theirs, id: theirs.messageId };
  const qos = data === undefined ? theirs.qos : Number(type.at(-1));
  return [topic, qos, id, Buffer.from(body).toString()];
};

// LSP: completions of 20 items.
const message = (i) => ({
  jsonrpc: "2.0",
  id: i,
  result: list(20, (n) => ({ label: `item${n}`, kind: n, detail: "(method) \u00fc" })),
});

// PostgreSQL: rows of a table with a number, a text, a null and a time.
const row = (i) => ({
  type: "row",
  data: [`${i}`, `name ${i}`, null, "2024-01-01 00:00:00+00"],
});

// DNS: a question, an alias and two addresses, with names that point back.
const question = { labels: ["www", "example", "com"] };
const answer = (i) => ({
  message: {
    id: i & 0xffff,
    response: true,
    recursionAvailable: true,
    questions: [{ name: question, type: "A" }],
    answers: [
      {
        name: { labels: [], pointer: 12 },
        type: "CNAME",
        ttl: 300,
        data: { labels: ["a"], pointer: 16 },
      },
      ...[1, 2].map((n) => ({
        name: { labels: ["a"], pointer: 16 },
        type: "A",
        ttl: 60,
        data: Uint8Array.of(10, 0, i & 255, n),
      })),
    ],
  },
});
/** Names and addresses as texts, which is what dns-packet gives. */
function dnsTexts({ message: { id, answers } }, bytes, start) {
  const whole = bytes.subarray(start + 2);
  return {
    id,
    answers: answers.map(({ name, type, ttl, data }) => ({
      name: textOf(name, whole),
      type,
      ttl,
      data: type === "A" ? data.join(".") : textOf(data, whole),
    })),
  };
}
const sameAnswer = ({ id, answers }) => [
  id,
  answers.map(({ name, type, ttl, data }) => [name, type, ttl, data]),
];

/** As written, and with code generated for the description. */
const described = (description, read) => ({
  framewright: reader(description, read),
  "framewright, compiled": reader(compiled(description), read),
});

const subjects = [
  ...[100_000, 800_000].map((count) =>
    array(
      `RESP, an array of ${count} strings`,
      list(count, (i) => `value:${i}`),
    ),
  ),
  array(
    "RESP, an array of 100000 integers",
    list(100_000, (i) => i),
  ),
  {
    title: "RESP, 100000 small replies in a row",
    wire: Buffer.from(small),
    count: 100_000,
    readers: redis,
  },
  {
    title: "MQTT, 50000 PUBLISH packets",
    wire: encodeAll(mqtt, list(50_000, publish)),
    count: 50_000,
    same: samePublish,
    readers: {
      "mqtt-packet"(chunks, use) {
        const parser = mqttPacket.parser();
        parser.on("packet", use);
        parser.on("error", (error) => {
          throw error;
        });
        for (const chunk of chunks) parser.parse(chunk);
      },
      ...described(mqtt),
    },
  },
  {
    title: "LSP, 5000 completions of 1 KB",
    wire: encodeAll(lsp, list(5000, message)),
    count: 5000,
    readers: {
      "vscode-jsonrpc": (chunks, use) =>
        fromStream(
          chunks,
          (stream) =>
            new Promise((resolve) => {
              let left = 5000;
              new StreamMessageReader(stream).listen((one) => {
                use(one);
                if (--left === 0) resolve();
              });
            }),
        ),
      framewright: reader(lsp),
    },
  },
  {
    title: "PostgreSQL, 100000 rows of 4 values",
    wire: encodeAll(backend, list(100_000, row)),
    count: 100_000,
    writes: true,
    readers: {
      "pg-protocol": (chunks, use) =>
        fromStream(chunks, (stream) => parsePostgres(stream, ({ fields }) => use(fields))),
      ...described(backend, ({ data }) => data),
    },
  },
  {
    title: "DNS over TCP, 20000 answers of 3 records",
    wire: encodeAll(dns, list(20_000, answer)),
    count: 20_000,
    same: sameAnswer,
    readers: {
      "dns-packet"(chunks, use) {
        // It reads one message, so the frames are found for it.
        let rest = Buffer.alloc(0);
        for (const chunk of chunks) {
          rest = Buffer.concat([rest, chunk]);
          let at = 0;
          while (rest.length - at >= 2 && rest.length - at >= 2 + rest.readUInt16BE(at)) {
            const end = at + 2 + rest.readUInt16BE(at);
            use(dnsPacket.streamDecode(rest.subarray(at, end)));
            at = end;
          }
          rest = rest.subarray(at);
        }
      },
      ...described(dns, dnsTexts),
    },
  },
];

// With an argument only those whose title has it: `npm run bench -- wire` runs all.
for (const subject of subjects) {
  if (subject.title.includes(process.argv[2] ?? "")) await report(subject);
}
