import type { Codec } from "../core/index.ts";
import type { AnyField } from "./field.ts";
import type { StructPlan } from "./plan.ts";

/** An encoding of text. ASCII and Latin-1 have one byte per character. */
export type Charset = "utf8" | "ascii" | "latin1";

/** A checksum of `bytes[start .. end)`. */
export type Sum = (bytes: Uint8Array, start: number, end: number) => number | bigint;

/** One case of a union. */
export interface UnionCase {
  readonly name: string;
  /** The number of the tag. */
  readonly code: number;
  /** A struct of the case's fields. */
  readonly body: AnyField;
}

/**
 * The description of a field, as plain data.
 *
 * @experimental New kinds may appear in minor versions: tools need a default branch.
 */
export type FieldNode =
  | {
      readonly kind: "int";
      readonly type: string;
      readonly width: number;
      readonly signed: boolean;
      readonly endian: "be" | "le";
      /** True if values are bigints. */
      readonly big: boolean;
    }
  | { readonly kind: "float"; readonly type: string; readonly width: number }
  | { readonly kind: "bits"; readonly bits: number }
  | { readonly kind: "flag"; readonly base: AnyField }
  | { readonly kind: "varint"; readonly most: number; readonly minimal: boolean }
  | { readonly kind: "constant"; readonly base: AnyField; readonly value: number | bigint }
  | { readonly kind: "magic"; readonly bytes: Uint8Array }
  | {
      readonly kind: "enum";
      readonly base: AnyField;
      readonly names: Readonly<Record<string, number>>;
      readonly open: boolean;
    }
  | { readonly kind: "flags"; readonly base: AnyField; readonly names: readonly string[] }
  | { readonly kind: "bytes"; readonly length: number | AnyField | undefined }
  | {
      readonly kind: "text";
      readonly charset: Charset;
      readonly length: number | AnyField | undefined;
      readonly pad: number | undefined;
    }
  | { readonly kind: "cstring"; readonly charset: Charset }
  | { readonly kind: "codec"; readonly codec: Codec<never, unknown>; readonly name: string }
  | {
      readonly kind: "array";
      readonly item: AnyField;
      readonly length: number | AnyField | undefined;
    }
  | { readonly kind: "until"; readonly item: AnyField; readonly last: unknown }
  | { readonly kind: "prefixed"; readonly prefix: AnyField; readonly inner: AnyField }
  | {
      readonly kind: "struct";
      readonly fields: Readonly<Record<string, AnyField>>;
      /** @internal */
      readonly plan: StructPlan;
      /** Refuses unknown members when it writes. */
      readonly strict: boolean;
    }
  | { readonly kind: "envelope"; readonly inner: AnyField; readonly name: string }
  | {
      readonly kind: "union";
      readonly tag: string;
      /** An enum. */
      readonly base: AnyField;
      readonly cases: readonly UnionCase[];
    }
  | {
      readonly kind: "match";
      readonly tag: string;
      readonly cases: Readonly<Record<string, AnyField>>;
      readonly otherwise: AnyField | undefined;
    }
  | { readonly kind: "optional"; readonly inner: AnyField }
  | { readonly kind: "default"; readonly inner: AnyField; readonly value: unknown }
  | { readonly kind: "lazy"; readonly get: () => AnyField; readonly depth: number }
  | { readonly kind: "pad"; readonly width: number; readonly strict: boolean }
  | { readonly kind: "align"; readonly to: number; readonly strict: boolean }
  | { readonly kind: "ignored" }
  | { readonly kind: "tag"; readonly value: string }
  | {
      readonly kind: "mapped";
      readonly inner: AnyField;
      readonly name: string;
      readonly read: (raw: never) => unknown;
      readonly write: (value: never) => unknown;
    }
  | {
      readonly kind: "checked";
      readonly inner: AnyField;
      /** Undefined if the value is valid, else a description of valid values. */
      readonly fault: (value: unknown) => string | undefined;
    }
  | {
      readonly kind: "size";
      readonly base: AnyField;
      /** Name of the first field, {@link whole} or {@link rest}. */
      readonly from: string;
      readonly to: string;
      readonly add: number;
      readonly unit: number;
    }
  | { readonly kind: "count"; readonly base: AnyField; readonly target: string }
  | { readonly kind: "present"; readonly base: AnyField; readonly target: string }
  | {
      readonly kind: "checksum";
      readonly base: AnyField;
      readonly name: string;
      readonly sum: Sum;
      readonly from: string | undefined;
      readonly to: string | undefined;
    };

/** A node of one kind. @internal */
export type NodeOf<K extends FieldNode["kind"]> = Extract<FieldNode, { readonly kind: K }>;
