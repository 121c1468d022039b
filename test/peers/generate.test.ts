import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeAll } from "framewright";
import { afterAll, describe, expect, it } from "vitest";
import { protocolOf } from "../../src/cli/protocol-names.ts";
import { execute } from "../../src/cli/run.ts";
import { lacks } from "../support/programs.ts";
import { cutCapture, tshark } from "../support/wireshark.ts";

// Compares `framewright generate lua` and `framewright decode --json` for one capture: tshark must
// show the values that we decode.

const folder = mkdtempSync(join(tmpdir(), "framewright-generate-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function framewright(...args: string[]): Promise<string> {
  let [out, errors] = ["", ""];
  await execute(args, {
    out: { write: (text) => (out += text) },
    errors: { write: (text) => (errors += text) },
  });
  expect(errors.replace(/^framewright: the input is read as .*\n/, "")).toBe("");
  return out;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const schema = join(folder, "game.sproto");
writeFileSync(schema, ".Move { x 0 : integer  name 1 : string }");

interface Case {
  readonly protocol: string;
  readonly values: readonly unknown[];
  /** Names of fields, with their value in a decoded message. */
  readonly fields: Readonly<Record<string, (value: never) => unknown>>;
}

const payload = { payload: (value: unknown) => value };
const jsonPayload = { payload: (value: unknown) => JSON.stringify(value) };
const hex = (value: { readonly $bytes: string }): string => value.$bytes;

const CASES: readonly Case[] = [
  {
    protocol: "goim",
    values: [
      { op: 7, seq: 1, body: bytes("token") },
      { op: 2, seq: 2, body: bytes("-") },
      { ver: 3, op: -5, seq: 3, body: bytes("x".repeat(40)) },
    ],
    fields: {
      ver: ({ ver }: { ver: number }) => ver,
      op: ({ op }: { op: number }) => op,
      seq: ({ seq }: { seq: number }) => seq,
      body: ({ body }: { body: { $bytes: string } }) => hex(body),
    },
  },
  {
    protocol: "fastway:dialect=v2",
    values: [
      { type: "accept", connId: 7, remoteId: 1 },
      { type: "connect", connId: 8, remoteId: 2 ** 32 - 1 },
    ],
    fields: {
      "content.0.connId": ({ connId }: { connId: number }) => connId,
      "content.0.remoteId": ({ remoteId }: { remoteId: number }) => remoteId,
      "content.0.type": ({ type }: { type: string }) => (type === "accept" ? 1 : 2),
    },
  },
  {
    protocol: "fastway:dialect=v1",
    values: [
      { type: "dial", connId: 7, remoteId: 1 },
      { type: "dial", connId: 8, remoteId: 9 },
    ],
    fields: {
      "content.0.connId": ({ connId }: { connId: number }) => connId,
      "content.0.remoteId": ({ remoteId }: { remoteId: number }) => remoteId,
    },
  },
  {
    protocol: "workerman-gateway",
    values: [
      { cmd: 6, connection_id: 9, client_ip: 0x7f000001, body: bytes("hi"), ext_data: bytes("e") },
      { cmd: 201, body: bytes("ping") },
    ],
    fields: {
      cmd: ({ cmd }: { cmd: number }) => cmd,
      client_ip: ({ client_ip }: { client_ip: number }) => client_ip,
      connection_id: ({ connection_id }: { connection_id: number }) => connection_id,
      pack_len: ({ pack_len }: { pack_len: number }) => pack_len,
      body: ({ body }: { body: { $bytes: string } }) => hex(body),
    },
  },
  {
    protocol: "workerman-binary-transfer",
    values: [
      { file_name: "a.txt", file_data: bytes("content") },
      { file_name: "ü", file_data: bytes("-") },
    ],
    fields: {
      "payload.file_name": ({ file_name }: { file_name: string }) => file_name,
      "payload.file_data": ({ file_data }: { file_data: { $bytes: string } }) => hex(file_data),
    },
  },
  { protocol: "workerman-json", values: [{ a: 1 }, { b: "€ and more" }], fields: jsonPayload },
  { protocol: "workerman-json-int", values: [{ a: 1 }, [2]], fields: jsonPayload },
  { protocol: "workerman-text", values: ["hello", "a longer line of text"], fields: payload },
  { protocol: "workerman-xml", values: ["<a/>", "<longer>text</longer>"], fields: payload },
  {
    protocol: "workerman-frame",
    values: [bytes("a"), bytes("b".repeat(20))],
    fields: { payload: hex },
  },
  {
    protocol: "skynet-request",
    values: [
      { content: bytes("echo"), session: 1 },
      { content: bytes("again"), session: 2 ** 32 - 1 },
    ],
    fields: {
      "payload.content": ({ content }: { content: { $bytes: string } }) => hex(content),
      "payload.session": ({ session }: { session: number }) => session,
    },
  },
  {
    protocol: "skynet-answer",
    values: [
      { content: bytes("echo"), ok: true, session: 1 },
      { content: bytes("?"), ok: false, session: 2 },
    ],
    fields: {
      "payload.content": ({ content }: { content: { $bytes: string } }) => hex(content),
      "payload.ok": ({ ok }: { ok: boolean }) => Number(ok),
      "payload.session": ({ session }: { session: number }) => session,
    },
  },
  { protocol: "skynet-handshake", values: ["name:1:hmac==", "200 OK"], fields: payload },
  { protocol: "skynet-login", values: ["200 aGk=", "challenge"], fields: payload },
  { protocol: "lines+json", values: [{ hello: 1 }, [1, 2]], fields: jsonPayload },
  { protocol: "lines+latin1", values: ["é", "ÿ and more than 13"], fields: payload },
  { protocol: "length:width=2,endian=le+utf8", values: ["", "x".repeat(30)], fields: payload },
  { protocol: "length:width=8+utf8", values: ["a", "b"], fields: payload },
  {
    protocol: "varint+raw",
    values: [bytes("a"), bytes("b".repeat(200))],
    fields: { payload: hex },
  },
  { protocol: "netstring+utf8", values: ["a", "b".repeat(20)], fields: payload },
  { protocol: "delimited:delimiter=\\r\\n+utf8", values: ["a\nb", "c"], fields: payload },
  { protocol: "decimal:digits=4+utf8", values: ["a", "b".repeat(20)], fields: payload },
  { protocol: "content-length+json", values: [{ id: 1 }, { id: 2 }], fields: jsonPayload },
  { protocol: "concatenated-json+json", values: [{ id: '"]}' }, [[{}], 2]], fields: jsonPayload },
  { protocol: "fixed:size=4+utf8", values: ["abcd", "efgh"], fields: payload },
];

describe.skipIf(lacks({ tshark: "tshark" }))("framewright generate lua, in tshark", () => {
  it("shows what framewright decode prints, for captures cut into 13 bytes", {
    timeout: 120_000,
  }, async () => {
    const ports = CASES.map((_, n) => 20_000 + n);
    const capture = cutCapture(
      CASES.map(({ protocol, values }, n) => ({
        client: encodeAll(protocolOf(protocol) as never, values as never),
        port: ports[n]!,
      })),
    );
    const path = join(folder, "all.pcap");
    writeFileSync(path, capture);
    const scripts: string[] = [];
    const args: string[] = [];
    for (const [n, { protocol, fields }] of CASES.entries()) {
      const file = join(folder, `${n}.lua`);
      await framewright(
        ...["generate", "lua", "--protocol", protocol, "--name", `fw_${n}`, "--out", file],
      );
      scripts.push(readFileSync(file, "utf8"));
      args.push("-d", `tcp.port==${ports[n]},fw_${n}`);
      for (const name of Object.keys(fields)) args.push("-e", `fw_${n}.${name}`);
      args.push("-e", `fw_${n}.malformed`);
    }
    const separators = ["-E", "separator=/t", "-E", "aggregator=|"];
    const text = await tshark({
      scripts,
      capture,
      args: ["-T", "fields", ...separators, "-e", "tcp.stream", ...args],
    });
    const rows = text.split("\n").map((row) => row.split("\t"));
    let column = 1;
    for (const [n, { protocol, fields, values }] of CASES.entries()) {
      const lines = await framewright(
        ...["decode", path, "--json", "--port", String(ports[n]), "--protocol", protocol],
      );
      const decoded = lines
        .trimEnd()
        .split("\n")
        .map((row) => (JSON.parse(row) as { value: unknown }).value);
      expect(decoded.length, protocol).toBe(values.length);
      for (const [name, shownOf] of Object.entries(fields)) {
        const shown = rows
          .filter(([stream]) => stream === String(n))
          .flatMap((row) => (row[column] === "" ? [] : row[column]!.split("|")));
        const wanted = decoded.map((value) => String(shownOf(value as never)));
        // tshark prints nothing for an empty text, and escapes control characters.
        expect(shown, `${protocol} ${name}`).toEqual(
          wanted.filter((one) => one !== "").map((one) => one.replaceAll("\n", "\\n")),
        );
        column++;
      }
      // No malformed frame.
      expect(
        rows.every((row) => (row[column] ?? "") === ""),
        protocol,
      ).toBe(true);
      column++;
    }
  });

  it("explains how to avoid a name that Wireshark already uses", async () => {
    const script = await framewright(
      "generate",
      "lua",
      "--protocol",
      "lines+json",
      "--name",
      "dns",
    );
    const { stderr } = await import("node:child_process").then(({ spawnSync }) => {
      const file = join(folder, "dns.lua");
      writeFileSync(file, script);
      return spawnSync("tshark", ["-X", `lua_script:${file}`, "-G", "currentprefs"], {
        encoding: "utf8",
        env: { ...process.env, HOME: folder, WIRESHARK_CONFIG_DIR: folder },
      });
    });
    expect(stderr).toContain("Wireshark already has a protocol dns: pass another name (--name)");
  });

  it("keeps sproto as bytes, because the dissector does not contain its schema", async () => {
    const protocol = `netpack+sproto:${schema}#Move`;
    const client = encodeAll(protocolOf(protocol) as never, [{ x: 1, name: "a" }] as never);
    const text = await tshark({
      scripts: [await framewright("generate", "lua", "--protocol", protocol, "--port", "3101")],
      capture: cutCapture([{ client, port: 50_000 }]),
      args: ["-Y", "fw_netpack_sproto", "-T", "fields", "-e", "fw_netpack_sproto.payload"],
    });
    expect(text.trim()).toBe(Buffer.from(client.subarray(2)).toString("hex"));
  });
});
