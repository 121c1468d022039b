/**
 * The outgoing side of a transport, as a `Connection` uses it. In return the transport calls `opened`, `received`,
 * `ended`, `drained` and `lost` of the connection.
 */
export interface Sink {
  /**
   * `'stream'`: bytes without boundaries (TCP); frames are joined into one write. `'message'`: the bytes of
   * one call arrive as one message (WebSocket, datagrams); every frame is one write, and every received
   * message is decoded alone.
   */
  readonly boundary: "stream" | "message";

  /** The other side, for error texts and logs: an address, a URL. */
  readonly peer?: string | undefined;

  /** Returns how many bytes the transport has taken but not sent, if it can tell. */
  buffered?(): number;

  /**
   * Returns how many received bytes the transport keeps while it is paused, if it can tell. They are memory
   * that the connection causes.
   */
  unread?(): number;

  /**
   * Always takes the bytes. Return false to ask the connection to wait: call `drained` when more can be sent.
   *
   * @param bytes - owned by the sink from now on; they are not written again
   * @param text - send as a text message, if the transport has such a thing
   */
  write(bytes: Uint8Array<ArrayBuffer>, text: boolean): boolean;

  /**
   * Takes text whose UTF-8 is sent, for transports to which text is cheaper than bytes; otherwise like `write`.
   */
  writeText?(text: string): boolean;

  /** Stops reading, if the transport can. Bytes that arrive anyway are kept, up to a limit. */
  pause(): void;

  /** Resumes reading. */
  resume(): void;

  /** Holds writes back until `uncork`, so that they leave together. */
  cork?(): void;

  /** Sends the bytes held back. */
  uncork?(): void;

  /** Ends this side after everything written; the other side is still read. Absent if the transport cannot. */
  end?(): void;

  /**
   * Ends this side after everything written; call `lost` when the other side has ended too.
   *
   * @param error - why, if something went wrong: for transports that can tell the peer
   */
  close(error?: unknown): void;

  /** Ends at once and drops unsent bytes; `error` as for `close`. */
  abort(error?: unknown): void;

  /** Returns the socket, which this transport no longer uses. Absent if the transport cannot. */
  detach?(): unknown;
}
