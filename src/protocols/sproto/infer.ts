import type { NamedText } from "./parse.ts";
import type { AnyTypes } from "./types.ts";

/*
 * The schema language again, for the compiler: from the literal type of a text to the types of its
 * values. The run-time parser decides what is a schema; values that this one cannot type are `any`.
 *
 *   text -> lines without comments -> words -> declarations -> values
 *
 * Everything that walks the text is tail-recursive with an accumulator. The compiler follows 1000
 * steps: enough for 1000 lines, or for a hundred types with several fields each.
 */

// ---- text -> words

type Replace<
  S extends string,
  From extends string,
  To extends string,
  Done extends string = "",
> = S extends `${infer Head}${From}${infer Tail}`
  ? Replace<Tail, From, To, `${Done}${Head}${To}`>
  : `${Done}${S}`;

type WithoutComment<Line extends string> = Line extends `${infer Code}#${string}` ? Code : Line;

/** Puts blanks around symbols, and removes those inside parentheses. */
type Spaced<Line extends string> = Replace<
  Replace<
    Replace<
      Replace<Replace<Replace<Replace<Line, "\t", " ">, "\r", " ">, "{", " { ">, "}", " } ">,
      ":",
      " : "
    >,
    "( ",
    "("
  >,
  " )",
  ")"
>;

/** The words of a line, each followed by one blank. */
type LineWords<
  Line extends string,
  Done extends string = "",
> = Line extends `${infer Word} ${infer Rest}`
  ? LineWords<Rest, Word extends "" ? Done : `${Done}${Word} `>
  : Line extends ""
    ? Done
    : `${Done}${Line} `;

type Words<
  Text extends string,
  Done extends string = "",
> = Text extends `${infer Line}\n${infer Rest}`
  ? Words<Rest, `${Done}${LineWords<Spaced<WithoutComment<Line>>>}`>
  : `${Done}${LineWords<Spaced<WithoutComment<Text>>>}`;

// ---- words -> declarations. The words stay one string: a tuple of thousands of words costs the compiler seconds.

/** Name, tag, and type as written: `*T(key)`. */
type Field = [name: string, tag: string, type: string];
type Type = [name: string, fields: Field[]];
type Call = [name: string, request: string, response: string];

interface Declared {
  types: Type[];
  calls: Call[];
}

/** The open braces: types within types. */
type Open = [name: string, fields: Field[]];

type Digits = `${number}`;

type Parse<
  W extends string,
  Types extends Type[] = [],
  Calls extends Call[] = [],
  Stack extends Open[] = [],
  C extends Call | null = null,
> = Stack extends [infer Top extends Open, ...infer Outer extends Open[]]
  ? // In a type. Four fields per step if possible, because steps are limited.
    W extends `} ${infer Rest}`
    ? Parse<Rest, [...Types, Top], Calls, Outer, C>
    : W extends `.${infer Name} { ${infer Rest}`
      ? Parse<Rest, Types, Calls, [[`${Top[0]}.${Name}`, []], ...Stack], C>
      : W extends `${infer N1} ${infer T1 extends Digits} : ${infer O1} ${infer N2} ${infer T2 extends Digits} : ${infer O2} ${infer N3} ${infer T3 extends Digits} : ${infer O3} ${infer N4} ${infer T4 extends Digits} : ${infer O4} ${infer Rest}`
        ? Parse<
            Rest,
            Types,
            Calls,
            [
              [Top[0], [...Top[1], [N1, T1, O1], [N2, T2, O2], [N3, T3, O3], [N4, T4, O4]]],
              ...Outer,
            ],
            C
          >
        : W extends `${infer N} ${infer T extends Digits} : ${infer O} ${infer Rest}`
          ? Parse<Rest, Types, Calls, [[Top[0], [...Top[1], [N, T, O]]], ...Outer], C>
          : null
  : C extends [
        infer Name extends string,
        infer Request extends string,
        infer Response extends string,
      ]
    ? // In a protocol.
      W extends `} ${infer Rest}`
      ? Parse<Rest, Types, [...Calls, C]>
      : W extends `request { ${infer Rest}`
        ? Parse<Rest, Types, Calls, [[`${Name}.request`, []]], [Name, `${Name}.request`, Response]>
        : W extends `response { ${infer Rest}`
          ? Parse<
              Rest,
              Types,
              Calls,
              [[`${Name}.response`, []]],
              [Name, Request, `${Name}.response`]
            >
          : W extends `request ${infer Of} ${infer Rest}`
            ? Parse<Rest, Types, Calls, [], [Name, Of, Response]>
            : W extends `response ${infer Of} ${infer Rest}`
              ? Parse<Rest, Types, Calls, [], [Name, Request, Of]>
              : null
    : W extends ""
      ? { types: Types; calls: Calls }
      : W extends `.${infer Name} { ${infer Rest}`
        ? Parse<Rest, Types, Calls, [[Name, []]]>
        : W extends `${infer Name} ${Digits} { ${infer Rest}`
          ? Parse<Rest, Types, Calls, [], [Name, "nil", "nil"]>
          : null;

