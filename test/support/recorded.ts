import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect } from "vitest";
import { execute } from "../../src/cli/run.ts";

// Captures of live connections by `framewright proxy --quiet --record`, read by `framewright decode`.

const host = "127.0.0.1";
const folder = mkdtempSync(join(tmpdir(), "framewright-recorded-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The path of a file beside `test/`, for `--protocol`. */
const inProject = (path: string): string =>
  fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** A protocol of examples/peers, for `--protocol`. */
export const example = (name: string): string => inProject(`examples/peers/${name}`);

/** A protocol of test/peers/protocols, for `--protocol`. */
export const peerProtocol = (name: string): string => inProject(`test/peers/protocols/${name}`);

/** Runs a command to its end, and expects success. Returns what it printed. */
export async function framewright(...args: string[]): Promise<{ out: string; errors: string }> {
  const { code, out, errors } = await outcome(...args);
  expect(code, errors + out.slice(-300)).toBe(0);
  return { out, errors };
}

/** Runs a command to its end. */
async function outcome(...args: string[]): Promise<{ code: number; out: string; errors: string }> {
  const [out, errors]: [string[], string[]] = [[], []];
  const code = await execute(args, {
    out: { write: (text) => out.push(text) },
    errors: { write: (text) => errors.push(text) },
  });
  return { code, out: out.join(""), errors: errors.join("") };
}

let captures = 0;

/** Runs something that connects to a port, through the recording proxy. Returns the path of the capture. */
export async function recorded(
  port: number,
  work: (port: number) => Promise<unknown>,
): Promise<string> {
  const path = join(folder, `${++captures}.pcapng`);
  const stop = new AbortController();
  let errors = "";
  const proxy = execute(
    ["proxy", "--listen", "0", "--to", `${host}:${port}`, "--quiet", "--record", path],
    {
      out: { write: () => expect.unreachable("it is quiet") },
      errors: { write: (text) => (errors += text) },
      stop: stop.signal,
    },
  );
  await expect.poll(() => errors, { timeout: 20_000 }).toContain("is forwarded");
  try {
    await work(Number(/:(\d+) is forwarded/.exec(errors)![1]));
  } finally {
    stop.abort();
  }
  expect(await proxy).toBe(0);
  return path;
}

/** A line of `framewright decode --json`. */
export interface Message {
  readonly stream: number;
  readonly from: string;
  readonly to: string;
  readonly offset: number;
  readonly size: number;
  readonly value: unknown;
  readonly error?: { readonly code: string } | undefined;
}

/** Messages of clients and of servers. */
export interface Messages {
  readonly asked: readonly Message[];
  readonly replied: readonly Message[];
}

/** Decodes a capture. Returns the messages of clients and of servers on a port, and errors. */
export async function decodedLines(
  path: string,
  port: number,
  protocols: readonly string[],
): Promise<Messages> {
  const { out, errors } = await outcome("decode", path, "--json", ...protocols);
  expect(errors).toMatch(/^.*is read as pcap.*\n$/);
  const lines = out.split("\n").slice(0, -1);
  const messages = lines.map((line) => JSON.parse(line) as Message);
  const isReply = ({ from }: Message): boolean => from.endsWith(`:${port}`);
  return {
    asked: messages.filter((message) => !isReply(message)),
    replied: messages.filter(isReply),
  };
}

/** The same of a capture that has no errors, and whose frames are all of its bytes. */
export async function decoded(
  path: string,
  port: number,
  protocols: readonly string[],
): Promise<Messages> {
  const { asked, replied } = await decodedLines(path, port, protocols);
  const all = [...asked, ...replied];
  expect(all.filter(({ error }) => error !== undefined)).toEqual([]);
  expect(Math.min(asked.length, replied.length)).toBeGreaterThan(0);
  // One frame may have several values.
  const ends = new Map<string, { readonly offset: number; readonly end: number }>();
  for (const { stream, from, offset, size } of all) {
    const key = `${stream} ${from}`;
    const last = ends.get(key) ?? { offset: 0, end: 0 };
    if (offset !== last.offset || last.end === 0) {
      expect(offset, `the end of the frame before, ${key}`).toBe(last.end);
    }
    ends.set(key, { offset, end: offset + size });
  }
  return { asked, replied };
}

/** The values of messages. */
export const valuesOf = (messages: readonly Message[]): readonly unknown[] =>
  messages.map(({ value }) => value);
