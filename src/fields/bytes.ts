import { isBytes, type Output } from "../core/index.ts";
import { type Field, type Hidden, type Length, makeField } from "./field.ts";
import { bytesText, shown, tooShort, unencodable, unexpected } from "./field-error.ts";
import { checkLength, lengthField, readLength, writeBehind } from "./length.ts";
import type { FieldNode } from "./node.ts";

/** Converts a run of bytes to a value and back. @internal */
export interface RunCodec<T> {
  get(bytes: Uint8Array, start: number, end: number): T;
  put(value: T, out: Output): void;
  /** Size in bytes, if it is known before the value is written. */
  readonly size?: ((value: T) => number) | undefined;
}

/** A field of bytes or text: its whole window, a fixed number of bytes, or after a length. @internal */
export function run<T>(
  node: FieldNode,
  name: string,
  length: Length | undefined,
  { get, put, size }: RunCodec<T>,
  text?: true,
): Field<T> {
  if (length === undefined) {
    return makeField<T, T>({
      node,
      least: 0,
      open: true,
      ...(text && { text }),
      read(bytes, at, end, cursor) {
        const value = get(bytes, at, end);
        cursor.at = end;
        return value;
      },
      write: put,
    });
  }
  if (typeof length === "number") {
    checkLength(name, length);
    return makeField<T, T>({
      node,
      fixed: length,
      least: length,
      read(bytes, at, end, cursor) {
        if (end - at < length) throw tooShort(name, length, at, end);
        const value = get(bytes, at, at + length);
        cursor.at = at + length;
        return value;
      },
      write(value, out) {
        const start = out.length;
        put(value, out);
        const written = out.length - start;
        if (written !== length) throw unencodable(`${bytesText(written)}, not ${length}`);
      },
    });
  }
  const prefix = lengthField(length, name);
  return makeField<T, T>({
    node,
    least: prefix.least,
    read(bytes, at, end, cursor) {
      const stop = readLength(prefix, bytes, at, end, cursor);
      const value = get(bytes, cursor.at, stop);
      cursor.at = stop;
      return value;
    },
    write(value, out) {
      if (size === undefined) return writeBehind(prefix, out, () => put(value, out));
      prefix.write(size(value), out);
      put(value, out);
    },
  });
}

/**
 * Bytes. Without a length, they are the whole window: the bytes that a `size` counts, or the rest of the
 * frame. `bytes(16)` is exactly 16 bytes, `bytes(u16be)` as many as the number before them.
 *
 * Received values are views of the frame.
 *
 * @throws RangeError if the length is not an integer >= 0, TypeError if it is not an integer field
 */
export function bytes(length?: Length): Field<Uint8Array> {
  return run<Uint8Array>({ kind: "bytes", length }, "bytes", length, {
    get: (bytes, start, end) => bytes.subarray(start, end),
    put(value, out) {
      if (!isBytes(value)) throw unencodable(`bytes cannot hold ${shown(value)}`);
      out.bytes(value);
    },
    size(value) {
      if (!isBytes(value)) throw unencodable(`bytes cannot hold ${shown(value)}`);
      return value.length;
    },
  });
}

/**
 * Bytes that are always the same; text stands for its ASCII codes. They are not part of the value: the
 * library writes them, and rejects others at the first byte that differs.
 *
 * @throws TypeError if the text is not ASCII
 */
export function magic(value: Uint8Array | string): Field<void, void> & Hidden {
  const codes = typeof value === "string" ? Array.from(value, (c) => c.charCodeAt(0)) : value;
  if (typeof value === "string" && !codes.every((code) => code < 0x80)) {
    throw new TypeError("magic: text must be ASCII; give bytes instead");
  }
  const wanted = Uint8Array.from(codes);
  const { length } = wanted;
  return makeField<void, void, Hidden>(
    {
      node: { kind: "magic", bytes: wanted },
      fixed: length,
      least: length,
      read(bytes, at, end, cursor) {
        checkMagic(wanted, bytes, at, end);
        if (end - at < length) throw tooShort("magic", length, at, end);
        cursor.at = at + length;
      },
      write: (_, out) => void out.bytes(wanted),
    },
    { hidden: true },
  );
}

/** Compares as many bytes as are available. @internal */
export function checkMagic(wanted: Uint8Array, bytes: Uint8Array, at: number, end: number): void {
  const here = Math.min(wanted.length, end - at);
  for (let i = 0; i < here; i++) {
    if (bytes[at + i] !== wanted[i]) {
      throw unexpected(wanted[i]!, bytes[at + i]!, at + i, "byte ");
    }
  }
}
