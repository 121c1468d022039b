import {
  checkOptions,
  decodeUtf8,
  eachMember,
  elements,
  foldedKey,
  goCompact,
  goInteger,
  jsonFault,
  type MessageProtocol,
  ProtocolError,
  parseJson,
  stringify,
  trimmed,
} from "../../core/index.ts";
import { frameLimit } from "../../framing/index.ts";
import { type Packet, type PacketToSend, VERSION } from "./packet.ts";
import { checkSide } from "./side.ts";

/** Options for {@link goimJson}. */
export interface GoimJsonOptions {
  /**
   * Format of a server's messages: one object (`'v1.0'`, also v1.1), or an array of objects
   * (`'v1.2'`).
   * @defaultValue `'v1.2'`
   */
  readonly dialect?: "v1.0" | "v1.2" | undefined;

  /**
   * This side. A `'client'` writes one object, and reads an object or an array, of either dialect.
   * A `'server'` writes the format of `dialect`, escaped as Go does it, and reads one object. If
   * not set, it writes as a client and reads messages of both sides.
   */
  readonly side?: "client" | "server" | undefined;

  /**
   * The body as a parsed value, or as JSON text, if integers above 2^53 or duplicate keys matter.
   * @defaultValue `'json'`
   */
  readonly body?: "json" | "text" | undefined;

  /**
   * Largest message in bytes, for reading and writing.
   * @defaultValue 1 MiB
   */
  readonly maxFrame?: number | undefined;
}

/**
 * A protocol that reads and writes JSON packets. With side `'server'`, several packets are written
 * as one batch.
 */
export interface JsonProtocol<Body = unknown>
  extends MessageProtocol<PacketToSend<Body> | readonly PacketToSend<Body>[], Packet<Body>> {
  /** True if several packets can be written as one message (side `'server'`, v1.2). */
  readonly batches: boolean;
}

/**
 * Packets as JSON text, for the WebSocket of goim v1.0 to v1.2.
 *
 * ```text
 *   client, always:      {"ver":1,"op":2,"seq":2,"body":{}}
 *   server v1.0, v1.1:   {"ver":1,"op":8,"seq":1,"body":{}}
 *   server v1.2:         [{"ver":1,"op":8,"seq":1,"body":{}}]<LF>
 *   server v1.2, batch:  [{"ver":0,"op":5,"seq":0,"body":1},{"ver":0,"op":5,"seq":0,"body":2}]
 * ```
 *
 * An absent body is written as `{}`, and read as `undefined`; JSON's null is a value. Each packet
 * of an array is delivered on its own. Messages are read as Go reads them: keys in any case, the
 * last of duplicate keys counts, unknown keys are ignored, a missing number is 0. A number with a
 * fraction or an exponent, or one that does not fit its field, is `malformed`. Two checks are
 * stricter than Go's: bytes after the value are `malformed`, and a body that is not JSON is
 * `unencodable`.
 *
 * Format: github.com/Terry-Mao/goim, tag v1.2, libs/proto/proto.go.
 *
 * @example
 * ```ts
 * import { decodeAll, decodeUtf8, encodeFrame } from "framewright";
 * import { goimJson, operations } from "framewright/goim";
 *
 * const client = goimJson({ side: "client" });
 * const auth = encodeFrame(client, { op: operations.v1.auth, seq: 1, body: 123 });
 * console.log(decodeUtf8(auth));
 * //=> {"ver":1,"op":7,"seq":1,"body":123}
 *
 * const server = goimJson({ side: "server" });
 * const pushes = encodeFrame(server, [{ op: 5, body: "a" }, { op: 5, body: "<b>" }]);
 * console.log(decodeUtf8(pushes));
 * //=> [{"ver":1,"op":5,"seq":0,"body":"a"},{"ver":1,"op":5,"seq":0,"body":"\u003cb\u003e"}]
 * console.log(decodeAll(client, pushes).map((packet) => packet.body));
 * //=> [ 'a', '<b>' ]
 * ```
 *
 * @throws RangeError for an invalid option
 */
