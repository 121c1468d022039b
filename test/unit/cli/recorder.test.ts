import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { packetsOf } from "../../../src/cli/capture.ts";
import { Recorder } from "../../../src/cli/recorder.ts";

/** How many bytes of a write the file takes; all of them if undefined. */
const disk = vi.hoisted(() => ({ most: undefined as number | undefined }));

vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  return {
    ...fs,
    writevSync(file: number, parts: NodeJS.ArrayBufferView[]) {
      if (disk.most === undefined) return fs.writevSync(file, parts);
      const all = Buffer.concat(parts as Uint8Array[]);
      return fs.writeSync(file, all, 0, Math.min(disk.most, all.length));
    },
  };
});

const folder = mkdtempSync(join(tmpdir(), "framewright-recorder-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const v4 = [
  { host: "192.0.2.1", port: 4000 },
  { host: "::ffff:192.0.2.9", port: 80 },
] as const;
const v6 = [
  { host: "2001:db8::1", port: 4000 },
  { host: "192.0.2.9", port: 80 },
] as const;

/** Pieces whose lengths are around every limit, and long enough for many writes. */
const pieces = [0, 1, 2, 3, 4, 4095, 4096, 4097, 32_768, 32_769, 65_536, 200_000].flatMap(
  (length) => Array.from({ length: 5 }, (_, n) => new Uint8Array(length).fill(length + n)),
);

/** What the client sent, by the packets of a capture. */
function sentBy(path: string, port: number): Buffer {
  const data: Uint8Array[] = [];
  for (const { bytes } of packetsOf(readFileSync(path))) {
    const ip = Buffer.from(bytes);
    const headerLength = ip[0]! >> 4 === 6 ? 40 : 20;
    const total = headerLength === 40 ? 40 + ip.readUInt16BE(4) : ip.readUInt16BE(2);
    expect(total).toBe(ip.length);
    if (ip.readUInt16BE(headerLength) === port) data.push(ip.subarray(headerLength + 20));
  }
  return Buffer.concat(data);
}

describe("Recorder", () => {
  it.each([
    ["IPv4", v4, undefined],
    ["IPv6", v6, undefined],
    ["a disk that takes little at a time", v4, 1000],
  ] as const)("writes every byte: %s", (_, [client, server], most) => {
    disk.most = most;
    const path = join(folder, "x.pcapng");
    const recorder = new Recorder(path, (error) => expect.fail(String(error)));
    const recorded = recorder.open(client, server);
    for (const piece of pieces) recorded.data(true, piece);
    recorded.data(false, Uint8Array.of(1));
    recorded.close(false);
    recorder.close();
    expect(sentBy(path, 4000)).toEqual(Buffer.concat(pieces));
    expect(sentBy(path, 80)).toEqual(Buffer.of(1));
  });

  it("leaves out what comes after its end", () => {
    disk.most = undefined;
    const path = join(folder, "closed.pcapng");
    const recorder = new Recorder(path, (error) => expect.fail(String(error)));
    const recorded = recorder.open(...v4);
    recorder.close();
    recorder.close();
    const before = readFileSync(path).length;
    recorded.data(true, Uint8Array.of(1));
    recorder.flush();
    expect(readFileSync(path)).toHaveLength(before);
  });
});
