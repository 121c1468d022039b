import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { lines, utf8 } from "../../src/index.ts";
import { attach, connect, listen } from "../../src/transports/node/index.ts";
import { bugsPrintedBy, uncaughtBy } from "../support/uncaught.ts";

// Who is told of a bug in a handler: thrown to the host where the program dialled, printed where it was handed a socket.

const host = "127.0.0.1";
const text = lines().wrap(utf8());
const message = (): never => {
  throw new Error("bug");
};

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a bug in a handler", () => {
  it.each([undefined, "report", "throw"] as const)(
    "of connect is thrown to the host, unless handlerErrors is report: %s",
    async (handlerErrors) => {
      const server = await listen(text, { port: 0, host, message: (c, line) => c.send(line) });
      let bugs: string[] = [];
      const uncaught = await uncaughtBy(async () => {
        bugs = await bugsPrintedBy(async () => {
          const client = await connect(text, { port: server.port, host, message, handlerErrors });
          client.send("x");
          expect(await client.closed).toMatchObject({ by: "error", error: { message: "bug" } });
        });
      });
      const found = [bugs, uncaught.map((error) => (error as Error).message)];
      expect(found).toEqual(handlerErrors === "report" ? [["bug"], []] : [[], ["bug"]]);
      await server.close();
    },
  );

  it("of listen and attach is printed, and closes only its own connection", async () => {
    const listening = await listen(text, { port: 0, host, message });
    const plain = createServer((socket) => attach(socket, text, { message }));
    plain.listen(0, host);
    await once(plain, "listening");
    const { port } = plain.address() as { port: number };
    for (const at of [listening.port, port]) {
      let bugs: string[] = [];
      const uncaught = await uncaughtBy(async () => {
        bugs = await bugsPrintedBy(async () => {
          const other = await connect(text, { port: at, host, message() {} });
          const client = await connect(text, { port: at, host, message() {} });
          client.send("x");
          expect(await client.closed).toMatchObject({ by: "peer" });
          expect(other.state).toBe("open");
          other.abort();
        });
      });
      expect([bugs, uncaught]).toEqual([["bug"], []]);
    }
    plain.close();
    await listening.close();
  });

  it("is only passed to the error handler, if there is one", async () => {
    const errors: unknown[] = [];
    const server = await listen(text, { port: 0, host, message: (c, line) => c.send(line) });
    const uncaught = await uncaughtBy(async () => {
      const client = await connect(text, {
        ...{ port: server.port, host, message },
        error: (_, error) => void errors.push(error),
      });
      client.send("x");
      await client.closed;
    });
    expect([errors, uncaught]).toEqual([[new Error("bug")], []]);
    await server.close();
  });
});
