import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type AddressInfo, createServer, connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import {
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
  type Message as TheirMessage,
} from "vscode-jsonrpc/node";
import { LanguageClient, lsp, type Message } from "../../examples/peers/_lsp.ts";
import { encodeFrame, Splitter } from "../../src/index.ts";
import type { StreamPair } from "../../src/transports/node/index.ts";
import { decoded, recorded, valuesOf } from "../support/recorded.ts";

// The language server protocol, compared with vscode-jsonrpc, which editors use, and with a real
// language server.

const messages: readonly Message[] = [
  { jsonrpc: "2.0", id: 1, method: "initialize", params: { processId: null } },
  { jsonrpc: "2.0", id: "two", method: "textDocument/hover", params: [1, "\u00fc", "\u{1f600}"] },
  { jsonrpc: "2.0", method: "exit" },
  { jsonrpc: "2.0", id: 1, result: { text: "a\r\n\r\nContent-Length: 3\r\n\r\n" } },
  { jsonrpc: "2.0", id: 3, result: null },
  { jsonrpc: "2.0", id: null, error: { code: -32700, message: "no JSON", data: [] } },
  { jsonrpc: "2.0", id: 4, result: "x".repeat(70_000) },
];

/** Returns the bytes that vscode-jsonrpc writes. */
async function theirBytes(message: Message): Promise<Buffer> {
  const stream = new PassThrough({ highWaterMark: 2 ** 20 });
  await new StreamMessageWriter(stream).write(message);
  return stream.read();
}

/** Returns the values that vscode-jsonrpc reads from chunks. */
async function theirValues(chunks: readonly Uint8Array[]): Promise<TheirMessage[]> {
  const stream = new PassThrough();
  const read: TheirMessage[] = [];
  const reader = new StreamMessageReader(stream);
  reader.onError((error) => expect.unreachable(String(error)));
  reader.listen((message) => read.push(message));
  for (const chunk of chunks) {
    stream.write(chunk);
    await new Promise(setImmediate);
  }
  stream.end();
  await once(stream, "close");
  return read;
}

function ourValues(chunks: readonly Uint8Array[]): Message[] {
  const splitter = new Splitter(lsp);
  const read: Message[] = [];
  for (const chunk of chunks) {
    splitter.push(chunk);
    while (splitter.next())
      read.push(lsp.decode(splitter.bytes, splitter.start, splitter.end) as Message);
  }
  splitter.finish();
  return read;
}

function cut(bytes: Buffer, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    chunks.push(new Uint8Array(bytes.subarray(at, at + size)));
  }
  return chunks;
}

describe("the language server protocol, compared with vscode-jsonrpc", () => {
  it("writes the same bytes", async () => {
    for (const message of messages) {
      const ours = Buffer.from(encodeFrame(lsp, message));
      expect(ours.equals(await theirBytes(message)), JSON.stringify(message)).toBe(true);
    }
  });

  it.each([1, 7, 1400, 1 << 20])("reads the same values from chunks of %i bytes", async (size) => {
    const few = size > 7 ? messages : messages.slice(0, -1);
    const frames = await Promise.all(few.map(theirBytes));
    const body = Buffer.from('{"jsonrpc":"2.0","method":"\u00fc"}');
    const typed = "Content-Type: application/vscode-jsonrpc; charset=utf-8";
    for (const header of [
      `Content-Length: ${body.length}\r\n${typed}`,
      `${typed}\r\ncontent-length:  ${body.length}`,
    ]) {
      frames.push(Buffer.concat([Buffer.from(`${header}\r\n\r\n`), body]));
    }
    const chunks = cut(Buffer.concat(frames), size);
    const ours = ourValues(chunks);
    expect(ours).toHaveLength(few.length + 2);
    expect(ours.slice(0, few.length)).toEqual(few);
    expect(ours).toEqual(await theirValues(chunks));
  });

  it("exchanges requests with vscode-jsonrpc at the other end of the streams", async () => {
    const [there, back] = [new PassThrough(), new PassThrough()];
    const theirs = createMessageConnection(
      new StreamMessageReader(there),
      new StreamMessageWriter(back),
    );
    theirs.onRequest("add", (a: number, b: number) => a + b);
    theirs.onRequest("slow", (_, token) => {
      started++;
      return new Promise((_resolve, reject) => {
        token.onCancellationRequested(() => {
          cancelled++;
          reject(new Error("cancelled"));
        });
      });
    });
    theirs.onRequest("ask back", async () => {
      return [await theirs.sendRequest("name", { of: "client" }), "asked"];
    });
    theirs.listen();
    let [started, cancelled] = [0, 0];
    const notified: unknown[] = [];
    const ours = new LanguageClient(
      { readable: back, writable: there },
      {
        notified: (method, params) => notified.push([method, params]),
        answer: (method, params) => ({ method, params }),
      },
    );
    expect(await ours.request("add", [2, 3])).toBe(5);
    expect(await ours.request("ask back")).toEqual([
      { method: "name", params: { of: "client" } },
      "asked",
    ]);
    await expect(ours.request("missing")).rejects.toMatchObject({ code: -32601 });
    const giveUp = new AbortController();
    const slow = ours.request("slow", {}, giveUp.signal);
    await expect.poll(() => started).toBe(1);
    giveUp.abort(new Error("enough"));
    await expect(slow).rejects.toThrow("enough");
    await theirs.sendNotification("progress", { percent: 50 });
    await expect.poll(() => [notified, cancelled]).toEqual([[["progress", { percent: 50 }]], 1]);
    theirs.dispose();
    ours.connection.close();
  });
});

