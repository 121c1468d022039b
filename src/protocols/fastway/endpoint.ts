import {
  type Clock,
  type CloseInfo,
  CONNECTION_OPTIONS,
  type Connection,
  checkLimits,
  checkOptions,
  closedError,
  handlerErrorsOf,
  later,
  limitsOf,
  ProtocolError,
  reportBug,
  systemClock,
  type TraceEvent,
} from "../../core/index.ts";
import { heartbeat } from "../../session/index.ts";
import { AcceptQueue } from "./accept-queue.ts";
import type { Dialect, EndpointCommand, GatewayCommand } from "./commands.ts";
import { type Early, EarlyMessages } from "./early-messages.ts";
import type { DialOptions, EndpointOptions, FastwayEndpoint } from "./endpoint-options.ts";
import { type FastwayMessage, type FastwayProtocol, fastway } from "./fastway.ts";
import { checkFits, LENGTH } from "./packet.ts";
import { type DialReply, PendingDials } from "./pending-dials.ts";
import type { VirtualConnection, VirtualIds, VirtualOptions } from "./virtual-connection.ts";
import { type Exchange, VirtualSink } from "./virtual-sink.ts";

/**
 * A `Connection` that was opened with `fastway(...)`. Its value and context types do not matter:
 * the endpoint switches it to its own protocol and handlers.
 */
export type FastwayLink = Pick<
  Connection<never, never, never>,
  "state" | "queued" | "close" | "abort"
> & { readonly protocol: { readonly name: string } };

type Physical = Connection<
  FastwayMessage | EndpointCommand,
  FastwayMessage | GatewayCommand,
  unknown
>;

const BACKLOG = 128;
const TEN_SECONDS = 10_000;
const VIRTUAL_OPTIONS = ["protocol", ...CONNECTION_OPTIONS];
const DIAL_OPTIONS = ["timeout", "signal", ...VIRTUAL_OPTIONS];
/** Names of the options of `fastwayClient`. */
export const ENDPOINT_OPTIONS: readonly string[] = [
  ...["backlog", "pingInterval", "pingTimeout"],
  ...VIRTUAL_OPTIONS,
];

/**
 * A client or server of a gateway. Both share this state machine; servers start with a handshake.
 *
 * ```text
 *   physical connection -> #take -> commands: to the dial, sink or ping that they concern
 *                                -> messages: to the sink of their id; early ones are kept; else Close goes back
 *
 *   #sinks: connId -> VirtualSink  open, or closing: own Close sent, echo not here yet
 *                  -> undefined    closing, and nothing waits for the echo
 * ```
 */
export class Endpoint<In, Out, Context> implements FastwayEndpoint<In, Out, Context>, Exchange {
  readonly dialect: Dialect;
  readonly maxMessage: number;
  readonly closed: Promise<CloseInfo>;

  readonly #physical: Physical;
  readonly #protocol: FastwayProtocol;
  readonly #options: EndpointOptions<In, Out, Context>;
  readonly #clock: Clock;
  readonly #dials: PendingDials;
  readonly #sinks = new Map<number, VirtualSink | undefined>();
  /** The link is full, until `drain`. */
  #isFull = false;
  /** Sinks that wait for room on the link, in turn. */
  readonly #blocked = new Set<VirtualSink>();
  /**
   * Sinks whose handlers are slower than the messages arrive: the link is paused until they catch
   * up.
   */
  readonly #behind = new Set<VirtualSink>();
  readonly #early = new EarlyMessages();
  readonly #acceptQueue: AcceptQueue<VirtualConnection<In, Out, Context>>;
  #size = 0;
  #isClosing = false;
  /** Settles `closed`; undefined once the link has ended. */
  #settle: ((info: CloseInfo) => void) | undefined;
  #isHeard = false;
  #stopPing: (() => void) | undefined;

