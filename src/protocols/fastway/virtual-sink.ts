import { type OwnConnection, ProtocolError, type Sink } from "../../core/index.ts";
import { VirtualConnection, type VirtualIds, type VirtualOptions } from "./virtual-connection.ts";

/** The endpoint, as its sinks see it. */
export interface Exchange {
  /** Longest message that a packet can carry. */
  readonly maxMessage: number;
  /** Sends one message; false: the link has no room, and `drained` tells when it is worth another try. */
  transmit(sink: VirtualSink, bytes: Uint8Array): boolean;
  /** Sends Close. */
  hangUp(sink: VirtualSink): void;
  /** Drops a sink that was aborted. */
  forget(sink: VirtualSink): void;
}

/** A virtual connection, whatever its types. */
type AnyConnection = Pick<
  VirtualConnection<never, unknown, unknown>,
  "opened" | "received" | "ended" | "drained" | "lost" | "close" | "state"
>;

/** A virtual connection as it is made here: with what connections of this package have for each other. */
type Own = AnyConnection & Pick<OwnConnection, "isBehind">;

/**
 * One virtual connection, seen from its endpoint: the sink of its messages, and what tells it of the gateway's
 * Close.
 *
 * ```text
 *          close() or abort(): Close goes out          Close comes back
 *   open ------------------------------------> closing ----------------> gone
 *     |     Close comes, or the link is lost: nothing goes out            ^
 *     +-------------------------------------------------------------------+
 * ```
 *
 * While the link has no room, a sink holds the one message that it was given last: its connection, told that the sink
 * is full, keeps all others. So many connections cannot fill the link beyond its limit, however much each sends.
 */
export class VirtualSink implements Sink {
  readonly boundary = "message";
  readonly connId: number;
  readonly #exchange: Exchange;
  #state: "open" | "closing" | "gone" = "open";
  /** The message that waits for room on the link. */
  #held: Uint8Array<ArrayBuffer> | undefined;
  /** `close` was called; Close goes out behind what is held. */
  #isEnding = false;
  #connection: Own | undefined;

  constructor(exchange: Exchange, connId: number) {
    this.#exchange = exchange;
    this.connId = connId;
  }

  /** Makes the virtual connection; it is not open yet. */
  connect<In, Out, Context>(
    ids: VirtualIds,
    options: VirtualOptions<In, Out, Context>,
  ): VirtualConnection<In, Out, Context> {
    const connection = new VirtualConnection(ids, this, this.#exchange.maxMessage, options);
    this.#connection = connection as unknown as Own;
    return connection;
  }

  // ---- told by the connection

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    // The other end is gone already: as with a socket, what is sent meanwhile goes nowhere.
    if (this.#state !== "open" || this.#exchange.transmit(this, bytes)) return true;
    this.#held = bytes;
    return false;
  }

  /**
   * All connections share one stream: one that does not read must not stop the others. One whose handlers are slow, but
   * never wait, does; see `isBehind`.
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

  // ---- told by the endpoint

  /** A message came. Behind the own Close nobody wants it. */
  received(message: Uint8Array): void {
    if (this.#state === "open") this.#connection!.received(message);
  }

  /** Much waits for its next turn. */
  get isBehind(): boolean {
    return this.#state === "open" && this.#connection!.isBehind;
  }

  /** There is room on the link, at least for what is held. */
  drained(): void {
    const held = this.#held!;
    this.#held = undefined;
    this.#exchange.transmit(this, held);
    if (this.#isEnding) this.#hangUp();
    else this.#connection!.drained();
  }

  /** The gateway says Close: the echo of ours, or the other end's. */
  closed(): void {
    const wasHeld = this.#held !== undefined;
    this.#held = undefined;
    this.#state = "gone";
    if (this.#isEnding) {
      this.#connection!.lost();
      return;
    }
    this.#connection!.ended();
    // What it has to say goes nowhere now, and must not wait for room.
    if (wasHeld) this.#connection!.drained();
  }

  /** The link to the gateway is gone. */
  lost(cause: unknown): void {
    this.#state = "gone";
    const text = "the connection to the gateway was lost";
    this.#connection!.lost(new ProtocolError("closed", text, undefined, { cause }));
  }

  /** The user of the endpoint closes everything. */
  shut(): void {
    this.#connection!.close();
  }
}
