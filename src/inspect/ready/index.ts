// Ready protocols by name, and bytes from text: for the command line and the page. Users of `framewright/inspect` get
// neither, and load none of the protocols.

export { fromDump, fromHex, INPUT_KINDS, type InputKind, kindOf } from "./input.ts";
export {
  type AnyProtocol,
  type NameHost,
  namedProtocol,
  namePieces,
  PROTOCOL_NAMES,
} from "./named-protocol.ts";
