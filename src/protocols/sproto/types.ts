/** A message's type for encoding, and its type after decoding. */
export interface MessageTypes {
  readonly in: unknown;
  readonly out: unknown;
}

/** The types and protocols of a schema, as TypeScript knows them. */
export interface SprotoTypes {
  /** Types by full name. */
  readonly types: { readonly [name: string]: MessageTypes };
  /**
   * Protocols by name; a request or response that a protocol does not have is `undefined` on both
   * sides.
   */
  readonly protocols: {
    readonly [name: string]: { readonly request: MessageTypes; readonly response: MessageTypes };
  };
}

/** Types of a schema that is known only at run time: its values are `any`. */
// biome-ignore lint/suspicious/noExplicitAny: a schema with known types goes where any is taken
export type AnyTypes = any;

/** The names of a schema's types. */
export type TypeName<T extends SprotoTypes> = keyof T["types"] & string;

/** Type of the values that `encode` accepts. */
export type Encodable<T extends SprotoTypes, N extends TypeName<T>> = T["types"][N]["in"];

/** Type of the values that `decode` returns. */
export type Decoded<T extends SprotoTypes, N extends TypeName<T>> = T["types"][N]["out"];

/** The names of a schema's protocols. */
export type ProtocolName<T extends SprotoTypes> = keyof T["protocols"] & string;
