import { describe, expect, it, vi } from "vitest";
import {
  type CloseInfo,
  type Connection,
  json,
  lengthPrefixed,
  lines,
  type MessageProtocol,
  ProtocolError,
  perMessage,
  raw,
  utf8,
} from "../../src/index.ts";
import {
  attachWebSocket,
  type WebSocketLike,
  type WebSocketOptions,
} from "../../src/transports/web/index.ts";

// What attachWebSocket does with a real socket against a real `ws` server: run with the browser's WebSocket in
// Chromium, and with the client of `ws` in Node.

interface Ending {
  readonly info: CloseInfo;
  readonly errors: readonly unknown[];
}

/** Attaches, and tells how it ended. */
function join<In, Out>(
  socket: WebSocketLike,
  protocol: MessageProtocol<In, Out>,
  options: WebSocketOptions<In, Out> & { readonly boundary?: "message" | undefined } = {},
): { connection: Connection<In, Out>; ending: Promise<Ending> } {
  let resolve = (_ending: Ending): void => {};
  const ending = new Promise<Ending>((done) => {
    resolve = done;
  });
  const errors: unknown[] = [];
  const connection = attachWebSocket(socket, protocol, {
    error: (_, error) => errors.push(error),
    ...options,
    close: (_, info) => resolve({ info, errors }),
  });
  return { connection, ending };
}

async function next<In, Out>(connection: Connection<In, Out>): Promise<Out> {
  for await (const value of connection) return value;
  throw new Error("the connection ended");
}

