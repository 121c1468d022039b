import { checkedMaxFrame, checkOptions } from "../core/index.ts";
import { framing, type WrappingFraming } from "./framing.ts";

/** Options for {@link pieces}. */
export interface PiecesOptions {
  /**
   * Maximum length of a piece that is read; written pieces may be longer.
   * @defaultValue 1 MiB
   */
  readonly most?: number | undefined;
}

/**
 * A stream without framing: every piece that arrives is a message, and its boundaries have no meaning. For
 * tunnels, for the rest of a stream after an upgrade, and for bodies that are too large to keep.
 *
 * ```text
 *   68 65 | 6c 6c 6f        two messages, or one, or five: as the chunks are cut
 * ```
 *
 * It is `loose`: `decodeAll` cuts bytes into pieces of `most`, and only those laws of `framewright/testing`
 * hold that do not depend on the ends of frames. An empty piece is `unencodable`.
 *
 * @param options - `most`: longest piece
 *
 * @example
 * ```ts
 * import { Splitter } from "framewright";
 * import { pieces } from "framewright/framing";
 *
 * const splitter = new Splitter(pieces({ most: 4 }));
 * splitter.push(new Uint8Array(6));
 * while (splitter.next()) console.log(splitter.end - splitter.start);
 * //=> 4
 * //=> 2
 * ```
 *
 * @throws RangeError unless `most` is a positive integer
 */
export function pieces(options: PiecesOptions = {}): WrappingFraming {
  checkOptions("pieces", options, ["most"]);
  return framing({
    name: "pieces",
    maxFrame: checkedMaxFrame(options.most, 1, "most"),
    maxSend: Number.MAX_SAFE_INTEGER,
    loose: true,
    layout: [{ name: "payload", kind: "payload", size: "rest" }],
    measure: (_, start, end) => end - start,
  });
}
