import { describe, expect, it } from "vitest";
import {
  Connection,
  decodeFrame,
  encodeFrame,
  lengthPrefixed,
  type Protocol,
  Splitter,
} from "../../../../src/index.ts";
import {
  ErrorReply,
  headerService,
  messageCodec,
} from "../../../../src/protocols/protobuf/index.ts";
import { bytesOf, hexOf } from "../../../support/hex.ts";
import { readText } from "../../../support/package.ts";
import { ScriptedSink } from "../../../support/scripted-sink.ts";
import { game, type LoginReq, type LoginResp, lookup } from "./game.ts";
import { errorOf } from "./samples.ts";

interface Vector {
  readonly name: string;
  readonly clientFrameHex: string;
  readonly serverFramesHex: readonly string[];
  readonly serverThrows?: boolean;
}

const { pbws: vectors } = JSON.parse(readText("test/vectors/sproto.json")) as { pbws: Vector[] };

/** The handlers that were used when the vectors were recorded. */
const handlers = game.answer({
  "game.LoginReq": ({ account }): LoginResp => ({
    errorResp: { code: "SUCCESS", message: `Hello ${account}` },
    userid: 10001,
  }),
  "game.GetPlayerInfoReq": ({ userid }) => {
    if (Number(userid) === -1) throw new Error("secret");
    if (Number(userid) === 0) return undefined;
    const player = { userid: 7, nickname: "云", level: 3, exp: 2 ** 40, vipLevel: -1 };
    return { player };
  },
});

/** A server's connection, and the bytes that it has written. */
function serve(more: Partial<typeof handlers> = handlers): {
  connection: Connection<never, unknown>;
  sink: ScriptedSink;
} {
  const sink = new ScriptedSink("message");
  const connection = new Connection(game.serverProtocol, sink, more as typeof handlers);
  connection.opened();
  return { connection: connection as unknown as Connection<never, unknown>, sink };
}

/**
 * Intentional differences. The reference's dispatch throws for these, its read loop dies and the
 * client receives nothing; here the client receives an error, and the connection stays open
 * (skynet.md, 5.3).
 */
const DIFFERENT: Record<string, [code: string, text: string]> = {
  "pbws-short": ["INVALID_MESSAGE", "Message length mismatch"],
  "pbws-zero-length": ["INVALID_MESSAGE", "Invalid message format"],
};

describe("the recorded frames", () => {
  it("are all here", () => {
    expect(vectors).toHaveLength(15);
    expect(vectors.filter(({ serverThrows }) => serverThrows).map(({ name }) => name)).toEqual(
      Object.keys(DIFFERENT),
    );
  });

  it.each(vectors)("$name is answered as the reference did", ({ name, ...vector }) => {
    const { connection, sink } = serve();
    connection.received(bytesOf(vector.clientFrameHex));
    const different = DIFFERENT[name];
    if (different === undefined) {
      expect(sink.writes.map(hexOf)).toEqual(vector.serverFramesHex);
    } else {
      const [code, text] = different;
      expect(sink.writes.map((bytes) => decodeFrame(game.clientProtocol, bytes))).toEqual([
        { kind: "error", seq: 0, code, text },
      ]);
    }
    expect(connection.state).toBe("open");
  });

  it("of requests are written by the client, byte for byte", () => {
    const login = encodeFrame(game.clientProtocol, {
      type: "game.LoginReq",
      seq: 1,
      message: { account: "alice", password: "pw" },
    });
    expect(hexOf(login)).toBe(vectors[0]!.clientFrameHex);
    const full = encodeFrame(game.clientProtocol, {
      type: "game.LoginReq",
      seq: 300,
      message: { account: "bob" },
      extras: { version: 2, timestamp: 1700000000000n, clientVersion: "1.2.3" },
    });
    expect(hexOf(full)).toBe(vectors[1]!.clientFrameHex);
    // A header of more than 127 bytes, so a length of two.
    const long = encodeFrame(game.clientProtocol, {
      type: "game.LoginReq",
      seq: 0xffffffff,
      message: { account: "carol", password: "p" },
      extras: { clientVersion: "v".repeat(200) },
    });
    expect(hexOf(long)).toBe(vectors[2]!.clientFrameHex);
  });

  it("of responses and errors are read by the client", () => {
    const [login, , , player] = vectors;
    const received = decodeFrame(game.clientProtocol, bytesOf(login!.serverFramesHex[0]!));
    expect(received).toMatchObject({ kind: "response" });
    if (received.kind !== "response") throw new Error("no response");
    const { bytes } = received;
    expect(lookup("game.LoginResp").decode(bytes)).toMatchObject({
      errorResp: { code: "SUCCESS", message: "Hello alice" },
    });
    expect(decodeFrame(game.clientProtocol, bytesOf(player!.serverFramesHex[0]!)).kind).toBe(
      "response",
    );
    const error = vectors.find(({ name }) => name === "pbws-handler-error")!;
    expect(decodeFrame(game.clientProtocol, bytesOf(error.serverFramesHex[0]!))).toEqual({
      kind: "error",
      seq: 7,
      code: "SERVER_ERROR",
      text: "Internal server error",
    });
  });
});

