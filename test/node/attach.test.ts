import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { expect, it } from "vitest";
import { type CloseInfo, lines, utf8 } from "../../src/index.ts";
import { attach } from "../../src/node/index.ts";

const protocol = lines().wrap(utf8());

/** Both ends of a TCP connection; the server's side waits for what the other one did. */
async function pair(): Promise<{ near: Socket; far: Socket; stop: () => void }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const far = createConnection({ port, host: "127.0.0.1" });
  const [near] = (await once(server, "connection")) as [Socket];
  return { near, far, stop: () => void server.close() };
}

/** Attaches late, and waits for the end. */
function endOf(socket: Socket): Promise<CloseInfo> {
  return new Promise<CloseInfo>((resolve) => {
    attach(socket, protocol, { message() {}, close: (_, info) => resolve(info) });
  });
}

it("tells of a socket that was closed before it was attached", async () => {
  const { near, far, stop } = await pair();
  near.resume();
  far.end();
  await once(near, "end");
  near.end();
  await once(near, "close");
  expect(await endOf(near)).toEqual({ by: "peer" });
  stop();
});

it("tells of a socket that failed before it was attached", async () => {
  const { near, far, stop } = await pair();
  const failure = new Error("pulled out");
  near.on("error", () => {});
  near.destroy(failure);
  await new Promise<void>((resolve) => near.once("close", () => resolve()));
  expect(await endOf(near)).toEqual({ by: "error", error: failure });
  far.destroy();
  stop();
});

it("tells of a peer that ended before the socket was attached, and can still answer it", async () => {
  const { near, far, stop } = await pair();
  near.resume();
  far.end();
  await once(near, "end");
  const got: Buffer[] = [];
  far.on("data", (chunk: Buffer) => got.push(chunk));
  const gone = once(far, "close");
  const closed = new Promise<CloseInfo>((resolve) => {
    attach(near, protocol, {
      message() {},
      end(connection) {
        connection.send("bye");
        connection.close();
      },
      close: (_, info) => resolve(info),
    });
  });
  expect(await closed).toEqual({ by: "local" });
  await gone;
  expect(Buffer.concat(got).toString()).toBe("bye\n");
  stop();
});
