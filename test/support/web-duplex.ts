import type { Socket } from "node:net";
import type { ByteStreams } from "../../src/transports/web/index.ts";

/**
 * A socket of Node as two web streams, as Deno and Cloudflare have them. (Node's own `Duplex.toWeb` counts chunks
 * where it should count bytes, so that nothing slows a peer down, and ends its readable only when the writable has
 * ended, too.)
 */
export function toWeb(socket: Socket): Required<Pick<ByteStreams, "readable" | "writable">> {
  // What fails is told to the streams, each of which may be over already.
  const quietly = (tell: () => void): void => {
    try {
      tell();
    } catch {}
  };
  const readable = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        socket.pause();
        socket.on("data", (chunk) => {
          controller.enqueue(new Uint8Array(chunk));
          if ((controller.desiredSize ?? 0) <= 0) socket.pause();
        });
        socket.on("end", () => quietly(() => controller.close()));
        socket.on("error", (error) => quietly(() => controller.error(error)));
        socket.on("close", () => quietly(() => controller.error(new Error("socket closed"))));
      },
      pull: () => void socket.resume(),
      cancel: () => void socket.destroy(),
    },
    { highWaterMark: 0 },
  );
  const writable = new WritableStream<Uint8Array>({
    start(controller) {
      socket.on("error", (error) => controller.error(error));
      socket.on("close", () => controller.error(new Error("socket closed")));
    },
    write: (chunk) =>
      new Promise((resolve, reject) => {
        socket.write(chunk, (error) => (error ? reject(error) : resolve()));
      }),
    close: () => new Promise((resolve) => socket.end(resolve)),
    abort: () => void socket.destroy(),
  });
  return { readable, writable };
}
