import { type Arbitrary, record } from "fast-check";
import { type BytesOptions, bytes } from "./bytes.ts";
import { field } from "./edges.ts";

const int16 = field(-(2 ** 15), 2 ** 15 - 1);
const int32 = field(-(2 ** 31), 2 ** 31 - 1);

/** A packet of `framewright/goim`. */
export interface GoimPacket {
  /** Protocol version, a signed 16-bit integer. */
  readonly ver: number;
  /** Operation, a signed 32-bit integer. */
  readonly op: number;
  /** Number of the request, a signed 32-bit integer. */
  readonly seq: number;
  /** The contents, depending on the operation. */
  readonly body: Uint8Array;
}

/**
 * Packets of goim: every field over its whole range, with bodies of lengths that find bugs.
 *
 * @param body - lengths of the bodies, or a protocol that limits them
 * @defaultValue body `{ max: 4080 }`: goim servers accept packets of at most 4096 bytes
 *
 * @example
 * ```ts
 * import { goim } from "framewright/goim";
 * import { goimPackets, laws } from "framewright/testing";
 *
 * const packets = goimPackets({ max: 300 });
 * for (const law of laws(goim(), packets, { runs: 20, canonical: true })) await law.check();
 * ```
 */
export function goimPackets(body: BytesOptions = { max: 4080 }): Arbitrary<GoimPacket> {
  return record(
    { ver: int16, op: int32, seq: int32, body: bytes(body) },
    { noNullPrototype: true },
  );
}
