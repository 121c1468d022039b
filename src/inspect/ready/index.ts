// Ready protocols by name, and bytes from text: for the command line and the inspector page.
// `framewright/inspect` does not export them, so its users do not load the protocols.

export { fromDump, fromHex, INPUT_KINDS, type InputKind, kindOf } from "./input.ts";
export { hasMark, lengthHint, nextFrame } from "./length-hint.ts";
export {
  type AnyProtocol,
  isFileName,
  type NameHost,
  namedProtocol,
  namePieces,
  PROTOCOL_NAMES,
} from "./named-protocol.ts";
