import { writeFrame } from "../frames.ts";
import { utf8Length } from "../host.ts";
import { MESSAGE_COST } from "../memory.ts";
import { newOutput, type OwnOutput } from "../output.ts";
import type { MessageProtocol } from "../protocol.ts";
import type { Sink } from "../sink.ts";
import { writesText } from "../text-path.ts";

interface Piece {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly text: boolean;
}

// A batch of this length is worth a write of its own, and a frame of this length is not worth copying.
const BATCH = 65_536;
const LARGE = 8192;

// Connections write one after the other, so one output serves nearly all of them; an idle connection has
// none.
let spare: OwnOutput | undefined;

/**
 * The queue between a connection and its sink.
 *
 * ```text
 *   frames -> #first, #out (the batch) -> #pieces -> sink.write
 *                                         wait while the sink is full or not open yet
 *   frames of text -> #text -> sink.writeText, if the sink has it
 * ```
 *
 * If the first frame of a batch is already encoded, it is kept by reference: a broadcast copies nothing if
 * each connection gets one frame a turn.
 */
export class Outbox {
  readonly #sink: Sink;
  readonly #sent: ((bytes: Uint8Array) => void) | undefined;
  readonly #joined: boolean;
  /** Memory cost of a piece in addition to its bytes, if each is a message and may be empty. */
  readonly #cost: number;
  /** The only frame of the batch so far. */
  #first: Uint8Array<ArrayBuffer> | undefined;
  #out: OwnOutput | undefined;
  /** The batch as text, instead of #first and #out. It counts as UTF-16 units until the turn ends. */
  #text = "";
  /** A protocol, and whether its frames can be encoded as text. */
  #known: unknown;
  #isText = false;
  readonly #pieces: Piece[] = [];
  /** Bytes and number of the waiting pieces: while a flush runs, `#pieces` also contains written ones. */
  #waiting = 0;
  #count = 0;
  #open = false;
  #full = false;
  /** Bytes that the sink took before it asked to wait. */
  #inSink = 0;
  #drains = 0;
  #flushing = false;
  /** Frames that were sent while another one was being encoded. */
  #inner: Piece[] | undefined;
  #isEncoding = false;
  #isCleared = false;
  /** Bytes passed to the sink since the beginning. */
  #written = 0;

  /** @param sent - called with all bytes that are passed to the sink; text is converted to bytes for it */
  constructor(sink: Sink, sent?: (bytes: Uint8Array) => void) {
    this.#sink = sink;
    this.#sent = sent;
    this.#joined = sink.boundary === "stream";
    this.#cost = this.#joined ? 0 : MESSAGE_COST;
  }

  /** Bytes that wait to be written, with the cost of keeping them. */
  get queued(): number {
    return this.#waiting + this.#batched + this.#cost * this.#count + this.#inSink;
  }

  /** True while a frame is being encoded: nothing is written meanwhile. */
  get isEncoding(): boolean {
    return this.#isEncoding;
  }

