import {
  type CloseInfo,
  Connection,
  type ConnectionOptions,
  checkedOptions,
  type MessageProtocol,
  raw,
  type Sink,
} from "../../core/index.ts";
import { perMessage } from "../../framing/index.ts";

/** Ids of a virtual connection. */
export interface VirtualIds {
  /** Its id, unsigned 32 bits, chosen by the gateway. */
  readonly connId: number;
  /** Id of the endpoint at the other end: a server's for a client, a client's for a server. */
  readonly remoteId: number;
}

/**
 * Handlers of a virtual connection, like those of `listen` and `connect`. Without `message`,
 * iterate it.
 */
export interface VirtualHandlers<In, Out = In, Context = undefined> {
  /** Creates the state of one connection, kept in `connection.context`. */
  readonly context?: ((ids: VirtualIds) => Context) | undefined;
  /** Called when the connection is open. */
  readonly open?: ((connection: VirtualConnection<In, Out, Context>) => unknown) | undefined;
  /** Called with each message. */
  readonly message?:
    | ((connection: VirtualConnection<In, Out, Context>, value: Out) => unknown)
    | undefined;
  /** Called when you can send again, after `send` returned false. */
  readonly drain?: ((connection: VirtualConnection<In, Out, Context>) => unknown) | undefined;
  /** Called when something went wrong and this connection closes; others stay open. */
  readonly error?:
    | ((connection: VirtualConnection<In, Out, Context>, error: unknown) => unknown)
    | undefined;
  /**
   * Called when the connection has ended: `by` is `'peer'` if the other end closed it, `'error'`
   * with code `closed` if the link to the gateway was lost.
   */
  readonly close?:
    | ((connection: VirtualConnection<In, Out, Context>, info: CloseInfo) => unknown)
    | undefined;
}

/** Options for a virtual connection: its protocol, handlers and limits. */
export interface VirtualOptions<In, Out = In, Context = undefined>
  extends VirtualHandlers<In, Out, Context>,
    ConnectionOptions {
  /**
   * Protocol of its messages: each packet of fastway carries one message, or whole frames, of it.
   * @defaultValue raw bytes
   */
  readonly protocol?: MessageProtocol<In, Out> | undefined;
}

/**
 * One of the connections that share the link between an endpoint and its gateway. It works like any
 * `Connection`: send, handlers or iteration, `use` for another protocol, limits.
 *
 * A slow reader does not delay other connections: if more than `maxQueued` bytes wait, only its own
 * connection is closed, with `overflow`.
 */
export class VirtualConnection<In = Uint8Array, Out = In, Context = undefined>
  extends Connection<In, Out, Context>
  implements VirtualIds
{
  readonly connId: number;
  readonly remoteId: number;

  /** @internal */
  constructor(
    ids: VirtualIds,
    sink: Sink,
    maxMessage: number,
    options: VirtualOptions<In, Out, Context>,
  ) {
    const { protocol = rawMessages(maxMessage), context, ...handlers } = options;
    const made = context && (() => context(ids));
    // Handlers of a virtual connection are always called with one.
    const all = { ...(handlers as object), context: made };
    super(
      bounded(protocol as MessageProtocol<In, Out>, maxMessage),
      sink,
      all,
      checkedOptions(options),
    );
    this.connId = ids.connId;
    this.remoteId = ids.remoteId;
  }
}

const rawMessages = (maxFrame: number): MessageProtocol<Uint8Array> =>
  perMessage({ maxFrame: Math.max(1, maxFrame) }).wrap(raw());

/**
 * Wraps a protocol so that a message too large for a packet is refused when it is sent, not later.
 */
function bounded<In, Out>(
  protocol: MessageProtocol<In, Out>,
  maxMessage: number,
): MessageProtocol<In, Out> {
  if (protocol.maxFrame <= maxMessage) return protocol;
  return Object.freeze(Object.create(protocol, { maxFrame: { value: maxMessage } }));
}
