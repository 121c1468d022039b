/** A message: what encoding takes, and what decoding gives. */
export interface MessageTypes {
  readonly in: unknown;
  readonly out: unknown;
}

/** The types and protocols of a schema, as TypeScript knows them. */
export interface SprotoTypes {
  /** By full name. */
  readonly types: { readonly [name: string]: MessageTypes };
  /** By name; both sides of a request or response that a protocol has not are `undefined`. */
  readonly protocols: {
    readonly [name: string]: { readonly request: MessageTypes; readonly response: MessageTypes };
  };
}

/** What is known of a schema that is read at run time: nothing. Its values are `any`. */
// biome-ignore lint/suspicious/noExplicitAny: a schema with known types goes where any is taken
export type AnyTypes = any;

/** The names of a schema's types. */
export type TypeName<T extends SprotoTypes> = keyof T["types"] & string;

/** What `encode` takes for a type. */
export type Encodable<T extends SprotoTypes, N extends TypeName<T>> = T["types"][N]["in"];

/** What `decode` gives for a type. */
export type Decoded<T extends SprotoTypes, N extends TypeName<T>> = T["types"][N]["out"];

/** The names of a schema's protocols. */
export type ProtocolName<T extends SprotoTypes> = keyof T["protocols"] & string;
