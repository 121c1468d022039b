/**
 * Compares two values by content. Prototypes do not matter, a Buffer equals a Uint8Array, and an undefined
 * member equals a missing one; but 0 is not -0, and 1 is not the bigint 1n. Bytes, arrays, plain and other
 * objects, dates, maps, sets, array buffers and typed arrays are compared by their contents; functions and
 * symbols by identity. Cycles are followed once.
 */
export function equal(a: unknown, b: unknown): boolean {
  return same(a, b, []);
}

type Pair = readonly [object, object];

function same(a: unknown, b: unknown, above: readonly Pair[]): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (ArrayBuffer.isView(a) || ArrayBuffer.isView(b)) return sameView(a, b);
  if (a instanceof ArrayBuffer || b instanceof ArrayBuffer) return sameBuffer(a, b);
  if (above.some(([x, y]) => x === a && y === b)) return true;
  const inside: readonly Pair[] = [...above, [a, b]];
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, i) => same(item, b[i], inside));
  }
  for (const kind of [Date, RegExp] as const) {
    if (a instanceof kind || b instanceof kind) {
      return a instanceof kind && b instanceof kind && key(a) === key(b);
    }
  }
  if (a instanceof Map || b instanceof Map) {
    if (!(a instanceof Map && b instanceof Map) || a.size !== b.size) return false;
    return sameAnyOrder([...a], [...b], inside);
  }
  if (a instanceof Set || b instanceof Set) {
    if (!(a instanceof Set && b instanceof Set) || a.size !== b.size) return false;
    return sameAnyOrder([...a], [...b], inside);
  }
  return sameMembers(a as Members, b as Members, inside);
}

const key = (value: Date | RegExp): string | number =>
  value instanceof Date ? value.getTime() || "invalid" : String(value);

type Members = Readonly<Record<PropertyKey, unknown>>;

function sameMembers(a: Members, b: Members, above: readonly Pair[]): boolean {
  const names = new Set([...members(a), ...members(b)]);
  for (const name of names) if (!same(own(a, name), own(b, name), above)) return false;
  return !(a instanceof Error) || !(b instanceof Error) || a.message === b.message;
}

function* members(value: Members): Iterable<PropertyKey> {
  for (const name of Reflect.ownKeys(value)) {
    if (Object.prototype.propertyIsEnumerable.call(value, name)) yield name;
  }
}

/** The own property, never one of the prototype: `__proto__` can be a member like any other. */
const own = (value: Members, name: PropertyKey): unknown =>
  Object.hasOwn(value, name) ? value[name] : undefined;

function sameAnyOrder(a: unknown[], b: unknown[], above: readonly Pair[]): boolean {
  return a.every((item) => {
    const at = b.findIndex((other) => same(item, other, above));
    if (at >= 0) b.splice(at, 1);
    return at >= 0;
  });
}

function sameView(a: unknown, b: unknown): boolean {
  if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b) || tag(a) !== tag(b)) return false;
  const x = bytesOf(a);
  const y = bytesOf(b);
  if (x.length !== y.length) return false;
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false;
  return true;
}

/** "Uint8Array", even for a Buffer. */
const tag = (view: ArrayBufferView): string => Object.prototype.toString.call(view);

const bytesOf = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

function sameBuffer(a: unknown, b: unknown): boolean {
  if (!(a instanceof ArrayBuffer) || !(b instanceof ArrayBuffer)) return false;
  return sameView(new Uint8Array(a), new Uint8Array(b));
}
