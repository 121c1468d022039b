import type { FrameLayout, FramePart } from "../core/index.ts";
import type { AnyField, FieldNode, NodeOf, Step } from "../fields/index.ts";
import type { Explainable } from "./explain.ts";
import { typeName } from "./type-name.ts";

interface Cell {
  readonly text: string;
  /** Offset of the first byte, if it is constant. */
  readonly offset: number | undefined;
}

/**
 * Draws a picture of a format for documentation: a box for each field, with offsets above and nested
 * structures below.
 *
 * @param what - a description, a protocol made by `protocolOf`, or a framing
 * @throws TypeError if `what` has neither a description nor a layout
 *
 * @example
 * ```ts
 * import { bytes, size, struct, u16be, u8 } from "framewright/fields";
 * import { picture } from "framewright/inspect";
 *
 * console.log(picture(struct({ kind: u8, length: size(u16be, "body"), body: bytes() })));
 * //=> 0         1              3
 * //=> | kind u8 | length u16be | body: length bytes |
 * ```
 */
export function picture(what: Explainable): string {
  if ("node" in what) return drawn(what);
  const { field, layout, payload } = what;
  if (field !== undefined) return drawn(field);
  if (layout === undefined) {
    throw new TypeError("picture needs a description, or a framing with a layout");
  }
  const cells = row(cellsOf(layout));
  const isDrawn =
    payload !== undefined &&
    ("node" in payload || payload.field !== undefined || payload.layout !== undefined);
  return isDrawn ? [cells, "", "payload:", picture(payload)].join("\n") : cells;
}

/** Boxes side by side, with offsets above their left edges. */
function row(cells: readonly Cell[]): string {
  let above = "";
  let line = "";
  for (const { text, offset } of cells) {
    if (offset !== undefined && line.length >= above.length) {
      above = above.padEnd(line.length) + String(offset);
    }
    line += `| ${text} `;
    // A wide offset pushes the next one to the right.
    line = line.padEnd(above.length + 1);
  }
  return `${above}\n${line}|`;
}

function cellsOf(layout: FrameLayout): readonly Cell[] {
  let offset: number | undefined = 0;
  return layout.map((part) => {
    const cell = { text: partText(part), offset };
    offset = offset === undefined || typeof part.size !== "number" ? undefined : offset + part.size;
    return cell;
  });
}

function partText({ name, kind, size, endian = "be", bytes, digits }: FramePart): string {
  if (kind === "length") {
    if (typeof size !== "number") return `${name} ${size}`;
    if (digits === true) return `${name}: ${size} digits`;
    return `${name} u${8 * size}${size > 1 ? endian : ""}`;
  }
  if (bytes !== undefined) return `${name} ${hexOf(bytes)}`;
  return typeof size === "number" ? `${name}: ${count(size)}` : name;
}

const count = (n: number): string => `${n} byte${n === 1 ? "" : "s"}`;

const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");

/** The field inside fields that only change its names or values. */
function inner(field: AnyField): AnyField {
  const { node } = field;
  switch (node.kind) {
    case "default":
    case "checked":
    case "mapped":
    case "envelope":
    case "optional":
      return inner(node.inner);
    default:
      return field;
  }
}

function drawn(field: AnyField, seen: ReadonlySet<AnyField> = new Set()): string {
  const { node } = inner(field);
  const within = new Set(seen).add(field);
  switch (node.kind) {
    case "struct":
      return structPicture(node, within);
    case "union":
      return unionPicture(node, within);
    default:
      return [
        row([{ text: fieldText("", field, undefined), offset: 0 }]),
        ...belowOf("", field, within),
      ].join("\n");
  }
}

function structPicture({ plan }: NodeOf<"struct">, seen: ReadonlySet<AnyField>): string {
  const { steps, ranges } = plan;
  const sized = (index: number): string | undefined =>
    ranges.find(({ origin, from, to }) => origin === "fields" && from === index && to === index)
      ?.by;
  const visible = steps.filter(({ field }) => field.node.kind !== "tag");
  const cells = visible.map((step): Cell => {
    const offset = step.offset < 0 ? undefined : step.offset;
    return { text: stepText(step, sized(steps.indexOf(step))), offset };
  });
  const below = visible.flatMap(({ name, field, members }) =>
    members.length > 0 ? [] : belowOf(name, field, seen),
  );
  return [cells.length === 0 ? "(nothing)" : row(cells), ...below].join("\n");
}

