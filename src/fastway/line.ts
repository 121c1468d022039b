import { ProtocolError, type Sink } from "../core/index.ts";
import { VirtualConnection, type VirtualIds, type VirtualOptions } from "./virtual-connection.ts";

/** What lines need of the endpoint that they belong to. */
export interface Exchange {
  /** Longest message that a packet can carry. */
  readonly maxMessage: number;
  /** Sends one message; false asks to wait for `drained`. */
  transmit(line: Line, bytes: Uint8Array): boolean;
  /** Sends Close. */
  hangUp(line: Line): void;
  /** Nobody cares any more what becomes of it. */
  forget(line: Line): void;
}

/** A line of which only its virtual connection knows the types. */
export type AnyConnection = Pick<
  VirtualConnection<never, unknown, unknown>,
  "opened" | "received" | "ended" | "drained" | "lost" | "close" | "state"
>;

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
 */
export class Line implements Sink {
  readonly boundary = "message";
  readonly connId: number;
  readonly #exchange: Exchange;
  #state: "open" | "closing" | "gone" = "open";
  #connection: AnyConnection | undefined;

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
    this.#connection = connection as AnyConnection;
    return connection;
  }

  // ---- told by the connection

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    // The other end is gone already: as with a socket, what is sent meanwhile goes nowhere.
    return this.#state !== "open" || this.#exchange.transmit(this, bytes);
  }

  /** All connections share one stream: one that does not read must not stop the others. */
  pause(): void {}

  resume(): void {}

  close(): void {
    if (this.#state === "gone") this.#connection!.lost();
    else this.#hangUp();
  }

  abort(): void {
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

  /** There is room on the link. */
  drained(): void {
    this.#connection!.drained();
  }

  /** The gateway says Close: the echo of ours, or the other end's. */
  closed(): void {
    const isEcho = this.#state === "closing";
    this.#state = "gone";
    if (isEcho) this.#connection!.lost();
    else this.#connection!.ended();
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
