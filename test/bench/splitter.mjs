// Finding frames in a stream: the splitter beside a bare loop and the framers on npm.
import { DelimiterParser } from "@serialport/parser-delimiter";
import frameStream from "frame-stream";
import {
  encodeAll,
  lengthPrefixed,
  lines,
  raw,
  Splitter,
  u32be,
  varintPrefixed,
} from "framewright";
import { decode as itDecode } from "it-length-prefixed";
import lengthPrefixedStream from "length-prefixed-stream";
import split2 from "split2";
import { ns, race, ratio, table } from "./_measure.mjs";

/** Cuts bytes into chunks, each with memory of its own where it is small, as sockets hand them out. */
function cut(bytes, size) {
  const chunks = [];
  for (let at = 0; at < bytes.length; at += size)
    chunks.push(Buffer.from(bytes.subarray(at, at + size)));
  return chunks;
}

function split(framing, chunks) {
  const splitter = new Splitter(framing);
  let count = 0;
  for (const chunk of chunks) {
    splitter.push(chunk);
    while (splitter.next()) count++;
  }
  splitter.finish();
  return count;
}

/** Drives a Transform by hand, honouring its backpressure. */
function drive(transform, chunks) {
  return new Promise((resolve, reject) => {
    let count = 0;
    transform.on("data", () => count++);
    transform.on("end", () => resolve(count));
    transform.on("error", reject);
    let next = 0;
    const write = () => {
      while (next < chunks.length) if (!transform.write(chunks[next++])) return;
      transform.end();
    };
    transform.on("drain", write);
    write();
  });
}

function iterate(frames) {
  let count = 0;
  for (const _ of frames) count++;
  return count;
}

const fixedLength = (list) => list.getUint32(0);
fixedLength.bytes = 4;

/** The least that any program must do: read each length, step on. One buffer, no chunks, no checks. */
function bareLengths(bytes) {
  let count = 0;
  for (let at = 0; at < bytes.length; at += 4 + u32be(bytes, at)) count++;
  return count;
}

/** The same through `measure`, as the splitter must. */
function bareMeasure(framing, bytes) {
  let count = 0;
  for (let at = 0; at < bytes.length; at += framing.measure(bytes, at, bytes.length, 0)) count++;
  return count;
}

function bareLines(bytes) {
  let count = 0;
  for (let at = 0; at < bytes.length; count++) at = bytes.indexOf(10, at) + 1;
  return count;
}

const families = [
  {
    title: "length in 4 bytes, big-endian",
    framing: lengthPrefixed({ width: 4 }),
    overhead: 4,
    contestants: (framing, bytes, chunks) => [
      { name: "bare loop", run: () => bareLengths(bytes) },
      { name: "bare loop through measure", run: () => bareMeasure(framing, bytes) },
      { name: "framewright Splitter", run: () => split(framing, chunks) },
      {
        name: "it-length-prefixed",
        run: () => iterate(itDecode(chunks, { lengthDecoder: fixedLength })),
      },
      { name: "frame-stream", run: () => drive(frameStream.decode(), chunks) },
    ],
  },
  {
    title: "length as a varint",
    framing: varintPrefixed(),
    overhead: 1,
    contestants: (framing, bytes, chunks) => [
      { name: "bare loop through measure", run: () => bareMeasure(framing, bytes) },
      { name: "framewright Splitter", run: () => split(framing, chunks) },
      { name: "it-length-prefixed", run: () => iterate(itDecode(chunks)) },
      { name: "length-prefixed-stream", run: () => drive(lengthPrefixedStream.decode(), chunks) },
    ],
  },
  {
    title: "lines",
    framing: lines(),
    overhead: 1,
    contestants: (framing, bytes, chunks) => [
      { name: "bare loop", run: () => bareLines(bytes) },
      { name: "framewright Splitter", run: () => split(framing, chunks) },
      { name: "split2", run: () => drive(split2(), chunks) },
      {
        name: "@serialport/parser-delimiter",
        run: () => drive(new DelimiterParser({ delimiter: "\n" }), chunks),
      },
    ],
  },
];

const sizes = [65536, 1400, 1];

async function report({ title, framing, overhead, contestants }, frame, when = "") {
  const body = new Uint8Array(
    frame - overhead - (frame > 128 && overhead === 1 && title !== "lines" ? 1 : 0),
  ).fill(0x41);
  const columns = [];
  for (const size of sizes) {
    const frames = Math.floor((size === 1 ? 200_000 : 6_400_000) / frame);
    const bytes = encodeAll(
      framing.wrap(raw()),
      Array.from({ length: frames }, () => body),
    );
    columns.push(
      await race(contestants(framing, bytes, cut(bytes, size)), frames, size === 1 ? 5 : 25),
    );
  }
  console.log(
    `Frames of ${frame} bytes, ${title}${when}: time per frame, and ratio to the first line\n`,
  );
  const names = contestants(framing, new Uint8Array(0), []).map(({ name }) => name);
  table(
    ["", ...sizes.map((size) => `chunks of ${size} B`)],
    names.map((name, i) => [
      name,
      ...columns.map((times) => `${ns(times[i])} (${ratio(times[i], times[0])})`),
    ]),
  );
}

for (const family of families) for (const frame of [64, 1024]) await report(family, frame);

// V8 has compiled the splitter for one framing in the first table; now it knows that there are others.
const [first] = families;
const ours = (...given) => first.contestants(...given).slice(0, 3);
await report({ ...first, contestants: ours }, 64, ", once all of these were used");
