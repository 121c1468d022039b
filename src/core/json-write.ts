import { asProtocolError, ProtocolError } from "./errors.ts";
import { MOST_LEVELS } from "./json-fault.ts";
import { isWritable } from "./json-read.ts";
import { pathText } from "./path-text.ts";
import { hasLoneSurrogate } from "./utf8.ts";

/** The reason why a value cannot be written, with its path; the path grows on the way out. */
interface Loss {
  readonly reason: string;
  readonly path: (string | number)[];
}

/** Not a loss: there is a `toJSON`, which must be called only once. */
const CONVERTED: Loss = { reason: "", path: [] };

/**
 * JSON text, as `JSON.stringify` writes it. Refuses values that it would drop, or turn into null or an empty
 * object.
 *
 * @throws ProtocolError `unencodable`
 */
export function stringify(value: unknown): string {
  let text: string | undefined;
  try {
    const loss = lossOf(value, MOST_LEVELS);
    if (loss !== undefined && loss !== CONVERTED) throw lost(loss);
    text = loss === undefined ? JSON.stringify(value) : stringifyConverted(value);
  } catch (error) {
    throw asProtocolError(error, "unencodable", "no JSON");
  }
  if (text === undefined) throw lost({ reason: noJson(typeof value), path: [] });
  // JSON.stringify writes half of a pair as an escape. (A backslash in front of "ud" looks the same.)
  if (text.includes("\\ud")) checkTexts(JSON.parse(text));
  return text;
}

function lost({ reason, path }: Loss): ProtocolError {
  if (path.length === 0) return new ProtocolError("unencodable", reason);
  return new ProtocolError("unencodable", `${pathText(path)}: ${reason}`, undefined, { path });
}

const noJson = (what: string): string => `${what} has no JSON`;

/** A loss at the current place. */
const here = (reason: string): Loss => ({ reason, path: [] });

/** The same loss, seen from one level further out. */
function within(loss: Loss, part: string | number): Loss {
  // The path to a value that is too deep is too long to be read.
  if (loss !== CONVERTED && loss !== TOO_DEEP) loss.path.unshift(part);
  return loss;
}

const TOO_DEEP: Loss = {
  reason: `more than ${MOST_LEVELS} levels of arrays and objects, or a cycle`,
  path: [],
};

/** Finds the part of the value that `JSON.stringify` would not write. This costs a tenth of the writing. */
function lossOf(value: unknown, levels: number): Loss | undefined {
  if (typeof value !== "object" || value === null) {
    const loss = scalarLoss(value);
    return loss !== undefined && hasToJson(value) ? CONVERTED : loss;
  }
  if (hasToJson(value)) return isDate(value) ? dateLoss(value) : CONVERTED;
  if (levels === 0) return TOO_DEEP;
  return Array.isArray(value) ? lossInArray(value, levels - 1) : lossInObject(value, levels - 1);
}

/** The fault of a value that is not an object. */
function scalarLoss(value: unknown): Loss | undefined {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? undefined : here(noJson(String(value)));
    case "string":
    case "boolean":
      return undefined;
    default:
      return value === null ? undefined : here(noJson(typeof value));
  }
}

function lossInArray(array: readonly unknown[], levels: number): Loss | undefined {
  for (let i = 0; i < array.length; i++) {
    const loss = lossOf(array[i], levels);
    if (loss !== undefined) return within(loss, i);
  }
  return arrayLoss(array);
}

function lossInObject(object: object, levels: number): Loss | undefined {
  if (!isPlain(object)) return lossInInstance(object, levels);
  for (const key in object) {
    const member = (object as Readonly<Record<string, unknown>>)[key];
    // Most members are one of these: no call needed.
    if (typeof member === "string" || typeof member === "boolean") continue;
    if (typeof member === "number" && member - member === 0) continue;
    const loss = memberLoss(member, levels);
    if (loss !== undefined) return within(loss, key);
  }
  return undefined;
}

function lossInInstance(object: object, levels: number): Loss | undefined {
  const loss = kindLoss(object);
  // Boxed primitives have no members.
  if (loss !== undefined || BOXES.has(tagOf(object))) return loss;
  for (const key of Object.keys(object)) {
    const member = (object as Readonly<Record<string, unknown>>)[key];
    const loss = memberLoss(member, levels);
    if (loss !== undefined) return within(loss, key);
  }
  return undefined;
}

