// Reads a compressed download of JSON lines with web streams, message by message. The same code runs in browsers, Deno, Bun
// and workers. Ends by itself.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { json, lines, ProtocolError } from "framewright";
import { decoderStream } from "framewright/web";

interface Reading {
  station: string;
  celsius: number;
}

const readings = lines({ maxFrame: 4096 }).wrap(json<Reading>());

const text = '{"station":"a","celsius":21.5}\n{"station":"b","celsius":19}\nnot JSON\n';
const server = createServer((_, response) => {
  response.end(gzipSync(text));
}).listen(0, "127.0.0.1");
await new Promise((resolve) => server.once("listening", resolve));

const { port } = server.address() as AddressInfo;
const { body } = await fetch(`http://127.0.0.1:${port}/readings.jsonl.gz`);
const stream = body!
  .pipeThrough(new DecompressionStream("gzip"))
  .pipeThrough(decoderStream(readings));
try {
  for await (const { station, celsius } of stream) console.log(`${station}: ${celsius}`);
} catch (error) {
  // All that was whole before it has been read.
  if (!(error instanceof ProtocolError)) throw error;
  console.log(error.code, "at byte", error.offset);
}
server.close();
//=> a: 21.5
//=> b: 19
//=> malformed at byte 60