  constructor(link: FastwayLink, options: EndpointOptions<In, Out, Context>) {
    checkLimits(options, "backlog", "pingInterval", "pingTimeout");
    limitsOf(options);
    this.#physical = link as unknown as Physical;
    this.#protocol = protocolOf(link);
    this.dialect = this.#protocol.dialect;
    this.maxMessage = this.#protocol.maxPacket - LENGTH;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#acceptQueue = new AcceptQueue(options.backlog ?? BACKLOG);
    this.#dials = new PendingDials(
      this.dialect,
      {
        ...{ clock: this.#clock, trace: options.trace, name: "fastway" },
        connection: () => this.#physical as unknown as TraceEvent["connection"],
      },
      (command) => void this.#physical.send(command),
      (reply) => this.#answeredLate(reply),
    );
    this.closed = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  // ---- the link: begin -> (messages) -> over

  /**
   * Starts to handle commands and messages.
   *
   * @param explain - adds a likely cause to how the link ended
   */
  begin(explain = (info: CloseInfo): CloseInfo => info): void {
    const { dialect, maxPacket, copy } = this.#protocol;
    this.#physical.use(fastway({ dialect, side: "endpoint", maxPacket, copy }), {
      message: (_, value) => this.#take(value),
      drain: () => this.#drained(),
      // Need not wait until the gateway closes its side, too.
      error: (_, error) => this.over(explain({ by: "error", error })),
      close: (_, info) => this.over(explain(info)),
    });
    this.#physical.onInputEnd((error) => {
      const { error: cause } = explain(error === undefined ? this.#ended : { by: "error", error });
      this.#dials.end(cause);
    });
    this.#physical.onOpen(() => this.#dials.start());
    if (this.#physical.state === "closed") this.over({ by: "peer" });
    else if (this.dialect === "v2") this.#startPings();
  }

  /** True if a packet has arrived. */
  get isHeard(): boolean {
    return this.#isHeard;
  }

  /** The link has ended. */
  over(info: CloseInfo): void {
    const settle = this.#settle;
    if (settle === undefined) return;
    this.#settle = undefined;
    this.#stopPing?.();
    const cause = info.error;
    const sinks = Array.from(this.#sinks.values());
    this.#sinks.clear();
    this.#size = 0;
    this.#blocked.clear();
    this.#behind.clear();
    for (const sink of sinks) sink?.lost(cause);
    this.#dials.end(cause);
    this.#early.clear();
    this.#acceptQueue.end(info);
    settle(info);
  }

  get #ended(): CloseInfo {
    return { by: this.#isClosing ? "local" : "peer" };
  }

  #take(value: FastwayMessage | GatewayCommand): void {
    this.#isHeard = true;
    switch (value.type) {
      case "message":
        this.#message(value.connId, value.message);
        break;
      case "open":
        this.#dials.opened(value.connId);
        break;
      case "accept":
        this.#accepted(value);
        break;
      case "connect":
        this.#called(value);
        break;
      case "refuse":
        this.#refused(value);
        break;
      case "close":
        this.#closed(value.connId);
        break;
      case "ping":
        // In v2 it answers our ping; a reply to it would start an endless exchange.
        if (this.dialect === "v1") this.#physical.send({ type: "ping" });
    }
  }

  // ---- virtual connections

  get size(): number {
    return this.#size;
  }

  async dial<DialIn = Uint8Array, DialOut = DialIn, DialContext = undefined>(
    remoteId: number,
    options: DialOptions<DialIn, DialOut, DialContext> = {},
  ): Promise<VirtualConnection<DialIn, DialOut, DialContext>> {
    const { timeout = TEN_SECONDS, signal, ...rest } = options;
    checkOptions("dial", options, DIAL_OPTIONS);
    limitsOf(rest);
    if (remoteId >>> 0 !== remoteId)
      throw new ProtocolError("unencodable", `${remoteId} is not an id`);
    if (this.#isClosing) throw ended();
    return this.#dials.dial(remoteId, {
      timeout,
      signal,
      read: ({ isAccepted, connId = 0 }) => {
        if (!isAccepted) {
          throw new ProtocolError("refused", `the gateway refused the dial of ${remoteId}`);
        }
        const early = this.#early.take(connId);
        const isCut = early?.isDropped ?? this.#early.isFull;
        try {
          if (isCut) throw overflowError();
          if (this.#isClosing || connId === 0) throw ended();
          const { handlerErrors = handlerErrorsOf(this.#physical) } = rest;
          return this.#connect({ connId, remoteId }, { ...rest, handlerErrors }, early);
        } catch (error) {
          // Also if its `context` failed: there is no connection.
          this.#decline(connId, early);
          throw error;
        }
      },
    });
  }

  /** The gateway answered a dial that was given up. */
  #answeredLate({ isAccepted, connId = 0 }: DialReply): void {
    const early = this.#early.take(connId);
    if (isAccepted) this.#decline(connId, early);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<VirtualConnection<In, Out, Context>, undefined> {
    if (this.#isServed) throw new TypeError("incoming connections have a handler, or are iterated");
    return this.#acceptQueue.iterate();
  }

  /** True if handlers serve incoming connections. */
  get #isServed(): boolean {
    return this.#options.message !== undefined || this.#options.open !== undefined;
  }

  #accepted(ids: VirtualIds): void {
    this.#checkFree(ids.connId);
    if (this.#dials.answered({ isAccepted: true, ...ids })) this.#answered();
    else this.#called(ids);
  }

  #refused(ids: { readonly connId?: number; readonly remoteId?: number }): void {
    const { connId, remoteId } = ids;
    this.#dials.answered({ isAccepted: false, connId, remoteId });
    if (connId !== undefined) this.#early.take(connId);
    this.#answered();
  }

  /**
   * Once no dial is pending, closes connections that sent early messages but that no dial asked
   * for.
   */
  #answered(): void {
    if (this.dialect === "v1" || this.#dials.expects(0)) return;
    for (const connId of this.#early.clear()) this.#tellClose(connId);
  }

  /** Another endpoint dialled this one. */
  #called(ids: VirtualIds): void {
    const { connId, remoteId } = ids;
    this.#checkFree(connId);
    const isWanted = this.#isServed || !this.#acceptQueue.isFull;
    const early = this.#early.take(connId);
    // The first gateways allow connection 0, but it could not carry messages.
    if (!isWanted || this.#isClosing || connId === 0 || early?.isDropped) {
      this.#tellClose(connId);
      return;
    }
    try {
      const connection = this.#connect({ connId, remoteId }, this.#options, early);
      if (!this.#isServed) this.#acceptQueue.add(connection);
    } catch (error) {
      // Its `context` failed: there is no connection, but the others stay open.
      reportBug(error, "report");
      this.#decline(connId);
    }
  }

  #checkFree(connId: number): void {
    if (this.#sinks.get(connId) === undefined) return;
    throw new ProtocolError("malformed", `connection ${connId} is open already`);
  }

  #connect<DialIn, DialOut, DialContext>(
    ids: VirtualIds,
    options: VirtualOptions<DialIn, DialOut, DialContext>,
    early?: Early,
  ): VirtualConnection<DialIn, DialOut, DialContext> {
    const sink = new VirtualSink(this, ids.connId);
    const connection = sink.connect(ids, { ...options, clock: options.clock ?? this.#clock });
    this.#sinks.set(ids.connId, sink);
    this.#size++;
    connection.opened();
    for (const message of early?.messages ?? []) sink.received(message);
    if (early?.isClosed) this.#closed(ids.connId);
    return connection;
  }

  #decline(connId: number, early?: Early): void {
    // A Close may have been sent before: the gateway ignores the second.
    if (early?.isClosed) return;
    this.#sinks.set(connId, undefined);
    this.#tellClose(connId);
  }

  #message(connId: number, message: Uint8Array): void {
    const sink = this.#sinks.get(connId);
    if (sink !== undefined) {
      sink.received(message);
      if (sink.isBehind) this.#waitFor(sink);
    } else if (this.#sinks.has(connId)) {
      // The peer sent it before it received our Close.
    } else if (!this.#dials.expects(connId) || !this.#early.add(connId, message)) {
      this.#tellClose(connId);
    }
  }

  /** Pauses reading until a sink has caught up. */
  #waitFor(sink: VirtualSink): void {
    this.#behind.add(sink);
    if (this.#behind.size > 1) return;
    this.#physical.pause();
    later(this.#clock, this.#lookBehind);
  }

  readonly #lookBehind = (): void => {
    if (this.#behind.size === 0) return;
    // By now it may be closed, or wait for something else.
    for (const behind of this.#behind) if (!behind.isBehind) this.#behind.delete(behind);
    if (this.#behind.size > 0) later(this.#clock, this.#lookBehind);
    else this.#physical.resume();
  };

  #closed(connId: number): void {
    const sink = this.#sinks.get(connId);
    const isKnown = this.#sinks.delete(connId);
    if (sink !== undefined) this.#leave(sink);
    if (isKnown) sink?.closed();
    else if (this.#dials.expects(connId)) this.#early.close(connId);
  }

  #leave(sink: VirtualSink): void {
    this.#blocked.delete(sink);
    this.#size--;
    if (this.#isClosing && this.#size === 0) this.#physical.close();
  }

  #tellClose(connId: number): void {
    this.#physical.send({ type: "close", connId });
  }

  // ---- for sinks

  transmit(sink: VirtualSink, message: Uint8Array): boolean {
    if (this.#isFull) {
      // Checked now: later the error would hit every connection, not only this one.
      checkFits(message, this.#protocol.maxPacket);
      this.#blocked.add(sink);
      return false;
    }
    this.#isFull = !this.#physical.send({ type: "message", connId: sink.connId, message });
    return true;
  }

  hangUp(sink: VirtualSink): void {
    this.#tellClose(sink.connId);
  }

  forget(sink: VirtualSink): void {
    if (this.#sinks.get(sink.connId) !== sink) return;
    this.#sinks.set(sink.connId, undefined);
    this.#leave(sink);
  }

  #drained(): void {
    this.#isFull = false;
    for (const sink of this.#blocked) {
      if (this.#isFull) return;
      this.#blocked.delete(sink);
      sink.drained();
    }
  }

  // ---- pings (v2)

  #startPings(): void {
    const { pingInterval = TEN_SECONDS, pingTimeout = TEN_SECONDS } = this.#options;
    if (pingInterval === 0) return;
    this.#stopPing = heartbeat({
      connection: this.#physical,
      interval: pingInterval,
      timeout: pingTimeout,
      send: () => this.#physical.send({ type: "ping" }),
      clock: this.#clock,
      trace: this.#options.trace,
    });
  }

  // ---- the end

  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    for (const sink of Array.from(this.#sinks.values())) sink?.shut();
    if (this.#size === 0) this.#physical.close();
  }

  abort(error?: unknown): void {
    this.#physical.abort(error);
  }
}

/**
 * Returns the protocol that a connection was opened with.
 * @throws TypeError if it is not fastway's, or is the gateway's side of it
 */
function protocolOf(link: FastwayLink): FastwayProtocol {
  const protocol = link.protocol as Partial<FastwayProtocol>;
  if (protocol.dialect === undefined || protocol.maxPacket === undefined) {
    throw new TypeError("open the connection with the protocol fastway({ dialect })");
  }
  if (protocol.side === "gateway") throw new TypeError("this is the gateway's end of a connection");
  return protocol as FastwayProtocol;
}

const overflowError = (): ProtocolError =>
  new ProtocolError("overflow", "too much arrived before the gateway's answer");

const ended = (): ProtocolError => closedError("the connection to the gateway is closed");
