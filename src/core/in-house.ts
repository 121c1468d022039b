// Parts of the core that other folders use and that are not exported to users.

export { AsyncQueue } from "./async-queue.ts";
export { base64Values, fromBase64, toBase64 } from "./base64.ts";
export { Cancel, onAbort } from "./cancel.ts";
export {
  CodeText,
  compiledOr,
  evaluate,
  isIdentifier,
  keyCode,
  literal,
  memberCode,
  quoted,
} from "./code.ts";
export { decodeLatin1 } from "./codecs.ts";
export { MemoryBudget } from "./connection/budget.ts";
export type { OwnConnection } from "./connection/connection.ts";
export { cutOff, guard, handlerErrorsOf } from "./connection/guard.ts";
export { checkHandlerErrors, limitsOf } from "./connection/limits.ts";
export type { ServerParts } from "./connection/live.ts";
export { MessageReader } from "./connection/message-reader.ts";
export { CONNECTION_OPTIONS, checkedOptions } from "./connection/option-names.ts";
export {
  closedError,
  markReported,
  reportBug,
  reportPeer,
  wasReported,
} from "./connection/report.ts";
export { Sweeper } from "./connection/sweeper.ts";
export { Decoder } from "./decoder.ts";
export { asProtocolError, nameError, rebased } from "./errors.ts";
export { unicodeEscape } from "./escape.ts";
export { decodeValues, exactFrame, forOneStream, measureFrame, measureWhole } from "./frames.ts";
export {
  eachMember,
  elements,
  foldedKey,
  goCompact,
  goEscaped,
  goInteger,
  skipSpace,
  trimmed,
  valueEnd,
  valuesIn,
} from "./go-json.ts";
export { withHint } from "./hints.ts";
export { printError, timers } from "./host.ts";
export { jsonFault } from "./json-fault.ts";
export { notPromised, parseJson } from "./json-read.ts";
export { stringify } from "./json-write.ts";
export { CHUNK_COST, compact, copy, isBytes, isDetached, plain } from "./memory.ts";
export { isMisuse, misuse } from "./misuse.ts";
export { observed, type TracedSource, teller } from "./observed.ts";
export { checkFunctions } from "./options.ts";
export { checkedMaxFrame } from "./protocol.ts";
export { messageOf } from "./quoteless.ts";
export { checkRange, fitsInteger, isBeyondF32 } from "./range.ts";
export { resetScan } from "./scan.ts";
export { checkProtocol, checkStreamProtocol } from "./stream-hint.ts";
export { abortOnTerminate } from "./terminate.ts";
export { isOurs, readsText, standsFor, textOf, writesText } from "./text-path.ts";
export { checkSync, isThenable } from "./thenable.ts";
export { TolerantSplitter } from "./tolerant-splitter.ts";
export { encodeUtf8Into, hasLoneSurrogate, hexByte } from "./utf8.ts";
export { hexOf, parseValue, valueText } from "./value-text.ts";
