import { malformed, tooShort } from "./field-error.ts";

/**
 * Checks bytes without a meaning.
 *
 * @throws ProtocolError if they are missing, or if they must be zeros and are not
 */
export function skipPadding(
  width: number,
  strict: boolean,
  bytes: Uint8Array,
  at: number,
  end: number,
): void {
  if (end - at < width) throw tooShort("padding", width, at, end);
  if (!strict) return;
  for (let i = at; i < at + width; i++) {
    if (bytes[i] !== 0) throw malformed(`byte ${bytes[i]}, not 0`, i);
  }
}
