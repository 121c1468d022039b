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

// A batch this long is worth a write of its own, and one of its frames not worth copying.
const BATCH = 65_536;
const LARGE = 8192;

// Connections write one after the other, so one output serves nearly all of them; an idle one has none.
let spare: OwnOutput | undefined;

/**
 * What a connection sends, on its way to the sink.
 *
 * ```text
 *   frames -> #first, #out (the batch) -> #pieces -> sink.write
 *                                         wait while the sink is full or not open yet
 *   frames of text -> #text -> sink.writeText, if the sink has it
 * ```
 *
 * The first frame of a batch that is encoded already is kept by reference: a broadcast copies nothing where each
 * connection gets one frame a turn.
 */
export class Outbox {
  readonly #sink: Sink;
  readonly #sent: ((bytes: Uint8Array) => void) | undefined;
  readonly #joined: boolean;
  /** What a piece costs in memory beside its bytes, if each is a message and may be empty. */
  readonly #cost: number;
  /** The only frame of the batch so far. */
  #first: Uint8Array<ArrayBuffer> | undefined;
  #out: OwnOutput | undefined;
  /** The batch as text, in place of #first and #out. It counts as UTF-16 units until the turn ends. */
  #text = "";
  /** A protocol, and whether its frames can be made as text. */
  #known: unknown;
  #isText = false;
  readonly #pieces: Piece[] = [];
  /** Bytes of the pieces that wait, and how many those are: while a flush runs, `#pieces` has written ones too. */
  #waiting = 0;
  #count = 0;
  #open = false;
  #full = false;
  /** Bytes that the sink took, but asked to wait after. */
  #inSink = 0;
  #drains = 0;
  #flushing = false;
  /** Frames that were sent while another one was being encoded. */
  #inner: Piece[] | undefined;
  #isEncoding = false;
  #isCleared = false;
  /** Bytes given to the sink since the beginning. */
  #written = 0;

  /** @param sent - told of all bytes that the sink is given; text is made bytes for it */
  constructor(sink: Sink, sent?: (bytes: Uint8Array) => void) {
    this.#sink = sink;
    this.#sent = sent;
    this.#joined = sink.boundary === "stream";
    this.#cost = this.#joined ? 0 : MESSAGE_COST;
  }

  /** Bytes that wait to be written, with what it costs to keep them. */
  get queued(): number {
    return this.#waiting + this.#batched + this.#cost * this.#count + this.#inSink;
  }

  /** A frame is being encoded: nothing is written meanwhile. */
  get isEncoding(): boolean {
    return this.#isEncoding;
  }

