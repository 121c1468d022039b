import {
  asProtocolError,
  decodeValues,
  forOneStream,
  type ProtocolError,
  rebased,
  Splitter,
  valueText,
} from "../core/index.ts";
import { bytesText } from "../fields/index.ts";
import { explain, hexView, type Part } from "../inspect/index.ts";
import type { AnyProtocol } from "../inspect/ready/index.ts";
import type { Pipe } from "./streams.ts";

/** Bytes of a frame, and their source. */
export interface Frame {
  readonly bytes: Uint8Array;
  /** Offset in its stream. */
  readonly offset: number;
  readonly source: Source;
}

/** Source of frames: members for each line of JSON, and the same in words. */
export interface Source {
  readonly json: Readonly<Record<string, unknown>>;
  readonly words: string;
}

/** Shows frames, and errors. */
export interface Show {
  frame(frame: Frame, values: readonly unknown[]): void;
  /**
   * @param error - its offset is that in the stream
   * @param hint - the likely cause, if it is known
   */
  error(frame: Frame, error: ProtocolError, hint?: string | undefined): void;
  /** Bytes that are in no frame, from `--resync`. */
  leftOut?(offset: number, size: number): void;
}

/** How a {@link FrameReader} reads. */
export interface ReaderOptions {
  /** Offset of the first byte in its stream; 0 by default. */
  readonly from?: number | undefined;
  /** Also stop at a frame that cannot be decoded. */
  readonly stops?: boolean | undefined;
}

/**
 * Adds hints to errors in a stream.
 *
 * @param hintOf - called with the offsets of the bad frame and of the one before it
 */
export function withHints(
  show: Show,
  hintOf: (start: number, before: number | undefined) => string | undefined,
): Show {
  let before: number | undefined;
  return {
    frame(frame, values) {
      show.frame(frame, values);
      before = frame.offset;
    },
    error(frame, error) {
      show.error(frame, error, hintOf(frame.offset, before));
      before = frame.offset;
    },
    leftOut(offset, size) {
      show.leftOut?.(offset, size);
      before = undefined;
    },
  };
}

/**
 * Reads the frames of one stream, or messages, and shows them. Stops at the first error in a
 * stream.
 */
export class FrameReader {
  readonly #protocol: AnyProtocol;
  readonly #show: Show;
  readonly #splitter: Splitter | undefined;
  readonly #from: number;
  readonly #stops: boolean;
  /** Offset after the last frame. */
  #at: number;
  #isOff = false;
  isRight = true;
  /** Offset of the bad frame at which it stopped. */
  stoppedAt: number | undefined;

  constructor(protocol: AnyProtocol, show: Show, { from = 0, stops = false }: ReaderOptions = {}) {
    const own = forOneStream(protocol) as AnyProtocol;
    this.#protocol = own;
    this.#show = show;
    this.#from = from;
    this.#stops = stops;
    this.#at = from;
    if ("measure" in own && own.measure !== undefined) this.#splitter = new Splitter(own);
  }

  /** Adds a chunk; a whole message if the protocol has no framing. */
  push(bytes: Uint8Array, source: Source): void {
    const splitter = this.#splitter;
    if (splitter === undefined) this.#decode({ bytes, offset: 0, source });
    else this.#work(source, () => splitter.push(bytes));
  }

  /** Ends the input. */
  finish(source: Source): void {
    this.#work(source, () => this.#splitter?.finish());
  }

  #work(source: Source, begin: () => void): void {
    const splitter = this.#splitter;
    if (splitter === undefined || this.#isOff) return;
    try {
      begin();
      while (!this.#isOff && splitter.next()) {
        const { start, end } = splitter;
        const offset = this.#from + splitter.offset;
        this.#at = offset + end - start;
        const isGood = this.#decode({ bytes: splitter.bytes.subarray(start, end), offset, source });
        if (!isGood && this.#stops) this.#stop(offset);
      }
    } catch (error) {
      this.#stop(this.#at);
      this.#fail({ bytes: splitter.rest(), offset: this.#at, source }, error, this.#from);
    }
  }

  #stop(offset: number): void {
    this.#isOff = true;
    this.stoppedAt = offset;
  }

