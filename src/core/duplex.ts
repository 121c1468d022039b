import { checkOptions } from "./options.ts";
import type { Codec, Framing, MessageProtocol, Protocol } from "./protocol.ts";
import { textOf } from "./text-path.ts";

/** Protocols, message protocols or codecs for {@link duplex}: one for reading, one for writing. */
export interface DuplexParts<Read, Write> {
  /** Reads what the peer sends. */
  readonly read: Read;
  /** Writes what you send. */
  readonly write: Write;
}

/**
 * Joins two protocols, one for each direction, for peers whose two directions differ: commands one way and
 * replies the other, with a limit for each. `measure`, `decode` and `maxFrame` are those of `read`; `encode`,
 * `text` and the limit for writing (`maxSend`, or else `maxFrame`) are those of `write`.
 *
 * Takes two protocols, two message protocols or two codecs, and returns the same kind.
 *
 * @param parts - `read` and `write`; exchange them for the other side of the connection
 * @returns a protocol named `read/write` after both, or by the name that both have
 * @throws TypeError if the two are of different kinds
 *
 * @example
 * ```ts
 * import { decodeFrame, duplex, encodeFrame, json, lengthPrefixed, lines, utf8 } from "framewright";
 *
 * const commands = lines({ maxFrame: 512 }).wrap(utf8(), { name: "commands" });
 * const replies = lengthPrefixed({ width: 4 }).wrap(json<{ ok: boolean }>(), { name: "replies" });
 * const server = duplex({ read: commands, write: replies });
 * const client = duplex({ read: replies, write: commands });
 * const reply = encodeFrame(server, { ok: true });
 * console.log(decodeFrame(client, reply), server.maxFrame, server.name);
 * //=> { ok: true } 512 commands/replies
 * ```
 */
export function duplex<In, Out>(
  parts: DuplexParts<Protocol<never, Out>, Protocol<In, unknown>>,
): Protocol<In, Out>;
export function duplex<In, Out>(
  parts: DuplexParts<
    MessageProtocol<never, Out> & { readonly measure?: undefined },
    MessageProtocol<In, unknown> & { readonly measure?: undefined }
  >,
): MessageProtocol<In, Out>;
export function duplex<In, Out>(
  parts: DuplexParts<
    Codec<never, Out> & { readonly measure?: undefined; readonly maxFrame?: undefined },
    Codec<In, unknown> & { readonly measure?: undefined; readonly maxFrame?: undefined }
  >,
): Codec<In, Out>;
export function duplex<In, Out>(parts: DuplexParts<unknown, unknown>): Codec<In, Out> {
  checkOptions("duplex", parts, ["read", "write"]);
  const kinds = [kindOf("read", parts.read), kindOf("write", parts.write)] as const;
  if (kinds[0] !== kinds[1]) {
    throw new TypeError(
      `duplex joins two of one kind, but read is a ${kinds[0]} and write a ${kinds[1]}: wrap both in a framing`,
    );
  }
  const read = parts.read as Protocol<never, Out>;
  const write = parts.write as Protocol<In, unknown>;
  const codec = codecOf<In, Out>(read, write);
  if (kinds[0] === "codec") return Object.freeze(codec);
  const { maxFrame } = read;
  const maxSend = write.maxSend ?? write.maxFrame;
  const name = read.name === write.name ? read.name : `${read.name}/${write.name}`;
  const { payload } = read;
  const message: MessageProtocol<In, Out> = {
    name,
    maxFrame,
    maxSend,
    ...(payload && { payload }),
    ...codec,
  };
  if (kinds[0] === "message protocol") return Object.freeze(message);
  const protocol: Protocol<In, Out> = { ...message, ...framingOf(read) };
  if (read.perConnection === undefined && write.perConnection === undefined) {
    return Object.freeze(protocol);
  }
  return Object.freeze<Protocol<In, Out>>({
    ...protocol,
    perConnection(connection) {
      const own = read.perConnection?.(connection) ?? read;
      const isOne = (write as unknown) === read;
      const other = isOne ? (own as unknown as typeof write) : write.perConnection?.(connection);
      return duplex<In, Out>({ read: own, write: other ?? write });
    },
  });
}

/** @throws TypeError unless it is at least a codec */
function kindOf(role: string, part: unknown): "protocol" | "message protocol" | "codec" {
  const { decode, encode, measure, maxFrame } = Object(part) as Record<string, unknown>;
  if (typeof decode !== "function" || typeof encode !== "function") {
    throw new TypeError(
      `duplex: ${role} is not a codec or protocol; a framing needs .wrap(codec) first`,
    );
  }
  if (typeof measure === "function") return "protocol";
  return maxFrame === undefined ? "codec" : "message protocol";
}

function codecOf<In, Out>(read: Codec<never, Out>, write: Codec<In, unknown>): Codec<In, Out> {
  const decode: Codec<In, Out>["decode"] = (bytes, start, end) => read.decode(bytes, start, end);
  const encode: Codec<In, Out>["encode"] = (value, out) => write.encode(value, out);
  return {
    decode,
    encode,
    text: write.text === true,
    ...(read.format && { format: read.format }),
    ...(read.decodeMany && {
      decodeMany: (bytes, start, end) => read.decodeMany!(bytes, start, end),
    }),
    ...textOf(read, write, decode, encode),
  };
}

/** A framing without its limit. */
function framingOf(read: Protocol<never, unknown>): Omit<Framing, "maxFrame"> {
  return {
    measure: (bytes, start, end, scan) => read.measure(bytes, start, end, scan),
    ...(read.recover && {
      recover: (bytes, start, end, scan) => read.recover!(bytes, start, end, scan),
    }),
    ...(read.tooLong && { tooLong: (length, maxFrame) => read.tooLong!(length, maxFrame) }),
    ...(read.layout && { layout: read.layout }),
    ...(read.loose && { loose: true }),
    ...(read.hint && { hint: read.hint }),
  };
}
