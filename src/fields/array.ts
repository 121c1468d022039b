import type { Output } from "../core/index.ts";
import { type Cursor, ending, type Field, type Length, makeField } from "./field.ts";
import { bytesText, malformed, shown, unencodable, within } from "./field-error.ts";
import { checkLength, lengthField } from "./length.ts";

/** Functions for structs, for a list whose number of items is elsewhere. @internal */
export interface CountedList {
  readItems(
    bytes: Uint8Array,
    at: number,
    end: number,
    cursor: Cursor,
    count: number,
  ): readonly unknown[];
}

/**
 * A list of items of one kind: until the end of the window, exactly `length` items, or as many as the number
 * before them.
 *
 * The number of items is checked against the remaining bytes before anything is allocated.
 *
 * @throws TypeError if items have no end of their own, or may be empty in a list of any length
 *
 * @example
 * ```ts
 * import { decodeFrame, perMessage } from "framewright";
 * import { array, u16be, u8, utf8 } from "framewright/fields";
 *
 * const names = perMessage().wrap(array(utf8(u8), u16be));
 * console.log(decodeFrame(names, Uint8Array.of(0, 2, 2, 0x68, 0x69, 1, 0x21)));
 * //=> [ 'hi', '!' ]
 * ```
 */
export function array<In, Out>(
  item: Field<In, Out>,
  length?: Length,
): Field<readonly In[], readonly Out[]> {
  const { least, fixed } = ending(item, "array");
  const exact = typeof length === "number" ? length : -1;
  if (typeof length === "number") checkLength("array", length);
  else if (least === 0) throw new TypeError("array: items that may be empty need a fixed number");
  const prefix = typeof length === "object" ? lengthField(length, "array") : undefined;

  const readItems = (
    bytes: Uint8Array,
    start: number,
    end: number,
    cursor: Cursor,
    count: number,
  ): Out[] => {
    if (count < 0) throw malformed(`${count} items announced`, start);
    if (count * least > end - start) {
      throw malformed(`${count} items announced, ${bytesText(end - start)} left`, start);
    }
    const list: Out[] = [];
    let at = start;
    try {
      while (list.length < count) {
        list.push(item.read(bytes, at, end, cursor));
        at = cursor.at;
      }
    } catch (error) {
      throw within(error, list.length, "malformed", at);
    }
    cursor.at = at;
    return list;
  };

  return makeField<readonly In[], readonly Out[], object>(
    {
      node: { kind: "array", item, length },
      fixed: exact >= 0 && fixed >= 0 ? exact * fixed : -1,
      least: exact >= 0 ? exact * least : (prefix?.least ?? 0),
      open: length === undefined,
      read(bytes, start, end, cursor) {
        if (exact >= 0) return readItems(bytes, start, end, cursor, exact);
        if (prefix !== undefined) {
          const count = Number(prefix.read(bytes, start, end, cursor));
          return readItems(bytes, cursor.at, end, cursor, count);
        }
        const list: Out[] = [];
        let at = start;
        try {
          while (at < end) {
            list.push(item.read(bytes, at, end, cursor));
            at = cursor.at;
          }
        } catch (error) {
          throw within(error, list.length, "malformed", at);
        }
        cursor.at = at;
        return list;
      },
      write(value, out) {
        if (!Array.isArray(value)) throw unencodable(`array cannot hold ${shown(value)}`);
        if (exact >= 0 && value.length !== exact) {
          throw unencodable(`${value.length} items, not ${exact}`);
        }
        prefix?.write(value.length, out);
        writeItems(item, value, out);
      },
    },
    { readItems },
  );
}

function writeItems<In>(item: Field<In, unknown>, list: readonly In[], out: Output): void {
  let i = 0;
  try {
    for (; i < list.length; i++) item.write(list[i]!, out);
  } catch (error) {
    throw within(error, i, "unencodable");
  }
}

/**
 * A list that ends with the item `last`, which is not part of it: for example the labels of a DNS name, until
 * an empty one.
 *
 * @param last - a number, text or boolean, compared with `===`
 * @throws TypeError if items have no end of their own or may be empty
 */
export function until<In, Out extends In>(
  item: Field<In, Out>,
  last: NoInfer<Out> & (string | number | bigint | boolean),
): Field<readonly In[], readonly Out[]> {
  const { least } = ending(item, "until");
  if (least === 0) throw new TypeError("until: items may not be empty");
  if (Object(last) === last) throw new TypeError("until: the last item must be a primitive value");
  return makeField<readonly In[], readonly Out[]>({
    node: { kind: "until", item, last },
    least,
    read(bytes, start, end, cursor) {
      const list: Out[] = [];
      let at = start;
      try {
        for (;;) {
          const value = item.read(bytes, at, end, cursor);
          at = cursor.at;
          if (value === last) return list;
          list.push(value);
        }
      } catch (error) {
        throw within(error, list.length, "malformed", at);
      }
    },
    write(value, out) {
      if (!Array.isArray(value)) throw unencodable(`array cannot hold ${shown(value)}`);
      const at = value.indexOf(last);
      if (at >= 0) throw within(unencodable("this item would end the list"), at, "unencodable");
      writeItems(item, value, out);
      item.write(last, out);
    },
  });
}
