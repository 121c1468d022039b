import { type AnyProtocol, lengthHint } from "../inspect/ready/index.ts";
import { packetsOf } from "./capture.ts";
import { FrameReader, type Show, type Source, withHints } from "./frame-reader.ts";
import { type Segment, segmentIn } from "./segments.ts";
import type { Pipe } from "./streams.ts";
import { type Direction, type StreamEvents, TcpStreams } from "./tcp-streams.ts";

/** Options for reading a capture. */
export interface CaptureOptions {
  /** The protocol of clients. */
  readonly protocol: AnyProtocol;
  /** The protocol of servers. */
  readonly replies: AnyProtocol;
  /** Only connections to or from this port. */
  readonly port: number | undefined;
  readonly show: (protocol: AnyProtocol) => Show;
  /** Output for reports of missing data, one line each. */
  readonly errors: Pipe;
}

/** One direction of a stream. */
interface Reading {
  readonly reader: FrameReader;
  readonly chunks: Uint8Array[];
  /** Offsets of the first bad frame, and of the one before it. */
  fault?: readonly [start: number, before: number | undefined];
}

/**
 * Shows the frames of all streams in a capture, in the order in which they were complete. Returns
 * false if there were errors.
 */
export function decodeCapture(bytes: Uint8Array, options: CaptureOptions): boolean {
  const { protocol, replies, port, show, errors } = options;
  const shows = { client: show(protocol), server: show(replies) };
  const readings = new Map<Direction, Reading>();
  let isRight = true;
  let [segments, lost] = [0, 0];

  const protocolOf = ({ isClient }: Direction): AnyProtocol => (isClient ? protocol : replies);
  const readingOf = (direction: Direction): Reading => {
    const found = readings.get(direction);
    if (found !== undefined) return found;
    const shown = withHints(direction.isClient ? shows.client : shows.server, (...fault) => {
      reading.fault ??= fault;
      return undefined;
    });
    const reader = new FrameReader(protocolOf(direction), shown);
    const reading: Reading = { reader, chunks: [] };
    readings.set(direction, reading);
    return reading;
  };
  // The bytes that tell the cause of an error may come later.
  const hint = (direction: Direction, { fault, chunks }: Reading): void => {
    if (fault === undefined) return;
    const found = lengthHint(protocolOf(direction), Buffer.concat(chunks), ...fault);
    if (found !== undefined) errors.write(`framewright: ${wordsOf(direction)}: ${found}\n`);
  };
  const events: StreamEvents = {
    data(direction, data, time) {
      const { reader, chunks } = readingOf(direction);
      chunks.push(data);
      reader.push(data, streamSource(direction, time));
    },
    gap(direction, missing) {
      isRight = false;
      errors.write(
        `framewright: ${wordsOf(direction)}: ${missing} bytes are not in the capture; it ends there\n`,
      );
    },
    end: (direction) => readings.get(direction)?.reader.finish(streamSource(direction, undefined)),
  };
  const streams = new TcpStreams(events);
  const isWanted = ({ fromPort, toPort }: Segment): boolean =>
    port === undefined || fromPort === port || toPort === port;
  const isStream = "measure" in protocol && protocol.measure !== undefined;
  for (const packet of packetsOf(bytes)) {
    const segment = segmentIn(packet);
    if (segment === undefined || !isWanted(segment)) continue;
    if (segment.kind === "tcp" && isStream) {
      segments++;
      streams.add(segment);
    } else if (segment.kind === "udp" && !isStream) {
      segments++;
      if (segment.cut > 0) lost++;
      const reader = new FrameReader(protocol, shows.client);
      reader.push(segment.data, datagramSource(segment));
      if (!reader.isRight) isRight = false;
    }
  }
  streams.finish();
  if (lost > 0) errors.write(`framewright: ${lost} datagrams are captured only in part\n`);
  if (segments === 0) {
    const what = isStream ? "TCP segments" : "datagrams";
    const where = port === undefined ? "" : ` of port ${port}`;
    errors.write(`framewright: the capture has no ${what}${where} that can be read\n`);
  }
  for (const [direction, reading] of readings) {
    if (!reading.reader.isRight) isRight = false;
    hint(direction, reading);
  }
  return isRight && segments > 0;
}

const wordsOf = ({ stream, from, to }: Direction): string =>
  `stream ${stream.number}, ${from} to ${to}`;

const isoOf = (time: number): string => new Date(Math.round(time * 1000)).toISOString();

function streamSource({ stream, from, to }: Direction, time: number | undefined): Source {
  const when = time === undefined ? {} : { time: isoOf(time) };
  return {
    json: { stream: stream.number, from, to, ...when },
    words: `stream ${stream.number}, ${from} > ${to}${time === undefined ? "" : `, ${isoOf(time)}`}: `,
  };
}

function datagramSource({ from, to, time }: Segment): Source {
  return { json: { from, to, time: isoOf(time) }, words: `${from} > ${to}, ${isoOf(time)}: ` };
}
