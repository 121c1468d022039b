import { asProtocolError, ProtocolError } from "./errors.ts";
import { withHint } from "./hints.ts";
import type { InvalidOptions, InvalidPolicy } from "./invalid.ts";
import { plain } from "./memory.ts";
import { checkOptions } from "./options.ts";
import { newOutput, type OwnOutput } from "./output.ts";
import type { Codec, Framing, MessageProtocol, Protocol } from "./protocol.ts";
import { newScan, type OwnScan, resetScan } from "./scan.ts";
import { checkValues, refuseThenable } from "./thenable.ts";

/*
 * There is one way to read and write a frame: all code that does so (the functions below, Splitter,
 * Connection, streams) uses measureFrame, decodeValues and writeFrame, so limits and errors are the same
 * everywhere.
 */

/**
 * Calls `framing.measure` with at most `maxFrame` bytes and checks that its result is an integer within its
 * limits. Throws only ProtocolErrors.
 *
 * @returns the length of the frame, 0 if it is not known yet, or -n for n bytes to skip
 * @internal
 */
export function measureFrame(
  framing: Framing,
  bytes: Uint8Array,
  start: number,
  end: number,
  scan: OwnScan,
): number {
  const shown = shownEnd(framing, start, end);
  let length = 0;
  try {
    length = ask(framing, bytes, start, shown, scan);
    return checkLength(length, framing, start, shown, scan);
  } catch (error) {
    throw withHint(error as ProtocolError, framing, bytes, start, shown, length);
  }
}

/** End of the bytes that a framing may see from `start` to `end`: never more than its largest frame has. */
export function shownEnd(framing: Framing, start: number, end: number): number {
  const { maxFrame } = framing;
  return end - start > maxFrame ? start + maxFrame : end;
}

/**
 * Calls `measure` with the bytes up to `shown`. Its result is not checked yet; an error becomes a
 * ProtocolError.
 */
function ask(
  framing: Framing,
  bytes: Uint8Array,
  start: number,
  shown: number,
  scan: OwnScan,
): number {
  try {
    return framing.measure(bytes, start, shown, scan);
  } catch (error) {
    throw asProtocolError(error, "malformed", "measure failed", start);
  }
}

/** Returns a valid result of `measure`, or throws a ProtocolError. */
export function checkLength(
  length: number,
  framing: Framing,
  start: number,
  shown: number,
  scan: OwnScan,
): number {
  const { maxFrame } = framing;
  if (length > 0 && length <= maxFrame && Number.isInteger(length)) return length;
  if (length === 0 && shown - start < maxFrame && scan.at <= maxFrame) return 0;
  if (length < 0 && shown - start + length >= 0 && Number.isInteger(length)) return length;
  throw wrongLength(length, framing, start, scan.at);
}

function wrongLength(length: unknown, framing: Framing, start: number, at: number): ProtocolError {
  const { maxFrame } = framing;
  if (length === 0) {
    const text =
      at > maxFrame
        ? `frame of at least ${at} bytes exceeds maxFrame ${maxFrame}`
        : `frame does not end within the ${maxFrame} bytes of maxFrame`;
    return new ProtocolError("too-long", text, start);
  }
  if (Number.isInteger(length) && (length as number) > maxFrame) {
    const text =
      framing.tooLong?.(length as number, maxFrame) ??
      `frame of ${length} bytes exceeds maxFrame ${maxFrame}`;
    return new ProtocolError("too-long", text, start);
  }
  const shown = typeof length === "number" ? length : typeof length;
  return new ProtocolError("malformed", `${shown} is not a valid frame length`, start);
}

/**
 * Measures the frame at `start`, which must be complete: no bytes follow `end`.
 *
 * @param scan - reset for this frame
 * @returns the length of the frame, or -n for n bytes to skip
 * @throws ProtocolError `truncated` if the frame is incomplete
 * @internal
 */
export function measureWhole(
  framing: Framing,
  bytes: Uint8Array,
  start: number,
  end: number,
  scan: OwnScan,
): number {
  resetScan(scan);
  // Beyond maxFrame the framing does not see the rest. And maxFrame bytes without an end of the frame are too
  // long, whether the end of the input is known with them or later.
  scan.ended = end - start < framing.maxFrame;
  const length = measureFrame(framing, bytes, start, end, scan);
  if (length !== 0 && length <= end - start) return length;
  throw truncated(end - start, length, start);
}

/**
 * Finds the only frame in these bytes, which may contain no other bytes except some that hold no value.
 *
 * @param advice - for the error text if more bytes follow
 * @returns start and end of the frame
 * @throws ProtocolError `truncated` or `malformed` if there is less or more than one frame
 * @internal
 */
export function exactFrame(
  framing: Framing,
  bytes: Uint8Array,
  start: number,
  end: number,
  advice = "; decodeAll and Splitter read several frames",
): readonly [start: number, end: number] {
  const scan = newScan();
  let at = start;
  for (;;) {
    if (at === end) throw truncated(0, 0, at);
    const length = measureWhole(framing, bytes, at, end, scan);
    if (length < 0) {
      at -= length;
      continue;
    }
    const stop = at + length;
    if (isSkipped(framing, bytes, stop, end, scan)) return [at, stop];
    const rest = end - stop === 1 ? "1 byte follows" : `${end - stop} bytes follow`;
    throw new ProtocolError("malformed", `${rest} a frame of ${length}${advice}`, stop);
  }
}

