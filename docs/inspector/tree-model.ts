import type { Part } from "../../src/inspect/index.ts";
import type { Span } from "./analysis.ts";
import { joined } from "./leaves.ts";

/** A line of the tree: a stretch of the stream, or a part of it. */
export interface TreeRow {
  /** Indices from the top, with dots between them. */
  readonly id: string;
  readonly level: number;
  readonly position: number;
  readonly siblings: number;
  readonly span: number;
  /** Undefined for the stretch itself. */
  readonly part: Part | undefined;
  readonly path: string;
  /** The bytes in the stream: for what was unpacked, those that it was packed in. */
  readonly start: number;
  readonly end: number;
  readonly isUnpacked: boolean;
}

/** Lists with more entries begin folded. */
const FOLDED = 50;

/** The tree as the lines that are unfolded. */
export class TreeModel {
  readonly #spans: readonly Span[];
  readonly #partOf: (span: number) => Part | undefined;
  readonly #open = new Set<string>();
  #rows: readonly TreeRow[] | undefined;

  /** @param partOf - explains a stretch; undefined for one that has no parts */
  constructor(spans: readonly Span[], partOf: (span: number) => Part | undefined) {
    this.#spans = spans;
    this.#partOf = partOf;
    if (spans.length > 0) this.#openAll("0", this.#partOf(0));
  }

  get rows(): readonly TreeRow[] {
    this.#rows ??= this.#flatten();
    return this.#rows;
  }

  isOpen(id: string): boolean {
    return this.#open.has(id);
  }

  hasParts(row: TreeRow): boolean {
    return childrenOf(row.part ?? this.#partOf(row.span)).length > 0;
  }

  /** Unfolds or folds a line. */
  set(id: string, open: boolean): void {
    if (open) this.#open.add(id);
    else this.#open.delete(id);
    this.#rows = undefined;
  }

  /** The line of a part, with everything above it unfolded. */
  find(span: number, place: readonly number[]): number {
    let id = String(span);
    for (const step of place) {
      if (!this.#open.has(id)) this.set(id, true);
      id += `.${step}`;
    }
    return this.rows.findIndex((row) => row.id === id);
  }

  #openAll(id: string, part: Part | undefined): void {
    const children = childrenOf(part);
    if (children.length === 0 || children.length > FOLDED) return;
    this.#open.add(id);
    for (const [i, child] of children.entries()) this.#openAll(`${id}.${i}`, child);
  }

  #flatten(): readonly TreeRow[] {
    const rows: TreeRow[] = [];
    const { length } = this.#spans;
    const inside = (above: TreeRow, part: Part | undefined): void => {
      if (!this.#open.has(above.id)) return;
      const children = childrenOf(part);
      for (const [i, child] of children.entries()) {
        const isUnpacked = above.isUnpacked || child === part!.unpacked?.part;
        const row: TreeRow = {
          id: `${above.id}.${i}`,
          level: above.level + 1,
          position: i + 1,
          siblings: children.length,
          span: above.span,
          part: child,
          path: joined(above.path, child.name),
          start: isUnpacked ? above.start : child.start,
          end: isUnpacked ? above.end : child.end,
          isUnpacked,
        };
        rows.push(row);
        inside(row, child);
      }
    };
    for (const [span, { start, end }] of this.#spans.entries()) {
      const row: TreeRow = {
        id: String(span),
        level: 1,
        position: span + 1,
        siblings: length,
        span,
        part: undefined,
        path: "",
        start,
        end,
        isUnpacked: false,
      };
      rows.push(row);
      if (this.#open.has(row.id)) inside(row, this.#partOf(span));
    }
    return rows;
  }
}

/** The parts, and after them what they were packed in. */
function childrenOf(part: Part | undefined): readonly Part[] {
  if (part === undefined) return [];
  const { parts = [], unpacked } = part;
  return unpacked === undefined ? parts : [...parts, unpacked.part];
}
