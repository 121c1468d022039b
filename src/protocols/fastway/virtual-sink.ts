import { type OwnConnection, ProtocolError, type Sink } from "../../core/index.ts";
import { VirtualConnection, type VirtualIds, type VirtualOptions } from "./virtual-connection.ts";

/** The parts of an endpoint that its sinks call. */
export interface Exchange {
  /** Longest message that a packet can carry. */
  readonly maxMessage: number;
  /** Sends one message. Returns false if the link has no room: try again after `drained`. */
  transmit(sink: VirtualSink, bytes: Uint8Array): boolean;
  /** Sends Close. */
  hangUp(sink: VirtualSink): void;
  /** Drops a sink that was aborted. */
  forget(sink: VirtualSink): void;
}

/** A virtual connection of any types. */
type AnyConnection = Pick<
  VirtualConnection<never, unknown, unknown>,
  "opened" | "received" | "ended" | "drained" | "lost" | "close" | "state"
>;

/** A virtual connection with its package-internal members. */
type Own = AnyConnection & Pick<OwnConnection, "isBehind">;

/**
 * One virtual connection in its endpoint: the sink of its messages, which also handles the
 * gateway's Close.
 *
 * ```text
 *          close() or abort(): Close goes out          Close comes back
 *   open ------------------------------------> closing ----------------> gone
 *     |     Close comes, or the link is lost: nothing goes out            ^
 *     +-------------------------------------------------------------------+
 * ```
 *
 * While the link has no room, a sink holds only the last message; its connection knows that the
 * sink is full and queues all others. So many connections cannot fill the link beyond its limit,
 * however much each sends.
 */
export class VirtualSink implements Sink {
  readonly boundary = "message";
  readonly connId: number;
  readonly #exchange: Exchange;
  #state: "open" | "closing" | "gone" = "open";
  /** The message that waits for room on the link. */
  #held: Uint8Array<ArrayBuffer> | undefined;
  /** `close` was called; Close is sent after the held message. */
  #isEnding = false;
  #connection: Own | undefined;

  constructor(exchange: Exchange, connId: number) {
    this.#exchange = exchange;
    this.connId = connId;
  }

  /** Creates the virtual connection; it is not open yet. */
  connect<In, Out, Context>(
    ids: VirtualIds,
    options: VirtualOptions<In, Out, Context>,
  ): VirtualConnection<In, Out, Context> {
    const connection = new VirtualConnection(ids, this, this.#exchange.maxMessage, options);
    this.#connection = connection as unknown as Own;
    return connection;
  }

  // ---- called by the connection

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    // The other end has closed already: as with a socket, messages sent meanwhile are lost.
    if (this.#state !== "open" || this.#exchange.transmit(this, bytes)) return true;
    this.#held = bytes;
    return false;
  }

  /**
   * Ignored: all connections share one stream, and one that does not read must not stop the others.
   * `isBehind` handles slow handlers.
   */
  pause(): void {}

  resume(): void {}

  close(): void {
    this.#isEnding = true;
    if (this.#state === "gone") this.#connection!.lost();
    else if (this.#held === undefined) this.#hangUp();
  }

  abort(): void {
    this.#held = undefined;
    this.#hangUp();
    this.#exchange.forget(this);
  }

  #hangUp(): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#exchange.hangUp(this);
  }

  // ---- called by the endpoint

  /** Delivers a message, unless this side sent Close before. */
  received(message: Uint8Array): void {
    if (this.#state === "open") this.#connection!.received(message);
  }

  /** True if many messages wait for the next turn. */
  get isBehind(): boolean {
    return this.#state === "open" && this.#connection!.isBehind;
  }

  /** The link has room, at least for the held message. */
  drained(): void {
    const held = this.#held!;
    this.#held = undefined;
    this.#exchange.transmit(this, held);
    if (this.#isEnding) this.#hangUp();
    else this.#connection!.drained();
  }

  /** The gateway sent Close: the echo of ours, or the other end's. */
  closed(): void {
    const wasHeld = this.#held !== undefined;
    this.#held = undefined;
    this.#state = "gone";
    if (this.#isEnding) {
      this.#connection!.lost();
      return;
    }
    this.#connection!.ended();
    // Unsent messages are lost now, and must not wait for room.
    if (wasHeld) this.#connection!.drained();
  }

  /** The link to the gateway was lost. */
  lost(cause: unknown): void {
    this.#state = "gone";
    const text = "the connection to the gateway was lost";
    this.#connection!.lost(new ProtocolError("closed", text, undefined, { cause }));
  }

  /** Closes the connection, because the endpoint closes. */
  shut(): void {
    this.#connection!.close();
  }
}
