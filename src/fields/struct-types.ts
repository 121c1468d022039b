import type { AnyField, Field, Hidden, MayLack, Names } from "./field.ts";

/** Fields by name. */
export type Fields = { readonly [name: string]: AnyField };

/** The type of values that a field sends. */
type FieldIn<F> = F extends Field<infer In, unknown> ? In : never;

/** The type of values that a field receives. */
type FieldOut<F> = F extends Field<never, infer Out> ? Out : never;

/** One object type without helpers in it, so that editors show plain members. */
export type Flat<T> = { readonly [K in keyof T]: T[K] } & {};

/** A member selected by one before it; see `match`. */
export interface Match<T extends string, Cases, Otherwise> extends Names<T> {
  readonly tagName: T;
  readonly cases: Cases;
  readonly otherwise: Otherwise;
}

type MatchKeys<S> = {
  [K in keyof S]: S[K] extends Match<string, unknown, unknown> ? K : never;
}[keyof S];

// Members are chosen by `as`, not by `Exclude`, which keeps the order of the source.
type PlainIn<S> = {
  [K in keyof S as S[K] extends Hidden | MayLack ? never : K]: FieldIn<S[K]>;
} & PlainLack<S, never>;
type PlainOut<S> = { [K in keyof S as S[K] extends Hidden ? never : K]: FieldOut<S[K]> };

/** The tag's value that the name of a case stands for. */
type TagOf<K> = K extends `${infer N extends number | boolean}` ? N : K;

/** The struct where the field `T` is `Tag` and the field `K` is `Body`. */
type ChosenIn<S, K, T, Tag, Body> = Flat<
  {
    [P in keyof S as P extends K | T ? P : S[P] extends Hidden | MayLack ? never : P]: P extends K
      ? Body
      : P extends T
        ? Tag
        : FieldIn<S[P]>;
  } & PlainLack<S, K | T>
>;
type PlainLack<S, Chosen> = {
  [P in keyof S as P extends Chosen
    ? never
    : S[P] extends Hidden
      ? never
      : S[P] extends MayLack
        ? P
        : never]?: FieldIn<S[P]> | undefined;
};
type ChosenOut<Plain, K, T, Tag, Body> = {
  readonly [P in keyof Plain]: P extends K ? Body : P extends T ? Tag : Plain[P];
} & {};

type MatchIn<S, K extends keyof S> =
  S[K] extends Match<infer T, infer C, infer O>
    ?
        | { [N in keyof C]: ChosenIn<S, K, T, TagOf<N>, FieldIn<C[N]>> }[keyof C]
        | (O extends AnyField
            ? ChosenIn<
                S,
                K,
                T,
                T extends keyof S ? Exclude<FieldIn<S[T]>, TagOf<keyof C>> : never,
                FieldIn<O>
              >
            : never)
    : never;
type MatchOut<S, K extends keyof S> =
  S[K] extends Match<infer T, infer C, infer O>
    ?
        | { [N in keyof C]: ChosenOut<PlainOut<S>, K, T, TagOf<N>, FieldOut<C[N]>> }[keyof C]
        | (O extends AnyField
            ? ChosenOut<
                PlainOut<S>,
                K,
                T,
                T extends keyof S ? Exclude<FieldOut<S[T]>, TagOf<keyof C>> : never,
                FieldOut<O>
              >
            : never)
    : never;

/** The type of values that a struct of these fields sends. */
export type StructIn<S> = [MatchKeys<S>] extends [never]
  ? Flat<PlainIn<S>>
  : MatchIn<S, MatchKeys<S>>;

/** The type of values that a struct of these fields receives. */
export type StructOut<S> = [MatchKeys<S>] extends [never]
  ? Flat<PlainOut<S>>
  : MatchOut<S, MatchKeys<S>>;

/** Requires that every name that a field refers to exists. */
export type Known<S> = {
  [K in keyof S]: S[K] extends Names<infer T>
    ? Exclude<T, keyof S | "*" | ">"> extends never
      ? unknown
      : { readonly error: `no field is called "${Exclude<T, keyof S | "*" | ">">}"` }
    : unknown;
};
