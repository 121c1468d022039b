/** The types and protocols of a schema, as TypeScript knows them. */
export interface SprotoTypes {
  /** By full name: what encoding takes, and what decoding gives. */
  readonly types: { readonly [name: string]: { readonly in: unknown; readonly out: unknown } };
}

/** What is known of a schema that is read at run time: nothing. */
export interface AnyTypes {
  // biome-ignore lint/suspicious/noExplicitAny: nothing is known of these values
  readonly types: { readonly [name: string]: { readonly in: any; readonly out: any } };
}

/** The names of a schema's types. */
export type TypeName<T extends SprotoTypes> = keyof T["types"] & string;

/** What `encode` takes for a type. */
export type Encodable<T extends SprotoTypes, N extends TypeName<T>> = T["types"][N]["in"];

/** What `decode` gives for a type. */
export type Decoded<T extends SprotoTypes, N extends TypeName<T>> = T["types"][N]["out"];
