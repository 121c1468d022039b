import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { lengthPrefixed, raw } from "../../src/index.ts";
import { connect, listen, type Server } from "../../src/transports/node/index.ts";

const host = "127.0.0.1";
const protocol = lengthPrefixed({ width: 4 }).wrap(raw());
const cert = readFileSync(new URL("../fixtures/tls-cert.pem", import.meta.url));
const key = readFileSync(new URL("../fixtures/tls-key.pem", import.meta.url));

const servers: Server<Uint8Array>[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close({ timeout: 100 });
});

/** A message whose every byte says which one it is. */
const message = (n: number): Uint8Array => new Uint8Array((n * 37) % 700).fill(n);

/** A server that sends so many of them. */
async function flood(count: number, isSecure = false): Promise<Server<Uint8Array>> {
  const server = await listen(protocol, {
    port: 0,
    host,
    tls: isSecure ? { key, cert } : undefined,
    message() {},
    open(connection) {
      for (let n = 0; n < count; n++) connection.send(message(n));
      connection.close();
    },
  });
  servers.push(server);
  return server;
}

describe("reading into slabs", () => {
  it.each([false, true])(
    "overwrites nothing, and fills one after the other, TLS: %s",
    async (isSecure) => {
      const count = 2000;
      const server = await flood(count, isSecure);
      const received: Uint8Array[] = [];
      await new Promise<void>((resolve, reject) => {
        connect(protocol, {
          ...{ port: server.port!, host, slab: 8192 },
          tls: isSecure ? { ca: cert } : undefined,
          message: (_, bytes) => received.push(bytes),
          close: () => resolve(),
        }).catch(reject);
      });
      expect(received.length).toBe(count);
      // After all of them came: each is still what it was.
      expect(received.every((bytes, n) => bytes.every((b) => b === n % 256))).toBe(true);
      const slabs = new Set(received.map(({ buffer }) => buffer));
      const total = received.reduce((sum, { length }) => sum + length + 4, 0);
      // Frames that lie across two reads are in other memory.
      const sizes = Array.from(slabs, ({ byteLength }) => byteLength);
      expect(sizes.filter((size) => size === 8192).length).toBeGreaterThan(total / 8192 / 2);
    },
  );

  it("stops during a pause, and continues after it", async () => {
    const server = await flood(1000);
    const received: number[] = [];
    let pauses = 0;
    await new Promise<void>((resolve, reject) => {
      connect(protocol, {
        ...{ port: server.port!, host, slab: 4096 },
        message(connection, { length }) {
          received.push(length);
          if (received.length % 100 !== 50) return;
          pauses++;
          const before = received.length;
          connection.pause();
          setTimeout(() => {
            expect(received.length).toBe(before);
            connection.resume();
          }, 2);
        },
        close: () => resolve(),
      }).catch(reject);
    });
    expect(received).toEqual(Array.from({ length: 1000 }, (_, n) => message(n).length));
    expect(pauses).toBe(10);
  });

  it("refuses an invalid slab size", async () => {
    const server = await flood(1);
    for (const slab of [0, 4095, 8192.5, Number.NaN]) {
      await expect(connect(protocol, { port: server.port!, host, slab })).rejects.toThrow(
        `slab must be an integer of at least 4096, not ${slab}`,
      );
    }
  });
});
