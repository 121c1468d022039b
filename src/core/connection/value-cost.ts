/*
 * Estimates the memory of decoded values. Only frames of several values need this: their values wait while a
 * handler runs, and may take a hundred times as much memory as their bytes (JSON of many small objects,
 * inflated packets).
 */

// About what V8 takes.
const OBJECT = 56;
const ENTRY = 16;
const VIEW = 104;

/** After this many values, fields and elements the rest is assumed to be similar. */
const MOST_NODES = 20_000;
const DEEPEST = 16;

/**
 * The bytes that these values keep alive: a view counts the memory that it keeps, once for adjacent values
 * that share it.
 */
export function costOf(values: readonly unknown[]): number {
  const walk = new Walk();
  let looked = 0;
  while (looked < values.length && walk.nodes < MOST_NODES) {
    walk.cost += ENTRY;
    walk.add(values[looked++], 0);
  }
  if (looked === values.length) return walk.cost;
  const each = (walk.cost - walk.pinned) / looked;
  return Math.round(walk.cost + each * (values.length - looked));
}

class Walk {
  cost = 0;
  nodes = 0;
  /** The largest memory that views share. */
  pinned = 0;
  #last: unknown;

  add(value: unknown, depth: number): void {
    this.nodes++;
    if (typeof value === "string") {
      this.cost += ENTRY + value.length;
    } else if (typeof value === "object" && value !== null && depth < DEEPEST) {
      if (ArrayBuffer.isView(value)) this.#view(value);
      else this.#object(value, depth);
    }
  }

  #view({ buffer }: ArrayBufferView): void {
    this.cost += VIEW;
    if (buffer === this.#last) return;
    this.#last = buffer;
    this.cost += buffer.byteLength;
    this.pinned = Math.max(this.pinned, buffer.byteLength);
  }

  #object(value: object, depth: number): void {
    this.cost += OBJECT;
    try {
      const names = Object.keys(value);
      this.cost += ENTRY * names.length;
      for (const name of names) {
        if (this.nodes >= MOST_NODES) return;
        this.add((value as Record<string, unknown>)[name], depth + 1);
      }
    } catch {
      // A getter or Proxy of the user that throws: it is not counted.
    }
  }
}
