// Converts a file of length-prefixed records to JSON lines with Node's `pipeline`, which uses little memory for files of any
// size. Ends by itself.
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { encodeAll, json, lengthPrefixed, lines } from "framewright";
import { struct, u16be, u32be } from "framewright/fields";
import { decoderTransform, encoderTransform } from "framewright/node";

const records = lengthPrefixed({ width: 2 }).wrap(struct({ time: u32be, celsius: u16be }));
const jsonLines = lines().wrap(json());

const folder = await mkdtemp(join(tmpdir(), "framewright-"));
const input = join(folder, "records.bin");
const output = join(folder, "records.jsonl");
await writeFile(
  input,
  encodeAll(records, [
    { time: 1, celsius: 21 },
    { time: 2, celsius: 22 },
  ]),
);

// If the file ends inside a record, or a record is malformed, this rejects with a ProtocolError.
await pipeline(
  createReadStream(input),
  decoderTransform(records),
  encoderTransform(jsonLines),
  createWriteStream(output),
);
console.log((await readFile(output, "utf8")).trim());
await rm(folder, { recursive: true });
//=> {"time":1,"celsius":21}
//=> {"time":2,"celsius":22}