function memberLoss(member: unknown, levels: number): Loss | undefined {
  if (isLeftOut(member)) return hasToJson(member) ? CONVERTED : undefined;
  return lossOf(member, levels);
}

/** True for values that `JSON.stringify` omits as members of an object. */
function isLeftOut(member: unknown): boolean {
  return member === undefined || typeof member === "function" || typeof member === "symbol";
}

function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null;
}

function hasToJson(value: unknown): boolean {
  return typeof (value as { toJSON?: unknown } | null | undefined)?.toJSON === "function";
}

/** True for a date that is written by the built-in `toJSON`. */
function isDate(value: object): value is Date {
  return value instanceof Date && value.toJSON === Date.prototype.toJSON;
}

function dateLoss(date: Date): Loss | undefined {
  return Number.isFinite(date.getTime()) ? undefined : here(noJson("an invalid Date"));
}

function arrayLoss(array: readonly unknown[]): Loss | undefined {
  const count = Object.keys(array).length;
  if (count === array.length) return undefined;
  return here(noJson(count < array.length ? "an array with holes" : "an array with named members"));
}

/** Boxed primitives, which are written as their values. */
const BOXES: ReadonlySet<string> = /* @__PURE__ */ new Set(["Number", "String", "Boolean"]);

/** Kinds of objects whose content is not in their members. */
const KINDS: ReadonlySet<string> = /* @__PURE__ */ new Set(
  `Arguments ArrayBuffer BigInt Error Map Promise RegExp Set SharedArrayBuffer Symbol WeakMap WeakRef WeakSet`.split(
    " ",
  ),
);

/** The fault of an object that is not a plain one, apart from its members. */
function kindLoss(object: object): Loss | undefined {
  const tag = tagOf(object);
  if (tag === "Object") return undefined;
  if (BOXES.has(tag)) return tag === "Number" ? scalarLoss(Number(object)) : undefined;
  const isRecord = !KINDS.has(tag) && !ArrayBuffer.isView(object) && Object.keys(object).length > 0;
  return isRecord ? undefined : here(noJson(tag.slice(0, 40)));
}

/** The built-in kind of an object, or the name that its class sets. */
const tagOf = (object: object): string => Object.prototype.toString.call(object).slice(8, -1);

/** Writes a value that contains `toJSON`s, and checks what they return. */
function stringifyConverted(value: unknown): string | undefined {
  let isTop = true;
  const text = JSON.stringify(value, function (this: unknown, key: string, member: unknown) {
    const isElement = Array.isArray(this);
    const loss = isTop || isElement || !isLeftOut(member) ? ownLoss(member) : undefined;
    if (loss !== undefined) throw lost(isTop ? loss : within(loss, isElement ? Number(key) : key));
    isTop = false;
    return member;
  });
  // The level is not known here.
  if (text !== undefined && !isWritable(JSON.parse(text), MOST_LEVELS, false)) throw lost(TOO_DEEP);
  return text;
}

/** The fault of a value that a `toJSON` returned, apart from its members. */
function ownLoss(value: unknown): Loss | undefined {
  if (typeof value !== "object" || value === null) return scalarLoss(value);
  if (Array.isArray(value)) return arrayLoss(value);
  return isPlain(value) ? undefined : kindLoss(value);
}

/** @throws ProtocolError `unencodable` if a value that JSON can represent contains a lone surrogate */
function checkTexts(value: unknown): void {
  const path = pathToLone(value);
  if (path !== undefined) throw lost({ reason: "a lone surrogate has no UTF-8 form", path });
}

function pathToLone(value: unknown): (string | number)[] | undefined {
  if (typeof value === "string") return hasLoneSurrogate(value) ? [] : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  const isArray = Array.isArray(value);
  for (const [key, member] of Object.entries(value)) {
    if (hasLoneSurrogate(key)) return [];
    const path = pathToLone(member);
    if (path !== undefined) return [isArray ? Number(key) : key, ...path];
  }
  return undefined;
}
