import { type Arbitrary, constant, constantFrom, oneof, record } from "fast-check";
import { type BytesOptions, bytes } from "./bytes.ts";
import { field, u32 } from "./edges.ts";

/** A packet of `framewright/fastway` that carries a message. */
export interface FastwayPacket {
  /** Number of the virtual connection, 1 to 4294967295. */
  readonly connId: number;
  /** The message. */
  readonly message: Uint8Array;
}

/** A command of `framewright/fastway`, by dialect. */
export type FastwayCommand<D extends "v1" | "v2"> = D extends "v1"
  ? FastwayCommandV1
  : FastwayCommandV2;

/** A command of fastway v1. */
export type FastwayCommandV1 =
  | { readonly type: "new" }
  | { readonly type: "ping" }
  | { readonly type: "open"; readonly connId: number }
  | { readonly type: "refuse"; readonly connId: number }
  | { readonly type: "close"; readonly connId: number }
  | { readonly type: "dial"; readonly connId: number; readonly remoteId: number }
  | { readonly type: "accept"; readonly connId: number; readonly remoteId: number };

/** A command of fastway v2. */
export type FastwayCommandV2 =
  | { readonly type: "ping" }
  | { readonly type: "dial"; readonly remoteId: number }
  | { readonly type: "refuse"; readonly remoteId: number }
  | { readonly type: "accept"; readonly connId: number; readonly remoteId: number }
  | { readonly type: "connect"; readonly connId: number; readonly remoteId: number }
  | { readonly type: "close"; readonly connId: number };

const connId = field(1, 0xffff_ffff);

/**
 * Packets of fastway that carry a message: any connection id except 0, and messages with lengths that find
 * bugs.
 *
 * @param message - lengths of the messages, or a protocol that limits them
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
export function fastwayPackets(message: BytesOptions = { max: 4096 }): Arbitrary<FastwayPacket> {
  return record({ connId, message: bytes(message) }, { noNullPrototype: true });
}

/**
 * Commands of fastway in both directions, with any ids.
 *
 * @param dialect - the fastway dialect
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
export function fastwayCommands<D extends "v1" | "v2">(dialect: D): Arbitrary<FastwayCommand<D>> {
  return (dialect === "v1" ? v1() : v2()) as Arbitrary<FastwayCommand<D>>;
}

const ids = { connId: u32, remoteId: u32 };
const exact = { noNullPrototype: true } as const;

function v1(): Arbitrary<FastwayCommandV1> {
  return oneof(
    constantFrom<FastwayCommandV1[]>({ type: "new" }, { type: "ping" }),
    record({ type: constantFrom("open", "refuse", "close"), connId: u32 }, exact),
    record({ type: constantFrom("dial", "accept"), ...ids }, exact),
  );
}

function v2(): Arbitrary<FastwayCommandV2> {
  return oneof(
    constant({ type: "ping" } as const),
    record({ type: constantFrom("dial", "refuse"), remoteId: u32 }, exact),
    record({ type: constantFrom("accept", "connect"), ...ids }, exact),
    record({ type: constant("close"), connId: u32 }, exact),
  );
}
