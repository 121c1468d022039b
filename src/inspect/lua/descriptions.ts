import { type Codec, type Format, json } from "../../core/index.ts";
import {
  type AnyField,
  array,
  bytes,
  codec,
  constant,
  enumOf,
  type Field,
  i16be,
  i32be,
  ignored,
  lazy,
  match,
  rest,
  size,
  struct,
  u8,
  u16be,
  u32be,
  u32le,
  union,
  utf8,
  whole,
} from "../../fields/index.ts";

/** A format of this package, as a description. */
export interface Described {
  readonly field: AnyField;
  /** True if it describes whole frames, not payloads. */
  readonly isFrame: boolean;
  readonly upTo?: string | undefined;
}

/** Returns the description for the `format` of a protocol or codec; undefined for other formats. */
export function descriptionOf({
  format,
}: {
  readonly format?: Format | undefined;
}): Described | undefined {
  switch (format?.name) {
    case "goim":
      return { field: goim(format.batch as number), isFrame: true, upTo: "headerLength" };
    case "bilibili":
      return { field: bilibili(format.operations as Operations), isFrame: true };
    case "fastway":
      return { field: fastway(format.commands as readonly Shape[] | undefined), isFrame: true };
    case "gateway":
      return { field: gateway(), isFrame: true, upTo: "ext_len" };
    case "transfer":
      return { field: transfer(), isFrame: false };
    case "tail":
      return { field: tail(format.fields as readonly TailField[]), isFrame: false };
    default:
      return undefined;
  }
}

function goim(batch: number): AnyField {
  const packet: Field<never, unknown> = struct({
    packetLength: size(i32be, whole),
    headerLength: constant(i16be, 16),
    ver: i16be,
    op: i32be,
    seq: i32be,
    body: match("op", { [batch]: array(lazy(() => packet)) }, bytes()),
  }) as Field<never, unknown>;
  return packet;
}

type Operations = Readonly<Record<"heartbeatReply" | "message" | "auth" | "authReply", number>>;

/**
 * Packets of Bilibili. `ver` determines how the body of a message is compressed: see {@link PackedBody}.
 */
function bilibili({ heartbeatReply, message, auth, authReply }: Operations): AnyField {
  const text = codec(json() as Codec<never>, "json");
  const packet = (body: AnyField): AnyField =>
    struct({
      packetLength: size(i32be, whole),
      headerLength: constant(i16be, 16),
      ver: i16be,
      op: i32be,
      seq: i32be,
      body: match(
        "op",
        {
          [heartbeatReply]: struct({ popularity: u32be, rest: ignored() }),
          [auth]: text,
          [authReply]: text,
          [message]: body as Field<never, unknown>,
        },
        bytes(),
      ),
    });
  const inner = array(lazy(() => packet(text) as Field<never, unknown>));
  return packet(codec(packedBody(inner) as unknown as Codec<never>, "packed"));
}

/** A body with its compression in the u16be 10 bytes before it: 2 is zlib, 3 is Brotli, others are JSON. */
export interface PackedBody {
  readonly format: { readonly name: "packed body"; readonly inner: AnyField };
}

const packedBody = (inner: AnyField): PackedBody & Pick<Codec<unknown>, "decode" | "encode"> => ({
  format: { name: "packed body", inner },
  decode: (bytes, start, end) => bytes.subarray(start, end),
  encode() {},
});

/** The fields of a command in a dialect; the index is the command code. */
interface Shape {
  readonly type: string;
  readonly args: readonly string[];
}

function fastway(commands: readonly Shape[] | undefined): AnyField {
  if (commands === undefined) {
    return struct({ length: size(u32le, rest), connId: u32le, message: bytes() });
  }
  const codes = Object.fromEntries(commands.map(({ type }, code) => [type, code]));
  const cases = Object.fromEntries(
    commands.map(({ type, args }) => [
      type,
      { ...Object.fromEntries(args.map((name) => [name, u32le])), extra: ignored() },
    ]),
  );
  const command = union("type", enumOf(u8, codes), cases);
  return struct({
    length: size(u32le, rest),
    connId: u32le,
    content: match("connId", { 0: command as Field<never, unknown> }, bytes()),
  });
}

const gateway = (): AnyField =>
  struct({
    pack_len: size(u32be, whole),
    cmd: u8,
    local_ip: u32be,
    local_port: u16be,
    client_ip: u32be,
    client_port: u16be,
    connection_id: u32be,
    flag: u8,
    gateway_port: u16be,
    ext_len: size(u32be, "ext_data"),
    ext_data: bytes(),
    body: bytes(),
  });

const transfer = (): AnyField =>
  struct({ name_length: size(u8, "file_name"), file_name: utf8(), file_data: bytes() });

type TailField = readonly [name: string, type: string];

/** Bytes followed by numbers. */
function tail(fields: readonly TailField[]): AnyField {
  const types: Readonly<Record<string, AnyField>> = {
    u32be,
    bool: enumOf(u8, { false: 0, true: 1 }),
  };
  const members = fields.map(([name, type]) => [name, types[type]!] as const);
  return struct({ content: bytes(), ...Object.fromEntries(members) } as Record<
    string,
    Field<never, unknown>
  >);
}