function stepText({ members, name, field }: Step, by: string | undefined): string {
  if (members.length === 0) return fieldText(name, field, by);
  return members.map((member) => fieldText(member.name, member.field, undefined)).join(", ");
}

function fieldText(name: string, field: AnyField, by: string | undefined): string {
  const bare = inner(field);
  const { node } = bare;
  const maybe = isOptional(field) ? "?" : "";
  const label = name === "" ? "" : `${name}${maybe} `;
  switch (node.kind) {
    case "constant":
      return `${label}${typeName(bare)} = ${node.value}`;
    case "magic":
      return `${label}${hexOf(node.bytes)}`;
    case "bytes":
    case "text": {
      const what = node.kind === "text" ? typeName(bare) : "bytes";
      if (typeof node.length === "number") return `${label}${what}(${node.length})`;
      if (node.length !== undefined) return `${label}${typeName(node.length)} + ${what}`;
      return by === undefined ? `${label}${what}` : `${label.trimEnd()}: ${by} ${what}`;
    }
    case "prefixed":
      return `${label}${typeName(node.prefix)} + ${typeName(node.inner)}`;
    case "array": {
      if (typeof node.length === "number") return `${label}${node.length} x ${typeName(node.item)}`;
      const prefix = node.length === undefined ? "" : `${typeName(node.length)} + `;
      return `${label}${prefix}${typeName(node.item)}...`;
    }
    case "until":
      return `${label}${typeName(node.item)}... up to ${JSON.stringify(node.last)}`;
    case "pad":
      return `${label}${count(node.width)}`;
    case "align":
      return `${label}up to a multiple of ${node.to}`;
    case "match":
      return `${label}by ${node.tag}`;
    default:
      return `${label}${typeName(bare)}`;
  }
}

const isOptional = ({ node }: AnyField): boolean =>
  node.kind === "optional" ||
  ((node.kind === "default" || node.kind === "checked") && isOptional(node.inner));

/** Pictures of a field's parts. */
function belowOf(name: string, field: AnyField, seen: ReadonlySet<AnyField>): readonly string[] {
  const bare = inner(field);
  if (seen.has(bare) || seen.has(field)) return [];
  const { node } = bare;
  const titled = (title: string, one: AnyField): readonly string[] => {
    const { kind } = inner(one).node;
    if (kind !== "struct" && kind !== "union") return belowOf(title, one, new Set(seen).add(bare));
    return ["", `${title}:`, drawn(one, new Set(seen).add(bare))];
  };
  switch (node.kind) {
    case "struct":
    case "union":
      return titled(name, bare);
    case "match":
      return matchPictures(name, node, seen);
    case "array":
    case "until":
      return titled(`${name}[]`, node.item);
    case "prefixed":
      return titled(name, node.inner);
    default:
      return [];
  }
}

function matchPictures(
  name: string,
  { tag, cases, otherwise }: NodeOf<"match">,
  seen: ReadonlySet<AnyField>,
): readonly string[] {
  const all = Object.entries(cases).map(([key, one]) => [`${tag} ${key}`, one] as const);
  const others = otherwise === undefined ? [] : [[`any other ${tag}`, otherwise] as const];
  return [...all, ...others].flatMap(([title, one]) => [
    "",
    `${name}, ${title}:`,
    drawn(one, seen),
  ]);
}

function unionPicture({ tag, base, cases }: NodeOf<"union">, seen: ReadonlySet<AnyField>): string {
  const number = (base.node as Extract<FieldNode, { kind: "enum" }>).base;
  const pictures = cases.flatMap(({ name, code, body }) => [
    "",
    `${tag} = ${code}, ${name}:`,
    drawn(body, seen),
  ]);
  return [row([{ text: `${tag} ${typeName(number)}`, offset: 0 }]), ...pictures].join("\n");
}
