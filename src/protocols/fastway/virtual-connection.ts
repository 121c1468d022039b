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

/** Which virtual connection it is. */
export interface VirtualIds {
  /** Its id, unsigned 32 bits, given by the gateway. */
  readonly connId: number;
  /** The id of the endpoint at the other end: a server's for a client, a client's for a server. */
  readonly remoteId: number;
}

/**
 * What a user wants to hear of a virtual connection; as the handlers of `listen` and `connect`. Without
 * `message` it is iterated.
 */
export interface VirtualHandlers<In, Out = In, Context = undefined> {
  /** Makes the state of one connection, kept in `connection.context`. */
  readonly context?: ((ids: VirtualIds) => Context) | undefined;
  /** The connection is there. */
  readonly open?: ((connection: VirtualConnection<In, Out, Context>) => unknown) | undefined;
  /** A message came. */
  readonly message?:
    | ((connection: VirtualConnection<In, Out, Context>, value: Out) => unknown)
    | undefined;
  /** `send` answered false, and now is a good time to go on. */
  readonly drain?: ((connection: VirtualConnection<In, Out, Context>) => unknown) | undefined;
  /** Something went wrong, and the connection closes; others go on. */
  readonly error?:
    | ((connection: VirtualConnection<In, Out, Context>, error: unknown) => unknown)
    | undefined;
  /**
   * It is over: `by` is `'peer'` when the other end closed it, `'error'` with code `closed` when the link to the
   * gateway was lost.
   */
  readonly close?:
    | ((connection: VirtualConnection<In, Out, Context>, info: CloseInfo) => unknown)
    | undefined;
}

/** How a virtual connection is used: its protocol, handlers and limits. */
export interface VirtualOptions<In, Out = In, Context = undefined>
  extends VirtualHandlers<In, Out, Context>,
    ConnectionOptions {
  /**
   * What its messages mean: each packet of fastway carries one message, or whole frames, of this protocol.
   * @defaultValue the bytes as they are
   */
  readonly protocol?: MessageProtocol<In, Out> | undefined;
}

/**
 * One of the many connections that share the link between an endpoint and its gateway. It is a `Connection`
 * like any other: send, handlers or iteration, `use` for another protocol, limits.
 *
 * A reader that is too slow holds up nobody else: when more than `maxQueued` bytes wait, its connection alone is
 * closed, with `overflow`.
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
    // Handlers of a virtual connection are only ever called with one.
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

/** The protocol, refusing what no packet can carry when it is sent, and not when it is on its way. */
function bounded<In, Out>(
  protocol: MessageProtocol<In, Out>,
  maxMessage: number,
): MessageProtocol<In, Out> {
  if (protocol.maxFrame <= maxMessage) return protocol;
  return Object.freeze(Object.create(protocol, { maxFrame: { value: maxMessage } }));
}
