import { checkSync } from "./thenable.ts";

const ADD_CODEC = "a framing alone reads no values: add .wrap(codec), as in lines().wrap(json())";
const ADD_FRAMING = "a stream needs a framing around the codec, as in lines().wrap(codec)";
const ADD_LIMIT = "a codec alone has no limit: add a framing, as in perMessage().wrap(codec)";

/**
 * The part of a parameter's type that makes the compiler explain the mistake if a stream is given a bare
 * framing, a bare codec, or a protocol for messages. For protocols of streams it adds nothing.
 *
 * A function for streams declares `protocol: P & StreamHint<P> & Protocol<In, Out>`.
 */
export type StreamHint<P> = P extends { readonly measure: unknown; readonly decode: unknown }
  ? unknown
  : P extends { readonly measure: unknown; readonly wrap: unknown }
    ? typeof ADD_CODEC
    : P extends { readonly decode: unknown } | { readonly wrap: unknown }
      ? typeof ADD_FRAMING
      : unknown;

/**
 * Reports the same mistakes at run time.
 *
 * @throws TypeError if `protocol` lacks a function that a stream needs
 * @internal
 */
export function checkStreamProtocol(protocol: unknown): void {
  const { measure, decode, encode } = Object(protocol) as Record<string, unknown>;
  checkSync(protocol);
  if (typeof measure !== "function") throw new TypeError(`not a protocol: ${ADD_FRAMING}`);
  if (typeof decode !== "function" || typeof encode !== "function") {
    throw new TypeError(`not a protocol: ${ADD_CODEC}`);
  }
}

/**
 * Checks that a connection can use a protocol.
 *
 * @throws TypeError that suggests what to write instead
 * @internal
 */
export function checkProtocol(protocol: unknown, boundary: "stream" | "message" | undefined): void {
  if (boundary !== "message") {
    checkStreamProtocol(protocol);
    return;
  }
  const { decode, encode, maxFrame } = Object(protocol) as Record<string, unknown>;
  checkSync(protocol);
  if (typeof decode !== "function" || typeof encode !== "function") {
    throw new TypeError(`not a protocol: ${ADD_CODEC}`);
  }
  if (typeof maxFrame !== "number") throw new TypeError(`not a protocol: ${ADD_LIMIT}`);
}

/**
 * @throws TypeError unless it is the boundary of a sink
 * @internal
 */
export function checkBoundary(boundary: unknown): void {
  if (boundary === "stream" || boundary === "message") return;
  throw new TypeError(`boundary must be "stream" or "message", not ${String(boundary)}`);
}
