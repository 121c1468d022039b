// Messages through streams: a chunk of the stream for each message, or an array of messages for each chunk of bytes.
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Connection, encodeAll, lengthPrefixed, raw } from "framewright";
import { decoderTransform, encoderTransform } from "framewright/node";
import { decoderStream, encoderStream } from "framewright/web";
import { ns, race, ratio, table } from "./_measure.mjs";

const protocol = lengthPrefixed({ width: 4 }).wrap(raw());
const COUNT = 20_000;
const BODY = 60; // frames of 64 bytes
const CHUNK = 16 * 1024;

const messages = Array.from({ length: COUNT }, (_, n) => new Uint8Array(BODY).fill(n));
const bytes = encodeAll(protocol, messages);
const chunks = [];
for (let at = 0; at < bytes.length; at += CHUNK) chunks.push(bytes.slice(at, at + CHUNK));
const perChunk = Math.floor(CHUNK / (BODY + 4));
const batches = [];
for (let at = 0; at < COUNT; at += perChunk) batches.push(messages.slice(at, at + perChunk));

/** A web stream that has everything at hand. */
function streamOf(values) {
  let next = 0;
  return new ReadableStream(
    {
      pull(controller) {
        if (next < values.length) controller.enqueue(values[next++]);
        else controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

async function read(stream, count) {
  let total = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return total;
    total += count(value);
  }
}

const one = () => 1;
const many = (values) => values.length;
const frames = (written) => written.length / (BODY + 4);

async function throughNode(source, transform, count) {
  let total = 0;
  const sink = new Writable({
    objectMode: true,
    write(value, _encoding, callback) {
      total += count(value);
      callback();
    },
  });
  await pipeline(Readable.from(source), transform, sink);
  return total;
}

function connection(message, written = () => {}) {
  const sink = {
    boundary: "stream",
    write(out) {
      written(out);
      return true;
    },
    pause() {},
    resume() {},
    close() {},
    abort() {},
  };
  const made = new Connection(protocol, sink, { message });
  made.opened();
  return made;
}

const decoders = [
  {
    name: "Connection, message handler",
    run() {
      let total = 0;
      const end = connection(() => total++);
      for (const chunk of chunks) end.received(chunk);
      return total;
    },
  },
  {
    name: "decoderStream, batch",
    run: () => read(streamOf(chunks).pipeThrough(decoderStream(protocol, { batch: true })), many),
  },
  {
    name: "decoderStream",
    run: () => read(streamOf(chunks).pipeThrough(decoderStream(protocol)), one),
  },
  {
    name: "decoderTransform, batch",
    run: () => throughNode(chunks, decoderTransform(protocol, { batch: true }), many),
  },
  { name: "decoderTransform", run: () => throughNode(chunks, decoderTransform(protocol), one) },
];

const encoders = [
  {
    name: "Connection, send",
    async run() {
      let total = 0;
      const end = connection(undefined, (out) => {
        total += frames(out);
      });
      for (const batch of batches) {
        for (const message of batch) end.send(message);
        await undefined; // what was sent goes out
      }
      await new Promise((resolve) => setImmediate(resolve));
      return total;
    },
  },
  {
    name: "encoderStream, batch",
    run: () =>
      read(streamOf(batches).pipeThrough(encoderStream(protocol, { batch: true })), frames),
  },
  {
    name: "encoderStream",
    run: () => read(streamOf(messages).pipeThrough(encoderStream(protocol)), frames),
  },
  {
    name: "encoderTransform, batch",
    run: () => throughNode(batches, encoderTransform(protocol, { batch: true }), frames),
  },
  {
    name: "encoderTransform",
    run: () => throughNode(messages, encoderTransform(protocol), frames),
  },
];

for (const [title, contestants] of [
  [`Reading, chunks of ${CHUNK} bytes`, decoders],
  [`Writing, batches of ${perChunk} messages`, encoders],
]) {
  const times = await race(contestants, COUNT);
  table(
    [title, "per message", "ratio"],
    contestants.map(({ name }, i) => [name, ns(times[i]), `${ratio(times[i], times[0])}`]),
  );
}
