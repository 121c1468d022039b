import { decodeLatin1 } from "../../core/index.ts";
import { base64Decode, base64Encode } from "./base64.ts";
import { bytesOf } from "./text.ts";

/** The parts of a login's name at the message server. */
export interface LoginName {
  /** Id of the user. */
  readonly uid: string | Uint8Array;
  /** Name of the message server. */
  readonly server: string | Uint8Array;
  /** Number of this login, from the login server. */
  readonly subid: string | Uint8Array;
}

/**
 * Returns the name of a login at the message server: `base64(uid)@base64(server)#base64(subid)`.
 *
 * @param name - parts as bytes, or text as UTF-8
 *
 * @example
 * ```ts
 * import { username } from "framewright/skynet";
 *
 * console.log(username({ uid: "alice1", server: "sample", subid: "12" }));
 * //=> YWxpY2Ux@c2FtcGxl#MTI=
 * ```
 */
export function username({ uid, server, subid }: LoginName): string {
  return `${base64Encode(uid)}@${base64Encode(server)}#${base64Encode(subid)}`;
}

/** The parts of a token of skynet's example login server. */
export interface LoginToken {
  /** Id of the user. */
  readonly user: string | Uint8Array;
  /** Name of the message server to log in to. */
  readonly server: string | Uint8Array;
  readonly password: string | Uint8Array;
}

/**
 * Makes a token in the form of skynet's example: `base64(user)@base64(server):base64(password)`. A
 * login server may use any other form.
 *
 * @param token - parts as bytes, or text as UTF-8
 */
export function loginToken({ user, server, password }: LoginToken): Uint8Array<ArrayBuffer> {
  const text = `${base64Encode(user)}@${base64Encode(server)}:${base64Encode(password)}`;
  return Uint8Array.from(bytesOf(text));
}

/**
 * Reads a token of {@link loginToken} or skynet's example client.
 *
 * @param token - the argument of the login server's `authenticate`
 * @returns its parts as bytes; undefined if it has another form, or an empty part
 */
export function readLoginToken(
  token: Uint8Array,
): { readonly [K in keyof LoginToken]: Uint8Array<ArrayBuffer> } | undefined {
  const parts = /^([^@]+)@([^:]+):([\s\S]+)$/.exec(decodeLatin1(token, 0, token.length));
  if (parts === null) return undefined;
  try {
    const [user, server, password] = parts.slice(1).map(base64Decode);
    return { user: user!, server: server!, password: password! };
  } catch {
    return undefined;
  }
}
