import { fitsInteger, isBytes, type Output, ProtocolError } from "../../core/index.ts";
import { writePhpFloat } from "./php-json-write.ts";
import { MOST_DEPTH, phpKey } from "./php-serialize-read.ts";

/** Writes a value as PHP's `serialize` does. Throws a ProtocolError (`unencodable`). */
export function writeSerialized(value: unknown, out: Output, depth: number): void {
  switch (typeof value) {
    case "string":
      writeString(value, out);
      break;
    case "number":
      writeNumber(value, out);
      break;
    case "bigint":
      if (!fitsInteger(value, 64)) throw refused(`${value} does not fit 64 bits`);
      out.utf8(`i:${value};`);
      break;
    case "boolean":
      out.utf8(value ? "b:1;" : "b:0;");
      break;
    case "object":
      if (value === null) out.utf8("N;");
      else if (isBytes(value)) writeBytes(value, out);
      else writeArray(value, out, depth);
      break;
    default:
      throw refused(`${typeof value} has no form in PHP`);
  }
}

function writeNumber(value: number, out: Output): void {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) out.utf8(`i:${value};`);
  else if (Number.isNaN(value)) out.utf8("d:NAN;");
  else if (!Number.isFinite(value)) out.utf8(value > 0 ? "d:INF;" : "d:-INF;");
  else out.utf8(`d:${writePhpFloat(value).replace("e", "E")};`);
}

function writeString(text: string, out: Output): void {
  // The length counts bytes, and comes first.
  const at = out.length;
  out.utf8(text);
  const length = out.length - at;
  out.truncate(at);
  out.utf8(`s:${length}:"`).utf8(text).utf8('";');
}

function writeBytes(bytes: Uint8Array, out: Output): void {
  out.utf8(`s:${bytes.length}:"`).bytes(bytes).utf8('";');
}

function writeArray(array: object, out: Output, depth: number): void {
  if (depth === MOST_DEPTH) throw refused(`more than ${MOST_DEPTH} levels of arrays, or a cycle`);
  const entries = entriesOf(array);
  out.utf8(`a:${entries.length}:{`);
  for (const [key, value] of entries) {
    writeKey(key, out);
    writeSerialized(value, out, depth + 1);
  }
  out.utf8("}");
}

function entriesOf(array: object): readonly (readonly [unknown, unknown])[] {
  if (Array.isArray(array)) return Array.from(array, (value, i) => [i, value] as const);
  if (array instanceof Map) return Array.from(array);
  // A Set or a Date would be written as an empty array.
  const kind = Object.prototype.toString.call(array);
  if (kind !== "[object Object]") throw refused(`${kind.slice(8, -1)} has no form in PHP`);
  return Object.entries(array).filter(([, value]) => value !== undefined);
}

function writeKey(given: unknown, out: Output): void {
  const key = typeof given === "string" ? phpKey(given) : given;
  if (typeof key === "string") writeString(key, out);
  else if (typeof key === "bigint" || Number.isSafeInteger(key)) {
    writeSerialized(key === 0 ? 0 : key, out, 0);
  } else throw refused(`a key that is neither an integer nor a string`);
}

function refused(text: string): ProtocolError {
  return new ProtocolError("unencodable", text);
}