  /** Returns false if it is invalid. */
  #decode(frame: Frame): boolean {
    const { bytes } = frame;
    let values: readonly unknown[];
    try {
      values = decodeValues(this.#protocol, bytes, 0, bytes.length);
    } catch (error) {
      this.#fail(frame, error, frame.offset);
      return false;
    }
    this.#show.frame(frame, values);
    return true;
  }

  /** @param base - added to the offset of the error to get that in the stream */
  #fail(frame: Frame, error: unknown, base: number): void {
    this.isRight = false;
    this.#show.error(frame, rebased(asProtocolError(error, "malformed", "decode failed"), base));
  }
}

/** Shows each value as a line of JSON. */
export function jsonLines(out: Pipe): Show {
  const line = ({ source, offset }: Frame, rest: string): void => {
    const members = JSON.stringify({ ...source.json, offset }).slice(0, -1);
    out.write(`${members},${rest}}\n`);
  };
  return {
    frame(frame, values) {
      const size = frame.bytes.length;
      for (const value of values) line(frame, `"size":${size},"value":${valueText(value)}`);
    },
    error: (frame, { code, message, offset }, hint) =>
      line(frame, `"error":${JSON.stringify({ code, message, offset, hint })}`),
    leftOut: (offset, size) => void out.write(`{"offset":${offset},"leftOut":${size}}\n`),
  };
}

/** Shows each frame as a view of its bytes. */
export function hexFrames(protocol: AnyProtocol, columns: number, out: Pipe): Show {
  let count = 0;
  // The meaning of bytes may depend on the frames before them: only what was decoded is shown.
  const isStateful = "perConnection" in protocol && protocol.perConnection !== undefined;
  const view = ({ bytes, offset, source }: Frame, values: readonly unknown[]): boolean => {
    const size = `${bytes.length} byte${bytes.length === 1 ? "" : "s"}`;
    out.write(`${source.words}frame ${++count}, ${size} at 0x${offset.toString(16)}\n`);
    const shown = bytes.subarray(0, Math.min(bytes.length, protocol.maxFrame));
    const part = isStateful
      ? decodedPart(protocol.name, shown, values)
      : explain(protocol as never, shown);
    out.write(`${hexView(part, shown, { columns, offset })}\n`);
    return part.error !== undefined;
  };
  return {
    frame(frame, values) {
      view(frame, values);
      out.write("\n");
    },
    error(frame, { code, message, offset }, hint) {
      // The view contains the error, unless it is not in the bytes shown.
      if (!view(frame, [])) {
        const place = offset === undefined ? "" : ` (at ${offset.toString(16).padStart(4, "0")})`;
        out.write(`error: ${code}: ${message}${place}\n`);
      }
      out.write(hint === undefined ? "\n" : `hint: ${hint}\n\n`);
    },
    leftOut(offset, size) {
      out.write(`left out ${bytesText(size)} at 0x${offset.toString(16)}\n\n`);
    },
  };
}

/** A frame that is not explained further. */
function decodedPart(name: string, { length }: Uint8Array, values: readonly unknown[]): Part {
  const value = values.length === 1 ? values[0] : values;
  return { name, start: 0, end: length, type: "frame", ...(values.length > 0 && { value }) };
}

/** Maximum characters of a value on a line. */
const LONGEST = 1000;

/** Shows each value as a line: source, size and value. */
export function valueLines(out: Pipe): Show {
  const line = ({ source, bytes }: Frame, text: string): void => {
    const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
    out.write(`${source.words}${bytes.length} B  ${cut}\n`);
  };
  return {
    frame(frame, values) {
      for (const value of values) line(frame, valueText(value));
    },
    error: (frame, { code, message }) => line(frame, `no longer decoded: ${code}: ${message}`),
  };
}
