import { ProtocolError } from "../core/index.ts";

type Code = "malformed" | "unencodable";
type Path = (string | number)[];

/** Internal parts of an error: the text without the path, and a path that still grows. */
interface Located {
  readonly reason: string;
  path: Path;
  message: string;
}

/** An error whose path grows on the way out. @internal */
export class FieldError extends ProtocolError {
  declare readonly reason: string;

  constructor(code: Code, reason: string, offset?: number, cause?: unknown) {
    super(code, reason, offset, { path: [], ...(cause !== undefined && { cause }) });
    Object.defineProperty(this, "reason", { value: reason });
  }
}

/** True for an error of fields. Checked by shape, so that errors of another copy of the package match too. */
function isLocated(error: unknown): error is ProtocolError & Located {
  return error instanceof ProtocolError && "reason" in error && Array.isArray(error.path);
}

/**
 * The error with one more name in front of its path. Errors of other code (a codec, a mapping) are wrapped.
 *
 * @param at - offset for errors that have none
 * @internal
 */
export function within(
  error: unknown,
  name: string | number,
  code: Code,
  at?: number,
): ProtocolError {
  const known = isLocated(error) ? error : foreign(error, code, at);
  known.path.unshift(name);
  known.message = `${pathText(known.path)}: ${known.reason}`;
  return known;
}

/** The error of a user's function or of another codec as one of fields. @internal */
export function foreign(
  error: unknown,
  code: Code,
  at?: number,
  prefix = "",
): ProtocolError & Located {
  if (isLocated(error)) return error;
  const text = error instanceof Error ? error.message : `a thrown ${typeof error}`;
  const place = error instanceof ProtocolError ? (error.offset ?? at) : at;
  const offset = code === "malformed" ? place : undefined;
  return new FieldError(code, prefix + text, offset, error) as FieldError & Located;
}

/** @internal */
export const malformed = (text: string, at: number): FieldError =>
  new FieldError("malformed", text, at);

/** @internal */
export const unencodable = (text: string): FieldError => new FieldError("unencodable", text);

/** @internal */
export const leftOver = (at: number, end: number): FieldError =>
  malformed(`${bytesText(end - at)} left over`, at);

/** @internal */
export const tooShort = (what: string, need: number, at: number, end: number): FieldError =>
  malformed(`${what} needs ${bytesText(need)}, ${Math.max(0, end - at)} left`, at);

/** @internal */
export const bytesText = (n: number): string => `${n} byte${n === 1 ? "" : "s"}`;

/** A value in an error text: numbers unchanged, only the type of anything else. @internal */
export const shown = (value: unknown): string =>
  typeof value === "number" || typeof value === "bigint" || typeof value === "boolean"
    ? String(value)
    : value === null
      ? "null"
      : typeof value;

/** A number in an error text, in hex too, as dumps show it. @internal */
export const withHex = (n: number | bigint): string =>
  n >= 10 && (typeof n === "bigint" || Number.isInteger(n)) ? `${n} (0x${n.toString(16)})` : `${n}`;

/** @internal */
export const unexpected = (
  wanted: number | bigint,
  found: number | bigint,
  at: number,
  what = "",
): FieldError => malformed(`expected ${what}${withHex(wanted)}, found ${withHex(found)}`, at);

/** A name in an error text. @internal */
export const shownName = (value: unknown): string =>
  typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : shown(value);

const LONG = 120;

/** A path such as `items[3].name`; the middle of a long one is left out. */
function pathText(path: readonly (string | number)[]): string {
  const text = joined(path, true);
  if (text.length <= LONG || path.length < 6) return text;
  return `${joined(path.slice(0, 2), true)} ... ${joined(path.slice(-3), true)}`;
}

const joined = (path: readonly (string | number)[], first: boolean): string =>
  path
    .map((part, i) =>
      typeof part === "number" ? `[${part}]` : i > 0 || !first ? `.${part}` : part,
    )
    .join("");

/** Error for fields that only structs can read and write. @internal */
export function outsideOfStruct(): never {
  throw new TypeError("this field is a member of a struct and cannot be used alone");
}