// The real typescript-language-server, a devDependency, with the tsserver of the installed
// compiler.
const folder = mkdtempSync(join(tmpdir(), "framewright-lsp-"));
const children: ChildProcessWithoutNullStreams[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const root = fileURLToPath(new URL("../../", import.meta.url));
const serverModule = createRequire(import.meta.url).resolve(
  "typescript-language-server/lib/cli.mjs",
);

function startServer(): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [serverModule, "--stdio"], { cwd: folder });
  children.push(child);
  return child;
}

const source = `/** Adds \u00fc. */
export function add(a: number, b: number): number { return a + b; }
const sum: string = add(1, 2);
sum.
`;

/** An editor's messages to a server, and the results. */
interface Editor {
  request(method: string, params?: unknown): Promise<unknown>;
  notify(method: string, params?: unknown): void;
  readonly diagnostics: () => { readonly code: number; readonly message: string }[];
}

async function conversation({ request, notify, diagnostics }: Editor): Promise<unknown> {
  const file = join(folder, "a.ts");
  writeFileSync(file, source);
  const uri = pathToFileURL(file).href;
  const tsserver = { path: join(root, "node_modules/@typescript/old/lib/tsserver.js") };
  const initialized = (await request("initialize", {
    processId: process.pid,
    rootUri: pathToFileURL(folder).href,
    capabilities: { textDocument: { publishDiagnostics: {} } },
    initializationOptions: { tsserver, disableAutomaticTypingAcquisition: true },
  })) as { capabilities: object };
  notify("initialized", {});
  notify("textDocument/didOpen", {
    textDocument: { uri, languageId: "typescript", version: 1, text: source },
  });
  const textDocument = { uri };
  const hover = await request("textDocument/hover", {
    textDocument,
    position: { line: 2, character: 21 },
  });
  const definition = await request("textDocument/definition", {
    textDocument,
    position: { line: 2, character: 21 },
  });
  const completion = (await request("textDocument/completion", {
    textDocument,
    position: { line: 3, character: 4 },
  })) as { items: { label: string }[] };
  while (diagnostics().length < 2) await sleep(20);
  const failure = await request("no/such/method", {}).catch(
    (error: { code: number }) => error.code,
  );
  await request("shutdown");
  notify("exit");
  return {
    capabilities: initialized.capabilities,
    hover,
    definition,
    completion,
    diagnostics: diagnostics().map(({ code, message }) => ({ code, message })),
    failure,
  };
}

async function ourEditor(): Promise<{ told: unknown; exit: unknown[] }> {
  const child = startServer();
  const exit = once(child, "exit");
  const told = await conversationOver({ readable: child.stdout, writable: child.stdin });
  return { told, exit: await exit };
}

