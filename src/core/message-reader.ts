import { checkMessage, frameEnd, isFramed } from "./frames.ts";
import { plain } from "./memory.ts";
import type { MessageProtocol } from "./protocol.ts";

const NOTHING = new Uint8Array(0);

/**
 * The cursor of `Splitter` over a transport that keeps boundaries: each message holds whole frames, or is one
 * value where the protocol has no framing. A frame that is cut by the end of its message is an error.
 */
export class MessageReader {
  bytes: Uint8Array = NOTHING;
  start = 0;
  end = 0;

  #protocol: MessageProtocol<never, unknown>;
  #messages: Uint8Array[] = [];
  #queued = 0;

  constructor(protocol: MessageProtocol<never, unknown>) {
    this.#protocol = protocol;
  }

  /** Offsets count in the message at hand. */
  get offset(): number {
    return this.start;
  }

  get pending(): number {
    return this.bytes.length - this.end + this.#queued;
  }

  push(message: Uint8Array): void {
    this.#messages.push(plain(message));
    this.#queued += message.length;
  }

  next(): boolean {
    const protocol = this.#protocol;
    for (;;) {
      this.start = this.end;
      if (isFramed(protocol) && this.end < this.bytes.length) {
        this.end = frameEnd(protocol, this.bytes, this.start, this.bytes.length);
        return true;
      }
      const message = this.#messages.shift();
      this.bytes = message ?? NOTHING;
      this.start = 0;
      this.end = 0;
      if (message === undefined) return false;
      this.#queued -= message.length;
      if (!isFramed(protocol)) {
        checkMessage(protocol, message.length);
        this.end = message.length;
        return true;
      }
    }
  }

  /** Nothing can be left over: every message was whole. */
  finish(): void {}

  use(protocol: MessageProtocol<never, unknown>): void {
    this.#protocol = protocol;
  }
}
