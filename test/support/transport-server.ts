import {
  type CloseInfo,
  type Connection,
  type Handlers,
  lengthPrefixed,
  type Protocol,
  ProtocolError,
  raw,
} from "../../src/index.ts";

// The other end of the transport tests: a server that does what the first message of a connection asks for. It
// runs in the process of the tests, or in another one: what it saw is asked for over a connection of its own.

/** What the transport tests speak. */
export const wire: Protocol<Uint8Array> = lengthPrefixed({ width: 4, maxFrame: 1024 * 1024 }).wrap(
  raw(),
);

/** The first message of a connection. */
export type Hello =
  /** Sends everything back. */
  | { readonly role: "echo" }
  /** Sends numbered messages, as fast as backpressure lets it; then closes, where told to. */
  | {
      readonly role: "flood";
      readonly count: number;
      readonly size: number;
      readonly close?: boolean;
    }
  /** Reads nothing until it is woken, then counts; answers the last message with what it counted. */
  | { readonly role: "deaf"; readonly count: number }
  /** Counts numbered messages, and says nothing. */
  | { readonly role: "count" }
  /** Sends these pieces of bytes, some time apart, and closes or vanishes, where told to. */
  | {
      readonly role: "pieces";
      readonly pieces: readonly (readonly number[])[];
      readonly after?: "close" | "vanish";
    }
  /** Answers each message with what was seen of another connection, and wakes it where told to. */
  | { readonly role: "ask"; readonly about: string };

/** What the server saw of a connection. */
export interface Seen {
  sent: number;
  received: number;
  /** Messages that came out of order. */
  misplaced: number;
  /** `send` answered false, and no `drain` came since. */
  blocked: boolean;
  mostQueued: number;
  close?: { by: CloseInfo["by"]; code?: number | undefined; error?: string | undefined };
}

interface State {
  hello?: Hello;
  id: string;
  next?: (connection: ServerConnection) => void;
}

type ServerConnection = Connection<Uint8Array, Uint8Array, State>;

const connections = new Map<
  string,
  { readonly connection: ServerConnection; readonly seen: Seen }
>();

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** JSON as a message. */
export function say(value: object): Uint8Array<ArrayBuffer> {
  return encoder.encode(JSON.stringify(value));
}

/** What `say` said. */
export function heard<T>(bytes: Uint8Array): T {
  return JSON.parse(decoder.decode(bytes)) as T;
}

/** A message of `size` bytes that says which one it is. */
export function numbered(n: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(0, n);
  return bytes;
}

/** Which one it is. */
export function numberOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

/** The handlers of the server's connections. */
export const serverHandlers: Handlers<Uint8Array, Uint8Array, State> = {
  context: () => ({ id: "" }),
  message(connection, bytes) {
    if (connection.context.hello === undefined) begin(connection, bytes);
    else received(connection, bytes);
  },
  drain(connection) {
    const entry = connections.get(connection.context.id);
    if (entry !== undefined) entry.seen.blocked = false;
    connection.context.next?.(connection);
  },
  // What goes wrong is for `close` to tell.
  error: () => {},
  close(connection, { by, code, error }) {
    const entry = connections.get(connection.context.id);
    const text = error instanceof ProtocolError ? error.code : error && String(error);
    if (entry !== undefined) entry.seen.close = { by, code, error: text as string | undefined };
  },
};

function begin(connection: ServerConnection, bytes: Uint8Array): void {
  const { context } = connection;
  const hello = heard<Hello & { id: string }>(bytes);
  context.hello = hello;
  context.id = hello.id;
  const seen: Seen = { sent: 0, received: 0, misplaced: 0, blocked: false, mostQueued: 0 };
  if (hello.role !== "ask") connections.set(hello.id, { connection, seen });
  if (hello.role === "deaf") connection.pause();
  if (hello.role === "flood") {
    context.next = () => flood(connection, hello, seen);
    context.next(connection);
  }
  if (hello.role === "pieces") void sendPieces(connection, hello);
}

function flood(connection: ServerConnection, hello: Hello & { role: "flood" }, seen: Seen): void {
  while (seen.sent < hello.count) {
    const goOn = connection.send(numbered(seen.sent++, hello.size));
    seen.mostQueued = Math.max(seen.mostQueued, connection.queued);
    if (!goOn) {
      seen.blocked = true;
      return;
    }
  }
  if (hello.close) connection.close();
}

async function sendPieces(
  connection: ServerConnection,
  { pieces, after }: Hello & { role: "pieces" },
): Promise<void> {
  for (const piece of pieces) {
    connection.sendFrame(Uint8Array.from(piece));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  if (after === "close") connection.close();
  if (after === "vanish") connection.abort();
}

function received(connection: ServerConnection, bytes: Uint8Array): void {
  const { hello, id } = connection.context;
  const seen = connections.get(id)?.seen;
  switch (hello?.role) {
    case "echo":
      // A peer that does not read its answers is not read either.
      if (!connection.send(bytes)) {
        connection.pause();
        connection.context.next = () => connection.resume();
      }
      break;
    case "count":
    case "deaf": {
      if (seen === undefined) break;
      if (numberOf(bytes) !== seen.received++) seen.misplaced++;
      if (hello.role === "deaf" && seen.received === hello.count) connection.send(say(seen));
      break;
    }
    case "ask": {
      const other = connections.get(hello.about);
      if (heard<{ wake?: boolean }>(bytes).wake) other?.connection.resume();
      connection.send(say(other?.seen ?? {}));
      break;
    }
  }
}
