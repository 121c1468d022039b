import type { ProtocolError } from "./errors.ts";
import { withHint } from "./hints.ts";
import type { Output } from "./output.ts";
import type { Scan } from "./scan.ts";

/** Names the format of some bytes, for tools that show them: `explain` supports those of this package. */
export interface Format {
  /** "goim", "sproto", "json". */
  readonly name: string;
  /** Further information for a tool: a dialect, a schema. */
  readonly [detail: string]: unknown;
}

/**
 * Turns exactly one span of bytes into a value, and a value into bytes. `In` is the type of values that you
 * send, `Out` of those that you receive.
 */
export interface Codec<in In, out Out = In> {
  /**
   * Returns the value of `bytes[start .. end)`. Results that are bytes are views of `bytes` unless the codec
   * documents otherwise; they never change under you, because received memory is never reused.
   *
   * @throws ProtocolError `malformed`, with the index in `bytes`
   */
  decode(bytes: Uint8Array, start: number, end: number): Out;

  /**
   * Appends the bytes of `value` to `out`. Synchronous: a returned promise is refused.
   *
   * @param out - valid during this call only
   * @throws ProtocolError `unencodable`
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing, or the output it wrote to
  encode(value: In, out: Output): void | Output;

  /**
   * Returns all values of a frame that holds several (a batch, a JSON array), or none (`[]` skips the frame).
   * An error in one of them rejects the whole frame.
   */
  decodeMany?(bytes: Uint8Array, start: number, end: number): readonly Out[];

  /** True for UTF-8 text: sent as text frames if the transport distinguishes them. */
  readonly text?: boolean | undefined;

  /**
   * Decodes `text[start .. end)` of a chunk that was converted to text once: the fast path for text on
   * streams. If it throws, `decode` is called with the bytes, and reports the error with its offset.
   */
  decodeText?(text: string, start: number, end: number): Out;

  /**
   * Returns well-formed text whose UTF-8 is exactly what `encode` writes, so that the replies of a turn can be joined
   * and converted once.
   *
   * The text of a payload codec is free of U+0000 to U+001F and U+007F. A protocol has it only if its framing's
   * delimiters consist of such control characters: then it returns whole frames.
   */
  encodeText?(value: In): string;

  /** The format of the bytes, for tools. */
  readonly format?: Format | undefined;
}

/** A codec for whole messages: enough if the transport preserves message boundaries (WebSocket, datagrams). */
export interface MessageProtocol<in In, out Out = In> extends Codec<In, Out> {
  /** For error texts and logs. */
  readonly name: string;

  /** Largest frame that is read, in wire bytes, including its header. Always finite. */
  readonly maxFrame: number;

  /**
   * Largest frame that is written, in wire bytes.
   * @defaultValue `maxFrame`
   */
  readonly maxSend?: number | undefined;

  /** The codec of the payload, for tools; `wrap` sets it. */
  readonly payload?: Codec<never, unknown> | undefined;
}

/**
 * Explains bytes with which no frame can begin.
 *
 * @param length - the length that the framing read, if the frame is only too long; else 0
 * @internal
 */
type Hint = (
  error: ProtocolError,
  framing: Framing,
  bytes: Uint8Array,
  start: number,
  end: number,
  length: number,
) => ProtocolError;

/** Finds frames in a stream. Keeps nothing itself (see {@link Scan}), so one object serves every connection. */
export interface Framing {
  /** Largest frame, in wire bytes, including header and delimiter. */
  readonly maxFrame: number;

  /**
   * Returns the length of the frame that starts at `start`.
   *
   * | result | meaning |
   * |---|---|
   * | `n > 0` | the complete frame has n bytes, including header and delimiter; not all of them need to be here |
   * | `0` | the length is not known yet |
   * | `-n` | the n bytes at `start` belong to no frame and hold no value (a blank line, white space): skip them |
   *
   * @param bytes - only `[start, end)` may be read, and `end > start`
   * @param start - index of the first byte of the frame
   * @param end - end of the available bytes; never more than `maxFrame` after `start`
   * @param scan - state left by earlier calls for this frame, which returned 0; fresh at the first call
   * @throws ProtocolError if no frame can start with these bytes
   */
  measure(bytes: Uint8Array, start: number, end: number, scan: Scan): number;

  /**
   * Returns the text of the error for a frame whose length is known and above the limit. `measure` returns that length
   * rather than throw, so that `skip` can pass over the frame.
   * @defaultValue "frame of 9 bytes exceeds maxFrame 8"
   */
  tooLong?(length: number, maxFrame: number): string;

  /**
   * True for pieces of a stream rather than frames: results may depend on how many bytes are available. Laws
   * that cannot hold then are not checked.
   */
  readonly loose?: boolean | undefined;

  /**
   * Returns the distance from bytes that are not a frame to the next frame: for policies that skip bad input.
   *
   * | result | meaning |
   * |---|---|
   * | `n >= 0` | a frame begins n bytes after `start`, but not at the start of a bad frame again |
   * | `-1` | not in these bytes: skip the first `scan.at` of them, and call again when more are here |
   *
   * @param start - start of the bad frame; in further calls, start of the bytes that were not skipped
   * @param scan - fresh in the first call for a bad frame; kept for further calls, with `at` set to 0
   */
  recover?(bytes: Uint8Array, start: number, end: number, scan: Scan): number;

  /** The parts of a frame as plain data, in wire order. */
  readonly layout?: FrameLayout | undefined;

  /**
   * Adds hints to errors of a bare `Splitter`; connections and one-shot functions do so for every framing.
   * @internal
   */
  readonly hint?: Hint | undefined;
}