describe("the error form", () => {
  // header: 0a10 "common.ErrorResp", 10 07; error: 0a02 "NO", 1203 "why"
  const name = "0a10636f6d6d6f6e2e4572726f7252657370";
  const read = (payload: string) => {
    const bytes = bytesOf(payload);
    return game.clientCodec.decode(bytes, 0, bytes.length);
  };

  it.each([
    `${name} 1007 0a024e4f 1203776879`,
    `1007 ${name} 0a024e4f 1203776879`,
    `${name} 1007 1203776879 0a024e4f`,
    `1007 ${name} 1203776879 0a024e4f`,
    `1802 ${name} 20ff01 2a0131 1007 0a024e4f 1203776879 7a00`,
    `${name} 0a024e4f 1007 0a0158 1203776879`,
  ])("is read with its fields in any order (%#)", (payload) => {
    expect(read(payload)).toEqual({ kind: "error", seq: 7, code: "NO", text: "why" });
  });

  it("is read without seq and text, which protobuf leaves out", () => {
    expect(read(`${name} 0a024e4f`)).toEqual({ kind: "error", seq: 0, code: "NO", text: "" });
  });

  it.each<[string, string]>([
    ["a response", "0a160a0753554343455353120b48656c6c6f20616c696365 10914e"],
    ["a response without a field 1", "1005"],
    ["an empty response", ""],
    ["another name of 16 letters", "0a10636f6d6d6f6e2e4572726f7252657371 1007 0a024e4f"],
    ["another length", "0a03 636f6d 1007"],
    ["a truncated error", `${name} 1007 0a024e`],
    ["a code that is not UTF-8", `${name} 1007 0a02ff4f`],
  ])("is not %s", (_, payload) => {
    expect(read(payload)).toEqual({ kind: "response", bytes: bytesOf(payload) });
  });

  it("is written without empty fields, except its code", () => {
    const error = { kind: "error", seq: 0, code: "", text: "" } as const;
    expect(hexOf(encodeFrame(game.serverProtocol, error))).toBe(
      `14000000${name}0a00`.replaceAll(" ", ""),
    );
  });

  it("is written and read again with any number and text", () => {
    for (const error of [
      { kind: "error", seq: 0, code: "", text: "" },
      { kind: "error", seq: 0xffffffff, code: "X", text: "y".repeat(300) },
    ] as const) {
      expect(decodeFrame(game.clientProtocol, encodeFrame(game.serverProtocol, error))).toEqual(
        error,
      );
    }
  });
});

