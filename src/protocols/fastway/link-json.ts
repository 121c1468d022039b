import {
  asProtocolError,
  checkOptions,
  decodeUtf8,
  foldedKey,
  goEscaped,
  isMisuse,
  jsonFault,
  notPromised,
  type Protocol,
  ProtocolError,
  parseJson,
  skipSpace,
  stringify,
  valueEnd,
  valuesIn,
} from "../../core/index.ts";
import { lines } from "../../framing/index.ts";

/** A message of link's Json codec. */
export interface LinkMessage {
  /** Name under which the sender has registered the body's type; empty if it has not. */
  readonly head: string;
  /** Any JSON value but null. */
  readonly body: unknown;
}

/** By registered head: a function that turns the parsed body into a value, or throws. */
export type LinkTypes<Bodies> = {
  readonly [Head in keyof Bodies]: (body: unknown) => Bodies[Head];
};

/** The messages of registered types. */
export type LinkMessageOf<Bodies> = {
  readonly [Head in keyof Bodies]: { readonly head: Head; readonly body: Bodies[Head] };
}[keyof Bodies];

/** Options for {@link linkJson}. */
export interface LinkJsonOptions<Bodies> {
  /**
   * Functions by head that turn a message's body into a value, with checks or classes. If one
   * throws, the message is `malformed`. Go's default head of a type is its package path, a slash
   * and its name: `main/Point`.
   * @defaultValue none: bodies stay parsed JSON, as do those of heads that are not listed
   */
  readonly types?: LinkTypes<Bodies> | undefined;

  /** Replaces `JSON.parse`, for example for integers beyond 2^53. */
  readonly parse?: ((text: string) => unknown) | undefined;

  /**
   * Longest line in bytes, LF included, for reading and writing.
   * @defaultValue 1 MiB
   */
  readonly maxFrame?: number | undefined;
}

/**
 * Protocol of github.com/funny/link's Json codec: one object per line, with head and body.
 *
 * ```text
 *   {"Head":"hello","Body":{"Name":"Ann","Age":7}}\n
 * ```
 *
 * Reading accepts the names Head and Body in any case, ignores other members, takes a missing head
 * as empty, skips blank lines, and splits several objects on one line. An object must not span
 * several lines, which Go's encoder never writes. A body that is missing or null is `malformed`
 * (the Go library panics).
 *
 * Writing produces Go's bytes, with `<` `>` `&` and control characters escaped, except that members
 * keep their order (Go sorts the keys of maps). A body that is null or undefined is `unencodable`.
 *
 * As the payload of {@link linkFixlen} the LF counts, and a body holds exactly one object.
 *
 * @param options - `types`; `parse`, `maxFrame`
 *
 * @example
 * ```ts
 * import { decodeFrame, encodeFrame } from "framewright";
 * import { linkFixlen, linkJson } from "framewright/fastway";
 *
 * const point = (body: unknown): [number, number] => {
 *   const { x, y } = body as { x: number; y: number };
 *   return [x, y];
 * };
 * const points = linkFixlen({ width: 2, endian: "le" }).wrap(
 *   linkJson({ types: { "main/Point": point } }),
 * );
 * const frame = encodeFrame(points, { head: "main/Point", body: { x: 1.5, y: 2 } });
 * console.log(decodeFrame(points, frame).body);
 * //=> [ 1.5, 2 ]
 * ```
 */
export function linkJson<Bodies = Record<never, never>>(
  options: LinkJsonOptions<Bodies> = {},
): Protocol<LinkMessage, LinkMessage | LinkMessageOf<Bodies>> {
  checkOptions("linkJson", options, ["types", "parse", "maxFrame"]);
  const { parse = parseJson } = options;
  const types = options.types as Readonly<Record<string, (body: unknown) => unknown>> | undefined;
  const framing = lines({ maxFrame: options.maxFrame });

  const read = (text: string, at: number): LinkMessage => {
    const { head, body } = headAndBody(text, parse, at);
    if (types === undefined || !Object.hasOwn(types, head)) return { head, body };
    try {
      return { head, body: notPromised(types[head]!(body), "types") };
    } catch (error) {
      throw asProtocolError(error, "malformed", `type: body is not a ${JSON.stringify(head)}`, at);
    }
  };

  return Object.freeze<Protocol<LinkMessage, LinkMessage | LinkMessageOf<Bodies>>>({
    name: "link Json",
    maxFrame: framing.maxFrame,
    text: true,
    format: { name: "json" },
    layout: framing.layout,
    measure: framing.measure,
    recover: framing.recover!,
    decode: (bytes, start, end) => read(decodeUtf8(bytes, start, end), start),
    decodeMany(bytes, start, end) {
      const line = decodeUtf8(bytes, start, end);
      try {
        return [read(line, start)];
      } catch (error) {
        // A blank line holds no value; the parser reports anything but an object.
        const objects = valuesIn(line);
        if (objects.length === 1 || isMisuse(error)) throw error;
        return objects.map((text) => read(text, start));
      }
    },
    encode({ head, body }, out) {
      if (typeof head !== "string") {
        throw new ProtocolError("unencodable", `head is a ${typeof head}, not a string`);
      }
      const text = stringify(body);
      if (text === "null") throw new ProtocolError("unencodable", "a body must not be null");
      out.utf8(`{"Head":${goEscaped(stringify(head))},"Body":${goEscaped(text)}}\n`);
    },
  });
}

function parsed(text: string, parse: (text: string) => unknown, at: number): unknown {
  try {
    return notPromised(parse(text), "parse");
  } catch (cause) {
    if (isMisuse(cause)) throw cause;
    const fault = jsonFault(text);
    if (fault === undefined) {
      const reason = cause instanceof ProtocolError ? cause.message : "not the JSON expected";
      throw new ProtocolError("malformed", `syntax: ${reason}`, at, { cause });
    }
    const start = skipSpace(text, 0);
    const isCut = start === text.length || (text[start] === "{" && valueEnd(text, start) < 0);
    if (isCut) throw new ProtocolError("truncated", `truncated: ${fault}`, at);
    throw new ProtocolError("malformed", `syntax: ${fault}`, at);
  }
}

function headAndBody(text: string, parse: (text: string) => unknown, at: number): LinkMessage {
  const value = parsed(text, parse, at);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ProtocolError("malformed", "type: message is not a JSON object", at);
  }
  let head: unknown;
  let body: unknown;
  for (const [name, member] of Object.entries(value)) {
    const key = foldedKey(name);
    if (key === "HEAD") head = member;
    else if (key === "BODY") body = member;
  }
  if (typeof head !== "string" && head !== undefined && head !== null) {
    throw new ProtocolError("malformed", `type: Head is a ${typeof head}, not a string`, at);
  }
  if (body === undefined || body === null) {
    throw new ProtocolError("malformed", "missing-body: message has no Body", at);
  }
  return { head: head ?? "", body };
}
