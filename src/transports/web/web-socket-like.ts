import { Output } from "../../core/index.ts";

/**
 * The members of a WebSocket that are used. The WebSockets of browsers, Node, Deno, Bun and workerd have
 * them, and so do those of the package `ws`, on either side of the connection. A socket without `addEventListener`, as in
 * WeChat mini games, has its `onopen`, `onmessage`, `onclose` and `onerror` set, and is sent ArrayBuffers.
 */
export interface WebSocketLike {
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number;
  /** Set to `'arraybuffer'` when attached, save where it is `'nodebuffer'`, which copies less. */
  binaryType?: string | undefined;
  /** Bytes that `send` took and that are not out. Without it nothing slows a sender down. */
  readonly bufferedAmount?: number | undefined;
  /** The address that it was opened with, for error texts. */
  readonly url?: string | undefined;
  /** Takes text, and bytes as a Uint8Array or, without `addEventListener`, as an ArrayBuffer. */
  // biome-ignore lint/suspicious/noExplicitAny: every kind of WebSocket takes something else besides
  send(data: any): void;
  close(code?: number, reason?: string): void;
  addEventListener?(
    type: "open" | "message" | "close" | "error",
    // biome-ignore lint/suspicious/noExplicitAny: every kind of WebSocket has event types of its own
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
  /** Stops reading. Only `ws` and Bun can. */
  pause?(): void;
  /** Reads on. */
  resume?(): void;
  /** Ends at once, without a closing handshake. Only `ws` and Bun can. */
  terminate?(): void;
}

/**
 * A WebSocket of `ws`, which can say when bytes are out, and gives and takes text as bytes.
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
 * Calls a listener for the events of one kind.
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
 * The bytes as this socket takes them: where there is no `addEventListener`, no views either.
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
  // Replaces lone surrogates, as a TextEncoder does.
  return new Output(3 * text.length).utf8(text.replace(/\p{Surrogate}/gu, "\ufffd")).take();
}

/**
 * The bytes of one message, as its event has them: text as UTF-8. Undefined for anything else, such as a Blob.
 * @internal
 */
export function bytesOf(data: unknown): Uint8Array | undefined {
  if (typeof data === "string") return utf8(data);
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  // Not instanceof: a buffer may come from another realm (a frame, a worker, a test's own globals).
  if (Object.prototype.toString.call(data) === "[object ArrayBuffer]") {
    return new Uint8Array(data as ArrayBuffer);
  }
  return undefined;
}
