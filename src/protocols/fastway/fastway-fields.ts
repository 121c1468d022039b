import { checkOptions } from "../../core/index.ts";
import {
  bytes,
  constant,
  enumOf,
  envelope,
  type Field,
  ignored,
  mapped,
  match,
  rest,
  size,
  struct,
  u8,
  u32le,
  union,
} from "../../fields/index.ts";
import {
  COMMANDS,
  checkedDialect,
  checkedSide,
  type Dialect,
  mayCome,
  type SentBy,
  type Side,
} from "./commands.ts";
import type { FastwayMessage } from "./fastway.ts";
import type { Packet } from "./packet.ts";

/** Options for {@link fastwayFields} and {@link commandFields}. */
export interface FastwayFieldsOptions<D extends Dialect, S extends Side | undefined = undefined> {
  /** Version of fastway. Required, because the wire does not show it. */
  readonly dialect: D;

  /**
   * Describes only what this side sends; values of the other side are refused.
   * @defaultValue both directions
   */
  readonly side?: S | undefined;
}

/**
 * Describes the packets of {@link packet}, for tools.
 *
 * ```text
 * 0              4              8
 * | length u32le | connId u32le | message bytes |
 * ```
 */
export function packetFields(): Field<Packet> {
  return struct({ length: size(u32le, rest), connId: u32le, message: bytes() });
}

/**
 * Describes the commands of {@link command}, for tools. The two sides send different commands:
 * `side` is the sender.
 *
 * @param options - `dialect`; `side`
 * @throws TypeError without a dialect, or for an unknown side
 *
 * @example
 * ```ts
 * import { commandFields } from "framewright/fastway";
 * import { explain, hexView } from "framewright/inspect";
 *
 * const dial = Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0);
 * console.log(hexView(explain(commandFields({ dialect: "v2" }), dial), dial));
 * //=> 0000  09 00 00 00  length      u32le    9  (bytes that follow)
 * //=> 0004  00 00 00 00  connId      u32le    0  (always)
 * //=> 0008               command     union
 * //=> 0008  00             type      enum u8  "dial"  (0)
 * //=> 0009  01 00 00 00    remoteId  u32le    1
 * //=> 000d                 extra     bytes    0 bytes
 * ```
 */
export function commandFields<D extends Dialect, S extends Side | undefined = undefined>(
  options: FastwayFieldsOptions<D, S>,
): Field<SentBy<D, S>> {
  checkOptions("commandFields", options, ["dialect", "side"]);
  const command = commandUnion(options.dialect, options.side);
  return envelope({
    length: size(u32le, rest),
    connId: constant(u32le, 0),
    command,
  }) as unknown as Field<SentBy<D, S>>;
}

/**
 * Describes a whole physical connection, as {@link fastway} reads and writes it, for tools:
 * commands on connection 0, messages on all others.
 *
 * @param options - `dialect`; `side`
 * @throws TypeError without a dialect, or for an unknown side
 *
 * @example
 * ```ts
 * import { decodeFrame } from "framewright";
 * import { fastwayFields } from "framewright/fastway";
 * import { protocolOf } from "framewright/fields";
 *
 * const sent = protocolOf(fastwayFields({ dialect: "v2", side: "endpoint" }), { name: "sent" });
 * console.log(decodeFrame(sent, Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0)));
 * //=> { type: 'dial', remoteId: 1 }
 * ```
 */
export function fastwayFields<D extends Dialect, S extends Side | undefined = undefined>(
  options: FastwayFieldsOptions<D, S>,
): Field<FastwayMessage | SentBy<D, S>> {
  checkOptions("fastwayFields", options, ["dialect", "side"]);
  const command = commandUnion(options.dialect, options.side);
  const all = struct({
    length: size(u32le, rest),
    connId: u32le,
    content: match("connId", { 0: command }, bytes()),
  });
  return mapped<Whole, Whole, Value>(all as unknown as Field<Whole>, {
    name: "fastway",
    read: ({ connId, content }) =>
      connId === 0
        ? (content as Value)
        : { type: "message", connId, message: content as Uint8Array },
    write: (value) =>
      value.type === "message"
        ? { connId: (value as FastwayMessage).connId, content: (value as FastwayMessage).message }
        : { connId: 0, content: value },
  }) as unknown as Field<FastwayMessage | SentBy<D, S>>;
}

type Value = FastwayMessage | { readonly type: string };

interface Whole {
  readonly connId: number;
  readonly content: Uint8Array | Value;
}

/** Returns the commands of a dialect, by type; bytes after the arguments are skipped. */
function commandUnion(dialect: Dialect, side: Side | undefined): Field<{ readonly type: string }> {
  checkedSide(side);
  const codes: Record<string, number> = {};
  const cases: Record<string, Record<string, typeof u32le>> = {};
  COMMANDS[checkedDialect(dialect)].forEach((shape, code) => {
    if (!mayCome(shape, side)) return;
    codes[shape.type] = code;
    const args = shape.args.map((name) => [name, u32le]);
    cases[shape.type] = { ...Object.fromEntries(args), extra: ignored() };
  });
  return union("type", enumOf(u8, codes), cases) as unknown as Field<{ readonly type: string }>;
}