describe("the server's side", () => {
  const receive = (payload: string) => {
    const bytes = bytesOf(payload);
    return game.serverCodec.decode(bytes, 0, bytes.length);
  };
  const login = "0a0d67616d652e4c6f67696e526571"; // msg_type: "game.LoginReq"

  it.each<[string, string, string, number]>([
    ["an empty message", "", "INVALID_MESSAGE", 0],
    ["a header that is a number", "0801", "INVALID_MESSAGE", 0],
    ["a header that is a group", "0b0c", "INVALID_MESSAGE", 0],
    ["an overlong tag of the header", `8a0011 ${login} 1001`, "INVALID_MESSAGE", 0],
    ["a header whose length is missing", "0a", "INVALID_MESSAGE", 0],
    ["a header whose length is truncated", "0a80", "INVALID_MESSAGE", 0],
    ["a header that exceeds the end", `0a20 ${login} 1001`, "INVALID_MESSAGE", 0],
    ["a number instead of the name", "0a02 0801", "INVALID_HEADER", 0],
    ["text instead of the number", `0a13 ${login} 12026162`, "INVALID_HEADER", 0],
    ["a header that is truncated inside", "0a03 0a0561", "INVALID_HEADER", 0],
    ["no name", "0a02 1005", "INVALID_REQUEST", 5],
    ["an empty name", "0a04 0a00 1005", "INVALID_REQUEST", 5],
    ["an unknown name", "0a05 0a0161 1006", "INVALID_REQUEST", 6],
    ["a name that is not UTF-8", "0a05 0a01ff 1006", "INVALID_REQUEST", 6],
    ["a leading dot", "0a12 0a0e2e67616d652e4c6f67696e526571 1006", "INVALID_REQUEST", 6],
    [
      "the name of an inherited property",
      "0a0f 0a0b636f6e7374727563746f72 1006",
      "INVALID_REQUEST",
      6,
    ],
    ["a message that is not of its type", `0a11 ${login} 1007 1205 61`, "INVALID_REQUEST", 7],
  ])("refuses %s", (_, payload, code, seq) => {
    expect(receive(payload)).toMatchObject({ kind: "refusal", code, seq });
  });

  it.each<[string, string, number]>([
    ["an overlong length of the header", `0a918000 ${login} 1001 120161`, 1],
    [
      "unknown fields and groups in the header",
      `0a1b ${login} 1001 4b08014c 7a0161 2a0131 120161`,
      1,
    ],
    ["the number before the name", `0a11 1001 ${login} 120161`, 1],
    ["a number of 64 bits, modulo 2^32", `0a15 ${login} 108280808010 120161`, 2],
    ["a name twice: the last one", `0a14 0a0161 ${login} 1003 120161`, 3],
    ["no number", `0a0f ${login} 120161`, 0],
  ])("accepts %s", (_, payload, seq) => {
    expect(receive(payload)).toMatchObject({
      kind: "request",
      type: "game.LoginReq",
      seq,
      message: { account: "a" },
    });
  });

  it("uses the type of the first of two headers", () => {
    const second = "0a19 0a1567616d652e476574506c61796572496e666f526571 1009".replaceAll(" ", "");
    const received = receive(`0a11 ${login} 1001 120161 ${second}`);
    expect(received).toMatchObject({ kind: "request", type: "game.LoginReq", seq: 1 });
  });

  it("reports the exact reason in the cause", () => {
    const received = receive(`0a11 ${login} 1007 1205 61`);
    expect(received).toMatchObject({ cause: { code: "malformed", offset: 20 } });
  });

  it("refuses to write undefined types", () => {
    for (const sent of [
      { kind: "response", to: "game.Nope", message: {} },
      { kind: "response", to: "common.ErrorResp", message: {} },
      { kind: "push", type: "game.LoginReq", message: {} },
    ]) {
      const error = errorOf(() => encodeFrame(game.serverProtocol, sent as never));
      expect(error).toMatchObject({ code: "unencodable" });
    }
    const unknown = { type: "constructor", seq: 1, message: {} };
    expect(() => encodeFrame(game.clientProtocol, unknown as never)).toThrow(
      /request constructor is not defined/,
    );
  });

  it("refuses numbers that the header cannot hold", () => {
    const write = (seq: number, extras?: object) =>
      encodeFrame(game.clientProtocol, {
        type: "game.LoginReq",
        seq,
        message: { account: "a" },
        extras,
      });
    for (const wrong of [-1, 1.5, 2 ** 32, Number.NaN]) {
      const text = `uint32 cannot hold ${wrong}`;
      expect(() => write(wrong)).toThrow(`header.seq: ${text}`);
      expect(() => write(1, { version: wrong })).toThrow(`header.version: ${text}`);
      const error = { kind: "error", seq: wrong, code: "", text: "" } as const;
      expect(() => encodeFrame(game.serverProtocol, error)).toThrow(text);
    }
    for (const timestamp of [2n ** 63n, -(2n ** 63n) - 1n, 2 ** 53, 1.5]) {
      const error = errorOf(() => write(1, { timestamp }));
      expect(error).toMatchObject({ code: "unencodable" });
      expect((error as Error).message).toBe(`header.timestamp: int64 cannot hold ${timestamp}`);
    }
    for (const timestamp of [2n ** 63n - 1n, -(2n ** 63n), -1, 2 ** 53 - 1]) {
      const bytes = write(2 ** 32 - 1, { version: 2 ** 32 - 1, timestamp });
      const { message, seq } = decodeFrame(game.serverProtocol, bytes) as {
        message: LoginReq;
        seq: number;
      };
      expect(seq).toBe(2 ** 32 - 1);
      expect(message.header!.version).toBe(2 ** 32 - 1);
      expect(String(message.header!.timestamp)).toBe(String(timestamp));
    }
    expect(write(0, { version: 0, timestamp: 0n, clientVersion: "" })).toEqual(write(0));
  });

  it("refuses a message with a header of its own", () => {
    const message = { header: { msgType: "x" }, account: "a" } as never;
    const error = errorOf(() =>
      encodeFrame(game.clientProtocol, { type: "game.LoginReq", seq: 1, message }),
    );
    expect(error).toMatchObject({ code: "unencodable" });
    expect((error as Error).message).toMatch("game.LoginReq has a header (field 1) of its own");
  });

  it("distinguishes names of one length, and does not require pushes", () => {
    const body = messageCodec<Uint8Array>({ encode: (b) => b, decode: (b) => b });
    const both = headerService({
      requests: {
        "a.x": { request: body, response: body },
        "a.y": { request: body },
        "b.x": { request: body },
      },
    });
    for (const type of ["a.x", "a.y", "b.x"] as const) {
      const sent = { type, seq: 1, message: bytesOf("1001") };
      const received = decodeFrame(both.serverProtocol, encodeFrame(both.clientProtocol, sent));
      expect(received).toMatchObject({ kind: "request", type });
    }
    const bytes = bytesOf("0a050a03612e78");
    const response = { kind: "response", to: "a.x", message: bytes } as const;
    const answered = decodeFrame(both.clientProtocol, encodeFrame(both.serverProtocol, response));
    expect(answered).toEqual({ kind: "response", bytes });
  });

  it("applies maxFrame, its prefix included", () => {
    const small = headerService({
      requests: {
        a: { request: messageCodec<Uint8Array>({ encode: (b) => b, decode: (b) => b }) },
      },
      maxFrame: 20,
    });
    const write = (length: number) =>
      encodeFrame(small.clientProtocol, {
        type: "a",
        seq: 0,
        message: Uint8Array.of(0x12, length - 2, ...new Uint8Array(length - 2)),
      });
    // 4 bytes of length, 5 of header.
    expect(write(11)).toHaveLength(20);
    expect(errorOf(() => write(12))).toMatchObject({ code: "unencodable" });
  });

  it("works over streams too, in any framing", () => {
    const protocol: Protocol<Parameters<typeof game.clientCodec.encode>[0], unknown> =
      lengthPrefixed({ width: 4, endian: "le" }).wrap(game.clientCodec);
    const server = lengthPrefixed({ width: 4, endian: "le" }).wrap(game.serverCodec);
    const stream = vectors
      .slice(0, 2)
      .map(({ clientFrameHex }) => clientFrameHex)
      .join("");
    const splitter = new Splitter(server);
    const types: unknown[] = [];
    for (const byte of bytesOf(stream)) {
      splitter.push(Uint8Array.of(byte));
      while (splitter.next()) {
        types.push(server.decode(splitter.bytes, splitter.start, splitter.end).kind);
      }
    }
    expect(types).toEqual(["request", "request"]);
    const one = { type: "game.LoginReq", seq: 1, message: { account: "alice", password: "pw" } };
    expect(hexOf(encodeFrame(protocol, one as never))).toBe(vectors[0]!.clientFrameHex);
  });
});

