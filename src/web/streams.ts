import {
  Connection,
  type ConnectionOptions,
  type Handlers,
  type Protocol,
  type Sink,
} from "../core/index.ts";

/** Two streams of bytes: a Deno connection, a Cloudflare socket, a WebTransport stream; or one of them alone. */
export interface ByteStreams {
  /** What the peer sends; without it only sending is possible. */
  readonly readable?: ReadableStream<Uint8Array> | undefined;
  /** What is sent to the peer; without it (the body of a fetch) sending ends the connection with an error. */
  readonly writable?: WritableStream<Uint8Array<ArrayBuffer>> | undefined;
}

/** Handlers and limits of one connection over two streams. */
export type StreamsOptions<In, Out = In, Context = undefined> = Handlers<In, Out, Context> &
  ConnectionOptions;

/**
 * Speaks a protocol over web streams of bytes, which are locked from now on. A pause stops reading, and the
 * stream's own backpressure slows the peer down; a slow peer shows in the answers of `send`.
 *
 * @param streams - the streams; they must be open already (`await socket.opened`)
 * @param protocol - what comes and goes
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
export function attachStreams<In, Out = In, Context = undefined>(
  streams: ByteStreams,
  protocol: Protocol<In, Out>,
  options: StreamsOptions<In, Out, Context> = {},
): Connection<In, Out, Context> {
  const reader = streams.readable?.getReader();
  const writer = streams.writable?.getWriter();
  let isPaused = false;
  let isReading = false;
  let isWritable = writer !== undefined;
  let isReadable = reader !== undefined;

  const sink: Sink = {
    boundary: "stream",
    write(bytes) {
      if (writer === undefined)
        throw new TypeError("these streams have no writable: nothing can be sent");
      // What fails is told by `closed`, below.
      writer.write(bytes).catch(() => {});
      if ((writer.desiredSize ?? 1) > 0) return true;
      writer.ready.then(
        () => connection.drained(),
        () => {},
      );
      return false;
    },
    pause() {
      isPaused = true;
    },
    resume() {
      isPaused = false;
      void read();
    },
    close() {
      if (writer === undefined) ended();
      else writer.close().catch(() => {});
      // Nothing is wanted any more: a peer that goes on sending would keep this side open.
      if (writer === undefined) reader?.cancel().catch(() => {});
    },
    abort(error) {
      isReadable = false;
      isWritable = false;
      reader?.cancel(error).catch(() => {});
      writer?.abort(error).catch(() => {});
    },
  };
  const connection = new Connection(protocol, sink, options, options);

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
      connection.lost(error);
    } finally {
      isReading = false;
    }
  }

  writer?.closed.then(
    () => {
      isWritable = false;
      ended();
    },
    (error: unknown) => connection.lost(error),
  );
  connection.opened();
  void read();
  return connection;
}
