import type { FieldNode } from "../fields/index.ts";

/** Describes the bytes or items that a number counts, or a constant; undefined for other fields. */
export function describerNote(node: FieldNode): string | undefined {
  switch (node.kind) {
    case "size":
      if (node.from === "*") return "bytes of the whole struct";
      if (node.from === ">") return "bytes that follow";
      return node.from === node.to
        ? `bytes of ${node.from}`
        : `bytes from ${node.from} to ${node.to}`;
    case "count":
      return `items of ${node.target}`;
    case "present":
      return `presence of ${node.target}`;
    case "constant":
      return "always";
    default:
      return undefined;
  }
}
