import { checkOptions, type Output } from "../core/index.ts";
import {
  type AnyField,
  type Cursor,
  type Erased,
  erased,
  type Field,
  makeField,
  standing,
} from "./field.ts";
import { shown, shownName, unencodable, within } from "./field-error.ts";
import { checkGap, memberOf, membersOf } from "./members.ts";
import type { NodeOf } from "./node.ts";
import { finishPlan, nextOffset, plainStep, type Step, type StructPlan } from "./plan.ts";
import { readAlone, writeAlone } from "./step.ts";
import type { Fields, Known, StructIn, StructOut } from "./struct-types.ts";

/** Options for {@link struct}. */
export interface StructOptions {
  /**
   * The bits of a byte that the first of several `bits` takes. With `"low"`, bits of several bytes are
   * little-endian.
   * @defaultValue "high"
   */
  readonly bits?: "high" | "low" | undefined;
}

/** A struct, with its fields for reuse: `struct({ ...header.fields, body: bytes() })`. */
export interface StructField<S, In, Out> extends Field<In, Out> {
  readonly fields: S;
}

/** Functions that lay out, read and write a kind of struct. @internal */
interface StructEngine {
  readonly plan: StructPlan;
  read(bytes: Uint8Array, at: number, end: number, cursor: Cursor): unknown;
  write(value: unknown, out: Output): void;
}

/** @internal */
type LayOut = (entries: readonly (readonly [string, Erased])[], low: boolean) => StructEngine;

/**
 * Consecutive fields, in the order of the source. The value is an object with a member for each field that is
 * not hidden.
 *
 * @throws TypeError if a name is a number or `__proto__`, if a field refers to one that does not exist, or if
 *   a field of unknown size follows one that extends to the end
 *
 * @example
 * ```ts
 * import { decodeFrame, encodeFrame, perMessage } from "framewright";
 * import { bytes, size, struct, u16be, u8 } from "framewright/fields";
 *
 * const packet = perMessage().wrap(
 *   struct({ kind: u8, length: size(u16be, "body"), body: bytes(), flags: u8 }),
 * );
 * const frame = encodeFrame(packet, { kind: 7, body: Uint8Array.of(1, 2), flags: 9 });
 * console.log(frame.join(" "));
 * //=> 7 0 2 1 2 9
 * console.log(decodeFrame(packet, frame).flags);
 * //=> 9
 * ```
 */
export function struct<const S extends Fields>(
  fields: S & Known<S>,
  options: StructOptions = {},
): StructField<S, StructIn<S>, StructOut<S>> {
  checkOptions("struct", options, ["bits"]);
  const { bits = "high" } = options;
  if (bits !== "high" && bits !== "low") {
    throw new TypeError(`struct: bits must be "high" or "low", not ${shownName(bits)}`);
  }
  return makeStruct<S>(fields, bits === "low") as never;
}

/** A struct whose types do not matter. @internal */
export function makeStruct<S extends Fields>(
  fields: S,
  low = false,
): StructField<S, unknown, unknown> {
  const entries = Object.entries(fields as Readonly<Record<string, AnyField>>).map(
    ([name, field]) => [name, checkMember(name, field)] as const,
  );
  const describer = entries.find(([, field]) => field.layOut !== undefined);
  const layOut = (describer?.[1].layOut as LayOut | undefined) ?? plainStruct;
  const engine = layOut(entries, low);
  const { plan } = engine;
  const { fixed, least, open } = plan;
  const kept = Object.freeze({ ...fields });
  return makeField<unknown, unknown, { readonly fields: S }>(
    {
      node: { kind: "struct", fields: kept, plan, strict: false },
      fixed,
      least,
      open,
      read: engine.read,
      write: engine.write,
    },
    { fields: kept },
  );
}

function checkMember(name: string, field: AnyField): Erased {
  if (/^\d+$/.test(name)) {
    throw new TypeError(`struct: JavaScript moves "${name}" to the front; give the field a name`);
  }
  if (name === "__proto__") throw new TypeError('struct: a field cannot be called "__proto__"');
  if (typeof field?.read !== "function" || field.node === undefined) {
    throw new TypeError(`struct: "${name}" must be a field, not ${shown(field)}`);
  }
  return erased(field);
}

/** A struct whose members are independent of each other. */
function plainStruct(entries: readonly (readonly [string, Erased])[]): StructEngine {
  let offset = 0;
  const steps = entries.map(([name, field]) => {
    const step = plainStep(name, field, offset);
    offset = nextOffset(offset, step);
    return step;
  });
  const plan = finishPlan(entries, steps, [], [], 0);
  return {
    plan,
    read: (bytes, at, end, cursor) => readPlain(steps, bytes, at, end, cursor),
    write: (value, out) => writePlain(steps, value, out),
  };
}

function readPlain(
  steps: readonly Step[],
  bytes: Uint8Array,
  start: number,
  end: number,
  cursor: Cursor,
): unknown {
  const value: Record<string, unknown> = {};
  let at = start;
  let i = 0;
  try {
    for (; i < steps.length; i++) {
      const step = steps[i]!;
      const { trailing } = step;
      const stop = trailing > 0 ? Math.max(at, end - trailing) : end;
      const member = readAlone(step, bytes, at, stop, cursor);
      at = cursor.at;
      if (!step.hidden) value[step.name] = member;
    }
  } catch (error) {
    throw within(error, steps[i]!.name, "malformed", at);
  }
  cursor.at = at;
  return value;
}

function writePlain(steps: readonly Step[], value: unknown, out: Output): void {
  const members = membersOf(value);
  let missing: string | undefined;
  let i = 0;
  try {
    for (; i < steps.length; i++) {
      const step = steps[i]!;
      const member = memberOf(members, step);
      if (step.trails) missing = checkGap(step, member, missing);
      writeAlone(step, member, out);
    }
  } catch (error) {
    throw within(error, steps[i]!.name, "unencodable");
  }
}

/**
 * A struct that refuses objects with unknown members: for callers without a compiler.
 *
 * @throws TypeError if the field is not a struct
 *
 * @example
 * ```ts
 * import { encodeFrame, perMessage } from "framewright";
 * import { strict, struct, u8, withDefault } from "framewright/fields";
 *
 * const options = perMessage().wrap(strict(struct({ level: withDefault(u8, 1) })));
 * try {
 *   encodeFrame(options, { levle: 2 } as object);
 * } catch (error) {
 *   console.log((error as Error).message);
 * }
 * //=> unknown member "levle"
 * ```
 */
export function strict<S, In, Out>(field: StructField<S, In, Out>): StructField<S, In, Out> {
  const { node, fixed, least, open } = standing(field, "strict");
  if (node.kind !== "struct") throw new TypeError(`strict needs a struct, not "${node.kind}"`);
  const names = visibleNames(node);
  return makeField<In, Out, { readonly fields: S }>(
    {
      node: { ...node, strict: true },
      fixed,
      least,
      open,
      read: field.read,
      write(value, out) {
        for (const name of Object.keys(membersOf(value))) {
          if (!names.has(name)) throw unencodable(`unknown member ${shownName(name)}`);
        }
        field.write(value, out);
      },
    },
    { fields: field.fields },
  );
}

/** Names of the members of a struct's value. @internal */
export function visibleNames({ plan }: NodeOf<"struct">): ReadonlySet<string> {
  const visible = Array.from(plan.fields).filter(([, { hidden }]) => hidden !== true);
  return new Set(visible.map(([name]) => name));
}
