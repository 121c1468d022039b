import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { json, lengthPrefixed, lines, perMessage, raw, utf8 } from "../../src/index.ts";
import {
  attachDatagram,
  type DatagramEndpoint,
  type DatagramHandlers,
  listenDatagram,
} from "../../src/node/index.ts";

const host = "127.0.0.1";
const text = lines({ maxFrame: 100 }).wrap(utf8());
const open: DatagramEndpoint<never>[] = [];

/** An endpoint that writes down what comes to it, and a plain socket to reach it with. */
async function setup(handlers: DatagramHandlers<string> = {}) {
  const messages: string[] = [];
  const errors: unknown[] = [];
  const endpoint = await listenDatagram(text, {
    host,
    message: (_, value) => messages.push(value),
    error: (_, error) => errors.push(error),
    ...handlers,
  });
  open.push(endpoint);
  const plain = createSocket("udp4");
  plain.bind(0, host);
  await once(plain, "listening");
  const say = (bytes: string): void => plain.send(bytes, endpoint.port, host);
  return { endpoint, messages, errors, plain, say };
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((endpoint) => endpoint.close()));
});

describe("datagrams", () => {
  it("hold whole frames, one or several", async () => {
    const { say, messages, errors, plain } = await setup();
    say("one\n");
    say("two\nthree\n");
    say("");
    say("four\n");
    await expect.poll(() => messages).toEqual(["one", "two", "three", "four"]);
    expect(errors).toEqual([]);
    plain.close();
  });

  it("that break the protocol leave the next ones alone", async () => {
    const { say, messages, errors, plain } = await setup();
    say("good\nhalf");
    say(`${"x".repeat(101)}\n`);
    say("next\n");
    await expect.poll(() => messages).toEqual(["good", "next"]);
    expect(errors).toMatchObject([{ code: "truncated", offset: 5 }, { code: "too-long" }]);
    plain.close();
  });

  it("are answered to whom they came from", async () => {
    const { say, plain } = await setup({
      message: (endpoint, value, peer) => endpoint.send([value.toUpperCase(), "."], peer),
    });
    say("hello\n");
    const [answer] = (await once(plain, "message")) as [Buffer];
    expect(answer.toString()).toBe("HELLO\n.\n");
    plain.close();
  });

  it("may be one message each, without a framing", async () => {
    const protocol = perMessage({ maxFrame: 10 }).wrap(json<number[]>());
    const messages: number[][] = [];
    const errors: unknown[] = [];
    const server = await listenDatagram(protocol, {
      host,
      message: (_, value) => messages.push(value),
      error: (_, error) => errors.push(error),
    });
    open.push(server);
    const socket = createSocket("udp4");
    socket.connect(server.port, host);
    await once(socket, "connect");
    const client = attachDatagram(socket, protocol);
    open.push(client);
    client.send([[1, 2]]);
    expect(() => client.send([[1], [2]])).toThrow("one message holds 1 value, not 2");
    await expect.poll(() => messages).toEqual([[1, 2]]);
    socket.send("[1,2,3,4,5]");
    socket.send("[");
    await expect.poll(() => errors).toMatchObject([{ code: "too-long" }, { code: "malformed" }]);
  });

  it("are refused when no datagram can be so long", async () => {
    const endpoint = await listenDatagram(lengthPrefixed({ width: 4 }).wrap(raw()), { host });
    open.push(endpoint);
    const peer = { address: host, port: endpoint.port };
    expect(() => endpoint.send([new Uint8Array(65_507 - 3)], peer)).toThrow(
      "65508 bytes exceed the 65507 of a datagram",
    );
  });

  it("whose handler throws are an error of theirs alone", async () => {
    const failure = new Error("no");
    const messages: string[] = [];
    const { say, errors, plain } = await setup({
      message(_, value) {
        messages.push(value);
        if (value === "throw") throw failure;
        return value === "reject" ? Promise.reject(failure) : undefined;
      },
    });
    say("throw\nnext\n");
    say("reject\n");
    await expect.poll(() => messages).toEqual(["throw", "next", "reject"]);
    await expect.poll(() => errors).toEqual([failure, failure]);
    plain.close();
  });

  it("that are bad vanish where nobody wants to hear of it", async () => {
    const messages: string[] = [];
    const endpoint = await listenDatagram(text, {
      host,
      message: (_, value) => messages.push(value),
    });
    open.push(endpoint);
    const peer = { address: host, port: endpoint.port };
    endpoint.socket.send("half", peer.port, peer.address);
    endpoint.send(["whole"], peer);
    await expect.poll(() => messages).toEqual(["whole"]);
  });

  it("tell of a socket that fails", async () => {
    const failures: Error[] = [];
    let closes = 0;
    const { endpoint, plain } = await setup({
      socketError: (_, error) => failures.push(error),
      close: () => closes++,
    });
    endpoint.send(["x"], { address: "256.0.0.1", port: 9 });
    await expect.poll(() => failures.length).toBe(1);
    endpoint.socket.emit("error", new Error("failed"));
    expect(failures.length).toBe(2);
    await endpoint.close();
    await endpoint.close();
    expect(closes).toBe(1);
    plain.close();

    const quiet = attachDatagram(createSocket("udp4"), text);
    open.push(quiet);
    expect(() => quiet.socket.emit("error", new Error("failed"))).toThrow("failed");
    quiet.socket.on("error", () => {});
    quiet.socket.emit("error", new Error("failed"));
  });

  it("say why they cannot listen, and take IPv6", async () => {
    const { endpoint, plain } = await setup();
    await expect(listenDatagram(text, { host, port: endpoint.port })).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
    const six = await listenDatagram(text, { host: "::1" }).catch((error) => error);
    if (!(six instanceof Error)) {
      expect(six.socket.address().family).toBe("IPv6");
      open.push(six);
    } else {
      // A machine without IPv6.
      expect(six).toMatchObject({ syscall: "bind" });
    }
    plain.close();
  });
});