/** One part of a frame; see {@link FrameLayout}. */
export interface FramePart {
  /** Name for views of the bytes: "length", "payload", "magic". */
  readonly name: string;
  /** The role of the part. */
  readonly kind: "header" | "length" | "payload" | "trailer" | "delimiter";
  /**
   * Number of bytes, or how the part ends: a LEB128 varint, decimal digits, or `"rest"`: the rest of the
   * frame that is not in the other parts. A rest before another one ends at the first `bytes` of the
   * delimiter between them.
   */
  readonly size: number | "varint" | "digits" | "rest";
  /** Byte order, for numbers. */
  readonly endian?: "be" | "le" | undefined;
  /** True for a length of fixed size that is written in decimal digits. */
  readonly digits?: boolean | undefined;
  /**
   * Added to the number of a length to get the length of the whole frame. The bytes of a length of size `"varint"` or
   * `"digits"` are not in it: add them, too.
   */
  readonly add?: number | undefined;
  /** For a header of text: name of the header line that contains the length of the payload. */
  readonly lengthIn?: string | undefined;
  /** The bytes that always stand here: a magic number, a delimiter. */
  readonly bytes?: Uint8Array | undefined;
  /**
   * Alternatives for this part: the longest one that matches is read. The first is written, and `size` is its
   * length.
   */
  readonly oneOf?: readonly Uint8Array[] | undefined;
  /** True for a payload that is escaped on the wire. */
  readonly escaped?: boolean | undefined;
  /**
   * For tools: returns the bytes that an escaped payload, `bytes[start .. end)`, stands for. A checksum that is escaped
   * with it is at their end.
   * @throws ProtocolError if they are wrong
   */
  readonly unescape?: ((bytes: Uint8Array, start: number, end: number) => Uint8Array) | undefined;
}

/** The parts of a frame in wire order, as plain data that tools can read. */
export type FrameLayout = readonly FramePart[];

/** Everything that a stream connection needs: three pure functions, a name and a limit. */
export interface Protocol<in In, out Out = In> extends MessageProtocol<In, Out>, Framing {
  /**
   * Returns a fresh object for one connection: for protocols with state. One-shot functions such as
   * `decodeAll` call it too, once per call; a `Splitter` uses the framing that it is given.
   */
  perConnection?(connection: { context: unknown }): Protocol<In, Out>;
}

/** The type of values that the protocol `P` sends. */
export type Sent<P> = P extends { encode(value: infer In, out: Output): void } ? In : never;

/** The type of values that the protocol `P` receives. */
export type Received<P> = P extends {
  decode(bytes: Uint8Array, start: number, end: number): infer Out;
}
  ? Out
  : never;

/** The default limit for frames. */
const DEFAULT_MAX_FRAME = 1_048_576;

/** A protocol for {@link defineProtocol}: only the three functions and a name are required. */
export type ProtocolDefinition<In, Out = In> = Omit<Protocol<In, Out>, "maxFrame"> & {
  /**
   * Largest whole frame that is read, in wire bytes, header included.
   * @defaultValue 1 MiB
   */
  readonly maxFrame?: number | undefined;
};

/**
 * Makes a protocol of your own from three pure functions.
 *
 * ```text
 *   0      2    3                3 + n
 *   | n u16 | op | body: n bytes |
 * ```
 *
 * @example
 * ```ts
 * import { decodeAll, defineProtocol, encodeFrame, u16be } from "framewright";
 *
 * const ping = defineProtocol<{ op: number; body: Uint8Array }>({
 *   name: "ping",
 *   maxFrame: 64 * 1024,
 *   measure: (bytes, start, end) => (end - start < 2 ? 0 : 3 + u16be(bytes, start)),
 *   decode: (bytes, start, end) => ({ op: bytes[start + 2]!, body: bytes.subarray(start + 3, end) }),
 *   encode: ({ op, body }, out) => out.u16be(body.length).u8(op).bytes(body),
 * });
 *
 * const frame = encodeFrame(ping, { op: 7, body: Uint8Array.of(1, 2) });
 * console.log(frame.join(" "));
 * //=> 0 2 7 1 2
 * console.log(decodeAll(ping, frame)[0]?.op);
 * //=> 7
 * ```
 *
 * @throws TypeError if a function is missing, RangeError if `maxFrame` or `maxSend` is not a positive integer
 */
export function defineProtocol<In, Out = In>(
  definition: ProtocolDefinition<In, Out>,
): Protocol<In, Out> {
  const maxFrame = checkedMaxFrame(definition.maxFrame);
  const protocol = { hint: withHint, ...definition, maxFrame };
  if (protocol.maxSend !== undefined) checkedMaxFrame(protocol.maxSend, 1, "maxSend");
  for (const key of ["measure", "decode", "encode"] as const) {
    if (typeof protocol[key] !== "function") {
      throw new TypeError(`protocol "${protocol.name}" lacks the function ${key}`);
    }
  }
  return Object.freeze(protocol);
}

/**
 * Checks the option `maxFrame` of a framing and fills in its default, 1 MiB.
 *
 * @param maxFrame - as the user gave it
 * @param least - bytes of the smallest possible frame
 * @param name - of the option, for the error
 * @throws RangeError unless it is an integer of at least `least`
 */
export function checkedMaxFrame(
  maxFrame: number | undefined,
  least = 1,
  name = "maxFrame",
): number {
  if (maxFrame === undefined) return Math.max(DEFAULT_MAX_FRAME, least);
  if (!Number.isSafeInteger(maxFrame) || maxFrame < least) {
    throw new RangeError(
      `${name} must be an integer of at least ${least}, not ${String(maxFrame)}`,
    );
  }
  return maxFrame;
}
