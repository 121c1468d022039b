import {
  decodeUtf8,
  i32be,
  type MessageProtocol,
  ProtocolError,
  u16be,
  u32be,
  u48be,
} from "../../core/index.ts";
import type { Frames } from "./encoded-push.ts";
import { LARGEST } from "./packet.ts";

/** Recipients of a push. */
export interface PushTarget {
  readonly kind: "room" | "all" | "key";
  /** Name of the room, or the key. */
  readonly name: string;
  /** Operation that clients must accept. */
  readonly op: number;
}

/** A message from one comet to the others. */
export interface ClusterMessage extends Omit<PushTarget, "kind"> {
  readonly kind: PushTarget["kind"] | "ask" | "position";
  /** 16 hexadecimal digits. */
  readonly from: string;
  /** Number of the last push of `from`; if this is a push, its own number. */
  readonly number: number;
  readonly frames: Frames;
}

const FORMAT = 1;
const KINDS: readonly ClusterMessage["kind"][] = ["ask", "position", "room", "all", "key"];
const NAME = 22;

/**
 * Codec of messages between comets.
 *
 * ```text
 *   0           1         2          10       16      20
 *   | format 1  | kind    | from     | number | op    | name, after its length | frames, each after its length
 *     u8          u8        8 bytes    u48be    i32be   u16be, UTF-8             u32be, bytes
 * ```
 */
export const clusterMessage: MessageProtocol<ClusterMessage> = {
  name: "goim-cluster",
  maxFrame: LARGEST,
  encode({ kind, from, number, op, name, frames }, out) {
    out.u8(FORMAT).u8(KINDS.indexOf(kind));
    out.u32be(Number.parseInt(from.slice(0, 8), 16)).u32be(Number.parseInt(from.slice(8), 16));
    out.u48be(number).i32be(op);
    out.sized(2, "be", () => out.utf8(name));
    for (const frame of frames) out.u32be(frame.length).bytes(frame);
  },
  decode(bytes, start, end) {
    const kind = KINDS[bytes[start + 1]!];
    const endOfName = end - start < NAME ? Infinity : start + NAME + u16be(bytes, start + 20);
    if (bytes[start] !== FORMAT || kind === undefined || endOfName > end) throw noMessage();
    const frames: Uint8Array<ArrayBuffer>[] = [];
    for (let at = endOfName; at < end; ) {
      const from = at + 4;
      at = from > end ? Infinity : from + u32be(bytes, at);
      if (at > end) throw noMessage();
      // A copy, because a view would keep the whole chunk of the bus in memory while clients read.
      frames.push(bytes.slice(from, at));
    }
    return {
      ...{ kind, frames, from: hex(u32be(bytes, start + 2)) + hex(u32be(bytes, start + 6)) },
      ...{ number: u48be(bytes, start + 10), op: i32be(bytes, start + 16) },
      name: decodeUtf8(bytes, start + NAME, endOfName),
    };
  },
};

const noMessage = (): ProtocolError =>
  new ProtocolError("malformed", "not a message from another comet");

/** A 32-bit value as eight hexadecimal digits. */
export function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
