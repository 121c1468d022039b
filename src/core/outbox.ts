import { writeFrame } from "./frames.ts";
import { MESSAGE_COST } from "./memory.ts";
import { Output } from "./output.ts";
import type { MessageProtocol } from "./protocol.ts";
import type { Sink } from "./sink.ts";

interface Piece {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly text: boolean;
}

// A batch this long is worth a write of its own, and one of its frames not worth copying.
const BATCH = 65_536;
const LARGE = 8192;

// Connections write one after the other, so one output serves nearly all of them; an idle one has none.
let spare: Output | undefined;

/**
 * What a connection has to say, on its way to the sink.
 *
 * ```text
 *   frames -> #out (the batch) -> #pieces -> sink.write
 *                                  wait while the sink is full or not open yet
 * ```
 */
export class Outbox {
  readonly #sink: Sink;
  readonly #joined: boolean;
  /** What a piece costs in memory beside its bytes, where each is a message and may be empty. */
  readonly #cost: number;
  #out: Output | undefined;
  readonly #pieces: Piece[] = [];
  #waiting = 0;
  #open = false;
  #full = false;
  /** Bytes that the sink took, but asked to wait behind. */
  #inSink = 0;
  #drains = 0;
  #flushing = false;

  constructor(sink: Sink) {
    this.#sink = sink;
    this.#joined = sink.boundary === "stream";
    this.#cost = this.#joined ? 0 : MESSAGE_COST;
  }

  /** Bytes that wait to be written, with what it costs to keep them. */
  get queued(): number {
    return this.#waiting + (this.#out?.length ?? 0) + this.#inSink;
  }

  /** Nothing waits here (though the sink may still have bytes). */
  get isEmpty(): boolean {
    return this.#pieces.length === 0 && (this.#out?.length ?? 0) === 0;
  }

  /** The batch is long enough for a write of its own. */
  get isDue(): boolean {
    return this.#out !== undefined && this.#out.length >= BATCH;
  }

  /** Nothing more can be written now. */
  get isBlocked(): boolean {
    return this.#full || !this.#open;
  }

  /**
   * Adds one frame and gives what it adds to `queued`.
   * @throws ProtocolError `unencodable`: then nothing is added
   */
  encode<In>(protocol: MessageProtocol<In, unknown>, value: In): number {
    const out = this.#batch();
    const start = out.length;
    writeFrame(protocol, value, out);
    const length = out.length - start;
    // A message may be empty, and is still sent.
    if (!this.#joined) this.#append(out.take(), protocol.text === true);
    return length + this.#cost;
  }

  /** Adds a frame that is encoded already, and gives what it adds to `queued`. Large ones are not copied. */
  add(bytes: Uint8Array<ArrayBuffer>, text: boolean): number {
    if (this.#joined && bytes.length < LARGE) {
      this.#batch().bytes(bytes);
    } else {
      this.#cut(text);
      this.#append(bytes, text);
    }
    return bytes.length + this.#cost;
  }

  /** The sink can be written to from now on. */
  open(): void {
    this.#open = true;
  }

  /** The sink wants more. */
  drained(): void {
    this.#drains++;
    this.#full = false;
    this.#inSink = 0;
  }

  /** Writes what can be written. */
  flush(): void {
    // While nothing can, the batch grows on, and its output is not shared: each piece would keep alive a slab
    // that is filled with what others wrote long ago.
    if (this.isBlocked && !this.isDue) return;
    this.#cut(false);
    // A sink may call back while it writes, and what is sent then joins this flush.
    if (this.#flushing) return;
    this.#flushing = true;
    const pieces = this.#pieces;
    let written = 0;
    try {
      while (written < pieces.length && !this.isBlocked) this.#write(pieces[written++]!);
    } finally {
      pieces.splice(0, written);
      this.#flushing = false;
    }
  }

  #write({ bytes, text }: Piece): void {
    this.#waiting -= bytes.length + this.#cost;
    const drains = this.#drains;
    if (this.#sink.write(bytes, text) || this.#drains !== drains) return;
    this.#full = true;
    this.#inSink += bytes.length;
  }

  /** Forgets everything. */
  clear(): void {
    this.#out = undefined;
    this.#pieces.length = 0;
    this.#waiting = 0;
    this.#inSink = 0;
  }

  #batch(): Output {
    if (this.#out === undefined) {
      this.#out = spare ?? new Output();
      spare = undefined;
    }
    return this.#out;
  }

  /** Ends the batch: it becomes one piece, and the output is free for the next connection. */
  #cut(text: boolean): void {
    const out = this.#out;
    if (out === undefined) return;
    this.#out = undefined;
    if (out.length > 0) this.#append(out.take(), text);
    spare = out;
  }

  #append(bytes: Uint8Array<ArrayBuffer>, text: boolean): void {
    this.#pieces.push({ bytes, text });
    this.#waiting += bytes.length + this.#cost;
  }
}
