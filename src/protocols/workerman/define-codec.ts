import type { Protocol } from "../../core/index.ts";
import { frameLimit } from "../../framing/index.ts";
import { CodecState } from "./codec-state.ts";

/** What the functions of a codec are told about the connection that they work for. */
export interface CodecConnection<Context = unknown> {
  /** What the option `context` made for this connection; without that option, the context of its handlers. */
  readonly context: Context;
}

/** What `input` is told, and may do. */
export interface InputConnection<Context = unknown> extends CodecConnection<Context> {
  /**
   * How many bytes of the buffer an earlier call, which answered 0, was already shown: a search can go on there.
   */
  readonly seen: number;

  /**
   * Drops `count` bytes from the front of the received bytes (Workerman's `consumeRecvBuffer`). What `input` returns
   * then counts from behind them, and `decode` never sees them. `input` that consumes and returns 0 is called again
   * with what is left. The buffer of this call stays as it is.
   *
   * @throws RangeError when there are not so many bytes, TypeError outside of `input`
   */
  consume(count: number): void;
}

/** The three functions of a Workerman protocol, and what they may need. */
export interface CodecDefinition<In, Out, Context> {
  /**
   * For error texts and logs.
   * @defaultValue `'codec'`
   */
  readonly name?: string | undefined;

  /**
   * Largest package in bytes (Workerman's `maxPackageSize`), with what `input` consumed in front of it; bounds
   * reading, also of a package whose length is not known yet, and writing.
   * @defaultValue 1 MiB
   */
  readonly maxFrame?: number | undefined;

  /**
   * The packages are UTF-8 text: sent as text where the transport knows the difference.
   * @defaultValue false
   */
  readonly text?: boolean | undefined;

  /** Makes the state of one connection, which all three functions get as `connection.context`. */
  readonly context?: (() => Context) | undefined;

  /**
   * How long is the package that the buffer begins with?
   *
   * @param buffer - all bytes received and not yet cut, at least one; not to be written into
   * @returns its whole length, header and delimiter included, even if it is not all here; 0 when that cannot be
   *   told yet; false or a negative number to refuse the bytes, which ends the connection
   */
  input(buffer: Uint8Array, connection: InputConnection<Context>): number | false;

  /**
   * The value of one package.
   *
   * @param bytes - exactly the package, header and delimiter included. Memory that is never written again: a view of it
   *   may be kept.
   */
  decode(bytes: Uint8Array, connection: CodecConnection<Context>): Out;

  /** The package that says `value`: bytes, or text to be sent as UTF-8. An empty one cannot be sent. */
  encode(value: In, connection: CodecConnection<Context>): Uint8Array | string;
}

/**
 * A protocol of your own after the manual of Workerman: `input` says how long the first package is, `decode` and
 * `encode` turn packages into values and back.
 *
 * It is the manual's contract, made safe: packages and unfinished ones are bounded by `maxFrame`, lengths are integers,
 * and whatever a function throws ends one connection (`malformed`) or one `send` (`unencodable`), never more. The text
 * of an error begins with its cause: `input-refused`, `input-threw`, `bad-length` or `decode-threw`, the latter with the
 * number of packages before.
 *
 * A connection gets a state of its own, and so does what stands for one (`decodeAll`, `encodeFrame`). The protocol's own
 * functions, as one calls them around a `Splitter`, get a fresh state in each call, which is enough for functions that need no
 * `context`; else ask `perConnection` for the state of one stream.
 *
 * ```text
 *   received:  | consumed | package: the length that `input` returned | ... |
 *   decode:               |===========================================|
 * ```
 *
 * @throws TypeError when a function is missing, RangeError when `maxFrame` is not a positive integer
 *
 * @example
 * ```ts
 * import { decodeAll, decodeUtf8, encodeFrame } from "framewright";
 * import { defineCodec } from "framewright/workerman";
 *
 * const jsonNL = defineCodec({
 *   // From where the last call, which found none, stopped: else a line that drips in is searched again and again.
 *   input: (buffer, connection) => buffer.indexOf(0x0a, connection.seen) + 1,
 *   decode: (bytes) => JSON.parse(decodeUtf8(bytes)) as { type: string },
 *   encode: (value: { code: number }) => `${JSON.stringify(value)}\n`,
 * });
 *
 * const text = '{"type":"login"}\n{"type":"say"}\n';
 * console.log(decodeAll(jsonNL, Uint8Array.from(text, (c) => c.charCodeAt(0))));
 * //=> [ { type: 'login' }, { type: 'say' } ]
 * console.log(encodeFrame(jsonNL, { code: 0 }).length);
 * //=> 11
 * ```
 */
export function defineCodec<In, Out = In, Context = unknown>(
  definition: CodecDefinition<In, Out, Context>,
): Protocol<In, Out> {
  for (const key of ["input", "decode", "encode"] as const) {
    if (typeof definition[key] !== "function")
      throw new TypeError(`codec lacks the function ${key}`);
  }
  const base = {
    name: definition.name ?? "codec",
    maxFrame: frameLimit(definition.maxFrame),
    text: definition.text === true,
  };
  const contextOf = (connection?: { context: unknown }): Context =>
    definition.context === undefined ? (connection?.context as Context) : definition.context();
  // Does `input` consume? Only then (or while that is not known) decode has to ask it again where the package begins.
  let consumes: boolean | undefined;

  /** The state of one call, for who has no connection: nothing is remembered from measuring to decoding. */
  function fresh(): CodecState<In, Out, Context> {
    const state = new CodecState(definition, contextOf());
    state.isMeasured = consumes === false;
    return state;
  }

  return Object.freeze<Protocol<In, Out>>({
    ...base,
    measure(bytes, start, end, scan) {
      const state = fresh();
      const length = state.measure(bytes, start, end, scan);
      consumes ||= state.consumed > 0;
      return length;
    },
    decode: (bytes, start, end) => fresh().decode(bytes, start, end),
    decodeMany: (bytes, start, end) => fresh().decodeMany(bytes, start, end),
    encode: (value, out) => fresh().encode(value, out),
    perConnection(connection) {
      const state = new CodecState(definition, contextOf(connection));
      return Object.freeze<Protocol<In, Out>>({
        ...base,
        measure: (bytes, start, end, scan) => state.measure(bytes, start, end, scan),
        decode: (bytes, start, end) => state.decode(bytes, start, end),
        decodeMany: (bytes, start, end) => state.decodeMany(bytes, start, end),
        encode: (value, out) => state.encode(value, out),
      });
    },
  });
}
