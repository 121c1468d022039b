export { base64Decode, base64Encode } from "./base64.ts";
export { type DesOptions, desDecode, desEncode } from "./des.ts";
export { dhExchange, dhSecret } from "./dh.ts";
export { hashKey, hmac64, hmac64Md5, hmacHash } from "./hashes.ts";
export { hexDecode, hexEncode } from "./hex.ts";
export { type RandomBytes, randomKey } from "./key.ts";
