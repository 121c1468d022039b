import type { Segment } from "./segments.ts";

/** One direction of a TCP connection in a capture. */
export interface Direction {
  readonly stream: TcpStream;
  readonly from: string;
  readonly to: string;
  /** True for the client's data. */
  readonly isClient: boolean;
}

/** A TCP connection in a capture. */
interface TcpStream {
  /** Number, from 1. */
  readonly number: number;
  readonly client: string;
  readonly server: string;
  /** Its start is not in the capture, so the first bytes may be the middle of a frame. */
  readonly isPartial: boolean;
}

/** Receives the data of streams. */
export interface StreamEvents {
  /** Called with bytes, in order and once. */
  data(direction: Direction, bytes: Uint8Array, time: number): void;
  /** Called if bytes are missing in the capture, so nothing after them can be decoded. */
  gap(direction: Direction, missing: number): void;
  /** Called at the end of the data. */
  end(direction: Direction): void;
}

interface Waiting {
  readonly sequence: number;
  readonly data: Uint8Array;
  readonly time: number;
}

class Half implements Direction {
  readonly stream: TcpStream;
  readonly from: string;
  readonly to: string;
  readonly isClient: boolean;
  /** Sequence number of the next byte. */
  next: number | undefined;
  /** Sequence number after the last byte, if known. */
  last: number | undefined;
  readonly waiting: Waiting[] = [];
  isOver = false;

  constructor(stream: TcpStream, isClient: boolean) {
    this.stream = stream;
    this.isClient = isClient;
    this.from = isClient ? stream.client : stream.server;
    this.to = isClient ? stream.server : stream.client;
  }
}

interface Pair {
  readonly stream: TcpStream;
  readonly client: Half;
  readonly server: Half;
}

/** Distance from `b` to `a`: sequence numbers wrap around. */
const distance = (a: number, b: number): number => (a - b) | 0;

/**
 * Puts the segments of TCP connections in order: repeated ones are dropped, early ones wait. If
 * bytes are missing, the direction ends with a gap.
 */
export class TcpStreams {
  readonly #events: StreamEvents;
  readonly #pairs = new Map<string, Pair>();
  #count = 0;

  constructor(events: StreamEvents) {
    this.#events = events;
  }

  /** Adds the next segment of the capture. */
  add(segment: Segment): void {
    const pair = this.#pairOf(segment);
    const isClient = segment.from === pair.stream.client;
    const half = isClient ? pair.client : pair.server;
    const { sequence, syn, data, fin, reset, time, cut } = segment;
    const start = syn ? (sequence + 1) >>> 0 : sequence;
    half.next ??= start;
    if (data.length > 0) half.waiting.push({ sequence: start, data, time });
    if (fin) half.last = (start + data.length + cut) >>> 0;
    this.#deliver(half);
    if (reset) this.#end(pair);
    else if (half.last !== undefined && distance(half.next, half.last) >= 0) this.#over(half);
  }

  /** Ends the capture. */
  finish(): void {
    for (const pair of this.#pairs.values()) this.#end(pair);
    this.#pairs.clear();
  }

  #pairOf(segment: Segment): Pair {
    const key = [segment.from, segment.to].sort().join(" ");
    const known = this.#pairs.get(key);
    const isFirst = segment.syn && segment.acknowledged === undefined;
    if (known !== undefined && !(isFirst && this.#isAnother(known, segment))) return known;
    if (known !== undefined) this.#end(known);
    // A client begins; if unknown, it is the one with the higher port.
    const isFromClient = isFirst || (!segment.syn && segment.fromPort > segment.toPort);
    const stream: TcpStream = {
      number: ++this.#count,
      client: isFromClient ? segment.from : segment.to,
      server: isFromClient ? segment.to : segment.from,
      isPartial: !segment.syn,
    };
    const pair = { stream, client: new Half(stream, true), server: new Half(stream, false) };
    this.#pairs.set(key, pair);
    return pair;
  }

  /**
   * True if a new connection starts between the same ports; a repeated SYN belongs to the same one.
   */
  #isAnother({ client, stream }: Pair, { from, sequence }: Segment): boolean {
    if (from !== stream.client || client.next === undefined || client.isOver) return true;
    return client.next !== (sequence + 1) >>> 0;
  }

  #deliver(half: Half): void {
    if (half.isOver) {
      half.waiting.length = 0;
      return;
    }
    half.waiting.sort((a, b) => distance(a.sequence, b.sequence));
    while (half.waiting.length > 0) {
      const { sequence, data, time } = half.waiting[0]!;
      const known = distance(half.next!, sequence);
      if (known < 0) return;
      half.waiting.shift();
      if (known >= data.length) continue;
      half.next = (sequence + data.length) >>> 0;
      this.#events.data(half, data.subarray(known), time);
    }
  }

  #end({ client, server }: Pair): void {
    for (const half of [client, server]) this.#over(half);
  }

  #over(half: Half): void {
    if (half.isOver || half.next === undefined) return;
    half.isOver = true;
    const [first] = half.waiting;
    const missing =
      first === undefined
        ? half.last === undefined
          ? 0
          : distance(half.last, half.next)
        : distance(first.sequence, half.next);
    half.waiting.length = 0;
    if (missing > 0) this.#events.gap(half, missing);
    else this.#events.end(half);
  }
}
