import { ProtocolError } from "../core/index.ts";

/** What reflected types of protobufjs tell about their fields; other types tell nothing. */
interface Reflected {
  readonly fieldsArray?: readonly Field[] | undefined;
}

interface Field {
  readonly name: string;
  readonly type: string;
  /** Of maps: the type of the keys. */
  readonly keyType?: string | undefined;
  readonly repeated: boolean;
  readonly map: boolean;
  /** The type of messages and enums, once the type has been used. */
  readonly resolvedType: Reflected | null;
}

const INTEGER = /^(u|s)?(int|fixed)(32|64)$/;
// With the flag u, a pair is one code point: what matches has lost its other half.
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Refuses what protobufjs would write as something else without a word, in a message that its `verify` has
 * passed: integers that do not fit, numbers that are not exact, texts that are not Unicode.
 *
 * @param type - of the message; nothing is checked if it is not reflected
 * @throws ProtocolError `unencodable`, with the path of the field
 */
export function refuseLoss(type: object, message: unknown): void {
  const { fieldsArray } = type as Reflected;
  if (fieldsArray !== undefined) checkMessage(fieldsArray, message as object, "");
}

function checkMessage(fields: readonly Field[], message: object, path: string): void {
  for (const field of fields) {
    const value = (message as Readonly<Record<string, unknown>>)[field.name];
    if (value === undefined || value === null) continue;
    const name = path + field.name;
    if (field.repeated) {
      for (const element of value as readonly unknown[]) checkValue(field, element, name);
    } else if (field.map) {
      for (const [key, element] of Object.entries(value)) {
        // Keys are text. Those of 64 bits may be eight bytes of a hash, which hold them exactly.
        if (field.keyType!.endsWith("32")) checkScalar(field.keyType!, Number(key), name);
        else if (field.keyType === "string") checkScalar("string", key, name);
        checkValue(field, element, name);
      }
    } else {
      checkValue(field, value, name);
    }
  }
}

function checkValue(field: Field, value: unknown, path: string): void {
  const fields = field.resolvedType?.fieldsArray;
  if (fields !== undefined) checkMessage(fields, value as object, `${path}.`);
  else checkScalar(field.type, value, path);
}

function checkScalar(type: string, value: unknown, path: string): void {
  if (type === "string") {
    if (LONE_SURROGATE.test(value as string)) refuse(path, type, "a lone surrogate");
    return;
  }
  const kind = INTEGER.exec(type);
  // What is no number is a Long, which has 64 bits.
  if (kind === null || typeof value === "object") return;
  const isUnsigned = kind[1] === "u" || type.startsWith("fixed");
  const bits = Number(kind[3]);
  if (!fits(value as number | bigint, bits, isUnsigned)) refuse(path, type, String(value));
}

function fits(value: number | bigint, bits: number, isUnsigned: boolean): boolean {
  if (typeof value === "number" && !Number.isSafeInteger(value)) return false;
  const exact = BigInt(value);
  return (isUnsigned ? BigInt.asUintN(bits, exact) : BigInt.asIntN(bits, exact)) === exact;
}

function refuse(path: string, type: string, found: string): never {
  throw new ProtocolError("unencodable", `${path}: ${type} cannot hold ${found}`);
}