async function conversationOver(streams: StreamPair): Promise<unknown> {
  let diagnostics: { code: number; message: string }[] = [];
  const client = new LanguageClient(streams, {
    notified(method, params) {
      if (method !== "textDocument/publishDiagnostics") return;
      diagnostics = (params as { diagnostics: typeof diagnostics }).diagnostics;
    },
  });
  return conversation({
    request: (method, params) => client.request(method, params),
    notify: (method, params) => client.notify(method, params),
    diagnostics: () => diagnostics,
  });
}

async function theirEditor(): Promise<{ told: unknown; exit: unknown[] }> {
  const child = startServer();
  const exit = once(child, "exit");
  let diagnostics: { code: number; message: string }[] = [];
  const client = createMessageConnection(
    new StreamMessageReader(child.stdout),
    new StreamMessageWriter(child.stdin),
  );
  client.onNotification("textDocument/publishDiagnostics", (params) => {
    diagnostics = params.diagnostics;
  });
  client.onRequest(() => null);
  client.listen();
  const told = await conversation({
    request: (method, params) =>
      params === undefined ? client.sendRequest(method) : client.sendRequest(method, params),
    notify(method, params) {
      if (params === undefined) client.sendNotification(method);
      else client.sendNotification(method, params);
    },
    diagnostics: () => diagnostics,
  });
  return { told, exit: await exit };
}

describe("typescript-language-server", () => {
  it("sends us the same as it sends vscode-jsonrpc, and exits", { timeout: 120_000 }, async () => {
    const { name } = JSON.parse(
      readFileSync(join(dirname(serverModule), "../package.json"), "utf8"),
    );
    expect(name).toBe("typescript-language-server");
    const ours = await ourEditor();
    expect(ours.exit).toEqual([0, null]);
    const told = ours.told as {
      hover: { contents: { value: string } };
      definition: { range: object }[];
      completion: { items: { label: string }[] };
      diagnostics: { code: number }[];
      failure: number;
    };
    expect(told.hover.contents.value).toContain("function add(a: number, b: number): number");
    expect(told.hover.contents.value).toContain("Adds \u00fc.");
    expect(told.definition[0]!.range).toMatchObject({ start: { line: 1 } });
    expect(told.completion.items.map(({ label }) => label)).toContain("toUpperCase");
    expect(told.diagnostics.map(({ code }) => code).sort()).toEqual([1003, 2322]);
    expect(told.failure).toBe(-32601);
    const theirs = await theirEditor();
    expect(theirs).toEqual(ours);
  });

  it("and we are decoded completely from a capture", { timeout: 120_000 }, async () => {
    // It has standard streams alone: here each connection has a server of its own.
    const relay = createServer((socket) => {
      const { stdin, stdout } = startServer();
      socket.pipe(stdin);
      stdout.pipe(socket);
    });
    await once(relay.listen(0, "127.0.0.1"), "listening");
    const { port } = relay.address() as AddressInfo;
    let told: unknown;
    const path = await recorded(port, async (to) => {
      const socket = dial({ host: "127.0.0.1", port: to });
      told = await conversationOver({ readable: socket, writable: socket });
      if (!socket.closed) await once(socket, "close");
    });
    relay.close();
    const { asked, replied } = await decoded(path, port, [
      ...["--protocol", "content-length:maxFrame=67108864+json"],
    ]);
    const [questions, answers] = [asked, replied].map(
      (messages) => valuesOf(messages) as readonly Message[],
    ) as [readonly Message[], readonly Message[]];
    const methods = questions.flatMap(({ method }) => method ?? []);
    expect(methods).toEqual([
      ...["initialize", "initialized", "textDocument/didOpen", "textDocument/hover"],
      ...["textDocument/definition", "textDocument/completion", "no/such/method"],
      ...["shutdown", "exit"],
    ]);
    const idOf = (method: string): unknown => questions.find((one) => one.method === method)!.id;
    const answerTo = (method: string): Message =>
      answers.find(({ id, method: own }) => own === undefined && id === idOf(method))!;
    const { capabilities, hover, completion } = told as Record<string, unknown>;
    expect(answerTo("initialize").result).toMatchObject({ capabilities });
    expect(answerTo("textDocument/hover").result).toEqual(hover);
    expect(answerTo("textDocument/completion").result).toEqual(completion);
    expect(answerTo("no/such/method").error!.code).toBe(-32601);
    expect(answers.map(({ method }) => method)).toContain("textDocument/publishDiagnostics");
  });
});
