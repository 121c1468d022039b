import type { AnyField, Field, Hidden, MayLack, Names } from "./field.ts";

/** Fields by name. */
export type Fields = { readonly [name: string]: AnyField };

/** What a field is sent as. */
type FieldIn<F> = F extends Field<infer In, unknown> ? In : never;

/** What a field is received as. */
type FieldOut<F> = F extends Field<never, infer Out> ? Out : never;

/** One object type without helpers in it, so that editors show plain members. */
export type Flat<T> = { readonly [K in keyof T]: T[K] } & {};

/** A member chosen by one before it; see `match`. */
export interface Match<T extends string, Cases, Otherwise> extends Names<T> {
  readonly tagName: T;
  readonly cases: Cases;
  readonly otherwise: Otherwise;
}

type HiddenKeys<S> = { [K in keyof S]: S[K] extends Hidden ? K : never }[keyof S];
type LackKeys<S> = {
  [K in keyof S]: S[K] extends Hidden ? never : S[K] extends MayLack ? K : never;
}[keyof S];
type MatchKeys<S> = {
  [K in keyof S]: S[K] extends Match<string, unknown, unknown> ? K : never;
}[keyof S];

type PlainIn<S> = {
  [K in Exclude<keyof S, HiddenKeys<S> | LackKeys<S>>]: FieldIn<S[K]>;
} & { [K in LackKeys<S>]?: FieldIn<S[K]> | undefined };
type PlainOut<S> = { [K in Exclude<keyof S, HiddenKeys<S>>]: FieldOut<S[K]> };

/** The tag's value that the name of a case stands for. */
type TagOf<K> = K extends `${infer N extends number | boolean}` ? N : K;

type MatchIn<S, K extends keyof S> =
  S[K] extends Match<infer T, infer C, infer O>
    ?
        | {
            [N in keyof C]: Flat<
              PlainIn<Omit<S, K | T>> & { [P in T]: TagOf<N> } & { [P in K]: FieldIn<C[N]> }
            >;
          }[keyof C]
        | (O extends AnyField
            ? Flat<
                PlainIn<Omit<S, K | T>> & {
                  [P in T]: T extends keyof S ? Exclude<FieldIn<S[T]>, TagOf<keyof C>> : never;
                } & { [P in K]: FieldIn<O> }
              >
            : never)
    : never;
type MatchOut<S, K extends keyof S> =
  S[K] extends Match<infer T, infer C, infer O>
    ?
        | {
            [N in keyof C]: Flat<
              PlainOut<Omit<S, K | T>> & { [P in T]: TagOf<N> } & { [P in K]: FieldOut<C[N]> }
            >;
          }[keyof C]
        | (O extends AnyField
            ? Flat<
                PlainOut<Omit<S, K | T>> & {
                  [P in T]: T extends keyof S ? Exclude<FieldOut<S[T]>, TagOf<keyof C>> : never;
                } & { [P in K]: FieldOut<O> }
              >
            : never)
    : never;

/** What a struct of these fields is sent as. */
export type StructIn<S> = [MatchKeys<S>] extends [never]
  ? Flat<PlainIn<S>>
  : MatchIn<S, MatchKeys<S>>;

/** What a struct of these fields is received as. */
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
