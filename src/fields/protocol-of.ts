import {
  checkedMaxFrame,
  checkOptions,
  type Framing,
  type Protocol,
  withHint,
} from "../core/index.ts";
import { checkMagic } from "./bytes.ts";
import { announcedBytes } from "./described-struct.ts";
import { type AnyField, type Erased, type Field, standing } from "./field.ts";
import { malformed, within } from "./field-error.ts";
import type { Range, Step, StructPlan } from "./plan.ts";
import {
  checkFit,
  FAR,
  type Fit,
  fitsOf,
  newWalk,
  type Skip,
  skipper,
  structSkipper,
  totalOf,
  type Walk,
} from "./walk.ts";

/** Options for {@link protocolOf}. */
export interface ProtocolOfOptions {
  /** For error texts and logs. */
  readonly name: string;
  /**
   * Largest frame that is read, in wire bytes.
   * @defaultValue 1 MiB
   */
  readonly maxFrame?: number | undefined;
  /**
   * Largest frame that is written, in wire bytes.
   * @defaultValue `maxFrame`
   */
  readonly maxSend?: number | undefined;
  /**
   * A field that must have arrived and be valid before a length is accepted: the last one of a fixed header.
   * If it is a size, the fields that it counts must fit into the frame. Without it, constants before the
   * length are checked immediately, and those after it only once the frame is complete.
   */
  readonly upTo?: string | undefined;
}

/** A protocol with its description. */
export interface DescribedProtocol<in In, out Out = In> extends Protocol<In, Out> {
  readonly field: Field<In, Out>;
  /** The option of that name. */
  readonly upTo?: string | undefined;
}

/**
 * Makes a complete protocol from a description, which also determines the ends of frames.
 *
 * A frame ends where a `size` of the `whole` struct or of the `rest` ends; without one, where the last field
 * ends.
 *
 * @throws TypeError if the description does not determine its own end, may be empty, or has no field `upTo`;
 *   RangeError unless `maxFrame` and `maxSend` are positive integers
 *
 * @example
 * ```ts
 * import { decodeAll, encodeFrame } from "framewright";
 * import { bytes, protocolOf, rest, size, struct, u16be, u8 } from "framewright/fields";
 *
 * const packet = struct({ kind: u8, length: size(u16be, rest), body: bytes() });
 * const packets = protocolOf(packet, { name: "packets", maxFrame: 4096 });
 * const frame = encodeFrame(packets, { kind: 1, body: Uint8Array.of(8, 9) });
 * console.log(frame.join(" "));
 * //=> 1 0 2 8 9
 * console.log(decodeAll(packets, frame)[0]?.kind);
 * //=> 1
 * ```
 */
export function protocolOf<In, Out>(
  field: Field<In, Out>,
  options: ProtocolOfOptions,
): DescribedProtocol<In, Out> {
  checkOptions("protocolOf", options, ["name", "maxFrame", "maxSend", "upTo"]);
  const { name, maxSend, upTo } = options;
  const { least } = standing(field, "protocolOf");
  if (least === 0) throw new TypeError("protocolOf: a frame needs at least one byte");
  const maxFrame = checkedMaxFrame(options.maxFrame, least);
  if (maxSend !== undefined) checkedMaxFrame(maxSend, 1, "maxSend");
  return Object.freeze<DescribedProtocol<In, Out>>({
    name,
    maxFrame,
    ...(maxSend !== undefined && { maxSend }),
    measure: measureOf(field, aimOf({ field, upTo, maxFrame })),
    decode: field.decode,
    encode: field.encode,
    field,
    hint: withHint,
    ...(upTo !== undefined && { upTo }),
  });
}

/** The parts that a search for the end of a frame must check. @internal */
export function aimOf({
  field,
  upTo,
  maxFrame,
}: Pick<DescribedProtocol<never, unknown>, "field" | "upTo" | "maxFrame">): Aim {
  const plan = planOf(field);
  return { plan, upTo: upTo === undefined ? -1 : indexOfStep(plan, upTo), maxFrame };
}

/** @internal */
export interface Aim {
  readonly plan: StructPlan | undefined;
  /** A step that must be valid before the length is returned, or -1. */
  readonly upTo: number;
  readonly maxFrame: number;
}

