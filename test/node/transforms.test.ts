import { Readable, Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { describe, expect, it } from "vitest";
import { skip } from "../../src/framing/index.ts";
import {
  defineProtocol,
  encodeAll,
  json,
  lengthPrefixed,
  lines,
  type Protocol,
  type Skipped,
  utf8,
} from "../../src/index.ts";
import { decoderTransform, encoderTransform } from "../../src/transports/node/index.ts";
import { decoderStream } from "../../src/transports/web/index.ts";

const text = lines({ maxFrame: 64 }).wrap(utf8());
const bad = Buffer.from(`a\nb\n${"x".repeat(65)}\nc\n`);

/** What an async loop over the stream sees, and the error that ends it. */
async function drain(stream: Readable): Promise<{ values: unknown[]; error?: unknown }> {
  const values: unknown[] = [];
  try {
    for await (const value of stream) values.push(value);
    return { values };
  } catch (error) {
    return { values, error };
  }
}

/** The same by events. */
function listenTo(stream: Readable): Promise<{ values: unknown[]; error?: unknown }> {
  return new Promise((resolve) => {
    const values: unknown[] = [];
    stream.on("data", (value) => values.push(value));
    stream.on("end", () => resolve({ values }));
    stream.on("error", (error) => resolve({ values, error }));
  });
}

function cut(bytes: Uint8Array, size: number): Readable {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return Readable.from(pieces);
}

describe("decoderTransform and encoderTransform", () => {
  it("return all values, however the bytes are cut", async () => {
    const protocol = lengthPrefixed({ width: 2 }).wrap(utf8());
    const words = ["", "one", "two", "x".repeat(3000), "five"];
    const bytes = await buffer(Readable.from(words).pipe(encoderTransform(protocol)));
    expect(bytes).toEqual(Buffer.from(encodeAll(protocol, words)));
    for (const size of [1, 2, 3, 1000, bytes.length]) {
      const { values } = await drain(cut(bytes, size).pipe(decoderTransform(protocol)));
      expect(values).toEqual(words);
    }
  });

  it("read and write batches", async () => {
    const bytes = await buffer(
      Readable.from([["a", "b"], [], ["c"]]).pipe(encoderTransform(text, { batch: true })),
    );
    expect(bytes.toString()).toBe("a\nb\nc\n");
    const { values } = await drain(cut(bytes, 4).pipe(decoderTransform(text, { batch: true })));
    expect(values).toEqual([["a", "b"], ["c"]]);
  });

  it("deliver complete messages before a bad frame, to loops and listeners", async () => {
    for (const read of [drain, listenTo]) {
      for (const batch of [false, true]) {
        for (let size = 1; size <= bad.length; size++) {
          const { values, error } = await read(
            cut(bad, size).pipe(decoderTransform(text, { batch })),
          );
          expect(values.flat()).toEqual(["a", "b"]);
          expect(error).toMatchObject({ code: "too-long", offset: 4 });
        }
      }
    }
  });

  it("fail at the end inside a frame", async () => {
    for (const read of [drain, listenTo]) {
      const { values, error } = await read(
        cut(Buffer.from("a\nb"), 10).pipe(decoderTransform(text)),
      );
      expect(values).toEqual(["a"]);
      expect(error).toMatchObject({ code: "truncated", offset: 2 });
    }
  });

  it("fail a pipeline if a chunk is not bytes", async () => {
    const source = new Readable({ objectMode: true, read() {} });
    source.push({ a: 1 });
    const target = new Writable({ objectMode: true, write: (_, __, done) => done() });
    await expect(pipeline(source, decoderTransform(text), target)).rejects.toThrow(
      "a chunk must be a Uint8Array",
    );
    const strings = Readable.from(["one\n", "two\n"]);
    expect(await strings.pipe(decoderTransform(text)).toArray()).toEqual(["one", "two"]);
  });

  it("fail a pipeline, for bytes that cannot be read and values that cannot be written", async () => {
    const sink = (): Writable => new Writable({ objectMode: true, write: (_, __, done) => done() });
    await expect(pipeline(cut(bad, 7), decoderTransform(text), sink())).rejects.toMatchObject({
      code: "too-long",
    });
    await expect(
      pipeline(Readable.from(["two\nlines"]), encoderTransform(text), sink()),
    ).rejects.toMatchObject({ code: "unencodable" });
  });

  it("skip bad input with `onInvalid`, and read the last line", async () => {
    const protocol = lines({ maxFrame: 64, last: "accept" }).wrap(json());
    const wire = Buffer.from(`1\nwhat?\n${"x".repeat(100)}\n2\n3`);
    for (const batch of [false, true]) {
      for (const size of [1, 7, wire.length]) {
        const skipped: number[] = [];
        const options = {
          batch,
          onInvalid: skip(),
          skipped: ({ length }: Skipped) => skipped.push(length),
        };
        const { values, error } = await drain(
          cut(wire, size).pipe(decoderTransform(protocol, options)),
        );
        expect(error).toBeUndefined();
        expect(values.flat()).toEqual([1, 2, 3]);
        expect(skipped).toEqual([6, 101]);
      }
    }
    const wrong = { onBad: skip() } as object;
    expect(() => decoderTransform(protocol, wrong)).toThrow(/use batch, onInvalid, skipped/);
  });

  it("do not read ahead of their reader", async () => {
    let asked = 0;
    const source = new Readable({
      highWaterMark: 0,
      read() {
        asked++;
        this.push("a\nb\n");
      },
    });
    const decoder = source.pipe(decoderTransform(text));
    const slow = decoder[Symbol.asyncIterator]();
    for (let i = 0; i < 4; i++) await slow.next();
    await new Promise((resolve) => setImmediate(resolve));
    // Node's writable buffers 16 KiB; what counts is that it ends.
    expect(asked).toBeLessThan(20_000);
    const before = asked;
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(asked).toBe(before);
    await slow.return?.();
  });

  it("refuse null, which marks the end of a stream, but not in a batch", async () => {
    const nothing = lines().wrap(json<null>());
    const bytes = encodeAll(nothing, [null, null]);
    const { error } = await drain(cut(bytes, 100).pipe(decoderTransform(nothing)));
    expect(error).toBeInstanceOf(TypeError);
    const batch = decoderTransform(nothing, { batch: true });
    expect((await drain(cut(bytes, 100).pipe(batch))).values).toEqual([[null, null]]);
  });

  it("deliver a message that is undefined", async () => {
    const beats = defineProtocol<undefined>({
      name: "heartbeats",
      maxFrame: 1,
      measure: (_bytes, start, end) => (end > start ? 1 : 0),
      decode: () => undefined,
      encode: (_, out) => void out.u8(0),
    });
    const bytes = encodeAll(beats, [undefined, undefined, undefined]);
    const expected = [undefined, undefined, undefined];
    const { values } = await drain(cut(bytes, 3).pipe(decoderTransform(beats)));
    expect(values).toEqual(expected);
    const heard: unknown[] = [];
    for await (const beat of new Response(bytes).body!.pipeThrough(decoderStream(beats))) {
      heard.push(beat);
    }
    expect(heard).toEqual(expected);
  });

  it("use a separate protocol state for each stream, and deliver every value of a frame", async () => {
    const words: Protocol<string> = {
      ...text,
      decodeMany: (bytes, start, end) => text.decode(bytes, start, end).split(" "),
    };
    const protocol = defineProtocol<string>({ ...text, perConnection: () => words });
    const bytes = await buffer(Readable.from(["a b", "c"]).pipe(encoderTransform(protocol)));
    expect((await drain(cut(bytes, 3).pipe(decoderTransform(protocol)))).values).toEqual([
      "a",
      "b",
      "c",
    ]);
  });

  it("refuse bytes after an error", async () => {
    const decoder = decoderTransform(text);
    decoder.resume();
    const errors: unknown[] = [];
    decoder.on("error", (error) => errors.push(error));
    decoder.write(Buffer.alloc(65));
    decoder.write(Buffer.from("a\n"));
    await expect.poll(() => errors.length).toBe(1);
    expect(errors).toMatchObject([{ code: "too-long" }]);
  });
});