  /** True if nothing waits here (though the sink may still have bytes), and nothing is being encoded. */
  get isEmpty(): boolean {
    if (this.#isEncoding) return false;
    if (this.#count > 0 || this.#first !== undefined || this.#text !== "") return false;
    return (this.#out?.length ?? 0) === 0;
  }

  /** Cost of the frame added last: text was counted in UTF-16 units, and takes up to three times as much. */
  costOf(added: number): number {
    return this.#text === "" ? added : utf8Length(this.#text.slice(-added));
  }

  /** True if the batch is long enough for a write of its own. */
  get isDue(): boolean {
    return this.#text.length >= BATCH || (this.#out !== undefined && this.#out.length >= BATCH);
  }

  /**
   * True if nothing has to be done before the turn ends: at most `highWater` bytes wait, none of them in a
   * batch that is due.
   */
  isCalm(highWater: number): boolean {
    return !this.isDue && this.queued <= highWater;
  }

  /** True if nothing more can be written now. */
  get isBlocked(): boolean {
    return this.#full || !this.#open;
  }

  /** Total number of bytes passed to the sink. */
  get written(): number {
    return this.#written;
  }

  /** Total number of bytes sent: the value of `written` once nothing waits. */
  get sent(): number {
    return this.#written + this.#waiting + this.#batched;
  }

  /** Length of the batch. */
  get #batched(): number {
    return (this.#out?.length ?? 0) + (this.#first?.length ?? 0) + this.#text.length;
  }

  /**
   * Adds one frame and returns by how much `queued` grows.
   * @throws ProtocolError `unencodable`: then nothing is added
   */
  encode<In>(protocol: MessageProtocol<In, unknown>, value: In): number {
    if (this.#isEncoding) return this.#encodeInside(protocol, value);
    if (protocol !== this.#known) this.#know(protocol);
    if (this.#isText && !this.isBlocked && this.#out === undefined && this.#first === undefined) {
      const added = this.#encodeText(protocol, value);
      if (added > 0) return added;
    }
    const out = this.#out ?? this.#batch();
    let length: number;
    this.#isEncoding = true;
    try {
      length = writeFrame(protocol, value, out);
      // A message may be empty, and is still sent.
      if (!this.#joined) {
        this.#append(out.own().take(), protocol.text === true);
        out.revoke();
      }
    } catch (error) {
      this.#replace(out);
      throw error;
    } finally {
      this.#isEncoding = false;
      if (this.#inner !== undefined) this.#addInner();
    }
    return length + this.#cost;
  }

  #know(protocol: MessageProtocol<never, unknown>): void {
    this.#known = protocol;
    const canText = this.#joined && this.#sink.writeText !== undefined && this.#sent === undefined;
    this.#isText = canText && writesText(protocol);
  }

  /** Adds one frame of text. Returns 0 if it must be encoded as bytes, which reports the error, if any. */
  #encodeText<In>(protocol: MessageProtocol<In, unknown>, value: In): number {
    let text: unknown;
    this.#isEncoding = true;
    try {
      text = protocol.encodeText!(value);
    } catch {
      text = undefined;
    } finally {
      this.#isEncoding = false;
    }
    const most = protocol.maxSend ?? protocol.maxFrame;
    if (typeof text !== "string" || text === "" || 3 * text.length > most) {
      // Frames sent meanwhile will be sent again.
      this.#inner = undefined;
      return 0;
    }
    if (!this.#isCleared) this.#text += text;
    if (this.#inner !== undefined) this.#addInner();
    return text.length;
  }

  /** Queues a frame that an encoder sends on its own connection, after the one that is being written. */
  #encodeInside<In>(protocol: MessageProtocol<In, unknown>, value: In): number {
    const out = newOutput();
    const length = writeFrame(protocol, value, out);
    this.#inner ??= [];
    this.#inner.push({ bytes: out.own().take(), text: protocol.text === true });
    return length + this.#cost;
  }

  #addInner(): void {
    const inner = this.#inner!;
    this.#inner = undefined;
    for (const { bytes, text } of inner) {
      this.#cut();
      this.#append(bytes, text);
    }
  }

  /** Discards an output whose encoder failed, because the encoder may have kept it. */
  #replace(out: OwnOutput): void {
    const bytes = out.own().take();
    out.revoke();
    this.#out = undefined;
    if (bytes.length > 0 && !this.#isCleared) this.#out = newOutput().bytes(bytes);
  }

  /** Adds an encoded frame, and returns by how much `queued` grows. Large ones are not copied. */
  add(bytes: Uint8Array<ArrayBuffer>, text: boolean): number {
    const { length } = bytes;
    if (this.#inner !== undefined || this.#isEncoding) {
      this.#inner ??= [];
      this.#inner.push({ bytes, text });
    } else if (!this.#joined || length >= LARGE) {
      this.#cut();
      this.#append(bytes, text);
    } else if (this.#isBatchEmpty && !this.isBlocked) {
      this.#first = bytes;
    } else {
      this.#batch().own().bytes(bytes).revoke();
    }
    return length + this.#cost;
  }

  get #isBatchEmpty(): boolean {
    return this.#out === undefined && this.#first === undefined && this.#text === "";
  }

  /** Called when the sink can be written to. */
  open(): void {
    this.#open = true;
  }

  /** Called when the sink has room again. */
  drained(): void {
    this.#drains++;
    this.#full = false;
    this.#inSink = 0;
  }

  /** Writes as much as possible. */
  flush(): void {
    // While nothing can be written, the batch continues to grow, and its output is not shared: otherwise each
    // piece would keep a slab alive that is full of old bytes of other connections.
    if (this.#isEncoding) return;
    if (this.isBlocked) {
      if (this.#text !== "") this.#batch();
      if (!this.isDue) return;
    }
    if (this.#text !== "" && this.#pieces.length === 0 && !this.#flushing) {
      this.#writeText();
    }
    const pieces = this.#pieces;
    if (pieces.length === 0 && !this.#flushing && !this.isBlocked) this.#writeBatch();
    else this.#cut();
    // A sink may call back while it writes; messages sent then join this flush.
    if (this.#flushing || pieces.length === 0) return;
    this.#flushing = true;
    let written = 0;
    const isCorked = pieces.length > 1 && this.#sink.cork !== undefined && !this.isBlocked;
    try {
      if (isCorked) this.#sink.cork?.();
      while (written < pieces.length && !this.isBlocked) {
        this.#write(pieces[written]!);
        written++;
      }
    } finally {
      // Not `splice`, which makes an array of the removed elements.
      if (written === pieces.length) pieces.length = 0;
      else pieces.splice(0, written);
      this.#flushing = false;
      if (isCorked) this.#sink.uncork?.();
    }
  }

  /** The usual case: the batch is all there is. */
  #writeBatch(): void {
    const bytes = this.#takeBatch();
    if (bytes === undefined || this.#isCleared) return;
    this.#waiting += bytes.length;
    this.#count++;
    const piece = { bytes, text: false };
    this.#flushing = true;
    try {
      this.#write(piece);
    } catch (error) {
      this.#pieces.unshift(piece);
      throw error;
    } finally {
      this.#flushing = false;
    }
  }

  #writeText(): void {
    const text = this.#text;
    this.#text = "";
    this.#written += text.length;
    const drains = this.#drains;
    let isRoomy: boolean;
    this.#flushing = true;
    try {
      isRoomy = this.#sink.writeText!(text);
    } catch (error) {
      this.#written -= text.length;
      this.#append(newOutput().utf8(text).take(), true);
      throw error;
    } finally {
      this.#flushing = false;
    }
    if (isRoomy || this.#drains !== drains || this.#isCleared) return;
    this.#full = true;
    this.#inSink += utf8Length(text);
  }

  #write({ bytes, text }: Piece): void {
    const { length } = bytes;
    this.#waiting -= length;
    this.#count--;
    this.#written += length;
    const drains = this.#drains;
    let isRoomy: boolean;
    this.#sent?.(bytes);
    try {
      isRoomy = this.#sink.write(bytes, text);
    } catch (error) {
      this.#untake(length);
      throw error;
    }
    if (isRoomy || this.#drains !== drains || this.#isCleared) return;
    this.#full = true;
    this.#inSink += length;
  }

  /** A sink that throws has taken nothing. */
  #untake(length: number): void {
    if (this.#isCleared) return;
    this.#waiting += length;
    this.#count++;
    this.#written -= length;
  }

  /** Drops everything permanently, and returns the number of bytes dropped. */
  clear(): number {
    const dropped = this.sent - this.#written;
    this.#isCleared = true;
    this.#out = undefined;
    this.#first = undefined;
    this.#text = "";
    this.#pieces.length = 0;
    this.#waiting = 0;
    this.#count = 0;
    this.#inSink = 0;
    return dropped;
  }

  /** The batch, with the frame in it that was kept by reference. */
  #batch(): OwnOutput {
    let out = this.#out;
    if (out === undefined) {
      out = spare ?? newOutput();
      spare = undefined;
      this.#out = out;
      const first = this.#first;
      if (first !== undefined) {
        this.#first = undefined;
        out.own().bytes(first).revoke();
      }
    }
    if (this.#text !== "") {
      const text = this.#text;
      this.#text = "";
      out.own().utf8(text).revoke();
    }
    return out;
  }

  /** Ends the batch of a stream, which becomes one piece. */
  #cut(): void {
    const bytes = this.#takeBatch();
    if (bytes !== undefined) this.#append(bytes, false);
  }

  /** Takes the bytes of the batch, if it has any; its output is free for the next connection. */
  #takeBatch(): Uint8Array<ArrayBuffer> | undefined {
    const first = this.#first;
    if (first !== undefined) {
      this.#first = undefined;
      return first;
    }
    if (this.#text !== "") this.#batch();
    const out = this.#out;
    if (out === undefined) return undefined;
    this.#out = undefined;
    out.own();
    let bytes: Uint8Array<ArrayBuffer> | undefined;
    if (out.length > 0) {
      bytes = out.take();
      // A waiting batch keeps no memory that it does not need.
      if (this.isBlocked && 4 * bytes.buffer.byteLength > 5 * bytes.length) bytes = bytes.slice();
    }
    out.revoke();
    spare = out;
    return bytes;
  }

  #append(bytes: Uint8Array<ArrayBuffer>, text: boolean): void {
    if (this.#isCleared) return;
    this.#pieces.push({ bytes, text });
    this.#waiting += bytes.length;
    this.#count++;
  }
}
