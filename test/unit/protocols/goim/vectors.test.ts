import { describe, expect, it } from "vitest";
import { newScan } from "../../../../src/core/index.ts";
import {
  decodeAll,
  decodeFrame,
  decodeUtf8,
  encodeAll,
  encodeFrame,
  ProtocolError,
  type ProtocolErrorCode,
} from "../../../../src/index.ts";
import {
  batch,
  chatReceive,
  chatReply,
  chatSend,
  goim,
  goimJson,
  onlineCount,
  unbatch,
} from "../../../../src/protocols/goim/index.ts";
import { errorOf } from "../../../support/chunks.ts";
import { bytesOf } from "../../../support/hex.ts";
import {
  type ChatValue,
  packetOf,
  type Quirk,
  type VectorCase,
  type VectorPacket,
  vectors,
} from "./vectors.ts";

const client = goim();
const flat = goim({ flatten: true });
/** The Go server's limits for one packet. */
const LIMITS: Record<string, number> = { v1: 1040, v2: 4112 };

const of = (...codecs: string[]): readonly VectorCase[] =>
  vectors.cases.filter((c) => codecs.includes(c.codec));

function codeOf(run: () => unknown): [ProtocolErrorCode, string] {
  const { code, message } = errorOf(run);
  return [code, message];
}

describe("vectors of binary packets", () => {
  const binary = of("goim-v1-tcp", "goim-v1-ws-binary", "goim-v2-tcp", "goim-v2-ws");

  it("are all here", () => expect(binary.length).toBe(123));

  it.each(binary)("$name", ({ value, hex, codec }) => {
    const bytes = bytesOf(hex);
    if (value.packets === undefined) {
      expect(encodeFrame(client, packetOf(value))).toEqual(bytes);
      expect(decodeFrame(client, bytes)).toEqual(packetOf(value));
      if (value.online !== undefined) {
        const { body } = packetOf(value);
        expect(decodeFrame(onlineCount, body)).toBe(value.online);
        expect(encodeFrame(onlineCount, value.online)).toEqual(body);
      }
      return;
    }
    const packets = value.packets.map(packetOf);
    if (codec === "goim-v2-ws") {
      expect(encodeFrame(client, batch(packets))).toEqual(bytes);
      expect(unbatch(decodeFrame(client, bytes))).toEqual(packets);
      expect(decodeAll(flat, bytes)).toEqual(packets);
    } else {
      expect(encodeAll(client, packets)).toEqual(bytes);
      expect(decodeAll(client, bytes)).toEqual(packets);
    }
    // One WebSocket message; no stream has cut it into packets.
    expect(flat.decodeMany?.(bytes, 0, bytes.length)).toEqual(packets);
  });
});

describe("vectors of JSON packets", () => {
  // Go ignores bytes after a value; here they are malformed, because a message is one JSON text
  // (RFC 8259).
  const REFUSED = ["v1 ws client: bytes after the value ignored"];
  const json = of("goim-v1-ws", "goim-v1-ws-object");

  it("are all here", () => expect(json.length).toBe(40));

  it.each(json.filter((c) => c.direction === "encode-server"))("$name", ({ value, hex, codec }) => {
    const bytes = bytesOf(hex);
    const dialect = codec === "goim-v1-ws" ? "v1.2" : "v1.0";
    const server = goimJson({ dialect, side: "server", body: "text" });
    const packets = (value.packets ?? [value]).map(({ ver, op, seq, bodyJson }) => ({
      ver,
      op,
      seq,
      body: bodyJson,
    }));
    const sent = value.packets === undefined ? packets[0]! : packets;
    expect(decodeUtf8(encodeFrame(server, sent))).toBe(decodeUtf8(bytes));

    const values = packets.map((p) => ({ ...p, body: JSON.parse(p.body ?? "{}") as unknown }));
    expect(decodeAll(goimJson({ dialect, side: "client" }), bytes)).toEqual(values);
    expect(decodeAll(goimJson(), bytes)).toEqual(values);
  });

  it.each(json.filter((c) => c.direction === "decode-server"))("$name", ({ name, value, hex }) => {
    const bytes = bytesOf(hex);
    const server = goimJson({ side: "server", body: "text" });
    const { ver, op, seq, bodyJson } = value;
    if (REFUSED.includes(name)) {
      expect(codeOf(() => decodeFrame(server, bytes))[0]).toBe("malformed");
      return;
    }
    const packet = { ver, op, seq, body: bodyJson };
    expect(decodeFrame(server, bytes)).toEqual(packet);
    expect(decodeFrame(goimJson({ body: "text" }), bytes)).toEqual(packet);
    // A client that writes it again gets the same packet.
    const again = encodeFrame(goimJson({ side: "client", body: "text" }), packet);
    expect(decodeFrame(server, again)).toEqual({ ...packet, body: bodyJson ?? "{}" });
  });
});

