import { sample } from "fast-check";
import {
  checkOptions,
  decodeFrame,
  encodeFrame,
  Output,
  type Protocol,
  ProtocolError,
} from "../core/index.ts";
import type { AnyField, Field } from "../fields/index.ts";
import { explain, hexView, type Part } from "../inspect/index.ts";
import { derived, type ValuesOptions } from "./arbitraries/values-of.ts";
import { equal } from "./equal.ts";
import { type RunOptions, runParameters } from "./options.ts";
import { shown } from "./show.ts";
import { sameBytes } from "./subject.ts";

/** Options for {@link compatible}: `runs` is 1000 by default. */
export interface CompatibleOptions extends RunOptions, ValuesOptions {}

/** A description, or a protocol made from one by `protocolOf`. */
export type Described = AnyField | (Protocol<never, unknown> & { readonly field: AnyField });

/** An incompatibility between two versions of a description. */
export interface Incompatibility {
  /**
   * - `"refused"`: the new description does not read bytes that the old one wrote.
   * - `"misread"`: it reads a different value.
   * - `"lost"`: a member is missing in the value that it reads.
   * - `"unwritable"`: it refuses to write the value that it read.
   * - `"rewritten"`: it writes that value in bytes that the old description refuses or misreads.
   * - `"limit"`: its `maxFrame` is smaller.
   */
  readonly change: "refused" | "misread" | "lost" | "unwritable" | "rewritten" | "limit";
  /** The field, without indices of items: `items[].name`. Empty for the whole value. */
  readonly path: string;
  /** A description of the problem, and both views of the bytes. */
  readonly message: string;
  /** The smallest value found that shows the problem. */
  readonly value: unknown;
  /** The bytes that the old description writes for the value. */
  readonly bytes: Uint8Array;
  /** Index of the field's first byte in `bytes`. */
  readonly start: number;
  /** Index after the field's last byte. */
  readonly end: number;
}

type Path = readonly (string | number)[];

/** A difference, before its message is made. */
interface Finding {
  readonly change: Incompatibility["change"];
  readonly path: Path;
  readonly text: string;
  /** Offset of a byte of the field, if the field itself cannot be found by its path. */
  readonly offset?: number | undefined;
}

/**
 * Compares two versions of a description: the old one writes values, the new one reads them and writes them
 * again, and the old one reads the result. Returns an empty list if no information is lost, else one entry
 * for each incompatible field, with the bytes that show it.
 *
 * This tests the direction "new peers read what old peers wrote, and send it back". To test if old peers
 * can read everything that new peers can write, call `compatible(next, previous)`: a new name in an enum
 * breaks only that direction.
 *
 * @param old - the description, or described protocol, that peers use now
 * @param next - the description that will replace it
 * @throws TypeError if `old` contains a `codec` without an arbitrary in `of`
 *
 * @example
 * ```ts
 * import { optional, struct, u8, u16be, utf8 } from "framewright/fields";
 * import { compatible } from "framewright/testing";
 *
 * const old = struct({ age: u8, name: utf8(u8) });
 * const added = struct({ age: u8, name: utf8(u8), email: optional(utf8(u8)) });
 * console.log(compatible(old, added));
 * //=> []
 * const wider = struct({ age: u16be, name: utf8(u8) });
 * console.log(compatible(old, wider).map(({ change, path }) => `${change} ${path}`).length > 0);
 * //=> true
 * ```
 */
export function compatible(
  old: Described,
  next: Described,
  options: CompatibleOptions = {},
): readonly Incompatibility[] {
  checkOptions("compatible", options, ["runs", "seed", "max", "of"]);
  const { runs = 1000, seed, max, of } = options;
  const before = versionOf(old);
  const after = versionOf(next);
  const found = new Map<string, Incompatibility>();
  const values = sample(
    derived(before.field as Field<unknown>, { max, of }, "compatible(old, next, *)"),
    runParameters({ runs, seed }),
  );
  for (const value of values) {
    const bytes = before.write(value);
    if (bytes === undefined) continue;
    const findings = findingsFor(before, after, value, bytes);
    if (findings.length === 0) continue;
    const [was, is] = [explain(before.field, bytes), explain(after.field, bytes)];
    const shift = firstShift(was, is, []);
    findings.forEach((one, i) => {
      const finding = i === 0 ? atShift(one, shift, was, is) : one;
      const key = `${finding.change} ${pathText(finding.path)}`;
      const known = found.get(key);
      if (known !== undefined && known.bytes.length <= bytes.length) return;
      // All fields after a field with a changed size are misread: this is not a finding about them.
      if (i > 0 && !isInPlace(was, is, finding.path)) return;
      found.set(key, reported(finding, was, is, value, bytes));
    });
  }
  return [...limitOf(before, after), ...found.values()];
}

