import { readFileSync } from "node:fs";
import {
  type AnyProtocol,
  fromDump,
  fromHex,
  hasMark,
  INPUT_KINDS,
  type InputKind,
  kindOf,
  lengthHint,
  nextFrame,
} from "../inspect/ready/index.ts";
import { parsed } from "./arguments.ts";
import { decodeCapture } from "./decode-capture.ts";
import { FrameReader, hexFrames, jsonLines, type Show, withHints } from "./frame-reader.ts";
import { loadProtocol } from "./load-protocol.ts";
import type { Streams } from "./streams.ts";

const OPTIONS = {
  protocol: { type: "string" },
  input: { type: "string" },
  json: { type: "boolean" },
  resync: { type: "boolean" },
  columns: { type: "string" },
  replies: { type: "string" },
  port: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

const DECODE_HELP = `framewright decode <file | -> --protocol <protocol>

Shows each frame in bytes with its offset, bytes and fields, or with --json one line per message.

  --protocol <protocol>  a built-in one, a framing and a codec, or your own: goim, fastway:dialect=v2, lines+json,
                         length:width=2,endian=le+utf8, length:width=2+sproto:schema.sproto#Type, ./mine.ts#name;
                         bytes before a length: length:width=4,header=cafe0101 (hex; ?? for any byte), or offset=4 for any
  --input <kind>         raw, hex, dump (hex with addresses), pcap; detected by default
  --json                 one line per message: { "offset", "size", "value" }; for captures also stream, from, to, time
  --resync               after an error, go on at the next good frame; for protocols whose frames begin with a mark
  --replies <protocol>   for captures: protocol of the servers, if different
  --port <number>        for captures: only connections of this port
  --columns <n>          bytes per line                                         [8]
`;

/** Runs `framewright decode`. Returns the exit code: 1 if the bytes are invalid. */
export async function decodeCommand(args: readonly string[], streams: Streams): Promise<number> {
  const { values, positionals } = parsed("framewright decode: ", args, OPTIONS, true);
  if (values.help === true) {
    streams.out.write(DECODE_HELP);
    return 0;
  }
  const [file, ...others] = positionals;
  if (file === undefined || others.length > 0) {
    throw new RangeError("framewright decode: name one file, or - for standard input");
  }
  const kind = values.input as InputKind | undefined;
  if (kind !== undefined && !INPUT_KINDS.includes(kind)) {
    throw new RangeError(`framewright decode: --input is one of ${INPUT_KINDS.join(", ")}`);
  }
  const columns = columnsOf(values.columns);
  const protocol = await loadProtocol(values.protocol);
  const resync = values.resync === true;
  if (resync && !hasMark(protocol)) {
    throw new RangeError(
      "framewright decode: --resync needs a protocol whose frames begin with bytes that are always the same",
    );
  }
  const read = file === "-" ? await allOf(streams) : readFileSync(file);
  const found = kind ?? kindOf(read);
  if (kind === undefined && found !== "raw") {
    streams.errors.write(
      `framewright: the input is read as ${found}; --input raw reads its bytes\n`,
    );
  }
  const show = (shown: AnyProtocol): Show =>
    values.json === true ? jsonLines(streams.out) : hexFrames(shown, columns, streams.out);
  if (found === "pcap") {
    if (resync) throw new RangeError("framewright decode: --resync does not work with captures");
    const port = portOf(values.port);
    const replies = values.replies === undefined ? protocol : await loadProtocol(values.replies);
    const options = { protocol, replies, port, show, errors: streams.errors };
    return decodeCapture(new Uint8Array(read), options) ? 0 : 1;
  }
  const bytes = bytesOf(read, found);
  const hinted = withHints(show(protocol), (start, before) =>
    lengthHint(protocol, bytes, start, before),
  );
  return readAll(protocol, hinted, bytes, resync) ? 0 : 1;
}

/** Shows all frames of a file. Returns false if there are errors. */
function readAll(protocol: AnyProtocol, show: Show, bytes: Uint8Array, resync: boolean): boolean {
  for (let from = 0, isRight = true; ; isRight = false) {
    const reader = new FrameReader(protocol, show, { from, stops: resync });
    reader.push(bytes.subarray(from), NOWHERE);
    reader.finish(NOWHERE);
    const { stoppedAt } = reader;
    if (!resync || stoppedAt === undefined) return isRight && reader.isRight;
    from = nextFrame(protocol, bytes, stoppedAt + 1) ?? bytes.length;
    show.leftOut?.(stoppedAt, from - stoppedAt);
    if (from === bytes.length) return false;
  }
}

/** Reads all of standard input; not at once, because a pipe may have nothing yet. */
async function allOf({ input }: Streams): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of input ?? []) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** The source of frames from a file. */
const NOWHERE = { json: {}, words: "" };

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new RangeError("framewright decode: --port is a number from 1 to 65535");
}

function columnsOf(text: string | undefined): number {
  const columns = Number(text ?? 8);
  if (Number.isInteger(columns) && columns > 0) return columns;
  throw new RangeError("framewright decode: --columns is a number of at least 1");
}

function bytesOf(read: Buffer, kind: InputKind): Uint8Array {
  if (kind !== "hex" && kind !== "dump") return new Uint8Array(read);
  const text = read.toString("latin1");
  try {
    return kind === "hex" ? fromHex(text) : fromDump(text);
  } catch (error) {
    throw new Error(`framewright: ${(error as Error).message}`);
  }
}