/** Checks that the framing skips all of these bytes. */
function isSkipped(
  framing: Framing,
  bytes: Uint8Array,
  start: number,
  end: number,
  scan: OwnScan,
): boolean {
  let at = start;
  try {
    while (at < end) {
      const length = measureWhole(framing, bytes, at, end, scan);
      if (length > 0) return false;
      at -= length;
    }
    return true;
  } catch {
    return false;
  }
}

/** @internal */
export function truncated(have: number, length: number, at: number): ProtocolError {
  const whole = length > 0 ? ` of a frame of ${length} bytes` : " of a frame of unknown length";
  return new ProtocolError("truncated", `input ends after ${have} bytes${whole}`, at);
}

/**
 * Returns the value of one frame; if the codec fails, the bytes are malformed.
 * @internal
 */
export function decodeValue<Out>(
  codec: Codec<never, Out>,
  bytes: Uint8Array,
  start: number,
  end: number,
): Out {
  try {
    return codec.decode(bytes, start, end);
  } catch (error) {
    throw asProtocolError(error, "malformed", "decode failed", start);
  }
}

/**
 * Returns all values of one frame, for codecs that have `decodeMany`.
 * @internal
 */
export function decodeValues<Out>(
  codec: Codec<never, Out>,
  bytes: Uint8Array,
  start: number,
  end: number,
): readonly Out[] {
  if (codec.decodeMany === undefined) return [decodeValue(codec, bytes, start, end)];
  try {
    return checkValues(codec.decodeMany(bytes, start, end));
  } catch (error) {
    throw asProtocolError(error, "malformed", "decode failed", start);
  }
}

/**
 * Appends one frame to `out`, which is lent to the protocol for this call only. If the frame cannot be
 * written, `out` is left unchanged; do not lend it again then, because the encoder may have kept it and still
 * write.
 *
 * @returns the length of the frame
 * @throws ProtocolError `unencodable`
 * @internal
 */
export function writeFrame<In>(
  protocol: MessageProtocol<In, unknown>,
  value: In,
  out: OwnOutput,
): number {
  const start = out.length;
  out.lend();
  try {
    const returned: unknown = protocol.encode(value, out);
    if (returned !== undefined && returned !== out) refuseThenable(returned);
    const length = out.length - start;
    checkWritten(protocol, length);
    out.revoke();
    return length;
  } catch (error) {
    out.own().truncate(start);
    out.revoke();
    throw asUnencodable(error, protocol.name);
  }
}

/** Any error of an encoder is caused by the caller's value. */
function asUnencodable(thrown: unknown, name: string): ProtocolError {
  const error = asProtocolError(thrown, "unencodable", `${name} cannot write this value`);
  if (error.code === "unencodable") return error;
  return new ProtocolError("unencodable", error.message, undefined, { cause: error });
}

function checkWritten(protocol: MessageProtocol<never, unknown>, length: number): void {
  const { maxFrame, maxSend } = protocol;
  if (length > (maxSend ?? maxFrame)) {
    const limit = maxSend === undefined ? `maxFrame ${maxFrame}` : `maxSend ${maxSend}`;
    throw new ProtocolError("unencodable", `frame of ${length} bytes exceeds ${limit}`);
  }
  // A message may be empty, but a frame of a stream cannot: it would be invisible.
  if (length === 0 && isFramed(protocol)) {
    throw new ProtocolError("unencodable", `${protocol.name} wrote a frame of 0 bytes`);
  }
}

/** True if the protocol has a framing of its own, for streams. @internal */
export function isFramed<In, Out>(
  protocol: MessageProtocol<In, Out>,
): protocol is Protocol<In, Out> {
  return "measure" in protocol;
}

/**
 * The protocol of one stream: a fresh object if it keeps a state.
 * @internal
 */
export function forOneStream<In, Out>(protocol: Protocol<In, Out>): Protocol<In, Out>;
export function forOneStream<In, Out>(
  protocol: MessageProtocol<In, Out>,
  connection?: { context: unknown },
): MessageProtocol<In, Out>;
export function forOneStream<In, Out>(
  protocol: MessageProtocol<In, Out>,
  connection: { context: unknown } = { context: undefined },
): MessageProtocol<In, Out> {
  if (!isFramed(protocol) || protocol.perConnection === undefined) return protocol;
  return protocol.perConnection(connection);
}

/** A message is complete by itself: it only must not exceed the limit. @internal */
export function checkMessage(protocol: MessageProtocol<never, unknown>, length: number): void {
  if (length > protocol.maxFrame) {
    const text = `message of ${length} bytes exceeds maxFrame ${protocol.maxFrame}`;
    throw new ProtocolError("too-long", text, 0);
  }
}

