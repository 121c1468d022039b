import { checkOptions } from "../core/index.ts";
import { describedStruct } from "./described-struct.ts";
import { type Field, type Hidden, makeField } from "./field.ts";
import { outsideOfStruct } from "./field-error.ts";
import { checkLength } from "./length.ts";
import { skipPadding } from "./padding-bytes.ts";

/** Options for `pad` and `align`. */
export interface PadOptions {
  /**
   * Reject bytes other than zero.
   * @defaultValue false: any are skipped
   */
  readonly strict?: boolean | undefined;
}

/** `width` bytes without a meaning: zeros are written, anything is read. They are not part of the value. */
export function pad(width: number, options: PadOptions = {}): Field<void, void> & Hidden {
  checkOptions("pad", options, ["strict"]);
  const { strict = false } = options;
  checkLength("pad", width);
  return makeField<void, void, Hidden>(
    {
      node: { kind: "pad", width, strict },
      fixed: width,
      least: width,
      read(bytes, at, end, cursor) {
        skipPadding(width, strict, bytes, at, end);
        cursor.at = at + width;
      },
      write: (_, out) => void out.reserve(width),
    },
    { hidden: true },
  );
}

/**
 * Zeros up to the next multiple of `to` bytes, counted from the first byte of the struct. They are not part
 * of the value.
 *
 * @throws RangeError unless `to` is an integer >= 1
 */
export function align(to: number, options: PadOptions = {}): Field<void, void> & Hidden {
  checkOptions("align", options, ["strict"]);
  const { strict = false } = options;
  checkLength("align", to);
  if (to === 0) throw new RangeError("align: must be at least 1");
  return makeField<void, void, Hidden & { readonly layOut: unknown }>(
    {
      node: { kind: "align", to, strict },
      least: 0,
      read: outsideOfStruct,
      write: outsideOfStruct,
    },
    { hidden: true, layOut: describedStruct },
  );
}

/**
 * The rest of the window, with any content: never written, skipped when read. It is not part of the value.
 */
export function ignored(): Field<void, void> & Hidden {
  return makeField<void, void, Hidden>(
    {
      node: { kind: "ignored" },
      least: 0,
      open: true,
      read(_, __, end, cursor) {
        cursor.at = end;
      },
      write() {},
    },
    { hidden: true },
  );
}
