import { readFileSync } from "node:fs";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CloseInfo, lines, utf8 } from "../../src/index.ts";
import { connect, listen, type Server } from "../../src/transports/node/index.ts";

const host = "127.0.0.1";
const text = lines().wrap(utf8());
const cert = readFileSync(new URL("../fixtures/tls-cert.pem", import.meta.url));
const key = readFileSync(new URL("../fixtures/tls-key.pem", import.meta.url));

describe("client certificates", () => {
  let server: Server<string, string, string>;
  let opened: number;

  beforeEach(async () => {
    opened = 0;
    server = await listen(text, {
      host,
      port: 0,
      // The pair signs itself, so it is the authority for both sides.
      tls: { key, cert, ca: cert, requestCert: true, rejectUnauthorized: true },
      context: (socket: Duplex) => (socket as TLSSocket).getPeerCertificate().subject.CN as string,
      open: () => {
        opened++;
      },
      message: (connection, line) => connection.send(`${connection.context}: ${line}`),
    });
  });
  afterEach(() => server.close({ timeout: 100 }));

  it("tell the server who connects", async () => {
    const tls = { ca: cert, key, cert };
    const connection = await connect(text, { host, port: server.port!, tls });
    connection.send("hello");
    for await (const line of connection) {
      expect(line).toBe("localhost: hello");
      connection.close();
    }
    expect(opened).toBe(1);
  });

  it("are asked of everybody: who has none reaches no handler of the server", async () => {
    let tell: (info: CloseInfo) => void = () => {};
    const closed = new Promise<CloseInfo>((resolve) => {
      tell = resolve;
    });
    const errors: unknown[] = [];
    // In TLS 1.3 the client is through before the server has looked for its certificate.
    const attempt = connect(text, {
      host,
      port: server.port!,
      tls: { ca: cert },
      error: (_, error) => errors.push(error),
      close: (_, info) => tell(info),
    });
    await attempt.catch(() => {});
    const { by, error } = await closed;
    expect(by).toBe("error");
    expect(error).toMatchObject({ code: "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED" });
    expect(errors).toEqual([error]);
    expect([opened, server.connections.size]).toEqual([0, 0]);
  });

  it("that are not trusted are refused", async () => {
    const stranger = await listen(text, {
      host,
      port: 0,
      // Nobody in this list has signed the client's.
      tls: { key, cert, ca: [], requestCert: true, rejectUnauthorized: true },
      open: () => {
        opened++;
      },
    });
    const closed = new Promise<CloseInfo>((resolve) => {
      connect(text, {
        host,
        port: stranger.port!,
        tls: { ca: cert, key, cert },
        close: (_, info) => resolve(info),
      }).catch(() => {});
    });
    // Node's server says nothing: it hangs up.
    expect((await closed).by).not.toBe("local");
    expect([opened, stranger.connections.size]).toEqual([0, 0]);
    await stranger.close({ timeout: 100 });
  });
});
