import type { Part } from "../../src/inspect/index.ts";

/** A field that is shown in the bytes. */
export interface Leaf {
  readonly part: Part;
  readonly start: number;
  readonly end: number;
  /** Names from the outermost part: `items[3].name`. */
  readonly path: string;
  /** Indices from the outermost part. */
  readonly place: readonly number[];
  /** Which of the colours it has. */
  readonly color: number;
}

/** How many colours there are. */
const COLORS = 8;

/** The leaves of a frame in order, those of one byte together. */
export function leavesOf(root: Part): readonly Leaf[] {
  const leaves: Leaf[] = [];
  const visit = (part: Part, path: string, place: readonly number[]): void => {
    const { parts, start, end } = part;
    if (parts !== undefined && parts.length > 0) {
      for (const [i, inner] of parts.entries())
        visit(inner, joined(path, inner.name), [...place, i]);
      return;
    }
    if (end > start) leaves.push({ part, start, end, path, place, color: leaves.length % COLORS });
  };
  visit(root, root.name, []);
  return leaves;
}

/** Names as a path. */
export function joined(path: string, name: string): string {
  return path === "" || name.startsWith("[") ? path + name : `${path}.${name}`;
}

/** The leaf that holds a byte: the first one, if several share it. */
export function leafAt(leaves: readonly Leaf[], at: number): Leaf | undefined {
  let [low, high] = [0, leaves.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (leaves[middle]!.end > at) high = middle;
    else low = middle + 1;
  }
  const leaf = leaves[low];
  return leaf !== undefined && leaf.start <= at ? leaf : undefined;
}
