import type { Protocol } from "../../core/index.ts";
import { frameLimit } from "../../framing/index.ts";
import { CodecState } from "./codec-state.ts";

/** The connection that the functions of a codec work for. */
export interface CodecConnection<Context = unknown> {
  /**
   * The state that the option `context` created for this connection; without that option, the
   * context of its handlers.
   */
  readonly context: Context;
}

/** The connection in `input`, which can also consume bytes. */
export interface InputConnection<Context = unknown> extends CodecConnection<Context> {
  /**
   * Number of bytes of the buffer that an earlier call, which returned 0, has seen: a search can
   * continue there.
   */
  readonly seen: number;

  /**
   * Drops `count` bytes from the front of the received bytes (Workerman's `consumeRecvBuffer`). The
   * length that `input` returns then counts from after them, and `decode` does not see them. If
   * `input` consumes and returns 0, it is called again with the rest. The buffer of this call does
   * not change.
   *
   * @throws RangeError if there are not enough bytes, TypeError outside of `input`
   */
  consume(count: number): void;
}

/** The three functions of a Workerman protocol, and its options. */
export interface CodecDefinition<In, Out, Context> {
  /**
   * Name for error texts and logs.
   * @defaultValue `'codec'`
   */
  readonly name?: string | undefined;

  /**
   * Largest package in bytes (Workerman's `maxPackageSize`), with the bytes that `input` consumed
   * in front of it; for reading, including packages of unknown length, and for writing.
   * @defaultValue 1 MiB
   */
  readonly maxFrame?: number | undefined;

  /**
   * Packages are UTF-8 text: sent as text if the transport supports it.
   * @defaultValue false
   */
  readonly text?: boolean | undefined;

  /** Creates the state of one connection, passed to all three functions as `connection.context`. */
  readonly context?: (() => Context) | undefined;

  /**
   * Returns the length of the package at the start of the buffer.
   *
   * @param buffer - all received bytes that are not decoded yet, at least one; do not change them
   * @returns its total length in bytes, header and delimiter included, even if it is incomplete; 0
   *   if the length is not known yet; false or a negative number to refuse the bytes, which closes
   *   the connection
   */
  input(buffer: Uint8Array, connection: InputConnection<Context>): number | false;

  /**
   * Returns the value of one package.
   *
   * @param bytes - exactly the package, header and delimiter included. The memory is never reused,
   *   so you may keep views of it.
   */
  decode(bytes: Uint8Array, connection: CodecConnection<Context>): Out;

  /** Returns the package of a value: bytes, or text to send as UTF-8. It must not be empty. */
  encode(value: In, connection: CodecConnection<Context>): Uint8Array | string;
}

/**
 * Defines a custom protocol in the style of Workerman's manual: `input` returns the length of the
 * first package, `decode` and `encode` convert packages to values and back.
 *
 * It follows the manual's contract, with checks: `maxFrame` limits packages, including incomplete
 * ones, lengths are integers, and an error of a function only closes its connection (`malformed`)
 * or fails its `send` (`unencodable`). The text of an error begins with its cause: `input-refused`,
 * `input-threw`, `bad-length` or `decode-threw`, the latter with the number of packages before.
 *
 * Each connection has its own state, and so does each call of `decodeAll` or `encodeFrame`. If you
 * call the protocol's own functions, as with a `Splitter`, each call gets a fresh state. That is
 * enough for functions without `context`; otherwise use `perConnection` for the state of one
 * stream.
 *
 * ```text
 *   received:  | consumed | package: the length that `input` returned | ... |
 *   decode:               |===========================================|
 * ```
 *
 * @throws TypeError if a function is missing, RangeError if `maxFrame` is not a positive integer
 *
 * @example
 * ```ts
 * import { decodeAll, decodeUtf8, encodeFrame } from "framewright";
 * import { defineCodec } from "framewright/workerman";
 *
 * const jsonNL = defineCodec({
 *   // Continues where the last call stopped: otherwise a line that arrives slowly is searched again and again.
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
  // True if `input` consumes bytes. Only then (or while that is unknown) decode has to call it
  // again to find the start of the package.
  let consumes: boolean | undefined;

  /**
   * Creates the state of one call without a connection: nothing is kept between measuring and
   * decoding.
   */
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
