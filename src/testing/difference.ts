import { equal } from "./equal.ts";
import { shown } from "./show.ts";

/** The place of the first difference between two values, and the text of both sides there. */
export interface Difference {
  /** The path to it, for example `.body[3]`; empty for the values themselves. */
  readonly path: string;
  readonly sides: readonly [string, string];
}

/** Maximum length of a side's text, and of the text or bytes shown around the difference. */
const LONGEST = 90;
const AROUND = 12;

/**
 * Finds the first difference between two values.
 * @internal
 */
export function firstDifference(one: unknown, other: unknown): Difference {
  return search(one, other, "", []);
}

type Members = Readonly<Record<PropertyKey, unknown>>;

function search(one: unknown, other: unknown, path: string, above: readonly unknown[]): Difference {
  const plain = (): Difference => ({ path, sides: [shown(one, LONGEST), shown(other, LONGEST)] });
  if (typeof one === "string" && typeof other === "string") return texts(one, other, path);
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) {
    return plain();
  }
  if (one instanceof Uint8Array && other instanceof Uint8Array) return bytes(one, other, path);
  if (above.includes(one) || ArrayBuffer.isView(one) || ArrayBuffer.isView(other)) return plain();
  const inside = [...above, one];
  if (Array.isArray(one) && Array.isArray(other)) {
    const at = firstIndex(one, other);
    if (at < one.length && at < other.length) {
      return search(one[at], other[at], `${path}[${at}]`, inside);
    }
    if (at >= Math.max(one.length, other.length)) return plain();
    const side = (list: readonly unknown[]): string =>
      `${list.length} items${at < list.length ? `, then ${shown(list[at], LONGEST - 30)}` : ""}`;
    return { path: `${path}[${at}]`, sides: [side(one), side(other)] };
  }
  if (Array.isArray(one) || Array.isArray(other) || !isPlain(one) || !isPlain(other)) {
    return plain();
  }
  for (const name of new Set([...Reflect.ownKeys(one), ...Reflect.ownKeys(other)])) {
    const [a, b] = [member(one, name), member(other, name)];
    if (equal(a, b)) continue;
    const key = typeof name === "string" && /^[A-Za-z_$][\w$]*$/.test(name);
    return search(a, b, path + (key ? `.${name}` : `[${shown(name, 40)}]`), inside);
  }
  return plain();
}

const isPlain = (value: object): boolean =>
  Object.prototype.toString.call(value) === "[object Object]";

const member = (value: object, name: PropertyKey): unknown =>
  Object.hasOwn(value, name) ? (value as Members)[name] : undefined;

function firstIndex(one: readonly unknown[], other: readonly unknown[]): number {
  let at = 0;
  while (at < one.length && at < other.length && equal(one[at], other[at])) at++;
  return at;
}

function texts(one: string, other: string, path: string): Difference {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  if (Math.max(one.length, other.length) <= LONGEST / 2) {
    return { path, sides: [JSON.stringify(one), JSON.stringify(other)] };
  }
  const side = (text: string): string => {
    const from = Math.max(0, at - AROUND);
    const part = JSON.stringify(text.slice(from, at + 2 * AROUND));
    return `${text.length} characters, from ${from} on ${part}`;
  };
  return { path: `${path}[${at}]`, sides: [side(one), side(other)] };
}

function bytes(one: Uint8Array, other: Uint8Array, path: string): Difference {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  const side = (all: Uint8Array): string => {
    const from = Math.max(0, at - AROUND / 2);
    const part = Array.from(all.subarray(from, at + AROUND), (byte, i) => {
      const text = byte.toString(16).padStart(2, "0");
      return from + i === at ? `[${text}]` : text;
    });
    const place = from === 0 ? "" : `from ${from} on `;
    return `${all.length} bytes: ${place}${part.join(" ")}`.trimEnd();
  };
  return { path: `${path}[${at}]`, sides: [side(one), side(other)] };
}
