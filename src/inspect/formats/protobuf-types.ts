/** The members of a message type that views need. */
export interface MessageType {
  readonly name: string;
  field(number: number): FieldType | undefined;
}

export interface FieldType {
  readonly name: string;
  /** Name of the scalar type, or of the enum. */
  readonly type: string;
  /** The type of a message, or of an entry of a map. */
  readonly message?: MessageType | undefined;
  /** For enums: returns the name of a number. */
  readonly names?: ((number: number) => string | undefined) | undefined;
}

/** The message type of a codec: of protobufjs (reflected) or of protobuf-es. */
export function typeOf(format: object | undefined): MessageType | undefined {
  const { protobufjs, bufbuild } = (format ?? {}) as Record<string, unknown>;
  if ((protobufjs as Reflected | undefined)?.fieldsById !== undefined) {
    return ofProtobufjs(protobufjs as Reflected);
  }
  if (Array.isArray((bufbuild as Desc | undefined)?.fields)) return ofBufbuild(bufbuild as Desc);
  return undefined;
}

/** A type of protobufjs. */
interface Reflected {
  readonly name?: string;
  readonly fullName?: string;
  readonly fieldsById?: Readonly<Record<number, ReflectedField>>;
  /** For enums. */
  readonly valuesById?: Readonly<Record<number, string>>;
}

interface ReflectedField {
  readonly name: string;
  readonly type: string;
  readonly map?: boolean;
  readonly keyType?: string;
  readonly resolvedType?: Reflected | null;
  resolve?(): unknown;
}

function ofProtobufjs(type: Reflected): MessageType {
  return {
    name: type.fullName?.replace(/^\./, "") ?? type.name ?? "message",
    field(number) {
      const field = type.fieldsById?.[number];
      if (field === undefined) return undefined;
      try {
        field.resolve?.();
      } catch {
        // The type is missing: guess from the bytes.
        return undefined;
      }
      const value = reflectedType(field);
      if (field.map !== true) return value;
      return { name: field.name, type: "map", message: entry(field.keyType ?? "string", value) };
    },
  };
}

function reflectedType({ name, type, resolvedType }: ReflectedField): FieldType {
  if (resolvedType?.fieldsById !== undefined) {
    return { name, type, message: ofProtobufjs(resolvedType) };
  }
  const { valuesById } = resolvedType ?? {};
  return valuesById === undefined
    ? { name, type }
    : { name, type, names: (number) => valuesById[number] };
}

const entry = (key: string, value: FieldType): MessageType => ({
  name: "entry",
  field: (number) =>
    number === 1
      ? { name: "key", type: key }
      : number === 2
        ? { ...value, name: "value" }
        : undefined,
});

/** A message of protobuf-es. */
interface Desc {
  readonly typeName: string;
  readonly fields: readonly DescField[];
}

interface DescField {
  readonly number: number;
  readonly name: string;
  readonly fieldKind: "scalar" | "enum" | "message" | "list" | "map";
  readonly scalar?: number;
  readonly mapKey?: number;
  readonly message?: Desc;
  readonly enum?: {
    readonly typeName: string;
    readonly values: readonly { readonly number: number; readonly name: string }[];
  };
}

/** Names of scalar types by their number in descriptors. */
const SCALARS: Readonly<Record<number, string>> = Object.freeze({
  ...{ 1: "double", 2: "float", 3: "int64", 4: "uint64", 5: "int32", 6: "fixed64", 7: "fixed32" },
  ...{ 8: "bool", 9: "string", 12: "bytes", 13: "uint32", 15: "sfixed32", 16: "sfixed64" },
  ...{ 17: "sint32", 18: "sint64" },
});

function ofBufbuild({ typeName, fields }: Desc): MessageType {
  return {
    name: typeName,
    field(number) {
      const field = fields.find((one) => one.number === number);
      if (field === undefined) return undefined;
      const value = descType(field);
      if (field.fieldKind !== "map") return value;
      return { name: field.name, type: "map", message: entry(SCALARS[field.mapKey!]!, value) };
    },
  };
}

function descType({ name, message, enum: names, scalar }: DescField): FieldType {
  if (message !== undefined) return { name, type: message.typeName, message: ofBufbuild(message) };
  if (names === undefined) return { name, type: SCALARS[scalar!] ?? "bytes" };
  return {
    name,
    type: names.typeName,
    names: (number) => names.values.find((one) => one.number === number)?.name,
  };
}

const HEADER: MessageType = {
  name: "Header",
  field: (number) => HEADER_FIELDS[number],
};

const HEADER_FIELDS: Readonly<Record<number, FieldType>> = {
  1: { name: "msg_type", type: "string" },
  2: { name: "seq", type: "uint32" },
  3: { name: "version", type: "uint32" },
  4: { name: "timestamp", type: "int64" },
  5: { name: "client_version", type: "string" },
};

/** A type with a header in field 1. */
export const headerOf = (type: MessageType | undefined): MessageType => ({
  name: type?.name ?? "message",
  field: (number) =>
    number === 1 ? { name: "header", type: "Header", message: HEADER } : type?.field(number),
});
