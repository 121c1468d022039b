/**
 * Property tests for protocols. Pass `laws` a protocol and an arbitrary of its values: it tests that the
 * protocol works on any socket. If it does not, the test shows a small, readable counterexample. Needs
 * fast-check 4; works with any test runner.
 *
 * @packageDocumentation
 */
export { type AgreementOptions, agreement } from "./agreement.ts";
export { type BytesOptions, bytes } from "./arbitraries/bytes.ts";
export { chunks } from "./arbitraries/chunks.ts";
export {
  type FastwayCommand,
  type FastwayCommandV1,
  type FastwayCommandV2,
  type FastwayPacket,
  fastwayCommands,
  fastwayPackets,
} from "./arbitraries/fastway.ts";
export { type GoimPacket, goimPackets } from "./arbitraries/goim.ts";
export { jsonValues } from "./arbitraries/json.ts";
export { type LengthsOptions, lengths } from "./arbitraries/lengths.ts";
export { mutated } from "./arbitraries/mutated.ts";
export { refusedOf } from "./arbitraries/refused-of.ts";
export { text } from "./arbitraries/text.ts";
export { type ValuesOptions, valuesOf } from "./arbitraries/values-of.ts";
export {
  type CompatibleOptions,
  compatible,
  type Described,
  type Incompatibility,
} from "./compatible.ts";
export { equal } from "./equal.ts";
export { fuzzTarget } from "./fuzz-target.ts";
export type { Law } from "./law.ts";
export { laws } from "./laws.ts";
export { connect, type NetworkConnectOptions } from "./network/connect.ts";
export { listen, type NetworkListenOptions, type NetworkServer } from "./network/listen.ts";
export { Network, type NetworkOptions, networkScripts } from "./network/network.ts";
export type { DecodeOnlyOptions, LawOptions, RunOptions } from "./options.ts";
export { LawError, type LawFailure } from "./report.ts";
export { ManualClock } from "./sessions/manual-clock.ts";
export { type Action, type Harness, type SessionPlan, sessions } from "./sessions/sessions.ts";
export { type Receiver, Wire, type WireEnd, type WireOptions } from "./sessions/wire.ts";
export { type Several, several } from "./several.ts";
export {
  type ConformanceOptions,
  conformance,
} from "./vectors/conformance.ts";
export {
  type Refusal,
  refuses,
  type Vector,
  type VectorsOptions,
  vectors,
} from "./vectors/vectors.ts";
export { type VectorFile, type VectorsOfOptions, vectorsOf } from "./vectors/vectors-of.ts";
