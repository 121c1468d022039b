import type { Output } from "./output.ts";

/**
 * Turns exactly one span of bytes into a value, and a value into bytes. `In` is what a user sends,
 * `Out` what a user gets.
 */
export interface Codec<in In, out Out = In> {
  /**
   * The value of `bytes[start .. end)`. Byte-valued results are views of `bytes` unless the codec says
   * otherwise; they stay valid for ever, because memory that was handed out is never written again.
   * Throws a ProtocolError (`malformed`) with the index in `bytes`.
   */
  decode(bytes: Uint8Array, start: number, end: number): Out;

  /** Appends the bytes of `value` to `out`. Throws a ProtocolError (`unencodable`). */
  encode(value: In, out: Output): void;

  /** For frames that hold several values (a batch, a JSON array): all of them, or one error for all. */
  decodeMany?(bytes: Uint8Array, start: number, end: number): readonly Out[];

  /** The bytes are UTF-8 text: sent as text frames where the transport knows the difference. */
  readonly text?: boolean | undefined;
}

/** A codec for whole messages: enough where the transport keeps boundaries (WebSocket, datagrams). */
export interface MessageProtocol<in In, out Out = In> extends Codec<In, Out> {
  /** For error texts and logs. */
  readonly name: string;
  /** Largest whole frame, in wire bytes, header included. Always finite; bounds reading and writing. */
  readonly maxFrame: number;
}

/** Finds frames in a stream. Pure: keeps nothing between calls, so one object serves every connection. */
export interface Framing {
  /** Largest whole frame, in wire bytes, header and delimiter included. */
  readonly maxFrame: number;

  /**
   * Whole length of the frame that starts at `start`, header and delimiter included, as soon as its
   * bytes tell, even if they are not all here; 0 while they do not tell.
   *
   * @param bytes - the buffer; only `[start, end)` may be looked at, and `end > start`
   * @param start - where the frame begins
   * @param end - where the bytes at hand end; never more than `maxFrame` behind `start`
   * @param seen - how many bytes of this frame an earlier call, which answered 0, was already shown:
   *   a search for a delimiter goes on from there
   * @throws ProtocolError when no frame can start like this
   */
  measure(bytes: Uint8Array, start: number, end: number, seen: number): number;
}

/** All that a stream connection needs: three pure functions, a name and a limit. */
export interface Protocol<in In, out Out = In> extends MessageProtocol<In, Out>, Framing {
  /**
   * The escape hatch: a protocol with state asks for a fresh object per connection. `encodeAll`, `decodeAll` and their
   * like take one as well, for the stream that they stand for; a `Splitter` uses what it is given.
   */
  perConnection?(connection: { context: unknown }): Protocol<In, Out>;
}

/** What a user of the protocol `P` sends. */
export type Sent<P> = P extends { encode(value: infer In, out: Output): void } ? In : never;

/** What a user of the protocol `P` gets. */
export type Received<P> = P extends {
  decode(bytes: Uint8Array, start: number, end: number): infer Out;
}
  ? Out
  : never;

/** Frames are bounded even where nobody thought of a bound: 1 MiB. */
const DEFAULT_MAX_FRAME = 1_048_576;

/** What {@link defineProtocol} takes: a protocol, of which only the three functions and a name are required. */
export type ProtocolDefinition<In, Out = In> = Omit<Protocol<In, Out>, "maxFrame"> & {
  /**
   * Largest whole frame, in wire bytes, header included; reading and writing.
   * @defaultValue 1 MiB
   */
  readonly maxFrame?: number | undefined;
};

/**
 * A protocol of your own, from three pure functions.
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
 *   encode: ({ op, body }, out) => void out.u16be(body.length).u8(op).bytes(body),
 * });
 *
 * const frame = encodeFrame(ping, { op: 7, body: Uint8Array.of(1, 2) });
 * console.log(frame.join(" "));
 * //=> 0 2 7 1 2
 * console.log(decodeAll(ping, frame)[0]?.op);
 * //=> 7
 * ```
 *
 * @throws TypeError when a function is missing, RangeError when `maxFrame` is not a positive integer
 */
export function defineProtocol<In, Out = In>(
  definition: ProtocolDefinition<In, Out>,
): Protocol<In, Out> {
  const protocol = { ...definition, maxFrame: checkedMaxFrame(definition.maxFrame) };
  for (const key of ["measure", "decode", "encode"] as const) {
    if (typeof protocol[key] !== "function") {
      throw new TypeError(`protocol "${protocol.name}" lacks the function ${key}`);
    }
  }
  return Object.freeze(protocol);
}

/**
 * The option `maxFrame` of every framing: the default where nothing is given, refused where it is no limit.
 * @internal
 */
export function checkedMaxFrame(maxFrame: number | undefined, least = 1): number {
  if (maxFrame === undefined) return Math.max(DEFAULT_MAX_FRAME, least);
  if (!Number.isSafeInteger(maxFrame) || maxFrame < least) {
    throw new RangeError(`maxFrame must be an integer of at least ${least}, not ${maxFrame}`);
  }
  return maxFrame;
}
