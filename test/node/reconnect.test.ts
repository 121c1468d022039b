import { describe, expect, expectTypeOf, it } from "vitest";
import { type Connection, json, lines } from "../../src/index.ts";
import { connect, listen, type Reconnecting } from "../../src/transports/node/index.ts";

const protocol = lines().wrap(json<string>());

describe("connect with reconnect", () => {
  it("reconnects to a server that restarts, and calls the handlers for each connection", async () => {
    const texts: string[] = [];
    let server = await listen(protocol, {
      port: 0,
      host: "127.0.0.1",
      message: (peer, text) => peer.send(text),
    });
    const { port } = server;
    let count = 0;
    const client = connect(protocol, {
      port,
      host: "127.0.0.1",
      reconnect: { minDelay: 10, maxDelay: 50 },
      context: () => ++count,
      open: (connection) => connection.send(`hello ${connection.context}`),
      message: (_, text) => texts.push(text),
    });
    expectTypeOf(client).toEqualTypeOf<Reconnecting<string, string, number>>();
    const first = await client.ready();
    await expect.poll(() => texts).toEqual(["hello 1"]);
    await server.close({ timeout: 0 });
    await first.closed;
    await expect.poll(() => client.state).not.toBe("open");
    // Nobody listens now: attempts fail.
    await new Promise((resolve) => setTimeout(resolve, 30));
    server = await listen(protocol, {
      port,
      host: "127.0.0.1",
      message: (peer, text) => peer.send(text),
    });
    const second = await client.ready();
    expect(second).not.toBe(first);
    await expect.poll(() => texts.length).toBe(2);
    expect(client.send("more")).toBe(true);
    await expect.poll(() => texts.at(-1)).toBe("more");
    client.close();
    expect((await second.closed).by).toBe("local");
    expect(client.state).toBe("closed");
    await server.close();
  });

  it("gives up after `attempts`, with the socket's error", async () => {
    const server = await listen(protocol, { port: 0, host: "127.0.0.1" });
    const { port } = server;
    await server.close();
    const client = connect(protocol, {
      ...{ port, host: "127.0.0.1" },
      reconnect: { attempts: 2, minDelay: 1 },
    });
    await expect(client.ready()).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(client.state).toBe("closed");
  });

  it("checks its options immediately", () => {
    expect(() => connect(protocol, { port: 1, reconnect: { first: 5 } as object })).toThrow(
      'no option "first"',
    );
    expect(() => connect(protocol, { reconnect: true } as never)).toThrow("no address");
  });

  it("is one connection if it is not set", async () => {
    const server = await listen(protocol, { port: 0, host: "127.0.0.1" });
    const connection = await connect(protocol, { port: server.port, reconnect: false });
    expectTypeOf(connection).toEqualTypeOf<Connection<string>>();
    connection.close();
    await server.close();
  });
});
