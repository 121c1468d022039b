import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  asProtocolError,
  decodeValues,
  type ProtocolError,
  Splitter,
  valueText,
} from "../core/index.ts";
import { explain, hexView } from "../inspect/index.ts";
import { fromDump, fromHex, INPUT_KINDS, type InputKind, kindOf } from "./input.ts";
import { loadProtocol } from "./load-protocol.ts";
import type { AnyProtocol } from "./protocol-names.ts";
import type { Streams } from "./streams.ts";

export const DECODE_HELP = `framewright decode <file | -> --protocol <protocol>

Shows what bytes mean: each frame with its address, its bytes and its fields, or with --json a line for each message.

  --protocol <protocol>  a ready one, a framing and a codec, or your own: goim, fastway:dialect=v2, lines+json,
                         length:width=2,endian=le+utf8, length:width=2+sproto:schema.sproto#Type, ./mine.ts#name
  --input <kind>         raw, hex, dump (hex with addresses), pcap; recognised unless given
  --json                 a line for each message: { "offset", "size", "value" }
  --columns <n>          bytes on a line                                       [8]
`;

/** `framewright decode`. Returns the exit code: 1 if the bytes are wrong. */
export async function decodeCommand(args: readonly string[], streams: Streams): Promise<number> {
  const { values, positionals } = parsed(args);
  if (values.help === true) {
    streams.out.write(DECODE_HELP);
    return 0;
  }
  const [file, ...others] = positionals;
  if (file === undefined || others.length > 0) {
    throw new RangeError("framewright decode: one file is wanted, or - for standard input");
  }
  const kind = values.input as InputKind | undefined;
  if (kind !== undefined && !INPUT_KINDS.includes(kind)) {
    throw new RangeError(`framewright decode: --input is one of ${INPUT_KINDS.join(", ")}`);
  }
  const columns = columnsOf(values.columns);
  const protocol = await loadProtocol(values.protocol);
  const read = readFileSync(file === "-" ? 0 : file);
  const found = kind ?? kindOf(read);
  if (kind === undefined && found !== "raw") {
    streams.errors.write(
      `framewright: the input is read as ${found}; --input raw reads its bytes\n`,
    );
  }
  const bytes = bytesOf(read, found);
  const show = values.json === true ? jsonLines(streams) : hexLines(protocol, columns, streams);
  return decodeAll(protocol, bytes, show) ? 0 : 1;
}

function columnsOf(text: string | undefined): number {
  const columns = Number(text ?? 8);
  if (Number.isInteger(columns) && columns > 0) return columns;
  throw new RangeError("framewright decode: --columns is a number of at least 1");
}

function bytesOf(read: Buffer, kind: InputKind): Uint8Array {
  if (kind === "hex") return fromHex(read.toString("latin1"));
  if (kind === "dump") return fromDump(read.toString("latin1"));
  return new Uint8Array(read);
}

/** Takes frames, and what is wrong. */
interface Show {
  frame(frame: Frame, values: readonly unknown[]): void;
  error(frame: Frame, error: ProtocolError): void;
}

/** Bytes of a frame, and where they are in the stream. */
interface Frame {
  readonly bytes: Uint8Array;
  readonly offset: number;
}

/** Shows all frames. Returns false if something was wrong. */
function decodeAll(protocol: AnyProtocol, bytes: Uint8Array, show: Show): boolean {
  if (!("measure" in protocol) || protocol.measure === undefined) {
    return decodeFrame(protocol, { bytes, offset: 0 }, show);
  }
  const splitter = new Splitter(protocol);
  splitter.push(bytes);
  let at = 0;
  let isRight = true;
  try {
    for (; splitter.next(); at = splitter.offset + splitter.end - splitter.start) {
      const frame = {
        bytes: splitter.bytes.subarray(splitter.start, splitter.end),
        offset: splitter.offset,
      };
      if (!decodeFrame(protocol, frame, show)) isRight = false;
    }
    splitter.finish();
    splitter.next();
    return isRight;
  } catch (error) {
    show.error({ bytes: bytes.subarray(at), offset: at }, failureOf(error));
    return false;
  }
}

function decodeFrame(protocol: AnyProtocol, frame: Frame, show: Show): boolean {
  const { bytes } = frame;
  let values: readonly unknown[];
  try {
    values = decodeValues(protocol, bytes, 0, bytes.length);
  } catch (error) {
    show.error(frame, failureOf(error));
    return false;
  }
  show.frame(frame, values);
  return true;
}

const failureOf = (error: unknown): ProtocolError =>
  asProtocolError(error, "malformed", "decode failed");

/** Every value is a line of JSON. */
function jsonLines({ out }: Streams): Show {
  return {
    frame({ bytes, offset }, values) {
      const size = bytes.length;
      for (const value of values) {
        out.write(`{"offset":${offset},"size":${size},"value":${valueText(value)}}\n`);
      }
    },
    error({ offset }, { code, message }) {
      out.write(`${JSON.stringify({ offset, error: { code, message } })}\n`);
    },
  };
}

/** Every frame is a view of its bytes. */
function hexLines(protocol: AnyProtocol, columns: number, { out }: Streams): Show {
  let count = 0;
  const view = ({ bytes, offset }: Frame): boolean => {
    const size = `${bytes.length} byte${bytes.length === 1 ? "" : "s"}`;
    out.write(`frame ${++count}, ${size} at 0x${offset.toString(16)}\n`);
    // What is wrong is at the end, or is not shown at all.
    const shown = bytes.subarray(0, Math.min(bytes.length, protocol.maxFrame));
    const part = explain(protocol as never, shown);
    out.write(`${hexView(part, shown, { columns })}\n\n`);
    return part.error !== undefined;
  };
  return {
    frame: (frame) => void view(frame),
    error(frame, { code, message }) {
      // A view tells what is wrong, unless that is not in the bytes that it shows.
      if (!view(frame)) out.write(`error: ${code}: ${message}\n`);
    },
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        protocol: { type: "string" },
        input: { type: "string" },
        json: { type: "boolean" },
        columns: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new RangeError(`framewright decode: ${(error as Error).message}`);
  }
}