// ---- declarations -> values

/** Options that change the types of values; see {@link SprotoOptions}. */
export interface Forms {
  readonly int64?: "auto" | "bigint" | "number" | undefined;
  readonly maps?: "map" | "object" | undefined;
  readonly strings?: "utf8" | "bytes" | undefined;
}

/** The fields of each type, by its full name. */
type Fields<D extends Declared> = { [T in D["types"][number] as T[0]]: T[1] };

type Parent<Name extends string> = Name extends `${infer Head}.${infer Tail}`
  ? Tail extends `${string}.${string}`
    ? `${Head}.${Parent<Tail>}`
    : Head
  : never;

/** Full name of the type that `Name` refers to within `Scope`, from the inside to the outside. */
type LookUp<All, Scope extends string, Name extends string> = [Scope] extends [never]
  ? Name
  : `${Scope}.${Name}` extends keyof All
    ? `${Scope}.${Name}`
    : LookUp<All, Parent<Scope>, Name>;

type Int<F extends Forms> = F["int64"] extends "bigint"
  ? bigint
  : F["int64"] extends "number"
    ? number
    : number | bigint;

/** One value of a built-in type, in and out; `never` for the name of a struct. */
type BuiltIn<Name extends string, F extends Forms> = Name extends "integer"
  ? { in: number | bigint; out: Int<F> }
  : Name extends `integer(${infer Digits})`
    ? Digits extends `${number}`
      ? { in: number; out: number }
      : { in: number | bigint; out: Int<F> }
    : Name extends "double"
      ? { in: number; out: number }
      : Name extends "boolean"
        ? { in: boolean; out: boolean }
        : Name extends "string"
          ? F["strings"] extends "bytes"
            ? { in: string | Uint8Array; out: Uint8Array }
            : { in: string; out: string }
          : Name extends "binary"
            ? { in: Uint8Array; out: Uint8Array }
            : never;

/** The type of a map. Bytes cannot be property names. */
type AsMap<K, V, F extends Forms> = F["maps"] extends "object"
  ? K extends Uint8Array
    ? Map<K, V>
    : { [key: string]: V }
  : Map<K, V>;

type Values<
  All,
  Scope extends string,
  Of extends string,
  F extends Forms,
> = Of extends `*${infer Element}`
  ? Element extends `${infer Name}(${infer Key})${string}`
    ? [BuiltIn<Element, F>] extends [never]
      ? MapValues<All, LookUp<All, Scope, Name>, Key, F>
      : ListOf<BuiltIn<Element, F>>
    : ListOf<Values<All, Scope, Element, F>>
  : [BuiltIn<Of, F>] extends [never]
    ? Struct<All, LookUp<All, Scope, Of extends `${infer Name}(${string}` ? Name : Of>, F>
    : BuiltIn<Of, F>;

type ListOf<E> = E extends { in: infer In; out: infer Out }
  ? { in: Iterable<In>; out: Out[] }
  : never;

type FieldNamed<List, Name> = List extends (infer E)[]
  ? E extends [Name, string, infer Of extends string]
    ? Of
    : never
  : never;

type MapValues<All, T extends string, Key extends string, F extends Forms> = T extends keyof All
  ? Key extends ""
    ? Pairs<All, T, Sorted<All[T]>, F>
    : [FieldNamed<All[T], Key>] extends [never]
      ? Refused<`the type ${T} has no field ${Key}`>
      : Values<All, T, FieldNamed<All[T], Key>, F> extends { out: infer K }
        ? {
            in:
              | ReadonlyMap<unknown, StructIn<All, T, F>>
              | Iterable<StructIn<All, T, F>>
              | { readonly [key: string]: StructIn<All, T, F> };
            out: AsMap<K, StructOut<All, T, F>, F>;
          }
        : never
  : Refused<NoType<T>>;

