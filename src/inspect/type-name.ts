import type { AnyField } from "../fields/index.ts";

/** The name of a field's type in views: `u16be`, `enum u8`, `struct`. */
export function typeName({ node }: AnyField): string {
  switch (node.kind) {
    case "int":
    case "float":
      return node.type;
    case "bits":
      return `${node.bits} bit${node.bits === 1 ? "" : "s"}`;
    case "text":
    case "cstring":
      return node.kind === "text" ? node.charset : `${node.charset}, zero`;
    case "enum":
      return `enum ${typeName(node.base)}`;
    case "flags":
      return `flags ${typeName(node.base)}`;
    case "constant":
    case "size":
    case "count":
    case "present":
    case "checksum":
      return typeName(node.base);
    case "default":
    case "checked":
    case "optional":
    case "mapped":
    case "envelope":
    case "prefixed":
      return typeName(node.inner);
    case "lazy":
      return typeName(node.get());
    case "codec":
      return node.name;
    case "until":
      return "array";
    case "magic":
    case "pad":
    case "align":
    case "ignored":
      return "bytes";
    default:
      return node.kind;
  }
}
