import {
  type Codec,
  decodeUtf8,
  eachMember,
  elements,
  fitsInteger,
  foldedKey,
  goInteger,
  i32be,
  jsonFault,
  type MessageProtocol,
  ProtocolError,
  parseJson,
  stringify,
  trimmed,
  utf8,
} from "../../core/index.ts";
import { perMessage } from "../../framing/index.ts";

/*
 * Bodies of the operations. Each codec is a protocol of whole messages:
 * `encodeFrame(authToken, { mid: 123 })` returns a body, `decodeFrame(onlineCount, packet.body)`
 * reads one.
 */

/** Makes a protocol of a codec of bodies. */
export function bodyCodec<In, Out>(name: string, codec: Codec<In, Out>): MessageProtocol<In, Out> {
  return perMessage().wrap(codec, { name });
}

const INT32 = 0x7fffffff;

/** A 64-bit id as bare decimal digits. Refuses a number that may have lost its last digits. */
function int64Text(value: bigint | number, what: string): string {
  if (fitsInteger(value, 64)) return value.toString();
  const shown = typeof value === "number" || typeof value === "bigint" ? value : typeof value;
  throw new ProtocolError("unencodable", `${what} ${shown} is not an exact 64-bit integer`);
}

function int64(text: string, what: string): bigint {
  if (/^-?\d{1,19}$/.test(text)) {
    const value = BigInt(text);
    if (fitsInteger(value, 64)) return value;
  }
  throw malformed(`${what} is not a 64-bit integer`);
}

function malformed(text: string): ProtocolError {
  return new ProtocolError("malformed", text);
}

/**
 * The token of v1's operation 7, as the stock server reads it: a user id in decimal digits. A
 * server with its own auth service may read something else; send your bytes then.
 *
 * ```text
 *   user 1:  31
 * ```
 */
export const userId: MessageProtocol<bigint | number, bigint> = bodyCodec<bigint | number, bigint>(
  "goim user id",
  {
    decode: (bytes, start, end) => int64(decodeUtf8(bytes, start, end), "user id"),
    encode: (id, out) => void out.utf8(int64Text(id, "user id")),
    text: true,
  },
);

/** Token of a v2 client. Absent members are not written. */
export interface AuthToken {
  /** User id, 64 bits. A number must be a safe integer. */
  readonly mid: bigint | number;
  /**
   * Key of the connection; if empty, the server makes one up. A second connection with the same key
   * closes the first.
   */
  readonly key?: string | undefined;
  /** `TYPE://ROOM`, such as `live://1000`; empty for no room. */
  readonly room_id?: string | undefined;
  /** Such as `web`; the server does not use it. */
  readonly platform?: string | undefined;
  /** Operations to receive, 32-bit integers; operation 14 adds to them. */
  readonly accepts?: readonly number[] | undefined;
}

/** An auth token as the server reads it. Absent members are 0 or empty. */
export interface ReceivedAuthToken {
  /** User id, 64 bits. */
  readonly mid: bigint;
  /** Key of the connection. */
  readonly key: string;
  /** Room to go to. */
  readonly room_id: string;
  /** Platform. */
  readonly platform: string;
  /** Operations to receive. */
  readonly accepts: readonly number[];
}

/**
 * The token of v2's operation 7: a JSON object, its `mid` exact to 64 bits in both directions.
 *
 * ```text
 *   {"mid":123,"room_id":"live://1000","platform":"web","accepts":[1000,1001]}
 * ```
 *
 * Read as Go reads it: keys in any case, unknown keys ignored, missing ones 0 or empty. Source:
 * internal/logic/conn.go.
 *
 * @example
 * ```ts
 * import { decodeUtf8, encodeFrame } from "framewright";
 * import { authToken } from "framewright/goim";
 *
 * const body = encodeFrame(authToken, { mid: 2n ** 60n, room_id: "live://1000", accepts: [1000] });
 * console.log(decodeUtf8(body));
 * //=> {"mid":1152921504606846976,"room_id":"live://1000","accepts":[1000]}
 * ```
 */
export const authToken: MessageProtocol<AuthToken, ReceivedAuthToken> = bodyCodec<
  AuthToken,
  ReceivedAuthToken
>("goim auth token", {
  decode(bytes, start, end) {
    const token = { mid: 0n, key: "", room_id: "", platform: "", accepts: [] as number[] };
    eachJsonMember(bytes, start, end, (key, value) => {
      if (key === "MID") token.mid = int64(value, "mid");
      else if (key === "KEY") token.key = text(value, "key");
      else if (key === "ROOM_ID") token.room_id = text(value, "room_id");
      else if (key === "PLATFORM") token.platform = text(value, "platform");
      else if (key === "ACCEPTS") token.accepts = readInt32s(value);
    });
    return token;
  },
  encode({ mid, key, room_id, platform, accepts }, out) {
    checkText(key, "key");
    checkText(room_id, "room_id");
    checkText(platform, "platform");
    const operations = accepts === undefined ? undefined : int32s(accepts);
    // The id is inserted as text: JSON.stringify has no 64-bit integers.
    const rest = stringify({ key, room_id, platform, accepts: operations });
    out.utf8(`{"mid":${int64Text(mid, "mid")}${rest === "{}" ? "" : ","}${rest.slice(1)}`);
  },
  text: true,
});

