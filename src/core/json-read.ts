import { ProtocolError } from "./errors.ts";
import { jsonFault, MOST_LEVELS } from "./json-fault.ts";
import { isMisuse, misuse } from "./misuse.ts";
import { isThenable } from "./thenable.ts";
import { hasLoneSurrogate } from "./utf8.ts";

/**
 * Parses JSON, and refuses values that `stringify` would refuse to write: numbers beyond the range of
 * doubles, strings with a lone surrogate, more than 512 levels of arrays and objects.
 *
 * @param at - index of the first byte of the text, for the error
 * @param size - number of bytes of the text, for the error
 * @throws ProtocolError `malformed`, with the fault and its position, but no quotation
 */
export function parseJson(text: string, at?: number, size?: number): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw notJson(size, jsonFault(text), at);
  }
  // Only an escape can be half of a pair. This walk takes a tenth of the time of parsing; searching the text
  // takes longer.
  if (isWritable(value, MOST_LEVELS, text.includes("\\u"))) return value;
  throw new ProtocolError("malformed", `${subject(size)} JSON with ${jsonFault(text, true)}`, at);
}

const subject = (size: number | undefined): string =>
  size === undefined ? "text is" : `${size} bytes are`;

function notJson(size: number | undefined, fault: string | undefined, at?: number): ProtocolError {
  return new ProtocolError("malformed", `${subject(size)} not JSON: ${fault}`, at);
}

/**
 * Returns the result of a user's `parse` for JSON.
 *
 * @param at - index of the first byte of the text, for the error
 * @param size - number of bytes of the text, for the error
 * @throws ProtocolError `malformed` if it throws; TypeError if it returns a promise
 */
export function parseWith<T>(
  parse: (text: string) => T,
  text: string,
  at?: number,
  size?: number,
): T {
  let value: T;
  try {
    value = parse(text);
  } catch (error) {
    if (isMisuse(error)) throw error;
    const fault = jsonFault(text);
    // The error of `JSON.parse` has the same meaning, and quotes the text.
    if (fault !== undefined) throw notJson(size, fault, at);
    const reason = `${subject(size)} not the JSON expected`;
    throw new ProtocolError("malformed", reason, at, { cause: error });
  }
  return notPromised(value, "parse");
}

/**
 * Checks that a user's function returned its value synchronously. (The rejection of a promise is caught,
 * because no one else waits for it.)
 *
 * @param name - of the function, for the error
 * @throws TypeError if it is a promise
 */
export function notPromised<T>(value: T, name: string): T {
  if (!isThenable(value)) return value;
  value.then(undefined, () => {});
  throw misuse(`${name} must be synchronous, but returned a promise`);
}

/** True if `stringify` can write the value, which came from `JSON.parse`. */
export function isWritable(value: unknown, levels: number, hasEscapes: boolean): boolean {
  if (typeof value === "string") return !hasEscapes || !hasLoneSurrogate(value);
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  if (levels === 0) return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      if (!isWritable(value[i], levels - 1, hasEscapes)) return false;
    }
    return true;
  }
  for (const key in value) {
    if (hasEscapes && hasLoneSurrogate(key)) return false;
    const member = (value as Readonly<Record<string, unknown>>)[key];
    // Most members are one of these: no call needed.
    if (typeof member === "string" && !hasEscapes) continue;
    if (typeof member === "number" && member - member === 0) continue;
    if (!isWritable(member, levels - 1, hasEscapes)) return false;
  }
  return true;
}
