import { describe, expect, it } from "vitest";
import {
  type Codec,
  Connection,
  defineProtocol,
  lines,
  type MessageProtocol,
  utf8,
} from "../../../src/index.ts";
import { collectGarbage } from "../../support/garbage.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** A codec of text that records which way each frame takes. */
function recording() {
  const ways: string[] = [];
  const places: [number, number][] = [];
  const codec: Codec<string> = {
    decode(bytes, start, end) {
      ways.push("bytes");
      return utf8().decode(bytes, start, end);
    },
    decodeText(text, start, end) {
      ways.push("text");
      places.push([start, end]);
      return text.slice(start, end);
    },
    encode: (value, out) => void out.utf8(value),
  };
  return { ways, places, codec };
}

function setup(protocol: MessageProtocol<string>) {
  const got: string[] = [];
  const connection = new Connection<string>(protocol, new ScriptedSink(), {
    message: (_, value) => void got.push(value),
  });
  connection.opened();
  const receive = (text: string): void => connection.received(bytesOf(text));
  return { connection, got, receive };
}

describe("the text of a chunk", () => {
  it.each([
    ["a\nb\nc\n", "text text text"],
    ["a\nb\n", "bytes bytes"],
    ["a\n", "bytes"],
    // Three times the first frame.
    ["abc\nabcde\na\n", "text text text"],
    ["abc\nabcd\na\n", "bytes bytes bytes"],
  ])("is made for at least three frames: %j", (chunk, ways) => {
    const { codec, ways: taken } = recording();
    const { got, receive } = setup(lines().wrap(codec));
    receive(chunk);
    expect(got).toEqual(chunk.split("\n").slice(0, -1));
    expect(taken.join(" ")).toBe(ways);
  });

  it("counts from the first frame, not from bytes that were passed over before", () => {
    for (const [frames, ways] of [
      ["aaaa\nbb\n", "bytes bytes"],
      ["a\nb\nc\nd\n", "text text text text"],
      ["é\nü\nö\n", "text text text"],
    ] as const) {
      const { codec, ways: taken } = recording();
      const { got, receive } = setup(lines({ skipEmpty: true }).wrap(codec));
      receive(`${"\n".repeat(20)}${frames}`);
      expect(got).toEqual(frames.split("\n").slice(0, -1));
      expect(taken.join(" ")).toBe(ways);
    }
  });

  it("has the places of the bytes if it is ASCII", () => {
    const { codec, places } = recording();
    const { receive } = setup(lines({ skipEmpty: true }).wrap(codec));
    receive("\n\na\nbc\nd\n");
    expect(places).toEqual([
      [2, 3],
      [4, 6],
      [7, 8],
    ]);
  });

  it("has places of its own if it is not ASCII", () => {
    const { codec, ways } = recording();
    const { got, receive } = setup(lines().wrap(codec));
    receive("\né1\nüü2\nö\n中文\n");
    receive("ä\nß3\nñ\n");
    expect(got).toEqual(["", "é1", "üü2", "ö", "中文", "ä", "ß3", "ñ"]);
    expect(ways.join(" ")).toBe(Array.from({ length: 8 }, () => "text").join(" "));
  });

  it("is given up where bytes are passed over, if it is not ASCII", () => {
    const { codec, ways } = recording();
    const { got, receive } = setup(lines({ skipEmpty: true }).wrap(codec));
    receive("é\nü\n\nö\nä\nß\n");
    expect(got).toEqual(["é", "ü", "ö", "ä", "ß"]);
    expect(ways.join(" ")).toBe("text text bytes bytes bytes");
  });

  it.each(["ab\ncd\nef\n", "é1\nü2\nö3\n"])("of %j is not used for the next chunk", (first) => {
    for (const next of ["gh\nij\n", "äk\nßl\n"]) {
      const { got, receive } = setup(lines().wrap(recording().codec));
      receive(first);
      receive(next);
      expect(got).toEqual(`${first}${next}`.split("\n").slice(0, -1));
    }
  });

  it("is not used for a frame that lies in two chunks", () => {
    const { codec } = recording();
    const { connection, got, receive } = setup(lines().wrap(codec));
    connection.pause();
    receive("aa\nbb\ncc\nd");
    receive("ef\ngg\nhh\nii\n");
    connection.resume();
    expect(got).toEqual(["aa", "bb", "cc", "def", "gg", "hh", "ii"]);
  });

  it("is kept while the rest of the chunk waits", () => {
    const { codec, ways } = recording();
    const { connection, got, receive } = setup(lines().wrap(codec));
    const values: string[] = [];
    connection.use(lines().wrap(codec), {
      message(c, value) {
        values.push(value);
        if (value === "c") c.pause();
      },
    });
    receive("a\nb\nc\nd\ne\n");
    connection.resume();
    expect([got, values, ways.join(" ")]).toEqual([
      [],
      ["a", "b", "c", "d", "e"],
      "text text text text text",
    ]);
  });

  it("is not made for a codec whose frames end in no known way, unless it is ASCII", () => {
    const { codec, ways } = recording();
    const plain = lines().wrap(utf8());
    const own = defineProtocol<string>({
      ...plain,
      name: "own",
      decode: (bytes, start, end) => codec.decode(bytes, start, end - 1),
      decodeText: (text, start, end) => codec.decodeText!(text, start, end - 1),
    });
    const { got, receive } = setup(own);
    receive("é\nü\nö\n");
    receive("a\nb\nc\n");
    expect(got).toEqual(["é", "ü", "ö", "a", "b", "c"]);
    expect(ways.join(" ")).toBe("bytes bytes bytes text text text");
  });

  it("of an old protocol is not used for the new one", () => {
    const { codec, ways } = recording();
    const bytesOnly = lines().wrap(utf8());
    const { connection, receive } = setup({
      ...bytesOnly,
      decode: (bytes, start, end) => bytesOnly.decode(bytes, start, end),
    });
    const got: string[] = [];
    connection.use(lines().wrap(codec), { message: (_, value) => void got.push(value) });
    receive("a\nb\nc\n");
    expect([got, ways.join(" ")]).toEqual([["a", "b", "c"], "text text text"]);
  });

  it("keeps no chunk alive once all of it is delivered", async () => {
    const { connection, got } = setup(lines().wrap(recording().codec));
    let chunk: Uint8Array<ArrayBuffer> | undefined = bytesOf("x\n".repeat(1000));
    const ref = new WeakRef(chunk);
    connection.received(chunk);
    chunk = undefined;
    await collectGarbage();
    expect([got.length, ref.deref(), connection.state]).toEqual([1000, undefined, "open"]);
  });

  it("keeps no chunk alive once the connection is over", async () => {
    const { codec } = recording();
    const connection = new Connection<string>(lines().wrap(codec), new ScriptedSink(), {
      message: (c) => c.abort(),
    });
    connection.opened();
    let chunk: Uint8Array<ArrayBuffer> | undefined = bytesOf("x\n".repeat(1000));
    const ref = new WeakRef(chunk);
    connection.received(chunk);
    chunk = undefined;
    await collectGarbage();
    expect([connection.messages, ref.deref()]).toEqual([1, undefined]);
  });
});