describe("vectors of the chat fork", () => {
  const chat = of("goim-chat");

  it("are all here", () => expect(chat.length).toBe(10));

  it.each(chat)("$name", ({ value, hex }) => {
    const { kind, from, to, chatId, ret, msgHex } = value as ChatValue;
    const packet = decodeFrame(client, bytesOf(hex));
    expect(packet).toEqual(packetOf(value));
    expect(encodeFrame(client, packet)).toEqual(bytesOf(hex));
    if (kind === "send") {
      const message = { from, to, msg: bytesOf(msgHex) };
      expect(decodeFrame(chatSend(), packet.body)).toEqual(message);
      expect(encodeFrame(chatSend(), message)).toEqual(packet.body);
    } else if (kind === "receive") {
      const message = { chatId: BigInt(chatId), from, to, msg: bytesOf(msgHex) };
      expect(decodeFrame(chatReceive(), packet.body)).toEqual(message);
      expect(encodeFrame(chatReceive(), message)).toEqual(packet.body);
    } else {
      const reply = { ret, chatId: BigInt(chatId) };
      expect(decodeFrame(chatReply(), packet.body)).toEqual(reply);
      expect(encodeFrame(chatReply(), reply)).toEqual(packet.body);
    }
  });
});

describe("invalid vectors", () => {
  const CODES: Record<string, readonly ProtocolErrorCode[]> = {
    truncated: ["truncated"],
    "pack-length": ["too-long", "malformed"],
    "header-length": ["malformed"],
    json: ["malformed"],
  };

  it("are all here", () => expect(vectors.invalid.length).toBe(41));

  it.each(vectors.invalid)("$name", ({ codec, kind, hex }) => {
    const bytes = bytesOf(hex);
    if (kind === "json") {
      const [code, text] = codeOf(() => decodeFrame(goimJson({ side: "server" }), bytes));
      expect([code, text.includes("json")]).toEqual(["malformed", true]);
      return;
    }
    const server = goim({ maxFrame: LIMITS[codec.slice(5, 7)], side: "server" });
    for (const run of [
      () => decodeFrame(server, bytes),
      // As one WebSocket message.
      () => server.decode(bytes, 0, bytes.length),
    ]) {
      const [code, text] = codeOf(run);
      expect(CODES[kind]).toContain(code);
      if (kind !== "truncated") expect(text).toContain(kind);
    }
  });
});

