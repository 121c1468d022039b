import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Mail, smtpServer } from "../../examples/peers/_smtp.ts";
import { lacks, run } from "../support/programs.ts";
import { decoded, type Message, peerProtocol, recorded, valuesOf } from "../support/recorded.ts";

// curl --ssl-reqd sends mail to an SMTP server that uses startTls.

const certPath = fileURLToPath(new URL("../fixtures/tls-cert.pem", import.meta.url));
const tls = {
  cert: readFileSync(certPath),
  key: readFileSync(new URL("../fixtures/tls-key.pem", import.meta.url)),
};

describe.skipIf(lacks({ curl: "curl" }))("curl --ssl-reqd smtp:", () => {
  const mails: Mail[] = [];
  let server: Awaited<ReturnType<typeof smtpServer>>;
  beforeAll(async () => {
    server = await smtpServer(tls, (mail) => mails.push(mail));
  });
  afterAll(() => server.close({ timeout: 100 }));

  const send = (input: string, ...more: string[]): Promise<Buffer> =>
    sendTo(server.port, input, ...more);
  const sendTo = (port: number, input: string, ...more: string[]): Promise<Buffer> => {
    const url = `smtp://localhost:${port}/client.example`;
    const mail = ["--mail-from", "a@example.org", "--mail-rcpt", "b@example.org", "-T", "-"];
    const to = ["--connect-to", `localhost:${port}:127.0.0.1:${port}`];
    return run("curl", ["-sS", "--max-time", "20", ...to, ...more, url, ...mail], { input });
  };

  it("is encrypted, and the mail arrives", async () => {
    const text = "Subject: hello\r\n\r\n.a line with a dot\r\nlast\r\n";
    await send(text, "--ssl-reqd", "--cacert", certPath, "--mail-rcpt", "c@example.org");
    expect(mails).toEqual([
      {
        from: "a@example.org",
        to: ["c@example.org", "b@example.org"],
        text: "Subject: hello\n\n.a line with a dot\nlast",
      },
    ]);
  });

  it("carries a mail of 3 MB", async () => {
    const line = `${"x".repeat(70)}\r\n`;
    await send(line.repeat(40_000), "--ssl-reqd", "--cacert", certPath);
    expect(mails.at(-1)?.text.length).toBe(71 * 40_000 - 1);
  });

  it("fails without TLS, and with an untrusted certificate", async () => {
    const count = mails.length;
    await expect(send("x\r\n")).rejects.toThrow(/ended with/);
    await expect(send("x\r\n", "--ssl-reqd")).rejects.toThrow(/certificate/);
    expect(mails.length).toBe(count);
  });

  it("is decoded completely from a capture, the encrypted part as records of TLS", {
    timeout: 120_000,
  }, async () => {
    const secure = ["--ssl-reqd", "--cacert", certPath];
    const path = await recorded(server.port, async (port) => {
      await sendTo(port, "secret\r\n", ...secure);
      await expect(sendTo(port, "x\r\n")).rejects.toThrow(/ended with/);
    });
    expect(mails.at(-1)?.text).toBe("secret");
    const { asked, replied } = await decoded(path, server.port, [
      ...["--protocol", `${peerProtocol("smtp.ts")}#client`],
      ...["--replies", `${peerProtocol("smtp.ts")}#server`],
    ]);
    const linesOf = (all: readonly Message[], connection: number): unknown[] =>
      valuesOf(all.filter(({ stream }) => stream === connection)).filter(
        (value) => typeof value === "string",
      );
    const recordsOf = (all: readonly Message[]): unknown[] =>
      valuesOf(all)
        .filter((value) => typeof value === "object")
        .map((value) => (value as { type: string }).type);
    const [first, second] = [...new Set(asked.map(({ stream }) => stream))] as [number, number];
    expect(linesOf(asked, first)).toEqual(["EHLO client.example", "STARTTLS"]);
    expect(linesOf(replied, first)).toEqual([
      ...["220 mail.example", "250-STARTTLS", "250 mail.example", "220 go ahead"],
    ]);
    for (const records of [recordsOf(asked), recordsOf(replied)]) {
      expect(records[0]).toBe("handshake");
      expect(records).toContain("data");
    }
    // Without TLS the mail is refused.
    expect(linesOf(asked, second).slice(0, 2)).toEqual([
      "EHLO client.example",
      expect.stringMatching(/^MAIL FROM:<a@example.org>/),
    ]);
    expect(linesOf(replied, second)).toContain("530 STARTTLS first");
  });
});
