import { createSocket, type Socket } from "node:dgram";
import { EventEmitter, once } from "node:events";
import { afterEach, describe, expect, it, vi } from "vitest";
import { lines, utf8 } from "../../src/index.ts";
import {
  attachDatagram,
  connectDatagram,
  type DatagramEndpoint,
  listenDatagram,
} from "../../src/transports/node/index.ts";
import { describeDatagrams } from "../support/transport-vitest.ts";

const host = "127.0.0.1";
const text = lines({ maxFrame: 100 }).wrap(utf8());
const open: DatagramEndpoint<never>[] = [];
const datagrams = { listenDatagram, connectDatagram, refusals: true };

/** Whether this machine speaks IPv6. */
const hasIpv6 = await listenDatagram(text, { host: "::1" }).then(
  (endpoint) => endpoint.close().then(() => true),
  () => false,
);

function closing<E extends DatagramEndpoint<never>>(endpoint: E): E {
  open.push(endpoint);
  return endpoint;
}

afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(open.splice(0).map((endpoint) => endpoint.close()));
});

describeDatagrams({ ...datagrams, name: "UDP over IPv4", host });
if (hasIpv6) describeDatagrams({ ...datagrams, name: "UDP over IPv6", host: "::1" });

describe("an endpoint of Node", () => {
  it("drops bad datagrams, and prints errors at a limited rate", async () => {
    const printed = vi.spyOn(console, "error").mockImplementation(() => {});
    const messages: string[] = [];
    const message = (_: unknown, value: string): unknown => messages.push(value);
    const endpoint = closing(await listenDatagram(text, { host, message }));
    const peer = { address: host, port: endpoint.port };
    endpoint.socket.send("half", peer.port, peer.address);
    endpoint.socket.send("half", peer.port, peer.address);
    endpoint.send(["whole"], peer);
    await expect.poll(() => messages).toEqual(["whole"]);
    expect(printed).toHaveBeenCalledTimes(1);
    expect(printed.mock.calls[0]?.[0]).toMatch(
      new RegExp(`^framewright: lines from ${host}:${peer.port}: truncated: `),
    );
  });

  it("says stop, drops what exceeds maxQueued, and tells when there is room again", async () => {
    const answers: ((error: Error | null) => void)[] = [];
    const socket = Object.assign(new EventEmitter(), {
      send: (_: Uint8Array, _port: number, _address: string, sent: () => void) =>
        answers.push(sent),
      close: () => {},
      address: () => ({ port: 1 }),
    }) as unknown as Socket;
    let drains = 0;
    const endpoint = attachDatagram(socket, text, {
      ...{ highWater: 600, maxQueued: 1000 },
      drain: () => drains++,
    });
    const peer = { address: host, port: 9 };
    const sent = Array.from({ length: 5 }, () => endpoint.send(["x"], peer));
    expect([sent, endpoint.queued]).toEqual([[true, true, false, false, false], 3 * 258]);
    expect(answers).toHaveLength(3);
    answers[0]!(null);
    expect([drains, endpoint.queued]).toEqual([0, 2 * 258]);
    answers[1]!(null);
    expect([drains, endpoint.queued]).toEqual([1, 258]);
    expect(endpoint.send(["x"], peer)).toBe(true);
    expect(() => attachDatagram(socket, text, { maxQueued: Number.NaN })).toThrow(RangeError);
    expect(() => attachDatagram(socket, text, { maxQueue: 1 } as object)).toThrow(
      'attachDatagram has no option "maxQueue"',
    );
  });

  for (const [kind, fail] of [
    [
      "throws",
      (error: Error) => {
        throw error;
      },
    ],
    ["rejects", (error: Error) => Promise.reject(error)],
  ] as const) {
    for (const name of ["message", "error", "socketError", "close"] as const) {
      it(`survives a handler of \`${name}\` that ${kind}, which is reported once`, async () => {
        const printed = vi.spyOn(console, "error").mockImplementation(() => {});
        const bug = new Error(`bug in ${name}`);
        const messages: string[] = [];
        const endpoint = closing(
          await listenDatagram(text, {
            host,
            message: (_, value) => messages.push(value),
            error: name === "message" ? undefined : () => {},
            [name]: () => fail(bug),
          }),
        );
        const { socket, port } = endpoint;
        if (name === "message") endpoint.send(["x"], { address: host, port });
        if (name === "error") socket.send("half", port, host);
        if (name === "socketError") socket.emit("error", new Error("failed"));
        if (name === "close") await endpoint.close();
        await expect.poll(() => printed.mock.calls.length).toBe(1);
        expect(printed.mock.calls[0]?.[0]).toContain(`a handler failed: Error: bug in ${name}`);
        if (name === "close" || name === "message") return;
        endpoint.send(["next"], { address: host, port });
        await expect.poll(() => messages).toEqual(["next"]);
        expect(printed).toHaveBeenCalledTimes(1);
      });
    }
  }

  it("delivers nothing while it closes", async () => {
    const messages: string[] = [];
    const message = (_: unknown, value: string): unknown => messages.push(value);
    const endpoint = closing(await listenDatagram(text, { host, message }));
    const from = { address: host, port: endpoint.port, family: "IPv4" as const, size: 2 };
    endpoint.send(["x"], from);
    const closed = endpoint.close();
    endpoint.socket.emit("message", Buffer.from("y\n"), from);
    await closed;
    expect(messages).toEqual([]);
  });

  it("reports the offset of an error within its datagram", async () => {
    const errors: unknown[] = [];
    const endpoint = closing(
      await listenDatagram(text, { host, error: (_, error) => errors.push(error) }),
    );
    endpoint.socket.send("good\nhalf", endpoint.port, host);
    await expect.poll(() => errors).toMatchObject([{ code: "truncated", offset: 5 }]);
  });

  it("reports a socket that fails", async () => {
    const failures: Error[] = [];
    const endpoint = closing(
      await listenDatagram(text, { host, socketError: (_, error) => failures.push(error) }),
    );
    endpoint.send(["x"], { address: "256.0.0.1", port: 9 });
    await expect.poll(() => failures.length).toBe(1);
    endpoint.socket.emit("error", new Error("failed"));
    expect(failures.length).toBe(2);

    const printed = vi.spyOn(console, "error").mockImplementation(() => {});
    const named = lines().wrap(utf8(), { name: "failing datagrams" });
    const quiet = closing(attachDatagram(createSocket("udp4"), named));
    for (let i = 0; i < 3; i++) quiet.socket.emit("error", new Error("failed"));
    expect(printed.mock.calls).toEqual([["framewright: failing datagrams: Error"]]);
  });

  it("survives a datagram that claims to come from port 0", async () => {
    const failures: unknown[] = [];
    const endpoint = closing(
      await listenDatagram(text, {
        host,
        message: (server, value, peer) => server.send([value], peer),
        socketError: (_, error) => failures.push(error),
      }),
    );
    // Which needs a raw socket to send.
    const from = { address: host, port: 0, family: "IPv4" as const, size: 2 };
    endpoint.socket.emit("message", Buffer.from("x\n"), from);
    expect(failures).toMatchObject([{ code: "ERR_SOCKET_BAD_PORT" }]);
    // A port that is none is a mistake of the program.
    expect(() => endpoint.send(["x"], { address: host, port: 70_000 })).toThrow(RangeError);
    expect(() => endpoint.send(["x"])).toThrow(RangeError);
  });

  it("ends with its socket, even if the socket emits further events, as on Deno", async () => {
    const answers: ((error: Error | null) => void)[] = [];
    const socket = Object.assign(new EventEmitter(), {
      send: (_: Uint8Array, _port: number, _address: string, sent: () => void) =>
        answers.push(sent),
      close: () => {},
      address: () => ({ port: 1 }),
    }) as unknown as Socket;
    const told: unknown[] = [];
    const endpoint = attachDatagram(socket, text, {
      socketError: (_, error) => told.push(error),
      close: () => told.push("close"),
    });
    endpoint.send(["x"], { address: host, port: 9 });
    socket.emit("close");
    await endpoint.close();
    for (const answer of answers) answer(new Error("socket closed"));
    expect([answers.length, told]).toEqual([1, ["close"]]);
  });

  it("accepts a socket that is not bound yet, and closes after queued datagrams were sent", async () => {
    const messages: string[] = [];
    const server = closing(
      await listenDatagram(text, { host, message: (_, value) => messages.push(value) }),
    );
    const client = attachDatagram(createSocket("udp4"), text);
    client.send(["early"], { address: host, port: server.port });
    await client.close();
    await expect.poll(() => messages).toEqual(["early"]);
  });

  it("closes if its socket cannot be bound, or is closed", async () => {
    const server = closing(await listenDatagram(text, { host }));
    const socket = createSocket("udp4");
    const failures: unknown[] = [];
    const late = attachDatagram(socket, text, { socketError: (_, error) => failures.push(error) });
    socket.bind(server.port, host);
    late.send(["never"], { address: host, port: server.port });
    await once(socket, "error").catch(() => {});
    await expect.poll(() => failures).not.toEqual([]);
    await late.close();

    const gone = createSocket("udp4");
    gone.close();
    await once(gone, "close");
    await attachDatagram(gone, text).close();
  });

  it("reports why it cannot be opened, and leaves no socket open", async () => {
    const endpoint = closing(await listenDatagram(text, { host }));
    const { port } = endpoint;
    await expect(listenDatagram(text, { host, port })).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
    await expect(connectDatagram(text, { host: "256.0.0.1", port })).rejects.toMatchObject({
      syscall: "getaddrinfo",
    });
    const controller = new AbortController();
    const attempt = connectDatagram(text, { host, port, signal: controller.signal });
    controller.abort();
    await expect(attempt).rejects.toBe(controller.signal.reason);
  });

  it("accepts the options of a socket, and both versions of IP", async () => {
    const first = closing(await listenDatagram(text, { host, reuseAddr: true }));
    const second = closing(await listenDatagram(text, { host, reuseAddr: true, port: first.port }));
    expect(second.port).toBe(first.port);
    const local = closing(await connectDatagram(text, { port: first.port }));
    expect(local.socket.remoteAddress().address).toBe(host);
    if (!hasIpv6) return;
    const six = closing(await listenDatagram(text, { host: "::1" }));
    expect(six.socket.address().family).toBe("IPv6");
  });
});
