// Protocols written with this package, read from the wire beside the package that everybody uses for each.
import { encodeFrame, Splitter } from "framewright";
import RedisParser from "redis-parser";
import { example } from "./_example.mjs";
import { ns, race, ratio, table } from "./_measure.mjs";

const { resp } = await example("peers/_resp.ts");

/** Cuts bytes into chunks, each with memory of its own where it is small, as sockets hand them out. */
function cut(bytes, size) {
  const chunks = [];
  for (let at = 0; at < bytes.length; at += size)
    chunks.push(Buffer.from(bytes.subarray(at, at + size)));
  return chunks;
}

/** Reads all messages, and returns what `count` says of them, summed up. */
function split(protocol, chunks, count) {
  const splitter = new Splitter(protocol);
  let total = 0;
  for (const chunk of chunks) {
    splitter.push(chunk);
    while (splitter.next()) {
      total += count(protocol.decode(splitter.bytes, splitter.start, splitter.end));
    }
  }
  splitter.finish();
  return total;
}

function redis(chunks, count) {
  let total = 0;
  const parser = new RedisParser({
    returnReply(reply) {
      total += count(reply);
    },
    returnError(error) {
      throw error;
    },
  });
  for (const chunk of chunks) parser.execute(chunk);
  return total;
}

const SIZES = [65536, 1400];

async function report(title, contestants) {
  const columns = [];
  for (const size of SIZES) columns.push(await contestants(size));
  console.log(`${title}: time for each, and ratio to the first line\n`);
  table(
    ["", ...SIZES.map((size) => `chunks of ${size} B`)],
    columns[0].names.map((name, i) => [
      name,
      ...columns.map(({ times }) => `${ns(times[i])} (${ratio(times[i], times[0])})`),
    ]),
  );
}

const protocol = resp({ version: 2, maxFrame: 1 << 28 });
const length = (reply) => reply.length;
const one = () => 1;

/** What is on the wire, how many things it holds, and how they are counted in what is read. */
const replies = [
  ...[100_000, 800_000].map((count) => ({
    title: `RESP, an array of ${count} strings`,
    wire: encodeFrame(
      protocol,
      Array.from({ length: count }, (_, i) => `value:${i}`),
    ),
    count,
    measured: length,
  })),
  {
    title: "RESP, an array of 100000 integers",
    wire: encodeFrame(
      protocol,
      Array.from({ length: 100_000 }, (_, i) => i),
    ),
    count: 100_000,
    measured: length,
  },
  {
    title: "RESP, 100000 small replies in a row",
    wire: Buffer.concat(
      Array.from({ length: 100_000 }, (_, i) => Buffer.from(`$5\r\n${10_000 + (i % 90_000)}\r\n`)),
    ),
    count: 100_000,
    measured: one,
  },
];

for (const { title, wire, count, measured } of replies) {
  await report(title, async (size) => {
    const chunks = cut(wire, size);
    const contestants = [
      { name: "redis-parser", run: () => redis(chunks, measured) },
      { name: "framewright", run: () => split(protocol, chunks, measured) },
    ];
    const times = await race(contestants, count, count > 100_000 ? 5 : 9);
    return { names: contestants.map(({ name }) => name), times };
  });
}
