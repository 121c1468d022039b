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

/**
 * Two streams of bytes: a Deno connection, a Cloudflare socket, a WebTransport stream; or only one of the
 * two.
 */
export interface ByteStreams {
  /** Bytes from the peer; without it you can only send. */
  readonly readable?: ReadableStream<Uint8Array> | undefined;
  /** Bytes to the peer. Without it (the body of a fetch), sending ends the connection with an error. */
  readonly writable?: WritableStream<Uint8Array<ArrayBuffer>> | undefined;
  /**
   * Closes both streams at once, if the runtime has such a call (Deno, Cloudflare); else they are cancelled
   * and aborted.
   */
  close?(): unknown;
}

/** Handlers and limits of a connection over two streams. */
export type StreamsOptions<In, Out = In, Context = undefined> = Handlers<In, Out, Context> &
  ConnectionOptions;

// A stream without a useful `desiredSize` (Cloudflare's) counts as full above this many bytes being
// written.
const FULL = 64 * 1024;
const SLICE = 64 * 1024;

/**
 * Runs a protocol over web streams of bytes, and locks them. A paused connection stops reading, and the
 * backpressure of the stream slows the peer down. If the peer is slow, `send` returns false.
 *
 * To end the connection, call its `close` or `abort`. Streams do not report that the program has closed the
 * socket below them (`Deno.Conn`, WebTransport): after that, handlers still receive messages that have already
 * arrived.
 *
 * @param streams - the streams; they must be open already (`await socket.opened`)
 * @param protocol - the protocol of the connection
 * @param options - handlers and limits
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
  /** Number of bytes with an unfinished write. */
  let unwritten = 0;
  let isFull = false;

  const sink: Sink = {
    boundary: "stream",
    write(bytes) {
      if (writer === undefined)
        throw new TypeError("these streams have no writable: nothing can be sent");
      // In slices, so that progress is visible while a slow peer reads.
      for (let at = 0; at < bytes.length; at += SLICE) {
        const slice = bytes.length <= SLICE ? bytes : bytes.subarray(at, at + SLICE);
        const own = unwritten > 0 ? compact(slice) : slice;
        unwritten += slice.length;
        // The promise `closed` below reports failures.
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
      // After `end` it is already closing.
      else writer.close().catch(ignore);
      // Stops reading: a peer that goes on sending would keep this side open.
      if (writer === undefined) reader?.cancel().catch(ignore);
    },
    abort: cut,
  };
  if (writer !== undefined) sink.end = () => void writer.close().catch(ignore);
  const connection = new Connection(
    protocol,
    sink,
    options,
    observed(options, () => import("./debug.ts")),
  );

  function written(length: number): void {
    unwritten -= length;
    const hasRoom = unwritten <= FULL && (writer?.desiredSize ?? 1) > 0;
    // A stream with a high-water mark of 0 never has a positive `desiredSize`.
    if (!isFull || !(hasRoom || unwritten === 0)) return;
    isFull = false;
    connection.drained();
  }

  /** Aborts both directions. */
  function cut(error: unknown): void {
    isReadable = false;
    isWritable = false;
    if (streams.close !== undefined) {
      // Only this call: after a cancel or an abort, workerd keeps the socket open until the request is
      // over.
      void closeQuietly(streams);
      return;
    }
    reader?.cancel(error).catch(ignore);
    writer?.abort(error).catch(ignore);
  }

  /** Called when one direction has failed: closes the other one. */
  function failed(error: unknown): void {
    connection.lost(error);
    cut(error);
  }

  /** Called when a direction has ended: the connection is over when both have. */
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
    // Already closed.
  }
}
