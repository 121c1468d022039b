import { asciiText, utf8Text } from "../host.ts";
import { NOTHING } from "../memory.ts";
import type { OwnSplitter } from "../own-splitter.ts";
import type { MessageProtocol } from "../protocol.ts";
import { endingOf, readsText } from "../text-path.ts";

/** Fewer frames in a chunk are converted one by one: checking that a chunk is ASCII costs as much. */
const FEW = 3;

/**
 * The text of the current chunk, converted once for all the frames in it.
 *
 * ```text
 *   ASCII    a character for each byte: frames lie at the same place
 *   UTF-8    whole frames only; a second cursor goes along, and is given up where bytes are skipped
 *   else     frame by frame, as without this
 * ```
 */
export class ChunkText {
  #chunk: Uint8Array = NOTHING;
  #ascii: string | undefined;
  #wide: string | undefined;
  /** The end of each frame of `#wide`. */
  #ending = "";
  /** Start of the next frame in `#wide`, and in the chunk. */
  #wideAt = 0;
  #byteAt = 0;

  /** The value of the current frame. */
  decode<Out>(protocol: MessageProtocol<never, Out>, reader: OwnSplitter): Out {
    const { bytes, start, end } = reader;
    if (bytes !== this.#chunk) this.#begin(protocol, reader);
    try {
      if (this.#ascii !== undefined) return protocol.decodeText!(this.#ascii, start, end);
      if (this.#wide !== undefined) {
        const at = this.#wideAt;
        const next = start === this.#byteAt ? this.#wide.indexOf(this.#ending, at) + 1 : 0;
        if (next > 0) {
          this.#wideAt = next;
          this.#byteAt = end;
          return protocol.decodeText!(this.#wide, at, next);
        }
      }
    } catch {
      // Decoding the bytes reports the error and its position.
    }
    return protocol.decode(bytes, start, end);
  }

  #begin(protocol: MessageProtocol<never, unknown>, reader: OwnSplitter): void {
    this.clear();
    const { bytes, start, end } = reader;
    // A slab may still change after the frame.
    if (!reader.isInPlace || bytes.length - start < FEW * (end - start)) return;
    this.#chunk = bytes;
    this.#ascii = asciiText!(bytes, start);
    const ending = endingOf(protocol);
    if (this.#ascii !== undefined || ending === undefined) return;
    this.#ending = ending;
    this.#wide = utf8Text!(bytes, start, ending.charCodeAt(0));
    this.#byteAt = start;
  }

  /** Releases the text. */
  clear(): void {
    this.#chunk = NOTHING;
    this.#ascii = undefined;
    this.#wide = undefined;
    this.#wideAt = 0;
  }
}

/** Makes one if the protocol has a text path and the runtime can use it. */
export function chunkTextFor(protocol: MessageProtocol<never, unknown>): ChunkText | undefined {
  return asciiText !== undefined && readsText(protocol) ? new ChunkText() : undefined;
}
