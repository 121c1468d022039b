import {
  decodeAll,
  type InvalidPolicy,
  type Protocol,
  ProtocolError,
  type Skipped,
  Splitter,
} from "../../src/index.ts";
import { everySize } from "./chunks.ts";

// Reading a stream with bad input in it.

/** What came of a stream: values and reports in their order, then the error that ended it. */
export type Log = readonly string[];

const said = ({ error, length, offset }: Skipped): string =>
  `-${length} at ${offset}: ${error.code} at ${error.offset}`;

/** Reads pieces with a splitter, and accepts or rejects each frame. */
export function readTolerantly<Out>(
  protocol: Protocol<never, Out>,
  onInvalid: InvalidPolicy,
  pieces: readonly Uint8Array[],
  shown: (value: Out) => string,
): Log {
  const log: string[] = [];
  const splitter = new Splitter(protocol, {
    onInvalid,
    skipped: (skipped) => log.push(said(skipped)),
  });
  const drain = (): void => {
    while (splitter.next()) {
      let value: Out;
      try {
        value = protocol.decode(splitter.bytes, splitter.start, splitter.end);
      } catch (error) {
        splitter.reject(error);
        continue;
      }
      splitter.accept();
      log.push(shown(value));
    }
  };
  try {
    for (const piece of pieces) {
      splitter.push(piece);
      drain();
    }
    splitter.finish();
    drain();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    log.push(`!${error.code} at ${error.offset}`);
  }
  return log;
}

/** The same by `decodeAll`: values first, then reports. */
function decodeTolerantly<Out>(
  protocol: Protocol<never, Out>,
  onInvalid: InvalidPolicy,
  stream: Uint8Array,
  shown: (value: Out) => string,
): Log {
  const reports: string[] = [];
  try {
    const values = decodeAll(protocol, stream, {
      onInvalid,
      skipped: (skipped) => reports.push(said(skipped)),
    });
    return [...values.map(shown), ...reports];
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return [`!${error.code} at ${error.offset}`];
  }
}

/** Reads a stream in pieces of every size, and at once: all must agree. */
export function read<Out>(
  protocol: Protocol<never, Out>,
  onInvalid: InvalidPolicy,
  stream: Uint8Array,
  shown: (value: Out) => string = String,
): Log {
  const whole = readTolerantly(protocol, onInvalid, [stream.slice()], shown);
  for (let size = 1; size < Math.min(stream.length, 60); size++) {
    const cut = readTolerantly(protocol, onInvalid, everySize(stream, size), shown);
    if (cut.join("\n") !== whole.join("\n")) {
      throw new Error(`pieces of ${size}: ${cut.join(", ")}; whole: ${whole.join(", ")}`);
    }
  }
  const atOnce = decodeTolerantly(protocol, onInvalid, stream, shown);
  const isReport = (line: string): boolean => /^-\d+ at/.test(line);
  const failure = whole.find((line) => line.startsWith("!"));
  const expected =
    failure === undefined
      ? [...whole.filter((line) => !isReport(line)), ...whole.filter(isReport)]
      : [failure];
  if (atOnce.join("\n") !== expected.join("\n")) {
    throw new Error(`decodeAll: ${atOnce.join(", ")}; not ${expected.join(", ")}`);
  }
  return whole;
}