export function goimJson(
  options: GoimJsonOptions & { readonly body: "text" },
): JsonProtocol<string | undefined>;
export function goimJson(options?: GoimJsonOptions): JsonProtocol;
export function goimJson(options: GoimJsonOptions = {}): EitherJson {
  checkOptions("goimJson", options, ["dialect", "side", "body", "maxFrame"]);
  const { dialect = "v1.2", side, body = "json" } = options;
  if (dialect !== "v1.0" && dialect !== "v1.2") throw new RangeError(`no dialect "${dialect}"`);
  checkSide(side);
  if (body !== "json" && body !== "text")
    throw new RangeError(`body must be "json" or "text", not "${body}"`);
  const maxFrame = frameLimit(options.maxFrame);

  const read = (text: string): unknown => (body === "text" ? text : parseJson(text));
  const bodyText = (value: unknown): string => {
    if (value === undefined) return "{}";
    const text = body === "text" ? checkedText(value) : stringify(value);
    return side === "server" ? goCompact(text) : text;
  };
  const packetText = ({ ver = VERSION, op, seq = 0, body: value }: PacketToSend<unknown>): string =>
    `{"ver":${written(ver, INT16, "ver")},"op":${written(op, INT32, "op")},` +
    `"seq":${written(seq, INT32, "seq")},"body":${bodyText(value)}}`;

  const decodeMany = (bytes: Uint8Array, start: number, end: number): Packet<unknown>[] => {
    const text = trimmed(decodeUtf8(bytes, start, end));
    try {
      return packetTexts(text, side).map((one) => packetOf(one, read));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const all = `json: message of ${end - start} bytes: ${error.message}`;
      throw new ProtocolError("malformed", all, start, { cause: error });
    }
  };

  return Object.freeze<JsonProtocol<unknown>>({
    name: `goim ${dialect} JSON`,
    maxFrame,
    text: true,
    format: { name: "json" },
    batches: side === "server" && dialect === "v1.2",
    decodeMany,
    decode(bytes, start, end) {
      const packets = decodeMany(bytes, start, end);
      if (packets.length === 1) return packets[0]!;
      const text = `json: message holds ${packets.length} packets, not 1`;
      throw new ProtocolError("malformed", text, start);
    },
    encode(packets, out) {
      if (isBatch(packets)) {
        if (side !== "server" || dialect === "v1.0" || packets.length === 0) {
          throw new ProtocolError("unencodable", whyNoBatch(packets.length, side));
        }
        out.utf8(`[${packets.map(packetText).join(",")}]`);
      } else if (side === "server" && dialect === "v1.2") {
        // Go's encoder appends a line feed to a single packet, but not to a batch.
        out.utf8(`[${packetText(packets)}]\n`);
      } else {
        out.utf8(packetText(packets));
      }
    },
  }) as EitherJson;
}

/** The return type of both overloads of `goimJson`. */
interface EitherJson
  extends MessageProtocol<PacketToSend<unknown> | readonly PacketToSend<unknown>[], Packet<never>> {
  readonly batches: boolean;
}

const INT16 = 0x7fff;
const INT32 = 0x7fffffff;

function isBatch<T>(packets: T | readonly T[]): packets is readonly T[] {
  return Array.isArray(packets);
}

function whyNoBatch(count: number, side: string | undefined): string {
  if (count === 0) return "a batch needs at least one packet";
  return side === "server" ? "v1.0 has no batches" : "a client sends one packet a message";
}

function written(value: number, most: number, field: string): number {
  if (Number.isInteger(value) && value >= -most - 1 && value <= most) return value;
  const shown = typeof value === "number" || typeof value === "bigint" ? value : typeof value;
  throw new ProtocolError("unencodable", `${field} ${shown} is not an integer of that field`);
}

function checkedText(value: unknown): string {
  if (typeof value !== "string") {
    throw new ProtocolError("unencodable", `body must be JSON text, not ${typeof value}`);
  }
  const fault = jsonFault(value);
  if (fault !== undefined) throw new ProtocolError("unencodable", `body is not JSON: ${fault}`);
  return value;
}

/** Returns the text of each packet in a message. */
function packetTexts(text: string, side: "client" | "server" | undefined): string[] {
  // Checks the whole text once; all later steps rely on it.
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed(jsonFault(text)!);
  }
  if (Array.isArray(value)) {
    if (side === "server") throw malformed("array from a client");
    return elements(text);
  }
  // The v1.2 server writes this for an empty batch.
  if (value === null && side === "client") return [];
  return [text];
}

function packetOf(text: string, read: (text: string) => unknown): Packet<unknown> {
  const packet = { ver: 0, op: 0, seq: 0, body: undefined as unknown };
  if (text === "null") return packet;
  if (text[0] !== "{") throw malformed("packet is not an object");
  let body: string | undefined;
  eachMember(text, (key, value) => {
    switch (foldedKey(key)) {
      case "VER":
        packet.ver = integer(value, INT16, "ver", packet.ver);
        break;
      case "OP":
        packet.op = integer(value, INT32, "op", packet.op);
        break;
      case "SEQ":
        packet.seq = integer(value, INT32, "seq", packet.seq);
        break;
      case "BODY":
        body = value;
        break;
    }
  });
  if (body !== undefined) packet.body = read(body);
  return packet;
}

/** Reads a number of the packet; null keeps the value before, as in Go. */
function integer(text: string, most: number, field: string, before: number): number {
  if (text === "null") return before;
  const value = goInteger(text, -most - 1, most);
  if (value === undefined) throw malformed(`${field} is not an integer of that field`);
  return value;
}

function malformed(text: string): ProtocolError {
  return new ProtocolError("malformed", text);
}