describe("answer", () => {
  const request = (seq: number, account: string) =>
    encodeFrame(game.clientProtocol, { type: "game.LoginReq", seq, message: { account } });
  const replies = (sink: ScriptedSink) =>
    sink.writes.map((bytes) => {
      const received = decodeFrame(game.clientProtocol, bytes);
      if (received.kind !== "response") return received;
      return lookup("game.LoginResp").toObject(lookup("game.LoginResp").decode(received.bytes), {
        longs: Number,
      });
    });
  const settled = () => new Promise((resolve) => setTimeout(resolve));

  it("waits for a handler before it calls the next one", async () => {
    const finish: ((response: LoginResp) => void)[] = [];
    const { connection, sink } = serve(
      game.answer({ "game.LoginReq": () => new Promise<LoginResp>((done) => finish.push(done)) }),
    );
    connection.received(request(1, "a"));
    connection.received(request(2, "b"));
    expect(finish).toHaveLength(1);
    expect(sink.calls).toEqual(["pause"]);
    finish[0]!({ userid: 1 });
    await settled();
    expect(finish).toHaveLength(2);
    finish[1]!({ userid: 2 });
    await settled();
    expect(replies(sink)).toEqual([{ userid: 1 }, { userid: 2 }]);
    expect(sink.calls.at(-1)).toBe("resume");
  });

  it("runs handlers concurrently, with the option", async () => {
    const finish: ((response: LoginResp) => void)[] = [];
    const { connection, sink } = serve(
      game.answer(
        { "game.LoginReq": () => new Promise<LoginResp>((done) => finish.push(done)) },
        { concurrent: true },
      ),
    );
    connection.received(request(1, "a"));
    connection.received(request(2, "b"));
    expect(finish).toHaveLength(2);
    finish[1]!({ userid: 2 });
    await settled();
    finish[0]!({ userid: 1 });
    await settled();
    expect(replies(sink)).toEqual([{ userid: 2 }, { userid: 1 }]);
  });

  it("does not resume a connection that a handler has paused, with `concurrent`", async () => {
    const { connection, sink } = serve(
      game.answer(
        {
          "game.LoginReq": async (_, call) => {
            call.connection.pause();
            return { userid: 1 };
          },
        },
        { concurrent: true },
      ),
    );
    connection.received(request(1, "a"));
    await settled();
    expect(replies(sink)).toEqual([{ userid: 1 }]);
    expect(sink.calls).toContain("pause");
    expect(sink.calls).not.toContain("resume");
  });

  it("sends the client only an ErrorReply, and hides other errors", async () => {
    const reported: unknown[] = [];
    const { connection, sink } = serve(
      game.answer(
        {
          "game.LoginReq": ({ account }) => {
            if (account === "told") throw new ErrorReply("NO_SUCH_ACCOUNT", "who?");
            if (account === "rejected") return Promise.reject(new ErrorReply("LATER"));
            if (account === "unwritable") return { userid: 2 ** 53 };
            if (account === "late") return Promise.reject(new Error("secret"));
            throw new Error("secret");
          },
        },
        {
          report: (error, about) =>
            reported.push([(error as Error | undefined)?.message, about.seq]),
        },
      ),
    );
    for (const [i, account] of ["told", "rejected", "unwritable", "late", "x"].entries()) {
      connection.received(request(i + 1, account));
      await settled();
    }
    connection.received(bytesOf("00000000"));
    const error = { kind: "error", code: "SERVER_ERROR", text: "Internal server error" };
    expect(replies(sink)).toEqual([
      { kind: "error", seq: 1, code: "NO_SUCH_ACCOUNT", text: "who?" },
      { kind: "error", seq: 2, code: "LATER", text: "" },
      { ...error, seq: 3 },
      { ...error, seq: 4 },
      { ...error, seq: 5 },
      { kind: "error", seq: 0, code: "INVALID_MESSAGE", text: "Invalid message format" },
    ]);
    expect(reported).toEqual([
      ["userid: int64 cannot hold 9007199254740992", 3],
      ["secret", 4],
      ["secret", 5],
      [expect.stringMatching("an empty message instead of a header"), 0],
    ]);
  });

  it("passes handlers the connection of the request", () => {
    const calls: unknown[] = [];
    const { connection, sink } = serve(
      game.answer({
        "game.LoginReq": (message, call) => {
          calls.push([message.header?.seq, call.type, call.seq]);
          call.connection.send({ kind: "push", type: "game.Notice", message: { text: "hi" } });
          return undefined;
        },
      }),
    );
    connection.received(request(9, "a"));
    expect(calls).toEqual([[9, "game.LoginReq", 9]]);
    expect(replies(sink)).toMatchObject([
      { kind: "push", type: "game.Notice", message: { text: "hi" } },
    ]);
  });
});
