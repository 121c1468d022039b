import { operations } from "./operations.ts";

/** A family of goim servers: v1 (v1.0 to the last v1) or v2. The wire does not show which. */
export type Dialect = "v1" | "v2";

/** Pairs of request and reply operations of an application or a fork. */
export type Replies = Readonly<Record<number, number>>;

const { v1, v2, chat } = operations;

const REPLIES: Readonly<Record<Dialect, Replies>> = {
  v1: { [v1.send]: v1.sendReply, [v1.test]: v1.testReply },
  v2: {
    [v2.changeRoom]: v2.changeRoomReply,
    [v2.subscribe]: v2.subscribeReply,
    [v2.unsubscribe]: v2.unsubscribeReply,
  },
};

/**
 * Replies of the chat fork, for the option `replies` of sessions: 18 is answered with 19, 20 with
 * 21.
 */
export const chatReplies: Replies = Object.freeze({
  [chat.message]: chat.messageReply,
  [chat.groupMessage]: chat.groupMessageReply,
});

/** Largest body that a server of this dialect reads. */
export const MAX_BODY: Readonly<Record<Dialect, number>> = { v1: 1024, v2: 4096 };

/**
 * Returns the operation that answers `op`. A v2 server answers unknown operations (and operation 4)
 * with the operation itself; a v1 server closes: undefined.
 */
export function replyTo(op: number, dialect: Dialect, replies: Replies = {}): number | undefined {
  return replies[op] ?? REPLIES[dialect][op] ?? (dialect === "v2" ? op : undefined);
}

/** @throws RangeError for an unknown dialect */
export function checkedDialect(dialect: Dialect = "v2"): Dialect {
  if (dialect === "v1" || dialect === "v2") return dialect;
  throw new RangeError(`dialect must be "v1" or "v2", not ${String(dialect)}`);
}
