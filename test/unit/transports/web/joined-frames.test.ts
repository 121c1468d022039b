import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { type Connection, perMessage, raw, utf8 } from "../../../../src/index.ts";
import { attachWebSocket, connectWebSocket } from "../../../../src/transports/web/index.ts";
import { JoinedFrames } from "../../../../src/transports/web/joined-frames.ts";

const binary = perMessage({ maxFrame: 2 ** 20 }).wrap(raw());
const text = perMessage({ maxFrame: 2 ** 20 }).wrap(utf8());

const servers: WebSocketServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    for (const client of server.clients) client.terminate();
    server.close();
  }
});

/** A server that passes the stream of each socket, and one client of it that collects messages. */
async function open<Value>(
  protocol: typeof binary | typeof text,
  options: { compress?: boolean; drain?: () => void } = {},
) {
  const { compress = false, drain } = options;
  const perMessageDeflate = compress && { threshold: 0 };
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate });
  servers.push(server);
  await once(server, "listening");
  const connected = once(server, "connection");
  const { port } = server.address() as AddressInfo;
  const client = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: compress });
  const messages: { data: Buffer; isBinary: boolean }[] = [];
  client.on("message", (data: Buffer, isBinary: boolean) => messages.push({ data, isBinary }));
  const [[socket, request]] = await Promise.all([connected, once(client, "open")]);
  const stream = request.socket;
  const connection = attachWebSocket(socket, protocol as typeof binary, {
    stream,
    ...(drain && { drain }),
  }) as unknown as Connection<Value>;
  const arrived = (count: number) => vi.waitFor(() => expect(messages.length).toBe(count), 20_000);
  return { connection, socket, stream, client, messages, arrived };
}

it("writes the messages of a turn together, and each arrives as a message", async () => {
  const { connection, socket, stream, messages, arrived } = await open<Uint8Array>(binary);
  const write = vi.spyOn(stream, "write");
  const send = vi.spyOn(socket, "send");
  const sent = [0, 1, 125, 126, 127, 300, 16_383].map((size, i) =>
    new Uint8Array(size).fill(i + 1),
  );
  for (const message of sent) connection.send(message);
  await arrived(sent.length);
  expect(write).toHaveBeenCalledTimes(1);
  expect(send).not.toHaveBeenCalled();
  expect(messages.every(({ isBinary }) => isBinary)).toBe(true);
  expect(messages.map(({ data }) => new Uint8Array(data))).toEqual(sent);
});

it("sends large messages without copying them, in order with small ones", async () => {
  const { connection, stream, messages, arrived } = await open<Uint8Array>(binary);
  const write = vi.spyOn(stream, "write");
  const sent = [3, 65_535, 65_536, 2, 100_000].map((size, i) => new Uint8Array(size).fill(i + 1));
  for (const message of sent) connection.sendFrame(message as Uint8Array<ArrayBuffer>);
  await arrived(sent.length);
  expect(messages.map(({ data }) => new Uint8Array(data))).toEqual(sent);
  const passed = write.mock.calls.map(([bytes]) => bytes);
  expect(passed).toContain(sent[2]);
});

it("sends text as text", async () => {
  const { connection, messages, arrived } = await open<string>(text);
  for (const message of ["a", "", "世界"]) connection.send(message);
  await arrived(3);
  expect(messages.map(({ data, isBinary }) => [data.toString(), isBinary])).toEqual([
    ["a", false],
    ["", false],
    ["世界", false],
  ]);
});

it("keeps the order of messages and of what the socket itself sends", async () => {
  const { connection, socket, client, messages, arrived } = await open<Uint8Array>(binary);
  const closed = once(client, "close");
  const pinged = once(client, "ping");
  connection.send(Uint8Array.of(1));
  await arrived(1);
  socket.ping();
  await pinged;
  connection.send(Uint8Array.of(2));
  connection.send(Uint8Array.of(3));
  connection.close();
  expect((await closed)[0]).toBe(1000);
  expect(messages.map(({ data }) => data[0])).toEqual([1, 2, 3]);
});

it("asks to wait while the peer does not read, and reports when there is room", async () => {
  const drain = vi.fn();
  const { connection, client, arrived } = await open<Uint8Array>(binary, { drain });
  client.pause();
  let count = 0;
  do {
    connection.send(new Uint8Array(60_000));
    await new Promise((resolve) => setImmediate(resolve));
    count++;
  } while (connection.queued === 0);
  const before = drain.mock.calls.length;
  while (connection.send(new Uint8Array(60_000))) count++;
  count++;
  client.resume();
  await arrived(count);
  await vi.waitFor(() => expect(drain.mock.calls.length).toBeGreaterThan(before), 20_000);
  expect(connection.queued).toBe(0);
});

it("leaves compressed messages to the socket", async () => {
  const { connection, socket, messages, arrived } = await open<Uint8Array>(binary, {
    compress: true,
  });
  expect(socket.extensions).toContain("permessage-deflate");
  const send = vi.spyOn(socket, "send");
  connection.send(new Uint8Array(1000).fill(7));
  connection.send(Uint8Array.of(9));
  await arrived(2);
  expect(send).toHaveBeenCalledTimes(2);
  expect(messages.map(({ data }) => data.length)).toEqual([1000, 1]);
});

it("writes nothing once the socket is closing", async () => {
  const { connection, socket, stream } = await open<Uint8Array>(binary);
  Object.defineProperty(socket, "readyState", { value: 2 });
  const write = vi.spyOn(stream, "write");
  expect(connection.send(Uint8Array.of(1))).toBe(true);
  await Promise.resolve();
  expect([write.mock.calls.length, connection.queued]).toEqual([0, 0]);
});

it("is not for clients", () => {
  const options = { WebSocket, stream: {} };
  expect(() => connectWebSocket("ws://127.0.0.1:1", binary, options)).toThrow(TypeError);
});

it("writes headers of all three lengths", () => {
  const written: Uint8Array[] = [];
  const frames = new JoinedFrames({
    write: (bytes) => written.push(bytes),
    cork() {},
    uncork() {},
  });
  const header = (size: number): number[] => {
    written.length = 0;
    frames.add(new Uint8Array(size), size === 2, undefined);
    return [...written[0]!.subarray(0, 10)].slice(0, size >= 65_536 ? 10 : size >= 126 ? 4 : 2);
  };
  expect(header(2)).toEqual([0x81, 2]);
  expect(header(125)).toEqual([0x82, 125]);
  expect(header(126)).toEqual([0x82, 126, 0, 126]);
  expect(header(65_535)).toEqual([0x82, 126, 255, 255]);
  expect(header(65_536)).toEqual([0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
});
