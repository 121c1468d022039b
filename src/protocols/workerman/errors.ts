import { isMisuse, messageOf, ProtocolError } from "../../core/index.ts";

/**
 * Bytes that cannot be a package. The text begins with the cause, one word of the list in
 * docs/workerman.md.
 */
export function malformed(
  cause: "bad-header" | "bad-length" | "input-refused" | "input-threw" | "length-below-header",
  text: string,
  offset: number,
  error?: unknown,
): ProtocolError {
  const options = error === undefined ? undefined : { cause: error };
  return new ProtocolError("malformed", `${cause}: ${text}`, offset, options);
}

/** A package whose total length is less than its header: the reference hangs or loses its place. */
export function belowHeader(length: number, header: number, offset: number): ProtocolError {
  const text = `package of ${length} bytes, its header has ${header}`;
  return malformed("length-below-header", text, offset);
}

/** Checks that a part of variable length, announced by the header, fits in its package. */
export function checkRoom(
  part: string,
  length: number,
  room: number,
  total: number,
  offset: number,
): void {
  if (length <= room) return;
  const text = `${part} of ${length} bytes in a package of ${total}, which has room for ${room}`;
  throw malformed("bad-length", text, offset);
}

/**
 * Turns an error of a decoder into a `malformed` one, with its offset if known, and its reason.
 *
 * @throws the error itself if it is a mistake of the program, see `misuse`
 */
export function decodeThrew(error: unknown, start: number, what = "package"): ProtocolError {
  if (isMisuse(error)) throw error;
  const offset = error instanceof ProtocolError ? (error.offset ?? start) : start;
  const text = `decode-threw: ${what}: ${messageOf(error)}`;
  return new ProtocolError("malformed", text, offset, { cause: error });
}
