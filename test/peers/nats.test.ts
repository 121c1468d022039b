import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nats, natsServer, type Received } from "../../examples/peers/_nats.ts";
import { type Connection, decodeAll, encodeAll, encodeFrame } from "../../src/index.ts";
import { connect } from "../../src/transports/node/index.ts";
import { freePort, lacks, type Running, start } from "../support/programs.ts";

// A client of a real nats-server: publish, subscribe, request and reply, pings, errors.

const host = "127.0.0.1";

describe("the protocol of NATS", () => {
  it("reads lines and messages from chunks of any size", () => {
    const bytes = Buffer.from(
      "PING\r\nMSG a.b 1 5\r\na\r\nb\0\r\nMSG c 2 reply.to 0\r\n\r\n+OK\r\n",
    );
    const expected = [
      { op: "line", verb: "PING", text: "" },
      { op: "msg", subject: "a.b", sid: "1", body: new Uint8Array(Buffer.from("a\r\nb\0")) },
      { op: "msg", subject: "c", sid: "2", reply: "reply.to", body: new Uint8Array(0) },
      { op: "line", verb: "+OK", text: "" },
    ];
    expect(decodeAll(nats, new Uint8Array(bytes))).toEqual(expected);
    expect(() => decodeAll(nats, new Uint8Array(Buffer.from("PING\n")))).toThrow("without CR");
    const pub = encodeFrame(nats, { op: "pub", subject: "a", body: Uint8Array.of(1) });
    expect(String.fromCharCode(...pub)).toBe("PUB a 1\r\n\u0001\r\n");
  });

  it("has a server's side, which reads what clients write", () => {
    const body = Uint8Array.of(13, 10, 0);
    const sent = [
      { op: "line", text: "SUB a.* 1" },
      { op: "line", text: "PING" },
      { op: "pub", subject: "a.b", body },
      { op: "pub", subject: "a.b", reply: "r", body: new Uint8Array(0) },
    ] as const;
    expect(decodeAll(natsServer, encodeAll(nats, sent))).toEqual(sent);
    const received = [
      { op: "line", verb: "INFO", text: '{"port": 1}' },
      { op: "line", verb: "PONG", text: "" },
      { op: "msg", subject: "a.b", sid: "1", body },
      { op: "msg", subject: "a.b", sid: "1", reply: "r", body },
    ] as const;
    expect(decodeAll(nats, encodeAll(natsServer, received))).toEqual(received);
  });
});

describe.skipIf(lacks({ "nats-server": "nats-server" }))("nats-server", () => {
  let port: number;
  let server: Running;
  beforeAll(async () => {
    port = await freePort();
    server = await start("nats-server", ["-a", host, "-p", String(port)], port);
  });
  afterAll(() => server.stop());

  /** A client that answers pings, and collects all other messages. */
  async function join(): Promise<{
    connection: Connection<Parameters<typeof nats.encode>[0], Received>;
    received: Received[];
    line(text: string): void;
  }> {
    const received: Received[] = [];
    const connection = await connect(nats, {
      host,
      port,
      message(opened, value) {
        if (value.op === "line" && value.verb === "PING") opened.send({ op: "line", text: "PONG" });
        else received.push(value);
      },
    });
    const line = (text: string): void => void connection.send({ op: "line", text });
    line(`CONNECT ${JSON.stringify({ verbose: false, pedantic: true, name: "framewright" })}`);
    line("PING");
    await expect.poll(() => received.some((r) => r.op === "line" && r.verb === "PONG")).toBe(true);
    expect(received[0]).toMatchObject({ op: "line", verb: "INFO" });
    received.length = 0;
    return { connection, received, line };
  }

  it("delivers published messages, in order and byte by byte", async () => {
    const [subscriber, publisher] = [await join(), await join()];
    subscriber.line("SUB numbers.* 1");
    subscriber.line("PING");
    await expect.poll(() => subscriber.received.length).toBe(1);
    const bodies = Array.from({ length: 300 }, (_, n) => new Uint8Array(randomBytes(n * 37)));
    bodies.forEach((body, n) => {
      publisher.connection.send({ op: "pub", subject: `numbers.${n}`, body });
    });
    await expect.poll(() => subscriber.received.length).toBe(301);
    subscriber.received.slice(1).forEach((message, n) => {
      if (message.op !== "msg") throw new Error(`a line: ${message.text}`);
      expect([message.subject, message.sid]).toEqual([`numbers.${n}`, "1"]);
      expect(Buffer.from(message.body).equals(bodies[n]!)).toBe(true);
    });
    for (const { connection } of [subscriber, publisher]) connection.close();
  });

  it("forwards requests and replies, and reports errors", async () => {
    const [service, client] = [await join(), await join()];
    service.line("SUB echo workers 7");
    service.line("PING");
    client.line("SUB inbox.1 1");
    await expect.poll(() => service.received.length).toBe(1);
    const body = Uint8Array.of(1, 2, 3);
    client.connection.send({ op: "pub", subject: "echo", reply: "inbox.1", body });
    await expect
      .poll(() => service.received.at(-1))
      .toEqual({
        ...{ op: "msg", subject: "echo", sid: "7", reply: "inbox.1", body },
      });
    service.connection.send({ op: "pub", subject: "inbox.1", body: body.map((n) => n + 1) });
    await expect.poll(() => client.received.at(-1)).toMatchObject({ body: Uint8Array.of(2, 3, 4) });
    client.line("NO SUCH COMMAND");
    const { by } = await client.connection.closed;
    expect(client.received.at(-1)).toMatchObject({ op: "line", verb: "-ERR" });
    expect(by).toBe("peer");
    service.connection.close();
  });
});