/** Writes and reads whole values with one version. */
interface Version {
  readonly field: AnyField;
  readonly maxFrame: number | undefined;
  /** Undefined for values that are too large for a frame. */
  write(value: unknown): Uint8Array | undefined;
  read(bytes: Uint8Array): unknown;
}

function versionOf(described: Described): Version {
  if ("field" in described) {
    const protocol = described as Protocol<unknown> & { readonly field: AnyField };
    return {
      field: protocol.field,
      maxFrame: protocol.maxFrame,
      write(value) {
        const { length } = written(protocol.field as Field<unknown>, value);
        if (length > (protocol.maxSend ?? protocol.maxFrame)) return undefined;
        return encodeFrame(protocol, value).slice();
      },
      read: (bytes) => decodeFrame(protocol, bytes),
    };
  }
  const field = described as Field<unknown>;
  return {
    field,
    maxFrame: undefined,
    write: (value) => written(field, value),
    read: (bytes) => field.decode(bytes, 0, bytes.length),
  };
}

function written(field: Field<unknown>, value: unknown): Uint8Array {
  const out = new Output();
  field.encode(value, out);
  return out.take();
}

/**
 * Calls a function. A ProtocolError is a result; any other error is a bug in a user's function and is
 * thrown.
 */
function attempt<T>(run: () => T): { readonly value: T } | { readonly error: ProtocolError } {
  try {
    return { value: run() };
  } catch (error) {
    if (error instanceof ProtocolError) return { error };
    throw error;
  }
}

function findingsFor(
  before: Version,
  after: Version,
  value: unknown,
  bytes: Uint8Array,
): readonly Finding[] {
  const read = attempt(() => after.read(bytes));
  if ("error" in read) {
    const { message, path = [], offset, code } = read.error;
    const text = `is refused by the new description (${code}: ${message})`;
    return [{ change: "refused", path, text, offset }];
  }
  const findings = differences(value, read.value, []);
  if (findings.length > 0) return findings;
  const again = attempt(() => after.write(read.value));
  if ("error" in again) {
    const { message, path = [] } = again.error;
    const text = `is read by the new description, which then refuses to write it (${message})`;
    return [{ change: "unwritable", path, text }];
  }
  if (again.value === undefined || sameBytes(again.value, bytes)) return [];
  const rewritten = again.value;
  const back = attempt(() => before.read(rewritten));
  const changed = "the new description writes it in different bytes, which the old one";
  if ("error" in back) {
    const { message, path = [] } = back.error;
    return [{ change: "rewritten", path, text: `${changed} refuses (${message})` }];
  }
  return differences(value, back.value, []).map(({ path, text }) => ({
    change: "rewritten",
    path,
    text: `${changed} misreads: it ${text}`,
  }));
}

