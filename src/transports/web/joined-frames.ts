/**
 * The stream under a WebSocket of the package `ws`, on the server's side: `request.socket` of its
 * `connection` event.
 */
export interface WebSocketStream {
  /** Writes bytes, and calls back when they were written. */
  write(bytes: Uint8Array, written?: () => void): unknown;
  /** Holds writes back until `uncork`. */
  cork(): void;
  /** Writes what was held back. */
  uncork(): void;
}

const TEXT = 0x81;
const BINARY = 0x82;
// Messages of this length are not worth copying.
const LARGE = 16 * 1024;

/**
 * Writes WebSocket messages of a server to the stream: unmasked, in one frame each, without extensions.
 * Between `cork` and `uncork` they are joined into one write.
 * @internal
 */
export class JoinedFrames {
  readonly #stream: WebSocketStream;
  /** Waiting messages, and their length with their headers. */
  readonly #messages: Uint8Array[] = [];
  readonly #kinds: number[] = [];
  #length = 0;
  #isCorked = false;
  #written: (() => void) | undefined;

  constructor(stream: WebSocketStream) {
    this.#stream = stream;
  }

  /** Number of bytes that wait for `uncork`. */
  get length(): number {
    return this.#length;
  }

  /** Adds a message; `written` is called when it and everything before it was written. */
  add(message: Uint8Array, isText: boolean, written: (() => void) | undefined): void {
    this.#messages.push(message);
    this.#kinds.push(isText ? TEXT : BINARY);
    this.#length += headerSize(message.length) + message.length;
    if (written !== undefined) this.#written = written;
    if (!this.#isCorked) this.#flush();
  }

  cork(): void {
    this.#isCorked = true;
  }

  uncork(): void {
    this.#isCorked = false;
    if (this.#messages.length > 0) this.#flush();
  }

  #flush(): void {
    const messages = this.#messages;
    const written = this.#written;
    this.#written = undefined;
    if (messages.some(({ length }) => length >= LARGE)) {
      this.#stream.cork();
      for (const [i, message] of messages.entries()) {
        const header = new Uint8Array(headerSize(message.length));
        putHeader(header, 0, this.#kinds[i]!, message.length);
        this.#stream.write(header);
        this.#stream.write(message, i === messages.length - 1 ? written : undefined);
      }
      this.#stream.uncork();
    } else {
      const bytes = new Uint8Array(this.#length);
      let at = 0;
      for (let i = 0; i < messages.length; i++) {
        const message = messages[i]!;
        at = putHeader(bytes, at, this.#kinds[i]!, message.length);
        bytes.set(message, at);
        at += message.length;
      }
      this.#stream.write(bytes, written);
    }
    messages.length = 0;
    this.#kinds.length = 0;
    this.#length = 0;
  }
}

function headerSize(length: number): number {
  if (length < 126) return 2;
  return length < 65_536 ? 4 : 10;
}

/** Writes the header of RFC 6455, 5.2, and returns where the message begins. */
function putHeader(bytes: Uint8Array, at: number, kind: number, length: number): number {
  const size = headerSize(length);
  bytes[at] = kind;
  if (size === 2) {
    bytes[at + 1] = length;
    return at + size;
  }
  bytes[at + 1] = size === 4 ? 126 : 127;
  let rest = length;
  for (let last = at + size - 1; last > at + 1; last--) {
    bytes[last] = rest;
    rest = Math.floor(rest / 256);
  }
  return at + size;
}
