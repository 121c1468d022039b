import { type Arbitrary, constant, constantFrom, oneof, record } from "fast-check";
import type { Command, Dialect, Packet } from "../../protocols/fastway/index.ts";
import { type BytesOptions, bytes } from "./bytes.ts";
import { field, u32 } from "./edges.ts";

const connId = field(1, 0xffff_ffff);

/**
 * Packets of fastway that carry a message: any connection id but 0, and messages of the lengths where bugs live.
 *
 * @param message - lengths of the messages, or a protocol that bounds them
 * @defaultValue message `{ max: 4096 }`
 *
 * @example
 * ```ts
 * import { packet } from "framewright/fastway";
 * import { fastwayPackets, laws } from "framewright/testing";
 *
 * const small = packet({ maxPacket: 300 });
 * for (const law of laws(small, fastwayPackets({ max: 296 }), { runs: 20 })) await law.check();
 * ```
 */
export function fastwayPackets(message: BytesOptions = { max: 4096 }): Arbitrary<Packet> {
  return record({ connId, message: bytes(message) }, { noNullPrototype: true });
}

/**
 * Commands of fastway, of both sides, with any ids.
 *
 * @param dialect - which fastway is spoken
 *
 * @example
 * ```ts
 * import { command } from "framewright/fastway";
 * import { fastwayCommands, laws } from "framewright/testing";
 *
 * for (const law of laws(command({ dialect: "v2" }), fastwayCommands("v2"), { runs: 20 })) {
 *   await law.check();
 * }
 * ```
 */
export function fastwayCommands<D extends Dialect>(dialect: D): Arbitrary<Command<D>> {
  return (dialect === "v1" ? v1() : v2()) as Arbitrary<Command<D>>;
}

const ids = { connId: u32, remoteId: u32 };
const exact = { noNullPrototype: true } as const;

function v1(): Arbitrary<Command<"v1">> {
  return oneof(
    constantFrom({ type: "new" } as const, { type: "ping" } as const),
    record({ type: constantFrom("open", "refuse", "close"), connId: u32 }, exact),
    record({ type: constantFrom("dial", "accept"), ...ids }, exact),
  ) as Arbitrary<Command<"v1">>;
}

function v2(): Arbitrary<Command<"v2">> {
  return oneof(
    constant({ type: "ping" } as const),
    record({ type: constantFrom("dial", "refuse"), remoteId: u32 }, exact),
    record({ type: constantFrom("accept", "connect"), ...ids }, exact),
    record({ type: constant("close"), connId: u32 }, exact),
  ) as Arbitrary<Command<"v2">>;
}