/** @internal */
function measureOf(field: AnyField, { plan, upTo, maxFrame }: Aim): Framing["measure"] {
  if (field.fixed >= 0 && upTo < 0) return () => field.fixed;
  const header = plan === undefined ? undefined : headerMeasure(plan, upTo, maxFrame);
  if (header !== undefined) return header;
  let skip: Skip;
  try {
    skip = plan === undefined ? skipper(field) : structSkipper(plan, new Map(), upTo, maxFrame);
  } catch (error) {
    throw new TypeError(`protocolOf: ${(error as Error).message}`);
  }
  return (bytes, start, end, scan) => {
    const walk = (scan.memo as Walk | undefined) ?? newWalk();
    walk.start = start;
    const stop = skip(bytes, start, end, walk);
    // The same for every start of the frame: see FAR.
    if (stop >= 0) return stop >= FAR ? FAR : stop - start;
    scan.memo = walk;
    scan.at = walk.want - start;
    return 0;
  };
}

/** The plan of the outermost struct, if the field is a struct in another form. @internal */
export function planOf({ node }: AnyField): StructPlan | undefined {
  switch (node.kind) {
    case "struct":
      return node.plan;
    case "envelope":
    case "mapped":
    case "checked":
    case "default":
      return planOf(node.inner);
    default:
      return undefined;
  }
}

function indexOfStep(plan: StructPlan | undefined, name: string): number {
  const has = (step: Step): boolean =>
    step.name === name || step.members.some((member) => member.name === name);
  const index = plan?.steps.findIndex(has) ?? -1;
  if (index < 0) throw new TypeError(`protocolOf: upTo: no field is called "${name}"`);
  return index;
}

/** A number at a known position that is checked before the length is returned. */
interface Look {
  readonly field: Erased;
  readonly name: string;
  readonly offset: number;
  readonly stop: number;
  readonly range: Range | undefined;
  readonly fits: readonly Fit[];
}

const PLAIN: ReadonlySet<string> = new Set(
  "int float constant magic enum flags default checked size checksum pad bytes text".split(" "),
);

/** The usual case: the length is at a fixed position, after fixed fields. */
function headerMeasure(
  plan: StructPlan,
  upTo: number,
  maxFrame: number,
): Framing["measure"] | undefined {
  const total = totalOf(plan);
  const { steps } = plan;
  if (total === undefined) return undefined;
  const last = Math.max(total.step, upTo);
  const header = steps.slice(0, last + 1);
  const isPlain = header.every(
    ({ offset, fixed, kind, field, slot, opens, starts }, i) =>
      offset >= 0 &&
      fixed >= 0 &&
      opens.length === 0 &&
      (starts.length === 0 || i === total.step) &&
      (kind === "field" || kind === "checksum" || i === total.step || slot < 0) &&
      kind !== "bits" &&
      kind !== "align" &&
      PLAIN.has(field.node.kind),
  );
  if (!isPlain || (upTo >= 0 && upTo < total.step && fitsOf(plan, upTo, last).length > 0)) {
    return undefined;
  }
  const looks = header.flatMap(({ field, name, offset, fixed, slot }, i): Look[] => {
    const { kind } = field.node;
    const isWanted = i === total.step || i === upTo || slot >= 0;
    if (!isWanted && kind !== "constant" && kind !== "magic") return [];
    const range = i === total.step ? total : undefined;
    const fits = i === upTo ? fitsOf(plan, upTo, last) : [];
    return [{ field, name, offset, stop: offset + fixed, range, fits }];
  });
  const behind = steps[total.step]!.offset + steps[total.step]!.fixed;
  const headerEnd = steps[last]!.offset + steps[last]!.fixed;
  const from = total.origin === "whole" ? 0 : behind;
  const least = behind + steps.slice(total.step + 1).reduce((sum, step) => sum + step.least, 0);
  const cursor = { at: 0 };
  return (bytes, start, end, scan) => {
    let answer = 0;
    for (let i = 0; i < looks.length; i++) {
      const { field, name, offset, stop, range, fits } = looks[i]!;
      const { node } = field;
      try {
        if (node.kind === "magic") checkMagic(node.bytes, bytes, start + offset, end);
        if (end - start < stop) {
          // A wrong byte of a mark is reported at once.
          scan.at = node.kind === "magic" ? Math.max(end - start, offset) + 1 : stop;
          return 0;
        }
        const value = field.read(bytes, start + offset, end, cursor);
        for (let q = 0; q < fits.length; q++) {
          const fit = fits[q]!;
          checkFit(fit, value, start + headerEnd + fit.gap, start + answer);
        }
        if (range === undefined) continue;
        answer = from + announcedBytes(range, value);
        if (!(answer >= least)) {
          const text = `a size of ${answer - from}, but at least ${least - from} are needed`;
          throw malformed(text, start + offset);
        }
      } catch (error) {
        throw within(error, name, "malformed", start + offset);
      }
      if (answer > maxFrame) return answer;
    }
    return answer;
  };
}
