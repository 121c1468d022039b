import { Output } from "../../core/index.ts";

/**
 * The members of a WebSocket that are used. WebSockets of browsers, Node, Deno, Bun and workerd have them,
 * and so do those of the package `ws`, for clients and servers. On a socket without `addEventListener`
 * (WeChat mini games) `onopen`, `onmessage`, `onclose` and `onerror` are set, and `send` receives
 * ArrayBuffers.
 */
export interface WebSocketLike {
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number;
  /** Set to `'arraybuffer'` when attached, unless it is `'nodebuffer'`, which avoids a copy. */
  binaryType?: string | undefined;
  /**
   * Number of bytes that `send` accepted and that were not written yet. Without it a sender is never slowed
   * down.
   */
  readonly bufferedAmount?: number | undefined;
  /** Extensions that both sides agreed on, or an empty string. */
  readonly extensions?: string | undefined;
  /** The URL that it was opened with, for error texts. */
  readonly url?: string | undefined;
  /** Sends text, or bytes as a Uint8Array or, without `addEventListener`, as an ArrayBuffer. */
  // biome-ignore lint/suspicious/noExplicitAny: each kind of WebSocket accepts other types too
  send(data: any): void;
  close(code?: number, reason?: string): void;
  addEventListener?(
    type: "open" | "message" | "close" | "error",
    // biome-ignore lint/suspicious/noExplicitAny: each kind of WebSocket has its own event types
    listener: (event: any) => void,
  ): void;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  onopen?: ((event: any) => void) | null | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  onmessage?: ((event: any) => void) | null | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  onclose?: ((event: any) => void) | null | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  onerror?: ((event: any) => void) | null | undefined;
  /** Stops reading. Only on `ws` and Bun. */
  pause?(): void;
  /** Resumes reading. */
  resume?(): void;
  /** Closes immediately, without a closing handshake. Only on `ws` and Bun. */
  terminate?(): void;
}

/**
 * A WebSocket of the package `ws`: it reports when bytes were written, and sends and receives text as
 * bytes.
 * @internal
 */
export interface EmitterSocket extends WebSocketLike {
  on(event: "message", listener: (data: unknown) => void): void;
  send(
    data: string | Uint8Array<ArrayBuffer>,
    options?: { readonly binary: boolean },
    sent?: () => void,
  ): void;
}

/** @internal */
export function isEmitter(socket: WebSocketLike): socket is EmitterSocket {
  return "on" in socket && typeof socket.on === "function";
}

/**
 * Adds a listener for one kind of event.
 * @internal
 */
export function onEvent(
  socket: WebSocketLike,
  type: "open" | "message" | "close" | "error",
  // biome-ignore lint/suspicious/noExplicitAny: as above
  listener: (event: any) => void,
): void {
  if (socket.addEventListener !== undefined) socket.addEventListener(type, listener);
  else socket[`on${type}`] = listener;
}

/**
 * Returns the bytes in the form that this socket accepts: without `addEventListener`, never a view.
 * @internal
 */
export function toSend(
  socket: WebSocketLike,
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> | ArrayBuffer {
  if (socket.addEventListener !== undefined) return bytes;
  const { buffer, byteOffset, length } = bytes;
  return length === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + length);
}

let encoder: TextEncoder | undefined;

function utf8(text: string): Uint8Array {
  if (typeof TextEncoder === "function") {
    encoder ??= new TextEncoder();
    return encoder.encode(text);
  }
  // Replaces lone surrogates, as TextEncoder does.
  return new Output(3 * text.length).utf8(text.replace(/\p{Surrogate}/gu, "\ufffd")).take();
}

/**
 * Returns the bytes of a message from the data of its event, with text as UTF-8. Undefined for other types,
 * for example a Blob.
 * @internal
 */
export function bytesOf(data: unknown): Uint8Array | undefined {
  if (typeof data === "string") return utf8(data);
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  // Not instanceof: a buffer may come from another realm (a frame, a worker, the globals of a test).
  if (Object.prototype.toString.call(data) === "[object ArrayBuffer]") {
    return new Uint8Array(data as ArrayBuffer);
  }
  return undefined;
}
