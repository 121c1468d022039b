import type { ProtocolError } from "../../core/index.ts";
import { withoutPlace } from "./decoding.ts";
import { unpackFrom } from "./pack.ts";
import { RpcError, type RpcPlace } from "./rpc-error.ts";
import type { SchemaProtocol, SchemaType } from "./schema.ts";
import type { Sproto } from "./sproto.ts";

/*
 * A message of a remote call, before packing (sproto.lua:181-250):
 *
 *   | package { type, session, ud } | body |
 *
 *   request    type = tag of the protocol, session if an answer is expected; the request, if it has one
 *   response   no type, the session of the request; the response, if it has one
 *
 * There is no length: the body begins where the header ends. Packing pads both with zeros.
 */

/** A received header, and the position of its body. */
export interface RpcHeader {
  /** Tag of a request's protocol, 0 included; undefined for a response. */
  readonly type: number | bigint | undefined;
  /** Session, 0 included. */
  readonly session: number | bigint | undefined;
  readonly ud: unknown;
  /** The unpacked message. */
  readonly raw: Uint8Array;
  /** Offset of the body in it. */
  readonly at: number;
}

/** Reads the header of the packed message in `bytes[start .. end)`. */
export function readHeader(
  sproto: Sproto,
  packageName: string,
  bytes: Uint8Array,
  start: number,
  end: number,
): RpcHeader {
  const raw = unpackFrom(bytes, start, end, sproto.settings.maxSize);
  let header: { readonly value: unknown; readonly consumed: number };
  try {
    header = sproto.decodeFrom(packageName, raw);
  } catch (error) {
    throw withoutPlace(error);
  }
  const { value, consumed } = header;
  const { type, session, ud } = value as Record<string, number | bigint | undefined>;
  return { type: small(type), session: small(session), ud, raw, at: consumed };
}

/** Returns one form for each number, because schemas may return bigints. */
export function small(value: number | bigint | undefined): number | bigint | undefined {
  if (typeof value !== "bigint") return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Reads the body of a message; undefined if the protocol has none. */
export function readBody(
  sproto: Sproto,
  type: SchemaType | undefined,
  { raw, at }: { readonly raw: Uint8Array; readonly at: number },
  place: RpcPlace,
): unknown {
  if (type === undefined) return undefined;
  try {
    return sproto.decodeFrom(type.name, raw, at, raw.length).value;
  } catch (error) {
    const { code, message } = error as ProtocolError;
    throw new RpcError(code, message, place, error);
  }
}

/** Returns the request or response to write; refuses one if the protocol has none. */
export function checkedBody(type: SchemaType | undefined, body: unknown, place: RpcPlace): unknown {
  if (type !== undefined) return body === undefined ? {} : body;
  const isNothing =
    body === undefined ||
    (typeof body === "object" && body !== null && Object.keys(body).length === 0);
  if (!isNothing) throw new RpcError("unencodable", "the protocol has no body", place);
  return undefined;
}

/** Returns the place of a call. */
export function placeOf(
  { name, tag }: SchemaProtocol,
  session: number | bigint | undefined,
): RpcPlace {
  return { protocol: name, tag, session };
}

/**
 * Checks that the type is a header.
 * @throws TypeError if it is not
 */
export function checkPackage(sproto: Sproto, packageName: string): void {
  const type = sproto.schema.types.find(({ name }) => name === packageName);
  if (type === undefined) throw new TypeError(`type ${packageName} not found`);
  for (const needed of ["type", "session"]) {
    const field = type.fields.find(({ name }) => name === needed);
    if (field?.kind !== "integer" || field.array) {
      throw new TypeError(`type ${packageName} needs an integer called ${needed}`);
    }
  }
}
