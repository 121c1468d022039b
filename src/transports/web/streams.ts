import {
  CONNECTION_OPTIONS,
  Connection,
  type ConnectionOptions,
  checkOptions,
  checkStreamProtocol,
  compact,
  type Handlers,
  observed,
  type Protocol,
  type Sink,
  type StreamHint,
} from "../../core/index.ts";

/** Two streams of bytes: a Deno connection, a Cloudflare socket, a WebTransport stream; or one of them alone. */
export interface ByteStreams {
  /** What the peer sends; without it only sending is possible. */
  readonly readable?: ReadableStream<Uint8Array> | undefined;
  /** What is sent to the peer; without it (the body of a fetch) sending ends the connection with an error. */
  readonly writable?: WritableStream<Uint8Array<ArrayBuffer>> | undefined;
  /** Ends both at once, where there is such a call (Deno, Cloudflare); else they are cancelled and aborted. */
  close?(): unknown;
}

/** Handlers and limits of one connection over two streams. */
export type StreamsOptions<In, Out = In, Context = undefined> = Handlers<In, Out, Context> &
  ConnectionOptions;

// Streams whose `desiredSize` says nothing (Cloudflare's) are full above this many bytes that they are still writing.
const FULL = 64 * 1024;
const SLICE = 64 * 1024;

/**
 * Speaks a protocol over web streams of bytes, which are locked from now on. A pause stops reading, and the
 * stream's own backpressure slows the peer down; a slow peer shows in the answers of `send`.
 *
 * @param streams - the streams; they must be open already (`await socket.opened`)
 * @param protocol - what comes and goes
 * @param options - handlers and limits
 *
 * To end the connection, call its `close` or `abort`. Streams do not report that the program has closed what is
 * behind them (`Deno.Conn`, WebTransport): after that a handler still gets the messages that have already arrived.
 *
 * @example
 * ```ts
 * import { lines, utf8 } from "framewright";
 * import { attachStreams } from "framewright/web";
 *
 * const readable = new Response("one\ntwo\n").body!;
 * for await (const line of attachStreams({ readable }, lines().wrap(utf8()))) console.log(line);
 * //=> one
 * //=> two
 * ```
 */
export function attachStreams<In, Out = In, Context = undefined, P = unknown>(
  streams: ByteStreams,
  protocol: P & StreamHint<P> & Protocol<In, Out>,
  options: StreamsOptions<In, Out, Context> = {},
): Connection<In, Out, Context> {
  checkStreamProtocol(protocol);
  checkOptions("attachStreams", options, CONNECTION_OPTIONS);
  const reader = streams.readable?.getReader();
  const writer = streams.writable?.getWriter();
  let isPaused = false;
  let isReading = false;
  let isWritable = writer !== undefined;
  let isReadable = reader !== undefined;
  /** Bytes that the stream has not said to be written. */
  let unwritten = 0;
  let isFull = false;

  const sink: Sink = {
    boundary: "stream",
    write(bytes) {
      if (writer === undefined)
        throw new TypeError("these streams have no writable: nothing can be sent");
      // In slices, so that progress shows while a slow peer takes it.
      for (let at = 0; at < bytes.length; at += SLICE) {
        const slice = bytes.length <= SLICE ? bytes : bytes.subarray(at, at + SLICE);
        const own = unwritten > 0 ? compact(slice) : slice;
        unwritten += slice.length;
        // What fails is told by `closed`, below.
        writer.write(own).then(() => written(slice.length), ignore);
      }
      isFull = unwritten > FULL || (writer.desiredSize ?? 1) <= 0;
      return !isFull;
    },
    pause() {
      isPaused = true;
    },
    resume() {
      isPaused = false;
      void read();
    },
    buffered: () => unwritten,
    close() {
      if (writer === undefined) ended();
      // After `end` it is closing already.
      else writer.close().catch(ignore);
      // Nothing is wanted any more: a peer that goes on sending would keep this side open.
      if (writer === undefined) reader?.cancel().catch(ignore);
    },
    abort: cut,
  };
  if (writer !== undefined) sink.end = () => void writer.close().catch(ignore);
  const connection = new Connection(
    protocol,
    sink,
    options,
    observed(options, () => import("../../inspect/index.ts")),
  );

  function written(length: number): void {
    unwritten -= length;
    const hasRoom = unwritten <= FULL && (writer?.desiredSize ?? 1) > 0;
    // A stream with a high-water mark of 0 never says that it has room.
    if (!isFull || !(hasRoom || unwritten === 0)) return;
    isFull = false;
    connection.drained();
  }

  /** Ends both directions at once. */
  function cut(error: unknown): void {
    isReadable = false;
    isWritable = false;
    if (streams.close !== undefined) {
      // Alone: behind a cancel or an abort, workerd keeps the socket open until the request is over.
      void closeQuietly(streams);
      return;
    }
    reader?.cancel(error).catch(ignore);
    writer?.abort(error).catch(ignore);
  }

  /** One direction has failed: the other one is not left open. */
  function failed(error: unknown): void {
    connection.lost(error);
    cut(error);
  }

  /** It is over when both directions are. */
  function ended(): void {
    if (!isReadable && !isWritable) connection.lost();
  }

  async function read(): Promise<void> {
    if (reader === undefined || isReading) return;
    isReading = true;
    try {
      while (!isPaused && isReadable) {
        const { done, value } = await reader.read();
        if (!done) {
          connection.received(value);
          continue;
        }
        isReadable = false;
        connection.ended();
        ended();
      }
    } catch (error) {
      failed(error);
    } finally {
      isReading = false;
    }
  }

  writer?.closed.then(() => {
    isWritable = false;
    ended();
  }, failed);
  connection.opened();
  void read();
  return connection;
}

function ignore(): void {}

async function closeQuietly(streams: ByteStreams): Promise<void> {
  try {
    await streams.close?.();
  } catch {
    // They are closed already.
  }
}
