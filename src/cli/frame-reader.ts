import {
  asProtocolError,
  decodeValues,
  forOneStream,
  type ProtocolError,
  Splitter,
  valueText,
} from "../core/index.ts";
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
  error(frame: Frame, error: ProtocolError): void;
}

/**
 * Reads the frames of one stream, or messages, and shows them. Stops at the first error in a
 * stream.
 */
export class FrameReader {
  readonly #protocol: AnyProtocol;
  readonly #show: Show;
  readonly #splitter: Splitter | undefined;
  /** Number of bytes read as frames. */
  #at = 0;
  #isOff = false;
  isRight = true;

  constructor(protocol: AnyProtocol, show: Show) {
    const own = forOneStream(protocol) as AnyProtocol;
    this.#protocol = own;
    this.#show = show;
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
      while (splitter.next()) {
        const { start, end, offset } = splitter;
        this.#at = offset + end - start;
        this.#decode({ bytes: splitter.bytes.subarray(start, end), offset, source });
      }
    } catch (error) {
      this.#isOff = true;
      this.#fail({ bytes: splitter.rest(), offset: this.#at, source }, error);
    }
  }

  #decode(frame: Frame): void {
    const { bytes } = frame;
    let values: readonly unknown[];
    try {
      values = decodeValues(this.#protocol, bytes, 0, bytes.length);
    } catch (error) {
      this.#fail(frame, error);
      return;
    }
    this.#show.frame(frame, values);
  }

  #fail(frame: Frame, error: unknown): void {
    this.isRight = false;
    this.#show.error(frame, asProtocolError(error, "malformed", "decode failed"));
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
    error: (frame, { code, message }) =>
      line(frame, `"error":${JSON.stringify({ code, message })}`),
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
    out.write(`${hexView(part, shown, { columns })}\n\n`);
    return part.error !== undefined;
  };
  return {
    frame: (frame, values) => void view(frame, values),
    error(frame, { code, message }) {
      // The view contains the error, unless it is not in the bytes shown.
      if (!view(frame, [])) out.write(`error: ${code}: ${message}\n\n`);
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