describe("quirks: differences from Go", () => {
  const handled = new Set<string>();
  const quirks = (codec: RegExp, which: (quirk: Quirk) => boolean): readonly Quirk[] => {
    const found = vectors.quirks.filter((q) => codec.test(q.codec) && which(q));
    for (const q of found) handled.add(q.name);
    return found;
  };
  const server = goim({ side: "server" });
  const json = goimJson({ side: "server", body: "text" });

  const lengths = quirks(/tcp|v2-ws|binary/, (q) => / pack length -?\d+$/.test(q.name));
  it.each(lengths.filter((q) => !q.name.endsWith(" 16")))(
    "$name: refused, unlike Go",
    ({ hex }) => {
      const [code, text] = codeOf(() => decodeFrame(server, bytesOf(hex!)));
      expect(code).toBe("malformed");
      expect(text).toContain("pack-length");
    },
  );

  it.each(lengths.filter((q) => q.name.endsWith(" 16")))("$name", ({ hex, codec }) => {
    const bytes = bytesOf(hex!);
    // On TCP the bytes after it start the next packet; in a message they are refused, which Go
    // ignores.
    expect(server.measure(bytes, 0, bytes.length, newScan())).toBe(16);
    if (codec === "goim-v2-ws") {
      expect(codeOf(() => server.decode(bytes, 0, bytes.length))[0]).toBe("malformed");
    }
  });

  const overflow = quirks(/binary/, (q) => q.name.endsWith("int32 min"));
  it.each(overflow)("$name: refused; Go crashes", ({ hex }) => {
    expect(codeOf(() => decodeFrame(server, bytesOf(hex!)))[0]).toBe("malformed");
  });

  const beyond = quirks(/v2-ws/, (q) => /missing|message of 20/.test(q.name));
  it.each(beyond)("$name: refused; Go reads stale bytes or crashes", ({ hex }) => {
    const bytes = bytesOf(hex!);
    expect(codeOf(() => decodeFrame(server, bytes))[0]).toBe("truncated");
    expect(codeOf(() => client.decodeMany?.(bytes, 0, bytes.length))[0]).toBe("truncated");
  });

  const small = quirks(/tcp/, (q) => /read buffer 512/.test(q.name));
  it.each(small)("$name: accepted; there is no second, hidden limit", ({ hex }) => {
    expect(decodeFrame(goim({ maxFrame: 1040 }), bytesOf(hex!)).body.length).toBe(600);
  });

  const cut = quirks(/tcp/, (q) => /cut to 16 bits/.test(q.name));
  it.each(cut)("$name: refused here", ({ input }) => {
    const [code] = codeOf(() => encodeFrame(client, packetOf(input as VectorPacket)));
    expect(code).toBe("unencodable");
  });

  const nothing = quirks(/v1-ws$/, (q) => q.goResult === "null");
  it.each(nothing)("$name: not written; a client reads it as no packets", ({ hex }) => {
    expect(codeOf(() => encodeFrame(json, []))[0]).toBe("unencodable");
    expect(decodeAll(goimJson({ side: "client" }), bytesOf(hex!))).toEqual([]);
  });

  const refusedBodies = quirks(/v1-ws$/, (q) => /write refused|invalid UTF-8/.test(q.name));
  it.each(refusedBodies)("$name: refused before anything is written", ({ input }) => {
    const { body, ...rest } = packetOf(input as VectorPacket);
    // Bytes as text: invalid UTF-8 cannot be a string.
    expect(() => encodeFrame(json, { ...rest, body: decodeUtf8(body) })).toThrow(ProtocolError);
  });

  const empty = quirks(/v1-ws$/, (q) => q.name.endsWith("packet with no body"));
  it.each(empty)("$name: {} is written; Go loses the whole batch", ({ input }) => {
    const { ver, op, seq } = packetOf(input as VectorPacket);
    const text = decodeUtf8(encodeFrame(json, [{ ver, op, seq }]));
    expect(text).toBe('[{"ver":0,"op":5,"seq":0,"body":{}}]');
  });

  // Go's server turns a binary batch into a JSON batch; here `unbatch` or `decodeAll` opens it.
  const inner = quirks(/v1-ws$/, (q) => /^v1 ws batch, inner/.test(q.name));
  it.each(inner)("$name: refused", ({ input }) => {
    expect(() => decodeAll(client, bytesOf(input as string))).toThrow(ProtocolError);
    const packet = { ver: 1, op: 9, seq: 0, body: bytesOf(input as string) };
    expect(() => unbatch(packet)).toThrow(ProtocolError);
  });

  const left = quirks(/v1-ws$/, (q) => /left-over/.test(q.name));
  it.each(left)("$name: refused", () => {
    const bytes = encodeAll(client, [{ ver: 0, op: 5, body: Uint8Array.of(0x31) }]);
    const body = Uint8Array.from([...bytes, 0, 0, 0, 20, 0, 16, 0, 0]);
    expect(codeOf(() => unbatch({ ver: 1, op: 9, seq: 0, body }))[0]).toBe("truncated");
  });

  const binaryJson = quirks(/v1-ws$/, (q) => /binary message/.test(q.name));
  it.each(binaryJson)("$name: accepted too", ({ input }) => {
    const bytes = new TextEncoder().encode(input as string);
    expect(decodeFrame(json, bytes)).toEqual({ ver: 1, op: 2, seq: 3, body: "{}" });
  });

  const slots = quirks(/v1-ws$/, (q) => /old values/.test(q.name));
  it.each(slots)("$name: 0 and absent here", ({ input }) => {
    const bytes = new TextEncoder().encode(input as string);
    expect(decodeFrame(json, bytes)).toEqual({ ver: 0, op: 0, seq: 9, body: undefined });
  });

  it("are all here", () => {
    expect(vectors.quirks.map((q) => q.name).filter((name) => !handled.has(name))).toEqual([]);
  });
});
