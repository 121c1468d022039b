import { type AnyField, type Erased, erased } from "../../fields/index.ts";
import { quoted, quotedBytes } from "./quoted.ts";

/** Numbers and their names, as a Lua table. */
export const tableOf = (names: Readonly<Record<string, number>>): string =>
  `{ ${Object.entries(names)
    .map(([name, code]) => `[${code}] = ${quoted(name)}`)
    .join(", ")} }`;

/** True if a field has parts, so it has its own tree. */
export function isCompound({ node }: AnyField): boolean {
  switch (node.kind) {
    case "struct":
    case "union":
    case "envelope":
      return true;
    case "array":
    case "until":
      return isCompound(node.item);
    case "prefixed":
    case "default":
    case "checked":
    case "optional":
    case "mapped":
      return isCompound(node.inner);
    case "lazy":
      return true;
    default:
      return false;
  }
}

/** The field inside its defaults and checks. */
export function bare(field: AnyField): Erased {
  const { node } = field;
  return node.kind === "default" || node.kind === "checked" ? bare(node.inner) : erased(field);
}

/** The Lua expression for a value in `v`; undefined if only JavaScript can compute it. */
export function rawValue(field: AnyField, value: unknown): string | undefined {
  const { node } = bare(field);
  switch (node.kind) {
    case "int":
      if (node.big) return quoted(String(value));
      return Number.isNaN(Number(value)) ? undefined : String(value);
    case "float":
    case "varint":
    case "bits":
      return Number.isNaN(Number(value)) ? undefined : String(value);
    case "flag":
      return { true: "1", false: "0" }[String(value)];
    case "enum":
      return Object.hasOwn(node.names, value as string)
        ? String(node.names[value as string])
        : Number.isNaN(Number(value))
          ? undefined
          : String(value);
    case "text":
    case "cstring":
      return node.charset === "latin1"
        ? quotedBytes(Uint8Array.from(String(value), (c) => c.charCodeAt(0)))
        : quoted(String(value));
    case "count":
    case "present":
    case "size":
      return rawValue(node.base, value);
    case "prefixed":
      return rawValue(node.inner, value);
    default:
      return undefined;
  }
}

/** The position of a field, for errors. */
export const nameOf = ({
  path,
  label,
}: {
  readonly path: string;
  readonly label: string;
}): string => JSON.stringify(path || label);

/** The statement that shows a number of `width` bytes at `at`. */
export function addNumber(
  shown: string,
  width: number,
  endian: "be" | "le",
  note: string | undefined,
): string {
  if (endian === "le") {
    return `add_le(tree, ${shown}, buf(at, ${width})${note === undefined ? "" : `, ${quoted(note)}`})`;
  }
  return `add(tree, ${shown}, buf(at, ${width})${note === undefined ? "" : `, nil, ${quoted(note)}`})`;
}