  /** Nothing waits here (though the sink may still have bytes), and nothing is on its way. */
  get isEmpty(): boolean {
    if (this.#isEncoding) return false;
    if (this.#count > 0 || this.#first !== undefined || this.#text !== "") return false;
    return (this.#out?.length ?? 0) === 0;
  }

  /** What the frame costs that was just added: text was counted in UTF-16 units, and takes up to three times as much. */
  costOf(added: number): number {
    return this.#text === "" ? added : utf8Length(this.#text.slice(-added));
  }

  /** The batch is long enough for a write of its own. */
  get isDue(): boolean {
    return this.#text.length >= BATCH || (this.#out !== undefined && this.#out.length >= BATCH);
  }

  /** Nothing need be done before the turn ends: at most `highWater` bytes wait, none of them in a batch that is due. */
  isCalm(highWater: number): boolean {
    return !this.isDue && this.queued <= highWater;
  }

  /** Nothing more can be written now. */
  get isBlocked(): boolean {
    return this.#full || !this.#open;
  }

  /** Bytes that were given to the sink, in all. */
  get written(): number {
    return this.#written;
  }

  /** Bytes that were sent, in all: what `written` will be once nothing waits. */
  get sent(): number {
    return this.#written + this.#waiting + this.#batched;
  }

  /** Length of the batch. */
  get #batched(): number {
    return (this.#out?.length ?? 0) + (this.#first?.length ?? 0) + this.#text.length;
  }

  /**
   * Adds one frame and returns what it adds to `queued`.
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
    } catch (error) {
      this.#replace(out);
      throw error;
    } finally {
      this.#isEncoding = false;
      if (this.#inner !== undefined) this.#addInner();
    }
    // A message may be empty, and is still sent.
    if (!this.#joined) {
      this.#append(out.own().take(), protocol.text === true);
      out.revoke();
    }
    return length + this.#cost;
  }

  #know(protocol: MessageProtocol<never, unknown>): void {
    this.#known = protocol;
    const canText = this.#joined && this.#sink.writeText !== undefined && this.#sent === undefined;
    this.#isText = canText && writesText(protocol);
  }

  /** Adds one frame of text. Returns 0 if it must be written as bytes: they tell what is wrong, or whether. */
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
      // What was sent meanwhile will be sent again.
      this.#inner = undefined;
      return 0;
    }
    if (!this.#isCleared) this.#text += text;
    if (this.#inner !== undefined) this.#addInner();
    return text.length;
  }

  /** An encoder that sends on its own connection: that frame follows the one that is being written. */
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
      this.#cut(text);
      this.#append(bytes, text);
    }
  }

  /** Never lends an output again whose encoder failed: the encoder may have kept it. */
  #replace(out: OwnOutput): void {
    const bytes = out.own().take();
    out.revoke();
    this.#out = undefined;
    if (bytes.length > 0 && !this.#isCleared) this.#out = newOutput().bytes(bytes);
  }

  /** Adds a frame that is encoded already, and returns what it adds to `queued`. Large ones are not copied. */
  add(bytes: Uint8Array<ArrayBuffer>, text: boolean): number {
    const { length } = bytes;
    if (this.#inner !== undefined || this.#isEncoding) {
      this.#inner ??= [];
      this.#inner.push({ bytes, text });
    } else if (!this.#joined || length >= LARGE) {
      this.#cut(text);
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
    if (this.#isEncoding) return;
    if (this.isBlocked) {
      if (this.#text !== "") this.#batch();
      if (!this.isDue) return;
    }
    if (this.#text !== "" && this.#pieces.length === 0 && !this.#flushing) {
      this.#writeText();
      if (this.#isBatchEmpty && this.#pieces.length === 0) return;
    }
    this.#cut(false);
    // A sink may call back while it writes, and what is sent then joins this flush.
    if (this.#flushing || this.#pieces.length === 0) return;
    this.#flushing = true;
    const pieces = this.#pieces;
    let written = 0;
    const isCorked = pieces.length > 1 && this.#sink.cork !== undefined && !this.isBlocked;
    try {
      if (isCorked) this.#sink.cork?.();
      while (written < pieces.length && !this.isBlocked) {
        this.#write(pieces[written]!);
        written++;
      }
    } finally {
      // Not `splice`, which makes an array of what it takes out.
      if (written === pieces.length) pieces.length = 0;
      else pieces.splice(0, written);
      this.#flushing = false;
      if (isCorked) this.#sink.uncork?.();
    }
  }

  #writeText(): void {
    const text = this.#text;
    this.#text = "";
    this.#written += text.length;
    const drains = this.#drains;
    let isRoomy = true;
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
    let isRoomy = true;
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

  /** Forgets everything for good, and returns how many bytes that were. */
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

  /** Ends the batch: it becomes one piece, and the output is free for the next connection. */
  #cut(text: boolean): void {
    const first = this.#first;
    if (first !== undefined) {
      this.#first = undefined;
      this.#append(first, text);
    }
    if (this.#text !== "") this.#batch();
    const out = this.#out;
    if (out === undefined) return;
    this.#out = undefined;
    out.own();
    if (out.length > 0) {
      const bytes = out.take();
      // A batch that waits, maybe for long, keeps no memory that it has no use for.
      const isLoose = this.isBlocked && 4 * bytes.buffer.byteLength > 5 * bytes.length;
      this.#append(isLoose ? bytes.slice() : bytes, text);
    }
    out.revoke();
    spare = out;
  }

  #append(bytes: Uint8Array<ArrayBuffer>, text: boolean): void {
    if (this.#isCleared) return;
    this.#pieces.push({ bytes, text });
    this.#waiting += bytes.length;
    this.#count++;
  }
}