type Pairs<All, T extends string, List, F extends Forms> = List extends [
  [string, string, infer K extends string],
  [string, string, infer V extends string],
]
  ? [Values<All, T, K, F>, Values<All, T, V, F>] extends [
      { in: infer KeyIn; out: infer KeyOut },
      { in: infer ValueIn; out: infer ValueOut },
    ]
    ? {
        in: Iterable<readonly [KeyIn, ValueIn]> | { readonly [key: string]: ValueIn };
        out: AsMap<KeyOut, ValueOut, F>;
      }
    : never
  : Refused<`a map of ${T}() needs a type of two fields`>;

/** Two fields, the lower tag first. */
type Sorted<List> = List extends [infer A extends Field, infer B extends Field]
  ? IsLess<NoZeros<B[1]>, NoZeros<A[1]>> extends true
    ? [B, A]
    : List
  : List;

type NoZeros<Digits extends string> = Digits extends `0${infer Rest}` ? NoZeros<Rest> : Digits;

/**
 * True if A is less than B, both without leading zeros: by the number of digits, then by the first
 * that differs.
 */
type IsLess<
  A extends string,
  B extends string,
  First extends boolean | null = null,
> = A extends `${infer X}${infer A2}`
  ? B extends `${infer Y}${infer B2}`
    ? IsLess<A2, B2, First extends null ? (X extends Y ? null : Before<X, Y>) : First>
    : false
  : B extends ""
    ? First
    : true;

type Before<
  X extends string,
  Y extends string,
> = "0123456789" extends `${string}${X}${string}${Y}${string}` ? true : false;

// Not interfaces: declarations of programs cannot name what this module does not export.
type Struct<All, T extends string, F extends Forms> = {
  in: StructIn<All, T, F>;
  out: StructOut<All, T, F>;
};

/** Values of a missing type: the compiler's error shows the text. */
type Refused<Why extends string> = { in: Why; out: Why };
type NoType<T extends string> = `the schema has no type ${T}`;

/** The types of a schema's fields, one by one: a member is only looked at when it is used, so types may be recursive. */
type StructIn<All, T extends string, F extends Forms> = T extends keyof All
  ? All[T] extends Field[]
    ? {
        readonly [E in All[T][number] as E[0]]?: Values<All, T, E[2], F> extends { in: infer In }
          ? In | undefined
          : never;
      }
    : never
  : NoType<T>;

type StructOut<All, T extends string, F extends Forms> = T extends keyof All
  ? All[T] extends Field[]
    ? {
        [E in All[T][number] as E[0]]?: Values<All, T, E[2], F> extends { out: infer Out }
          ? Out
          : never;
      }
    : never
  : NoType<T>;

type Nothing = { readonly in: undefined; readonly out: undefined };

/** A request or a response: global names only. Optional if no field is required. */
type Body<All, T extends string, F extends Forms> = T extends "nil"
  ? Nothing
  : { readonly in: StructIn<All, T, F> | undefined; readonly out: StructOut<All, T, F> };

type Meaning<D, F extends Forms> = D extends Declared
  ? {
      readonly types: {
        readonly [T in D["types"][number] as T[0]]: Struct<Fields<D>, T[0], F>;
      };
      readonly protocols: {
        readonly [C in D["calls"][number] as C[0]]: {
          readonly request: Body<Fields<D>, C[1], F>;
          readonly response: Body<Fields<D>, C[2], F>;
        };
      };
    }
  : AnyTypes;

/** The words of one or several texts; `null` if one of them is known only at run time. */
type AllWords<Texts, Done extends string = ""> = Texts extends readonly [infer First, ...infer Rest]
  ? TextOf<First> extends infer Text extends string
    ? string extends Text
      ? null
      : AllWords<Rest, `${Done}${Words<Text>}`>
    : null
  : Texts extends readonly []
    ? Done
    : null;

type TextOf<T> = T extends string ? T : T extends NamedText ? T["text"] : never;

type Parsed<Texts> =
  AllWords<Texts extends string | NamedText ? [Texts] : Texts> extends infer W extends string
    ? Parse<W>
    : null;

/**
 * The types of a schema whose text the compiler knows. A type of its own, so that declaration files
 * contain the text of an exported schema instead of all its types.
 */
export interface SchemaTypes<Texts, F extends Forms> {
  readonly types: Meaning<Parsed<Texts>, F>["types"];
  readonly protocols: Meaning<Parsed<Texts>, F>["protocols"];
}

/**
 * The types of a schema's values, from the literal type of its text (or texts); {@link AnyTypes}
 * for a text that is known only at run time.
 */
export type Infer<Texts, F extends Forms = object> =
  Parsed<Texts> extends null ? AnyTypes : SchemaTypes<Texts, F>;