// One output serves all calls; a call that comes while it is in use (a codec that encodes a frame inside its frame)
// gets a fresh one. One whose encoder threw is not used again.
let shared: OwnOutput | undefined;

function withOutput(write: (out: OwnOutput) => void): Uint8Array<ArrayBuffer> {
  const out = shared ?? newOutput();
  shared = undefined;
  write(out);
  const bytes = out.own().take();
  out.revoke();
  shared = out;
  return bytes;
}

/**
 * Encodes one value as a complete frame, or as one message of a `MessageProtocol`. You own the returned
 * bytes; small frames share an 8 KiB slab.
 *
 * @throws ProtocolError `unencodable` if the protocol cannot write the value
 */
export function encodeFrame<In>(
  protocol: MessageProtocol<In, unknown>,
  value: In,
): Uint8Array<ArrayBuffer> {
  const own = forOneStream(protocol);
  return withOutput((out) => writeFrame(own, value, out));
}

/**
 * Encodes several values as consecutive frames. A `MessageProtocol`, which has no boundaries of its own,
 * takes exactly one value.
 *
 * @throws ProtocolError `unencodable` if one of them cannot be written: then none is; TypeError for a string
 *   instead of an array
 */
export function encodeAll<In>(
  protocol: MessageProtocol<In, unknown>,
  values: Iterable<NoInfer<In>>,
): Uint8Array<ArrayBuffer> {
  // A string can be iterated too: one value would be sent as one frame for each of its characters.
  if (typeof values === "string") throw new TypeError("several values are an array, not a string");
  const list = Array.from(values);
  if (!isFramed(protocol) && list.length !== 1) {
    const text = `${protocol.name} has no framing: one message holds 1 value, not ${list.length}`;
    throw new ProtocolError("unencodable", text);
  }
  const own = forOneStream(protocol);
  return withOutput((out) => {
    for (const value of list) writeFrame(own, value, out);
  });
}

/**
 * Decodes exactly one frame (or message) with one value.
 *
 * @throws ProtocolError `truncated` if bytes are missing, `malformed` if some are left over or the frame does
 *   not hold exactly one value, `too-long` above `maxFrame`
 */
export function decodeFrame<Out>(protocol: MessageProtocol<never, Out>, bytes: Uint8Array): Out {
  const own = forOneStream(protocol);
  const all = plain(bytes);
  const end = all.length;
  if (!isFramed(own)) checkMessage(own, end);
  const [start, stop] = isFramed(own) ? exactFrame(own, all, 0, end) : [0, end];
  if (own.decodeMany === undefined) return decodeValue(own, all, start, stop);
  const values = decodeValues(own, all, start, stop);
  if (values.length === 1) return values[0]!;
  throw new ProtocolError("malformed", `frame holds ${values.length} values, not 1`, 0);
}

/**
 * Decodes all values of any number of complete frames (or of one message).
 *
 * @param protocol - the protocol of the bytes
 * @param bytes - the complete input
 * @param options - how to treat bytes that are not a frame
 * @throws ProtocolError `truncated` if the last frame is incomplete; its offset is an index in `bytes`
 */
export function decodeAll<Out>(
  protocol: MessageProtocol<never, Out>,
  bytes: Uint8Array,
  options: InvalidOptions = {},
): Out[] {
  checkOptions("decodeAll", options, ["onInvalid", "skipped"]);
  const { onInvalid } = options;
  const own = forOneStream(protocol);
  const all = plain(bytes);
  if (onInvalid !== undefined) return decodeTolerantly(own, all, onInvalid, options.skipped);
  const end = all.length;
  if (!isFramed(own)) {
    checkMessage(own, end);
    return Array.from(decodeValues(own, all, 0, end));
  }
  const values: Out[] = [];
  const scan = newScan();
  for (let start = 0; start < end; ) {
    const length = measureWhole(own, all, start, end, scan);
    const stop = start + Math.abs(length);
    if (length > 0) for (const value of decodeValues(own, all, start, stop)) values.push(value);
    start = stop;
  }
  return values;
}

function decodeTolerantly<Out>(
  protocol: MessageProtocol<never, Out>,
  bytes: Uint8Array,
  onInvalid: InvalidPolicy,
  skipped: InvalidOptions["skipped"] = () => {},
): Out[] {
  const end = bytes.length;
  if (!isFramed(protocol)) {
    if (onInvalid.kind === "resync") {
      throw new TypeError("resync needs a framing: of messages, skip() drops the bad ones");
    }
    try {
      checkMessage(protocol, end);
      return Array.from(decodeValues(protocol, bytes, 0, end));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      skipped({ error, length: end, offset: 0 });
      return [];
    }
  }
  const values: Out[] = [];
  const splitter = onInvalid.splitter(protocol, { onInvalid, skipped });
  splitter.push(bytes);
  splitter.finish();
  while (splitter.next()) {
    try {
      const { start, end } = splitter;
      for (const value of decodeValues(protocol, splitter.bytes, start, end)) values.push(value);
    } catch (error) {
      splitter.reject(error);
    }
  }
  return values;
}
