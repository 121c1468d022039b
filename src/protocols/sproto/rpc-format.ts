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
 *   request    type = tag of the protocol, session if an answer is wanted; the request, if it has one
 *   response   no type, the session of the request; the response, if it has one
 *
 * There is no length: the body begins where the header ends. Packing pads both with zeros.
 */

/** A header as it came, and where its body is. */
export interface RpcHeader {
  /** Tag of the protocol of a request; undefined says that it is a response. 0 is a tag. */
  readonly type: number | bigint | undefined;
  /** 0 is a session. */
  readonly session: number | bigint | undefined;
  readonly ud: unknown;
  /** The unpacked message. */
  readonly raw: Uint8Array;
  /** Where the body begins in it. */
  readonly at: number;
}

/** The header of a message, which is `bytes[start .. end)` packed. */
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

/** One form for each number: schemas may be told to give bigints. */
export function small(value: number | bigint | undefined): number | bigint | undefined {
  if (typeof value !== "bigint") return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** The body of a message; undefined where the protocol has none. */
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

/** What of the request or the response is to be written: a protocol without one takes nothing. */
export function checkedBody(type: SchemaType | undefined, body: unknown, place: RpcPlace): unknown {
  if (type !== undefined) return body === undefined ? {} : body;
  const isNothing =
    body === undefined ||
    (typeof body === "object" && body !== null && Object.keys(body).length === 0);
  if (!isNothing) throw new RpcError("unencodable", "a body where there is none", place);
  return undefined;
}

/** Where a call stands. */
export function placeOf(
  { name, tag }: SchemaProtocol,
  session: number | bigint | undefined,
): RpcPlace {
  return { protocol: name, tag, session };
}

/**
 * Is the type a header?
 * @throws TypeError when it is not
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
