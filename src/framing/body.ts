import {
  type Connection,
  checkInteger,
  type Handlers,
  type MessageProtocol,
  markReported,
  type OwnConnection,
  type Protocol,
  ProtocolError,
  raw,
} from "../core/index.ts";
import { pieces } from "./pieces.ts";

/** Longest piece, so that one fits well below the limits of a connection. */
const PIECE = 65_536;

/** Internal members of a connection for its helpers. */
type Switchable = Connection<never, unknown, unknown> & Partial<OwnConnection>;

/** Handlers that will be restored after a body. */
const waiting = /* @__PURE__ */ new WeakMap<object, Handlers<never, unknown, unknown>>();

/** Runs after the code that awaits the promise which is about to be resolved. */
const soon = (): Promise<void> => Promise.resolve().then(nothing).then(nothing).then(nothing);

function nothing(): void {}

/**
 * Reads the next `n` bytes of a connection in pieces, as they arrive: a body that is too large for one frame,
 * after a header with its length. Then the connection continues with its protocol and handlers.
 *
 * Only the current piece is in memory; while you process it, the peer is slowed down. Bytes that arrived
 * together with the header are the first piece. Call it when the header is the last message taken: in an
 * `async` `message` handler that waits for the loop, or between two messages of a `for await` loop.
 *
 * If you leave the loop early, by `break` or a throw, the rest of the body is skipped when it arrives.
 *
 * @param connection - a connection over a stream, or over messages that hold the body exactly
 * @param n - bytes of the body; for 0 there is nothing to read
 * @returns the pieces, views of at most 64 KiB; to be iterated once, to the end (as a `for await` loop does)
 * @throws RangeError unless `n` is an integer of at least 0; TypeError in the middle of a frame of several
 *   values. The iterator throws `truncated` if the peer ends inside the body (which ends the connection,
 *   too), `closed` if this side does, or the error that ended the connection
 *
 * @example
 * ```ts
 * import { json, lines } from "framewright";
 * import { body } from "framewright/framing";
 * import { connect, listen } from "framewright/node";
 *
 * const headers = lines().wrap(json<{ size: number }>());
 * const server = await listen(headers, {
 *   port: 0,
 *   async message(connection, { size }) {
 *     let sum = 0;
 *     for await (const piece of body(connection, size)) {
 *       for (const byte of piece) sum += byte;
 *     }
 *     connection.send({ size: sum });
 *   },
 * });
 * const client = await connect(headers, { port: server.port });
 * client.send({ size: 1_000_000 });
 * client.sendFrame(new Uint8Array(1_000_000).fill(1));
 * for await (const { size } of client) {
 *   console.log(size);
 *   client.close();
 * }
 * await server.close();
 * //=> 1000000
 * ```
 */
export function body(
  connection: Connection<never, unknown, unknown>,
  n: number,
): AsyncIterableIterator<Uint8Array, undefined> {
  checkInteger("body: n", n, 0);
  const { protocol } = connection;
  const handlers = waiting.get(connection) ?? (connection as Switchable).handlers ?? {};
  waiting.delete(connection);
  const { message, ...others } = handlers;
  let left = n;
  let source: AsyncIterableIterator<Uint8Array, undefined> | undefined;
  let most = 0;

  /** No piece is longer than the rest of the body, so it never includes the byte after the body. */
  const limit = (): void => {
    if (most > 0 && most <= left) return;
    most = Math.min(left, PIECE);
    const stream = connection.use(pieces({ most }).wrap(raw(), { name: "body" }), others as never);
    source ??= stream[Symbol.asyncIterator]();
  };
  const goOn = async (isSkipping: boolean): Promise<void> => {
    const before = source;
    source = undefined;
    if (before === undefined) return;
    await before.return?.();
    const same = sameState(protocol as Protocol<never, unknown>);
    const own = isSkipping && left > 0 ? after(same, left) : same;
    connection.use(own, others);
    if (message === undefined) return;
    // The caller continues first and may reply; the next message comes later.
    waiting.set(connection, handlers);
    void soon().then(() => {
      if (waiting.get(connection) !== handlers) return;
      waiting.delete(connection);
      if (connection.protocol === own) connection.use(own, handlers);
    });
  };
  if (n > 0) limit();

  const done = { done: true, value: undefined } as const;
  return {
    async next() {
      if (left === 0) await goOn(false);
      if (source === undefined) return done;
      limit();
      const result = await source.next();
      if (result.done) {
        source = undefined;
        throw endedEarly(connection, n - left, n);
      }
      left -= result.value.length;
      return result;
    },
    async return() {
      await goOn(true);
      return done;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** The error for an incomplete body; it is reported to the connection if the peer caused it. */
function endedEarly(connection: Switchable, read: number, n: number): ProtocolError {
  const isPeer = connection.state === "open";
  const text = `the connection ended after ${read} of the ${n} bytes of a body`;
  const error = new ProtocolError(isPeer ? "truncated" : "closed", text);
  if (isPeer) connection.faulted?.(error, false);
  // In a handler it returns as the handler's rejected promise.
  return markReported(error);
}

/** A protocol that keeps its state when it is used again on the same connection. */
function sameState(protocol: Protocol<never, unknown>): Protocol<never, unknown> {
  if (protocol.perConnection === undefined) return protocol;
  return Object.create(protocol, { perConnection: { value: undefined } }) as typeof protocol;
}

/** A protocol whose frames begin after `left` skipped bytes. */
function after(protocol: Protocol<never, unknown>, left: number): MessageProtocol<never, unknown> {
  if (protocol.measure === undefined) return protocol;
  let skipped = 0;
  return Object.create(protocol, {
    measure: {
      value: (...args: Parameters<Protocol<never, unknown>["measure"]>) => {
        const [, start, end] = args;
        if (skipped === left) return protocol.measure(...args);
        const count = Math.min(left - skipped, end - start);
        skipped += count;
        return -count;
      },
    },
  }) as typeof protocol;
}