/** Token of a client of the chat fork. */
export interface ChatToken<Mid = bigint | number> {
  /** User id, 64 bits. A number must be a safe integer. */
  readonly mid: Mid;
  /** The user's key. */
  readonly mkey: string;
}

/** The token of the chat fork's operation 7: `{"mid":123,"mkey":"xxoo"}`. */
export const chatToken: MessageProtocol<ChatToken, ChatToken<bigint>> = bodyCodec<
  ChatToken,
  ChatToken<bigint>
>("goim chat token", {
  decode(bytes, start, end) {
    const token = { mid: 0n, mkey: "" };
    eachJsonMember(bytes, start, end, (key, value) => {
      if (key === "MID") token.mid = int64(value, "mid");
      else if (key === "MKEY") token.mkey = text(value, "mkey");
    });
    return token;
  },
  encode({ mid, mkey }, out) {
    checkText(mkey, "mkey", true);
    out.utf8(`{"mid":${int64Text(mid, "mid")},"mkey":${stringify(mkey)}}`);
  },
  text: true,
});

/** Calls `visit` with the members of a JSON object that are not null, by folded key. */
function eachJsonMember(
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (key: string, value: string) => void,
): void {
  const json = trimmed(decodeUtf8(bytes, start, end));
  const fault = jsonFault(json);
  if (fault !== undefined) throw new ProtocolError("malformed", `json: ${fault}`, start);
  if (json[0] !== "{") throw malformed("json: not an object");
  eachMember(json, (key, value) => {
    if (value !== "null") visit(foldedKey(key), value);
  });
}

function text(value: string, what: string): string {
  if (value[0] !== '"') throw malformed(`json: ${what} is not a string`);
  try {
    return parseJson(value) as string;
  } catch (error) {
    throw malformed(`json: ${what}: ${(error as ProtocolError).message}`);
  }
}

/** Refuses anything but a string; undefined is allowed unless `isNeeded`. */
function checkText(value: unknown, what: string, isNeeded = false): void {
  if (typeof value === "string" || (value === undefined && !isNeeded)) return;
  const kind = value === null ? "null" : typeof value;
  throw new ProtocolError("unencodable", `${what} must be a string, not ${kind}`);
}

function readInt32s(value: string): number[] {
  if (value[0] !== "[") throw malformed("json: accepts is not an array");
  return elements(value).map(readInt32);
}

function readInt32(digits: string): number {
  const value = goInteger(digits, -INT32 - 1, INT32);
  if (value === undefined) throw malformed("operation is not a 32-bit integer");
  return value;
}

function int32s(operations: readonly number[]): number[] {
  if (!Array.isArray(operations)) {
    throw new ProtocolError("unencodable", "operations must be an array of 32-bit integers");
  }
  // Not `map`, which skips holes.
  return Array.from(operations, int32);
}

function int32(value: unknown): number {
  if (fitsInteger(value as number, 32) && typeof value === "number") return value;
  const shown = typeof value === "number" ? value : typeof value;
  throw new ProtocolError("unencodable", `operation ${shown} is not a 32-bit integer`);
}

/**
 * The body of v2's heartbeat reply (operation 3): the number of clients in the room.
 *
 * ```text
 *   12345:  00 00 30 39     a signed 32-bit big-endian integer
 * ```
 *
 * v1 replies without a body. Source: api/protocol/protocol.go, WriteTCPHeart.
 */
export const onlineCount: MessageProtocol<number> = bodyCodec<number, number>("goim online count", {
  decode(bytes, start, end) {
    if (end - start === 4) return i32be(bytes, start);
    throw new ProtocolError("malformed", `online count of ${end - start} bytes, not 4`, start);
  },
  encode: (count, out) => void out.i32be(count),
});

/** The body of v2's operations 12 and 13: a room as `TYPE://ROOM`, UTF-8; empty to leave the room. */
export const roomId: MessageProtocol<string> = bodyCodec<string, string>("goim room", utf8());

/**
 * The body of v2's operations 14 to 17: 32-bit operations in decimal digits, joined by commas. The server ignores
 * a list that is malformed; here it is an error.
 *
 * ```text
 *   31 30 30 30 2c 31 30 30 31     1000,1001
 * ```
 */
export const operationList: MessageProtocol<readonly number[]> = bodyCodec<
  readonly number[],
  readonly number[]
>("goim operation list", {
  decode(bytes, start, end) {
    // As Go's strconv reads a number: leading zeros and a plus are allowed.
    if (start === end) return [];
    return decodeUtf8(bytes, start, end)
      .split(",")
      .map((digits) => readInt32(digits.replace(/^\+(?=\d)/, "")));
  },
  encode: (operations, out) => void out.utf8(int32s(operations).join(",")),
  text: true,
});
