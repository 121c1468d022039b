import { type Arbitrary, record } from "fast-check";
import type { Packet } from "../../protocols/goim/index.ts";
import { type BytesOptions, bytes } from "./bytes.ts";
import { field } from "./edges.ts";

const int16 = field(-(2 ** 15), 2 ** 15 - 1);
const int32 = field(-(2 ** 31), 2 ** 31 - 1);

/**
 * Packets of goim, every field over its whole range, with bodies of the lengths where bugs live.
 *
 * @param body - lengths of the bodies, or a protocol that bounds them
 * @defaultValue body `{ max: 4080 }`: what goim servers take, whose packets have 4096 bytes at most
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
export function goimPackets(body: BytesOptions = { max: 4080 }): Arbitrary<Packet> {
  return record(
    { ver: int16, op: int32, seq: int32, body: bytes(body) },
    { noNullPrototype: true },
  );
}
