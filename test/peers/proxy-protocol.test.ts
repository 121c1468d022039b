import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as dial } from "node:net";
import { tmpdir } from "node:os";
import type { Duplex } from "node:stream";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { latin1, lines } from "../../src/index.ts";
import { listen, type ProxyHeader, type Server } from "../../src/transports/node/index.ts";
import { freePort, lacks, run, start } from "../support/programs.ts";
import { decoded, peerProtocol, recorded, valuesOf } from "../support/recorded.ts";

// HAProxy and curl send headers of the PROXY protocol to our server.

const host = "127.0.0.1";
const folder = mkdtempSync(`${tmpdir()}/framewright-haproxy-`);
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of open.splice(0).reverse()) await stop();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Answers HTTP requests with the received header. */
async function serve(): Promise<Server<string, string, ProxyHeader | undefined, number>> {
  const server = await listen(lines({ ending: "\r\n" }).wrap(latin1()), {
    host,
    port: 0,
    proxyProtocol: { from: [host] },
    context: (_: Duplex, proxied?: ProxyHeader) => proxied,
    message(connection, line) {
      if (line !== "") return;
      const { version, isLocal, source, destination, tlvs } = connection.context ?? {};
      const types = tlvs?.map(({ type }) => type);
      const body = JSON.stringify({ version, isLocal, source, destination, types });
      for (const out of ["HTTP/1.1 200 OK", `Content-Length: ${body.length + 2}`]) {
        connection.send(out);
      }
      connection.send("Connection: close");
      connection.send("");
      connection.send(body);
      connection.close();
    },
  });
  open.push(() => server.close({ timeout: 100 }));
  return server;
}

describe.skipIf(lacks({ curl: "curl" }))("curl --haproxy-protocol", () => {
  it("sends a header of version 1", async () => {
    const { port } = await serve();
    const said = await run("curl", ["-sS", "--haproxy-protocol", `http://${host}:${port}/`]);
    const header = JSON.parse(said.toString());
    expect(header).toMatchObject({ version: 1, source: { address: host } });
    expect(header.destination).toEqual({ address: host, port });
  });
});

/** Asks HAProxy, which asks the server on a port. Returns the port of HAProxy, and the answer. */
async function throughHaproxy(
  port: number,
  option: string,
): Promise<{ readonly front: number; readonly said: string }> {
  const front = await freePort();
  const config = `${folder}/${front}.cfg`;
  writeFileSync(
    config,
    [
      "defaults",
      "  mode tcp",
      "  timeout connect 5s",
      "  timeout client 10s",
      "  timeout server 10s",
      "frontend front",
      `  bind ${host}:${front}`,
      "  unique-id-format %ci-%cp",
      "  default_backend back",
      "backend back",
      `  server one ${host}:${port} ${option}`,
      "",
    ].join("\n"),
  );
  // In the foreground.
  const { stop } = await start("haproxy", ["-db", "-f", config], front);
  open.push(stop);
  const client = dial({ host, port: front });
  client.write("GET / HTTP/1.1\r\n\r\n");
  let said = "";
  for await (const chunk of client) said += chunk;
  return { front, said };
}

describe.skipIf(lacks({ haproxy: "haproxy" }))("haproxy", () => {
  it.each([
    ["send-proxy", 1, undefined],
    ["send-proxy-v2", 2, []],
    // The checksum, and a unique id.
    ["send-proxy-v2 proxy-v2-options crc32c,unique-id", 2, [5, 3]],
  ])("with %s reports its client", async (option, version, types) => {
    const { port } = await serve();
    const { front, said } = await throughHaproxy(port, option);
    const header = JSON.parse(said.slice(said.indexOf("{")));
    expect(header).toMatchObject({
      version,
      source: { address: host },
      destination: { address: host, port: front },
    });
    if (types !== undefined) expect([...header.types].sort()).toEqual([...types].sort());
  });

  it.each([
    ["send-proxy", 1],
    ["send-proxy-v2 proxy-v2-options crc32c,unique-id", 2],
  ])(
    "with %s is decoded completely from a capture",
    { timeout: 120_000 },
    async (option, version) => {
      const { port } = await serve();
      let front = 0;
      const path = await recorded(port, async (to) => {
        ({ front } = await throughHaproxy(to, option));
      });
      const { asked, replied } = await decoded(path, port, [
        ...["--protocol", `${peerProtocol("proxied.ts")}#client`],
        ...["--replies", "lines:ending=\\r\\n+latin1"],
      ]);
      // The connection that waited for HAProxy to listen has a header as well.
      const { stream } = asked.find(({ value }) => value === "GET / HTTP/1.1")!;
      const [header, ...rest] = valuesOf(asked.filter((one) => one.stream === stream));
      expect(header).toMatchObject({
        version,
        source: { address: host },
        destination: { address: host, port: front },
      });
      expect(rest).toEqual(["GET / HTTP/1.1", ""]);
      const [status, length, , empty, body] = valuesOf(
        replied.filter((one) => one.stream === stream),
      ) as string[];
      expect([status, empty]).toEqual(["HTTP/1.1 200 OK", ""]);
      expect(length).toBe(`Content-Length: ${body!.length + 2}`);
    },
  );
});
