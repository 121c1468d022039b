/**
 * The way out: what a transport gives to a `Connection`. In return it tells the connection of what happens,
 * by `opened`, `received`, `ended`, `drained` and `lost`.
 */
export interface Sink {
  /**
   * `'stream'`: bytes without boundaries (TCP); frames are joined into one write. `'message'`: what is written in
   * one call arrives as one message (WebSocket, datagrams); every frame is one write, every message received
   * is decoded alone.
   */
  readonly boundary: "stream" | "message";

  /**
   * Takes the bytes, always. False asks to wait: `drained` is called when more would be welcome.
   *
   * @param bytes - the sink's from now on; nobody writes into them
   * @param text - send as a text message, where there is such a thing
   */
  write(bytes: Uint8Array<ArrayBuffer>, text: boolean): boolean;

  /** Stop reading, if that can be. What comes all the same is kept, up to a limit. */
  pause(): void;

  /** Go on reading. */
  resume(): void;

  /**
   * End this side once everything written is out; `lost` follows when the other side has ended too.
   *
   * @param error - why, where something went wrong: for transports that can tell the peer
   */
  close(error?: unknown): void;

  /** End at once and drop what is not out; `error` as for `close`. */
  abort(error?: unknown): void;
}
