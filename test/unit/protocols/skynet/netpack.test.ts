import { describe, expect, it } from "vitest";
import {
  decodeFrame,
  encodeFrame,
  Output,
  onePerMessage,
  ProtocolError,
  raw,
  Splitter,
} from "../../../../src/index.ts";
import { netpack, parse, sprotoRpc } from "../../../../src/protocols/sproto/index.ts";
import { failureOf } from "../../../support/chunks.ts";
import { bytesOf, type Hex, hexOf } from "../../../support/hex.ts";
import { readText } from "../../../support/package.ts";

// The frames of skynet's gate, and sproto calls in them, as the reference wrote and read them.

type Payload = Hex | { readonly $repHex: readonly [string, number] };

interface Row {
  readonly name: string;
  readonly what: "pack" | "stream";
  readonly payload?: Payload;
  readonly frame?: Hex;
  readonly frameLength?: number;
  readonly chunks?: readonly Hex[];
  readonly messages?: readonly Hex[];
  readonly messagesPerChunk?: readonly number[];
}

interface Call {
  readonly name: string;
  readonly schema: string;
  readonly package: string;
  readonly proto: string;
  readonly session?: number;
  readonly requestFramedHex: Hex;
}

const vectors = JSON.parse(readText("test/vectors/sproto.json")) as {
  readonly netpack: readonly Row[];
  readonly rpc: readonly Call[];
  readonly schemas: Readonly<Record<string, string>>;
  readonly invalid: readonly {
    readonly name: string;
    readonly what: string;
    readonly payload: Payload;
  }[];
};

function payloadOf(payload: Payload): Uint8Array<ArrayBuffer> {
  const isRepeated = typeof payload === "object" && "$repHex" in payload;
  return bytesOf(isRepeated ? [{ rep: payload.$repHex }] : payload);
}

const packages = netpack().wrap(raw());
const packed = vectors.netpack.filter(({ what }) => what === "pack");
const streams = vectors.netpack.filter(({ what }) => what === "stream");

describe("the gate's packages", () => {
  it("are all here", () => {
    expect([packed.length, streams.length]).toEqual([6, 17]);
  });

  it.each(packed)("$name is written and read", ({ payload, frame, frameLength }) => {
    const written = encodeFrame(packages, payloadOf(payload!));
    expect(written).toHaveLength(frameLength!);
    // For a long one only the start is given.
    expect(hexOf(written).startsWith(hexOf(bytesOf(frame!)))).toBe(true);
    expect(hexOf(decodeFrame(packages, written))).toBe(hexOf(payloadOf(payload!)));
  });

  it.each(streams)("$name is split from its chunks", (row) => {
    const splitter = new Splitter(packages);
    const found: string[] = [];
    const perChunk = row.chunks!.map((chunk) => {
      const before = found.length;
      splitter.push(bytesOf(chunk));
      while (splitter.next()) {
        found.push(hexOf(packages.decode(splitter.bytes, splitter.start, splitter.end)));
      }
      return found.length - before;
    });
    expect(found).toEqual(row.messages!.map((message) => hexOf(bytesOf(message))));
    expect(perChunk).toEqual(row.messagesPerChunk);
    // The reference silently drops an incomplete frame; here it is reported (skynet.md, 1).
    const failure = failureOf(() => splitter.finish());
    expect(failure?.code).toBe(row.name === "stream-unfinished" ? "truncated" : undefined);
  });

  it.each(vectors.invalid.filter(({ what }) => what === "netpack"))(
    "$name is refused, and nothing is written",
    ({ payload }) => {
      const out = new Output();
      const failure = failureOf(() => encodeFrame(packages, payloadOf(payload)));
      expect(failure).toMatchObject({ code: "unencodable" });
      expect(failure?.message).toMatch("65538");
      expect(out.length).toBe(0);
    },
  );

  it("respect a lower limit, reading and writing", () => {
    const few = netpack({ maxFrame: 10 }).wrap(raw());
    expect(encodeFrame(few, new Uint8Array(8))).toHaveLength(10);
    expect(() => encodeFrame(few, new Uint8Array(9))).toThrow(ProtocolError);
    const splitter = new Splitter(few);
    splitter.push(Uint8Array.of(0, 9));
    expect(failureOf(() => splitter.next())).toMatchObject({ code: "too-long" });
  });
});

describe("sproto calls in packages", () => {
  const sideOf = ({ schema, package: packageName }: Call) => {
    const both = parse(vectors.schemas[schema]!);
    return sprotoRpc({ local: both, remote: both, packageName });
  };

  it.each(vectors.rpc)("$name is read from TCP and from WebSocket messages", (call) => {
    const rpc = sideOf(call);
    const frame = bytesOf(call.requestFramedHex);
    const expected = { kind: "request", name: call.proto, session: call.session };
    expect(decodeFrame(rpc, frame)).toMatchObject(expected);
    const single = onePerMessage(rpc);
    const received = decodeFrame(single, frame);
    expect(received).toMatchObject(expected);
    if (received.kind !== "request") throw new Error("no request");
    expect(hexOf(encodeFrame(single, received))).toBe(hexOf(frame));
  });

  it("fill their WebSocket message exactly", () => {
    const [call] = vectors.rpc;
    const single = onePerMessage(sideOf(call!));
    const frame = bytesOf(call!.requestFramedHex);
    const twice = Uint8Array.of(...frame, ...frame);
    const more = Uint8Array.of(...frame, 0);
    const decode = (bytes: Uint8Array) => single.decode(bytes, 0, bytes.length);
    expect(failureOf(() => decode(twice))).toMatchObject({
      code: "malformed",
      offset: frame.length,
    });
    expect(failureOf(() => decode(more))).toMatchObject({
      code: "malformed",
      offset: frame.length,
    });
    for (let end = 0; end < frame.length; end++) {
      expect(failureOf(() => decode(frame.subarray(0, end)))?.code).toBe("truncated");
    }
    // An empty package is valid, but not a call.
    expect(failureOf(() => decode(Uint8Array.of(0, 0)))).toMatchObject({ code: "malformed" });
  });
});
