/**
 * A deep copy of everything that `equal` compares; other values (functions, class instances with hidden
 * state) are not copied.
 * @internal
 */
export function snapshot<T>(value: T): T {
  return copyOf(value, new Map()) as T;
}

function copyOf(value: unknown, done: Map<object, unknown>): unknown {
  if (typeof value !== "object" || value === null) return value;
  const known = done.get(value);
  if (known !== undefined) return known;
  const copy = emptyLike(value);
  done.set(value, copy);
  if (Array.isArray(value)) {
    for (const item of value) (copy as unknown[]).push(copyOf(item, done));
  } else if (value instanceof Map) {
    for (const [k, v] of value)
      (copy as Map<unknown, unknown>).set(copyOf(k, done), copyOf(v, done));
  } else if (value instanceof Set) {
    for (const item of value) (copy as Set<unknown>).add(copyOf(item, done));
  } else if (copy !== value && !isBinary(value) && !(value instanceof Date)) {
    for (const name of Reflect.ownKeys(value)) {
      const member = copyOf((value as Record<PropertyKey, unknown>)[name], done);
      // Not an assignment: "__proto__" is a member like any other.
      Object.defineProperty(copy, name, { value: member, enumerable: true, writable: true });
    }
  }
  return copy;
}

const isBinary = (value: object): boolean =>
  ArrayBuffer.isView(value) || value instanceof ArrayBuffer;

function emptyLike(value: object): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (value instanceof ArrayBuffer) return value.slice(0);
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    const copy = buffer.slice(byteOffset, byteOffset + byteLength);
    const View = value.constructor as new (buffer: ArrayBufferLike) => unknown;
    return new View(copy);
  }
  if (Array.isArray(value)) return [];
  if (value instanceof Map) return new Map();
  if (value instanceof Set) return new Set();
  if (value instanceof Date) return new Date(value.getTime());
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? {} : value;
}
