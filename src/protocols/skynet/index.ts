/**
 * Protocols of skynet's login server and message server, both ends, and their primitives. The
 * gate's frames and sproto calls are re-exported from `framewright/sproto`.
 *
 * @packageDocumentation
 */

// Return types of the functions below, so that declaration files of programs can name them.
export type { Connection, Handlers, Protocol } from "../../core/index.ts";
export type { Field } from "../../fields/index.ts";
export type { ReconnectOptions, Retry } from "../../session/index.ts";
export { netpack, sprotoRpc } from "../sproto/index.ts";
export { base64Decode, base64Encode } from "./base64.ts";
export {
  SkynetClient,
  type SkynetClientOptions,
  type SkynetClientState,
  type SkynetRequestOptions,
} from "./client.ts";
export { type DesOptions, desDecode, desEncode } from "./des.ts";
export { dhExchange, dhSecret } from "./dh.ts";
export { hashKey, hmac64, hmac64Md5, hmacHash } from "./hashes.ts";
export { hexDecode, hexEncode } from "./hex.ts";
export { type RandomBytes, randomKey } from "./key.ts";
export {
  type Connect,
  type SessionHandlers,
  type SkynetLogin,
  type SkynetLoginOptions,
  skynetLogin,
} from "./login.ts";
export { loginLines } from "./login-lines.ts";
export {
  type Authenticated,
  type LoginRequest,
  type LoginServer,
  type LoginServerOptions,
  loginServer,
} from "./login-server.ts";
export {
  type AcceptedLogin,
  type MessageServer,
  type MessageServerOptions,
  messageServer,
  type SkynetUser,
} from "./message-server.ts";
export {
  type LoginName,
  type LoginToken,
  loginToken,
  readLoginToken,
  username,
} from "./names.ts";
export {
  answerPackages,
  handshakePackages,
  type MessageAnswer,
  type MessageRequest,
  requestPackages,
} from "./packages.ts";
export { answerFields, handshakeFields, requestFields } from "./skynet-fields.ts";
export { StatusError } from "./status.ts";
