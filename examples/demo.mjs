// The demo of `npm start`: two servers on loopback TCP, and clients that send whole messages, several
// messages in one write, and single bytes. It prints the bytes on the wire and the messages, and ends by
// itself, with exit code 0, or 1 if an answer is wrong.
import { createConnection } from "node:net";
import { decodeAll, encodeFrame, json, lengthPrefixed } from "framewright";
import { listen } from "framewright/node";
import { jsonNL } from "framewright/workerman";

const host = "127.0.0.1";

// JSON lines, as described in Workerman's manual.
const lines = jsonNL();
const lineServer = await listen(lines, {
  port: 0,
  host,
  message: (connection, data) => {
    console.log(`    server got  ${JSON.stringify(data)}`);
    connection.send({ code: 0, msg: "ok" });
  },
});

// JSON after its length, two bytes big-endian.
const frames = lengthPrefixed({ width: 2 }).wrap(json());
const frameServer = await listen(frames, {
  port: 0,
  host,
  message: (connection, { a, b }) => {
    console.log(`    server got  ${JSON.stringify({ a, b })}`);
    connection.send({ sum: a + b });
  },
});

const show = (bytes) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join(" ")
    .replace(/(.{95}) /g, "$1\n                ");

const joined = (chunks) => [Buffer.concat(chunks)];
const bytewise = (chunks) => Array.from(Buffer.concat(chunks), (byte) => Uint8Array.of(byte));

/**
 * Writes the chunks one by one, each as a separate packet, and returns the bytes received until the other
 * side ended.
 */
async function exchange(port, chunks) {
  const socket = createConnection({ port, host, noDelay: true });
  const received = [];
  socket.on("data", (chunk) => {
    console.log(`    wire  <-    ${show(chunk)}`);
    received.push(chunk);
  });
  const ended = new Promise((resolve, reject) => socket.on("close", resolve).on("error", reject));
  const isLong = chunks.length > 4;
  for (const chunk of chunks) {
    if (!isLong) console.log(`    wire  ->    ${show(chunk)}`);
    socket.write(chunk);
    // Write the next one only when this one has arrived, otherwise the kernel would join them.
    await new Promise((resolve) => setTimeout(resolve, isLong ? 1 : 10));
  }
  if (isLong) console.log(`    wire  ->    ${show(Buffer.concat(chunks))}   (byte by byte)`);
  socket.end();
  await ended;
  return Buffer.concat(received);
}

let wrong = 0;

async function demonstrate(title, protocol, server, values, answers) {
  console.log(`\n${title}`);
  const chunks = values.map((value) => encodeFrame(protocol, value));
  for (const [how, cut] of [
    ["one message per write", (all) => all],
    ["all in one write", joined],
    ["byte by byte", bytewise],
  ]) {
    console.log(`  ${how}`);
    const got = decodeAll(protocol, await exchange(server.port, cut(chunks)));
    const isRight = JSON.stringify(got) === JSON.stringify(answers);
    console.log(`    client got  ${got.map((value) => JSON.stringify(value)).join("  ")}`);
    console.log(isRight ? "    correct" : `    WRONG: expected ${JSON.stringify(answers)}`);
    if (!isRight) wrong++;
  }
}

const hello = { type: "message", content: "hello" };
const ok = { code: 0, msg: "ok" };
await demonstrate("JSON lines (Workerman's JsonNL)", lines, lineServer, [hello, hello], [ok, ok]);

const questions = [
  { a: 1, b: 2 },
  { a: 40, b: 2 },
];
const sums = [{ sum: 3 }, { sum: 42 }];
await demonstrate("JSON after its length", frames, frameServer, questions, sums);

await lineServer.close();
await frameServer.close();
console.log(wrong === 0 ? "\nall answers are correct" : `\n${wrong} answers are wrong`);
process.exitCode = wrong === 0 ? 0 : 1;