/** Members of `old` that are different in `now`; new members are allowed. */
function differences(old: unknown, now: unknown, path: Path): readonly Finding[] {
  if (equal(old, now)) return [];
  if (isList(old) && isList(now) && old.length === now.length) {
    return old.flatMap((item, i) => differences(item, now[i], [...path, i]));
  }
  if (isObject(old) && isObject(now)) {
    return Object.keys(old).flatMap((name): readonly Finding[] => {
      if (old[name] === undefined || Object.hasOwn(now, name)) {
        return differences(old[name], now[name], [...path, name]);
      }
      return [
        { change: "lost", path: [...path, name], text: "is missing in the value that is read" },
      ];
    });
  }
  const text = `was written as ${shown(old)} and is read as ${shown(now)}`;
  return [{ change: "misread", path, text }];
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !isList(value) && !ArrayBuffer.isView(value);

const pathText = (path: Path): string =>
  path.map((part, i) => (typeof part === "number" ? "[]" : i === 0 ? part : `.${part}`)).join("");

/** The part at a path, or the last existing part on the way to it. */
function partAt(root: Part, path: Path): { readonly part: Part; readonly isExact: boolean } {
  let part = root;
  for (const step of path) {
    const inner = childOf(part, typeof step === "number" ? `[${step}]` : step);
    if (inner === undefined) return { part, isExact: false };
    part = inner;
  }
  return { part, isExact: true };
}

/** A child by its name, including one inside a part that is not in the value (an envelope, a case). */
function childOf(part: Part, name: string): Part | undefined {
  const { parts = [] } = part;
  const own = parts.find((one) => one.name === name);
  if (own !== undefined) return own;
  for (const one of parts) {
    if (one.parts === undefined || one.name.startsWith("[")) continue;
    const inner = childOf(one, name);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

/** The smallest part that contains a byte. */
function leafAt(part: Part, offset: number): Part {
  const inner = part.parts?.find(({ start, end }) => start <= offset && offset < end);
  return inner === undefined ? part : leafAt(inner, offset);
}

function isInPlace(was: Part, is: Part, path: Path): boolean {
  const [old, now] = [partAt(was, path), partAt(is, path)];
  return (
    old.isExact && now.isExact && old.part.start === now.part.start && old.part.end === now.part.end
  );
}

/**
 * The first field that begins or ends at a different offset: it causes the fields after it to be misread.
 */
function firstShift(was: Part, is: Part, path: Path): Path | undefined {
  for (const one of was.parts ?? []) {
    const other = is.parts?.find(({ name }) => name === one.name);
    if (other === undefined) continue;
    const item = /^\[(\d+)\]$/.exec(one.name)?.[1];
    const isInside = item !== undefined || was.type === "struct" || path.length === 0;
    const here = isInside ? [...path, item === undefined ? one.name : Number(item)] : path;
    const deeper = firstShift(one, other, here);
    if (deeper !== undefined) return deeper;
    if (one.start !== other.start || one.end !== other.end) return here;
  }
  return undefined;
}

/** Attributes a finding to the field that moved the others, if the finding is after that field. */
function atShift(finding: Finding, shift: Path | undefined, was: Part, is: Part): Finding {
  if (shift === undefined || pathText(shift) === pathText(finding.path)) return finding;
  const moved = partAt(was, shift).part;
  const found = partAt(was, finding.path);
  const at = found.isExact && finding.path.length > 0 ? found.part.start : (finding.offset ?? 0);
  if (at < moved.end && found.part !== was) return finding;
  const now = partAt(is, shift).part;
  const sizes = `takes ${bytesText(now.end - now.start)} instead of ${bytesText(moved.end - moved.start)}`;
  const name = pathText(finding.path) || "the value";
  return { ...finding, path: shift, text: `${sizes}, so ${name} ${finding.text}` };
}

const bytesText = (n: number): string => `${n} byte${n === 1 ? "" : "s"}`;

function reported(
  { change, path, text, offset }: Finding,
  was: Part,
  is: Part,
  value: unknown,
  bytes: Uint8Array,
): Incompatibility {
  const named = partAt(was, path);
  const old = named.isExact || offset === undefined ? named.part : leafAt(was, offset);
  const now = partAt(is, path);
  const name = pathText(path);
  const types =
    now.isExact && now.part.type !== old.type ? ` (${old.type} before, ${now.part.type} now)` : "";
  const view = (part: Part): string =>
    hexView(part, bytes)
      .split("\n")
      .map((line) => `    ${line}`)
      .join("\n");
  const message = [
    `${name === "" ? "the value" : name} ${text}${types}`,
    `  value: ${shown(value)}`,
    "  old:",
    view(was),
    "  new:",
    view(is),
  ].join("\n");
  return { change, path: name, message, value, bytes, start: old.start, end: old.end };
}

/** Reports frames that fitted before and do not fit now. */
function limitOf(before: Version, after: Version): readonly Incompatibility[] {
  const [most, now] = [before.maxFrame, after.maxFrame];
  if (most === undefined || now === undefined || now >= most) return [];
  const message = `frames of up to ${most} bytes were allowed, now only ${now} bytes are`;
  const bytes = new Uint8Array(0);
  return [{ change: "limit", path: "", message, value: undefined, bytes, start: 0, end: 0 }];
}
