import type { AnyProtocol } from "../inspect/ready/index.ts";
import { packetsOf } from "./capture.ts";
import { FrameReader, type Show, type Source } from "./frame-reader.ts";
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

/**
 * Shows the frames of all streams in a capture, in the order in which they were complete. Returns
 * false if there were errors.
 */
export function decodeCapture(bytes: Uint8Array, options: CaptureOptions): boolean {
  const { protocol, replies, port, show, errors } = options;
  const shows = { client: show(protocol), server: show(replies) };
  const readers = new Map<Direction, FrameReader>();
  let isRight = true;
  let [segments, lost] = [0, 0];

  const readerOf = (direction: Direction): FrameReader => {
    let reader = readers.get(direction);
    if (reader === undefined) {
      const { isClient } = direction;
      reader = new FrameReader(
        isClient ? protocol : replies,
        isClient ? shows.client : shows.server,
      );
      readers.set(direction, reader);
    }
    return reader;
  };
  const events: StreamEvents = {
    data: (direction, data, time) => readerOf(direction).push(data, streamSource(direction, time)),
    gap(direction, missing) {
      isRight = false;
      const { stream, from, to } = direction;
      errors.write(
        `framewright: stream ${stream.number}, ${from} to ${to}: ${missing} bytes are not in the capture; it ends there\n`,
      );
    },
    end: (direction) => readers.get(direction)?.finish(streamSource(direction, undefined)),
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
  for (const reader of readers.values()) if (!reader.isRight) isRight = false;
  return isRight && segments > 0;
}

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