/** The tests. `strict`: the socket lets a program close with 1000 and 3000 to 4999 only. */
export function webSocketTests(
  open: (path: string) => WebSocketLike,
  { strict }: { readonly strict: boolean },
): void {
  const text = perMessage({ maxFrame: 1000 }).wrap(utf8());
  const binary = perMessage({ maxFrame: 1024 * 1024 }).wrap(raw());
  let ids = 0;
  const freshId = (): string => `${strict}${Date.now()}-${ids++}`;
  /** What the server saw the socket with this id close with. */
  const seenEnding = (id: string): Promise<string> => {
    const { connection } = join(open(`/ending?id=${id}`), text);
    return next(connection).finally(() => connection.close());
  };

  describe("attachWebSocket", () => {
    it("sends text protocols as text, others as binary, and takes both", async () => {
      const { connection } = join(open("/echo"), text);
      connection.send("grüße 🦀");
      expect(await next(connection)).toBe("grüße 🦀");
      let info: CloseInfo | undefined;
      const changed = connection.use(binary, {
        close: (_, ended) => {
          info = ended;
        },
      });
      changed.send(Uint8Array.of(0xff, 0, 1));
      expect(await next(changed)).toEqual(Uint8Array.of(0xff, 0, 1));
      changed.close();
      await vi.waitFor(() => expect(info).toMatchObject({ by: "local", code: 1000 }));
    });

    it("really puts text into text frames", async () => {
      for (const [protocol, kind] of [
        [text, "string"],
        [perMessage().wrap({ ...utf8(), text: false }), "object"],
      ] as const) {
        const socket = open("/echo");
        let resolve = (_type: string): void => {};
        const seen = new Promise<string>((done) => {
          resolve = done;
        });
        socket.addEventListener?.("message", (event: { data: unknown }) =>
          resolve(typeof event.data),
        );
        const { connection } = join(socket, protocol, { message: () => {} });
        connection.send("x");
        expect(await seen).toBe(kind);
        connection.close();
      }
    });

    it("keeps the order of ten thousand messages", async () => {
      const received: number[] = [];
      const { connection, ending } = join(open("/echo"), perMessage().wrap(json<number>()), {
        message: (connection, n) => {
          received.push(n);
          if (n === 9_999) connection.close();
        },
      });
      for (let n = 0; n < 10_000; n++) connection.send(n);
      await ending;
      expect(received).toEqual(Array.from({ length: 10_000 }, (_, n) => n));
    });

    it("takes several frames in one message, and empty messages", async () => {
      const received: string[] = [];
      const { connection } = join(open("/echo"), text);
      connection.send("a\nb\n");
      connection.send("");
      const first = await next(connection);
      received.push(first, await next(connection));
      expect(received).toEqual(["a\nb\n", ""]);
      connection.close();

      const framed = lines().wrap(utf8());
      const { connection: second } = join(open("/echo"), framed);
      second.sendFrame(new TextEncoder().encode("a\nb\n"));
      expect([await next(second), await next(second)]).toEqual(["a", "b"]);
      second.close();
    });

    it("takes messages for chunks of a stream where it is told to", async () => {
      const framed = lengthPrefixed({ width: 2 }).wrap(utf8());
      const connection = attachWebSocket(open("/echo"), framed, { boundary: "stream" });
      connection.send("one");
      connection.sendFrame(Uint8Array.of(0, 3, 0x74));
      await new Promise((resolve) => setTimeout(resolve, 5));
      connection.sendFrame(Uint8Array.of(0x77, 0x6f));
      expect([await next(connection), await next(connection)]).toEqual(["one", "two"]);
      connection.close();
    });

    it("closes with 1002 for a peer that breaks the protocol, and with its reason", async () => {
      const id = freshId();
      const framed = lines().wrap(utf8());
      const { connection, ending } = join(open(`/echo?id=${id}`), framed, { message: () => {} });
      // The echo of a frame that the end of its message cuts.
      connection.sendFrame(Uint8Array.of(0x61));
      const { info, errors } = await ending;
      expect(info).toMatchObject({ by: "error", error: { code: "truncated" } });
      expect(errors).toEqual([info.error]);
      expect(await seenEnding(id)).toBe(
        `${strict ? 4002 : 1002} input ends after 1 bytes of a frame of unknown length`,
      );
    });

    it("closes with 1009 for a message that is too long", async () => {
      const id = freshId();
      const { connection, ending } = join(open(`/echo?id=${id}`), text, { message: () => {} });
      connection.sendFrame(new Uint8Array(1001).fill(0x61));
      expect((await ending).info).toMatchObject({ by: "error", error: { code: "too-long" } });
      expect(await seenEnding(id)).toBe(
        `${strict ? 4009 : 1009} message of 1001 bytes exceeds maxFrame 1000`,
      );
    });

    it("closes with 1011 for a handler that throws, and keeps the reason to itself", async () => {
      const id = freshId();
      const failure = new Error("secret");
      const { connection, ending } = join(open(`/echo?id=${id}`), text, {
        message: () => {
          throw failure;
        },
      });
      connection.send("x");
      expect(await ending).toMatchObject({ info: { by: "error" }, errors: [failure] });
      expect(await seenEnding(id)).toBe(`${strict ? 4011 : 1011} `);
    });

    it("tells what the peer closed with", async () => {
      const { ending } = join(open("/close?code=4123&reason=bye"), text, { message: () => {} });
      expect(await ending).toEqual({
        info: { by: "peer", code: 4123, text: "bye" },
        errors: [],
      });
    });

    it("takes a peer that vanishes for an error", async () => {
      const { ending } = join(open("/vanish"), text, { message: () => {} });
      const { info, errors } = await ending;
      expect(info).toMatchObject({ by: "error", code: 1006 });
      expect(info.error).toBeInstanceOf(Error);
      expect(errors).toEqual([info.error]);
    });

    it("says so when no connection comes about", async () => {
      const socket = open("/refused-port");
      const { ending, connection } = join(socket, text);
      connection.abort(new Error("changed my mind"));
      expect((await ending).info).toMatchObject({
        by: "error",
        error: { message: "changed my mind" },
      });
      expect(connection.state).toBe("closed");
      expect(connection.send("x")).toBe(false);
    });

    it("closes before it is open: what was sent goes out first", async () => {
      const id = freshId();
      const { connection, ending } = join(open(`/echo?id=${id}`), text);
      connection.send("x");
      connection.close();
      expect(connection.state).toBe("closing");
      expect((await ending).info).toMatchObject({ by: "local", code: 1000 });
      expect(await seenEnding(id)).toBe("1000 ");
    });

    it("knows a socket that is closed already", async () => {
      const socket = open("/close?code=1000");
      await join(socket, text, { message: () => {} }).ending;
      const { ending } = join(socket, text);
      const { info } = await ending;
      expect(info).toMatchObject({ by: "error", error: { code: "closed" } });
      expect(info.error).toBeInstanceOf(ProtocolError);
    });

    it("waits for the socket while it is full, and says when to go on", async () => {
      const size = 256 * 1024;
      const total = 64;
      let drains = 0;
      let received = 0;
      let most = 0;
      let sent = 0;
      const push = (connection: Connection<Uint8Array>): void => {
        while (sent < total) {
          sent++;
          const more = connection.send(new Uint8Array(size).fill(sent));
          most = Math.max(most, connection.queued);
          if (!more) return;
        }
      };
      const socket = open("/echo");
      let inSocket = 0;
      const { ending } = join(socket, binary, {
        open: push,
        drain: (connection) => {
          drains++;
          push(connection);
        },
        message: (connection, bytes) => {
          received++;
          inSocket = Math.max(inSocket, socket.bufferedAmount ?? 0);
          expect(bytes.length).toBe(size);
          expect(bytes[size - 1]).toBe(received);
          if (received === total) connection.close();
        },
      });
      expect((await ending).errors).toEqual([]);
      expect(received).toBe(total);
      expect(drains).toBeGreaterThan(0);
      // The high-water mark, and one message above it; and as much in the socket.
      expect(most).toBeLessThanOrEqual(256 * 1024 + 2 * size);
      expect(inSocket).toBeLessThanOrEqual(256 * 1024 + size + 1024);
    });
  });
}
