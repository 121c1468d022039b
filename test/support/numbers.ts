import * as core from "../../src/index.ts";
import { Output } from "../../src/index.ts";

// Every number that Output writes and bytes.ts reads, as a table.

interface Named {
  /** As the writer and the reader are called. */
  readonly name: string;
  /** In bytes. */
  readonly width: number;
  readonly endian: core.Endian;
}

export interface Integer extends Named {
  readonly signed: boolean;
  readonly least: bigint;
  readonly most: bigint;
  read(bytes: Uint8Array, at: number): number | bigint;
  write(out: Output, value: unknown): Output;
}

export interface Float extends Named {
  read(bytes: Uint8Array, at: number): number;
  write(out: Output, value: unknown): Output;
}

type Writer = (value: unknown) => Output;

function writer(name: string): (out: Output, value: unknown) => Output {
  return (out, value) => (out as unknown as Record<string, Writer>)[name]!(value);
}

function reader<T>(name: string): (bytes: Uint8Array, at: number) => T {
  const found = (core as unknown as Record<string, (bytes: Uint8Array, at: number) => T>)[name];
  if (found === undefined) throw new Error(`no reader ${name}`);
  return found;
}

function integer(signed: boolean, width: number, endian: core.Endian): Integer {
  const name = `${signed ? "i" : "u"}${8 * width}${width === 1 ? "" : endian}`;
  const of = { name, signed, width, endian, ...range(signed, width) };
  return { ...of, read: reader(name), write: writer(name) };
}

function range(signed: boolean, width: number): { readonly least: bigint; readonly most: bigint } {
  const span = 1n << BigInt(8 * width);
  const least = signed ? -span / 2n : 0n;
  return { least, most: least + span - 1n };
}

/** `uint` and `int`, which are told the width. */
function sized(signed: boolean, width: number, endian: core.Endian): Integer {
  const [of, readAt] = signed ? (["int", core.int] as const) : (["uint", core.uint] as const);
  return {
    ...integer(signed, 4, endian),
    name: `${of} of ${width} bytes, ${endian}`,
    width,
    ...range(signed, width),
    read: (bytes, at) => readAt(bytes, at, width, endian),
    write: (out, value) => out[of](value as number, width, endian),
  };
}

const endians = ["be", "le"] as const;

/** The ones with names of their own: 8, 16, 24, 32, 48 and 64 bits. */
export const named: readonly Integer[] = [1, 2, 3, 4, 6, 8].flatMap((width) =>
  [false, true].flatMap((signed) =>
    (width === 1 ? (["be"] as const) : endians).map((endian) => integer(signed, width, endian)),
  ),
);

export const integers: readonly Integer[] = [
  ...named,
  ...[1, 2, 3, 4, 5, 6].flatMap((width) =>
    [false, true].flatMap((signed) => endians.map((endian) => sized(signed, width, endian))),
  ),
];

export const floats: readonly Float[] = [4, 8].flatMap((width) =>
  (["be", "le"] as const).map((endian) => {
    const name = `f${8 * width}${endian}`;
    return { name, width, endian, read: reader<number>(name), write: writer(name) };
  }),
);

/** The same value as what a writer of this width usually takes: a number, or above 48 bits a bigint. */
export function natural({ width }: Named, value: bigint): number | bigint {
  return width > 6 ? value : Number(value);
}

/** A fresh output that holds what `write` writes. */
export function written(write: (out: Output) => unknown): Uint8Array<ArrayBuffer> {
  const out = new Output();
  write(out);
  return out.take();
}
