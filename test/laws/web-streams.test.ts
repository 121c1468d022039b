import { array, assert, asyncProperty, integer, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { skip } from "../../src/framing/index.ts";
import {
  defineProtocol,
  encodeAll,
  json,
  lengthPrefixed,
  lines,
  type Protocol,
  ProtocolError,
  raw,
  type Skipped,
  utf8,
} from "../../src/index.ts";
import { attachStreams, decoderStream, encoderStream } from "../../src/transports/web/index.ts";

const text = lines({ maxFrame: 64 }).wrap(utf8());
const bytesOf = (s: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(s);

/** A stream of these chunks, which notes how many were asked for. */
function chunks(...list: Uint8Array[]): { stream: ReadableStream<Uint8Array>; asked(): number } {
  let at = 0;
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (at < list.length) controller.enqueue(list[at++]!);
        else controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, asked: () => at };
}

/** Everything that a stream gives, and the error that ends it. */
async function drain<T>(stream: ReadableStream<T>): Promise<{ values: T[]; error?: unknown }> {
  const values: T[] = [];
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { values };
      values.push(value);
    }
  } catch (error) {
    return { values, error };
  }
}

describe("decoderStream and encoderStream", () => {
  it("give back what was put in, however it is cut", async () => {
    const words = array(string({ maxLength: 20, unit: "grapheme-ascii" }), { maxLength: 8 });
    const property = asyncProperty(
      words,
      array(integer({ min: 1, max: 9 })),
      async (list, cuts) => {
        const protocol = lengthPrefixed({ width: 2 }).wrap(utf8());
        const source = new ReadableStream<string>({
          start(controller) {
            for (const word of list) controller.enqueue(word);
            controller.close();
          },
        });
        let next = 0;
        const cutter = new TransformStream<Uint8Array, Uint8Array>({
          transform(chunk, controller) {
            for (let at = 0; at < chunk.length; ) {
              const size = cuts[next++ % cuts.length] ?? chunk.length;
              controller.enqueue(chunk.slice(at, at + size));
              at += size;
            }
          },
        });
        const wire = source.pipeThrough(encoderStream(protocol)).pipeThrough(cutter);
        expect(await drain(wire.pipeThrough(decoderStream(protocol)))).toEqual({ values: list });
      },
    );
    await assert(property, { numRuns: 50 });
  });

  it("take and give batches", async () => {
    const source = new ReadableStream<string[]>({
      start(controller) {
        controller.enqueue(["a", "b"]);
        controller.enqueue([]);
        controller.enqueue(["c"]);
        controller.close();
      },
    });
    const wire = source.pipeThrough(encoderStream(text, { batch: true }));
    const { values } = await drain(wire.pipeThrough(decoderStream(text, { batch: true })));
    expect(values).toEqual([["a", "b"], ["c"]]);
  });

  it("deliver what came whole before a bad frame, in one chunk or many, and stop the source", async () => {
    const bad = bytesOf(`a\nb\n${"x".repeat(65)}`);
    for (const batch of [false, true]) {
      for (const cut of [0, 2, 4, 20]) {
        const { stream, asked } = chunks(bad.slice(0, cut), bad.slice(cut), bytesOf("\nc\n"));
        const decoder = batch ? decoderStream(text, { batch: true }) : decoderStream(text);
        const { values, error } = await drain<unknown>(
          stream.pipeThrough(decoder as TransformStream<Uint8Array, unknown>),
        );
        expect(values.flat()).toEqual(["a", "b"]);
        expect(error).toMatchObject({ code: "too-long", offset: 4 });
        expect(asked()).toBeLessThanOrEqual(3);
      }
    }
  });

  it("fail at the end inside a frame, writer and reader", async () => {
    const { readable, writable } = decoderStream(text);
    const writer = writable.getWriter();
    const writes = [writer.write(bytesOf("a\nb")), writer.close()].map((w) => w.catch((e) => e));
    const { values, error } = await drain(readable);
    expect(values).toEqual(["a"]);
    expect(error).toMatchObject({ code: "truncated", offset: 2 });
    expect(await writes[0]).toBeUndefined();
    expect(await writes[1]).toBe(error);
  });

  it("report a codec's error with its place in the stream, and stay failed", async () => {
    const picky = defineProtocol<string>({
      ...text,
      decode(bytes, start, end) {
        if (bytes[start] === 0x21) throw new ProtocolError("malformed", "no!", start);
        return text.decode(bytes, start, end);
      },
    });
    for (const options of [{ batch: false }, { batch: true }] as const) {
      const { stream } = chunks(bytesOf("a\n"), bytesOf("b\n!\nc\n"));
      const out = stream.pipeThrough(
        decoderStream(picky, options as { batch: true }) as TransformStream<Uint8Array, unknown>,
      );
      const { values, error } = await drain<unknown>(out);
      expect(values.flat()).toEqual(["a", "b"]);
      expect(error).toMatchObject({ code: "malformed", offset: 4 });
    }
  });

  it("skip bad input where they are told to, and take the last line", async () => {
    const protocol = lines({ maxFrame: 64, last: "accept" }).wrap(json());
    const wire = bytesOf(`1\nwhat?\n${"x".repeat(100)}\n2\n3`);
    for (const pieces of [[wire], Array.from(wire, (byte) => Uint8Array.of(byte))]) {
      const skipped: number[] = [];
      const options = { onInvalid: skip(), skipped: ({ length }: Skipped) => skipped.push(length) };
      const source = chunks(...pieces).stream;
      const { values, error } = await drain(source.pipeThrough(decoderStream(protocol, options)));
      expect(error).toBeUndefined();
      expect(values).toEqual([1, 2, 3]);
      expect(skipped).toEqual([6, 101]);
    }
    const wrong = { onBad: skip() } as object;
    expect(() => decoderStream(protocol, wrong)).toThrow(/use batch, onInvalid, skipped/);
  });

  it("fail for a chunk that is not bytes, writer and reader", async () => {
    for (const chunk of [{ a: 1 }, "text", null, [1, 2], new ArrayBuffer(2)]) {
      const { readable, writable } = decoderStream(text);
      const writer = writable.getWriter();
      const writing = writer.write(chunk as unknown as Uint8Array);
      const [read, written] = await Promise.allSettled([readable.getReader().read(), writing]);
      expect([read.status, written.status]).toEqual(["rejected", "rejected"]);
      expect(read).toMatchObject({ reason: { name: "TypeError" } });
      await expect(writer.closed).rejects.toThrow("a chunk must be a Uint8Array");
    }
  });

  it("read no further than their reader does", async () => {
    const { stream, asked } = chunks(...Array.from({ length: 100 }, () => bytesOf("a\nb\n")));
    const reader = stream.pipeThrough(decoderStream(text)).getReader();
    for (let i = 0; i < 4; i++) await reader.read();
    await new Promise((resolve) => setTimeout(resolve, 5));
    // Two chunks are used up; the pipe and the writable's queue may hold one each.
    expect(asked()).toBeLessThanOrEqual(4);
    await reader.cancel();
  });

  it("tell the other side when one is given up", async () => {
    const cancelled = decoderStream(text);
    const writer = cancelled.writable.getWriter();
    const write = writer.write(bytesOf("a\nb\n")).catch((error) => error);
    await cancelled.readable.cancel("enough");
    expect(await write).toBe("enough");
    expect(await writer.write(bytesOf("c\n")).catch((error) => error)).toBe("enough");

    const aborted = decoderStream(text);
    const read = drain(aborted.readable);
    const aborter = aborted.writable.getWriter();
    await aborter.write(bytesOf("a\n"));
    await aborter.abort("broken");
    expect(await read).toEqual({ values: ["a"], error: "broken" });

    const unread = decoderStream(text);
    const stuck = unread.writable.getWriter();
    stuck.write(bytesOf("a\n")).catch(() => {});
    await stuck.abort("broken");
    expect((await drain(unread.readable)).error).toBe("broken");
  });

  it("give each stream a protocol of its own", async () => {
    let made = 0;
    const stateful: Protocol<string> = {
      ...text,
      perConnection: () => {
        made++;
        return text;
      },
    };
    const { stream } = chunks(encodeAll(text, ["a"]));
    await drain(stream.pipeThrough(decoderStream(stateful)));
    encoderStream(stateful);
    expect(made).toBe(2);
  });

  it("deliver every value of a frame that holds several", async () => {
    const words: Protocol<string> = {
      ...text,
      decodeMany: (bytes, start, end) => text.decode(bytes, start, end).split(" "),
    };
    const { stream } = chunks(bytesOf("a b\nc\n"));
    expect((await drain(stream.pipeThrough(decoderStream(words)))).values).toEqual(["a", "b", "c"]);
  });

  it("fail for what cannot be encoded, behind what could be", async () => {
    const { readable, writable } = encoderStream(text);
    const writer = writable.getWriter();
    const writes = ["a", "two\nlines", "c"].map((s) => writer.write(s).catch((error) => error));
    const { values, error } = await drain(readable);
    expect(values).toEqual([bytesOf("a\n")]);
    expect(error).toMatchObject({ code: "unencodable" });
    expect(await Promise.all(writes)).toMatchObject([undefined, error, error]);
  });
});

describe("attachStreams", () => {
  /** Two ends that are joined crosswise. */
  function pair() {
    const there = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>();
    const back = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>();
    return [
      { readable: back.readable, writable: there.writable },
      { readable: there.readable, writable: back.writable },
    ] as const;
  }

  it("joins two connections", async () => {
    const [a, b] = pair();
    const endings: string[] = [];
    attachStreams(b, text, {
      message: (connection, line) => connection.send(line.toUpperCase()),
      close: (_, { by }) => endings.push(`server: ${by}`),
    });
    const client = attachStreams(a, text, { close: (_, { by }) => endings.push(`client: ${by}`) });
    client.send("one");
    client.send("two");
    const received: string[] = [];
    for await (const line of client) {
      received.push(line);
      if (received.length === 2) client.close();
    }
    expect(received).toEqual(["ONE", "TWO"]);
    await expect.poll(() => endings.sort()).toEqual(["client: local", "server: peer"]);
  });

  it("reads no more while it is paused, and slows the peer down", async () => {
    const [a, b] = pair();
    let received = 0;
    const slow = attachStreams(b, lengthPrefixed({ width: 4 }).wrap(raw()), {
      message: () => received++,
    });
    slow.pause();
    const fast = attachStreams(a, lengthPrefixed({ width: 4 }).wrap(raw()), { message: () => {} });
    let sent = 0;
    while (fast.send(new Uint8Array(100_000))) {
      sent++;
      await Promise.resolve();
    }
    expect(sent).toBeLessThan(20);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(received).toBe(0);
    slow.resume();
    await expect.poll(() => received).toBe(sent + 1);
    await expect.poll(() => fast.queued).toBe(0);
    fast.close();
  });

  it("takes one direction alone", async () => {
    const received: string[] = [];
    const reading = attachStreams({ readable: chunks(bytesOf("a\nb\n")).stream }, text);
    for await (const line of reading) received.push(line);
    expect(received).toEqual(["a", "b"]);
    expect(reading.state).toBe("closed");

    const wire = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>();
    const writing = attachStreams({ writable: wire.writable }, text);
    writing.send("a");
    writing.close();
    expect(await drain(wire.readable)).toEqual({ values: [bytesOf("a\n")] });
    await expect.poll(() => writing.state).toBe("closed");

    const errors: unknown[] = [];
    const mute = attachStreams({ readable: new ReadableStream() }, text, {
      error: (_, error) => errors.push(error),
    });
    mute.send("x");
    await expect.poll(() => mute.state).toBe("closed");
    expect(errors).toMatchObject([{ name: "TypeError" }]);

    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      cancel() {
        cancelled = true;
      },
    });
    const local = attachStreams({ readable: endless }, text, { message: () => {} });
    local.close();
    await expect.poll(() => [local.state, cancelled]).toEqual(["closed", true]);
  });

  it("is lost with either direction", async () => {
    for (const side of ["readable", "writable"] as const) {
      const failure = new Error("gone");
      let fail = (): void => {};
      const start = (controller: { error(error: unknown): void }): void => {
        fail = () => controller.error(failure);
      };
      const [streams] = pair();
      const broken =
        side === "readable"
          ? { ...streams, readable: new ReadableStream<Uint8Array>({ start }) }
          : { ...streams, writable: new WritableStream<Uint8Array>({ start }) };
      const closes: unknown[] = [];
      const connection = attachStreams(broken, text, {
        message: () => {},
        close: (_, info) => closes.push(info),
      });
      fail();
      await expect.poll(() => connection.state).toBe("closed");
      expect(closes).toEqual([{ by: "error", error: failure }]);
    }
  });

  it("leaves neither direction open when one has failed", async () => {
    const ends: string[] = [];
    const failure = new Error("gone");
    let fail = (): void => {};
    const connection = attachStreams(
      {
        readable: new ReadableStream<Uint8Array>({
          start(controller) {
            fail = () => controller.error(failure);
          },
        }),
        writable: new WritableStream<Uint8Array>({ abort: (why) => void ends.push(String(why)) }),
      },
      text,
      { message: () => {} },
    );
    fail();
    await expect.poll(() => [connection.state, ends]).toEqual(["closed", ["Error: gone"]]);
  });

  it.each(["and", "but throws"])(
    "is cut by the streams' own close, where they have it, %s",
    async (how) => {
      const calls: string[] = [];
      const connection = attachStreams(
        {
          readable: new ReadableStream<Uint8Array>({ cancel: () => void calls.push("cancel") }),
          writable: new WritableStream<Uint8Array>({ abort: () => void calls.push("abort") }),
          close() {
            calls.push("close");
            if (how === "but throws") throw new Error("closed already");
          },
        },
        text,
        { message: () => {} },
      );
      connection.abort();
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect(calls).toEqual(["close"]);
      expect(connection.state).toBe("closed");
    },
  );

  // As Cloudflare's sockets, whose desiredSize stays 1; and a stream that never says that it has room.
  it.each([Infinity, 0])(
    "waits for a writable whose high-water mark is %d",
    async (highWaterMark) => {
      const waiting: (() => void)[] = [];
      let written = 0;
      const write = (bytes: Uint8Array): Promise<void> => {
        written += bytes.length;
        return new Promise((resolve) => waiting.push(resolve));
      };
      const writable = new WritableStream<Uint8Array>({ write }, { highWaterMark });
      const connection = attachStreams({ writable }, lengthPrefixed({ width: 4 }).wrap(raw()));
      let sent = 0;
      while (connection.send(new Uint8Array(60_000))) {
        sent += 60_004;
        await Promise.resolve();
      }
      sent += 60_004;
      // What the stream took beyond a batch is in `queued`, as what waits here.
      expect(sent).toBeLessThan(500_000);
      expect(connection.queued).toBeGreaterThan(262_144);
      connection.close();
      await expect
        .poll(() => {
          waiting.shift()?.();
          return written;
        })
        .toBe(sent);
      await expect
        .poll(() => {
          waiting.shift()?.();
          return connection.state;
        })
        .toBe("closed");
    },
  );

  it("keeps hardly more memory alive than waits in a stream, whatever others write meanwhile", async () => {
    const sent: Uint8Array[] = [];
    // It is never done with the first.
    const slow = new WritableStream<Uint8Array>(
      { write: () => new Promise(() => {}) },
      { highWaterMark: Infinity },
    );
    const writer = slow.getWriter();
    const { write } = writer;
    writer.write = (bytes) => {
      sent.push(bytes!);
      return write.call(writer, bytes);
    };
    slow.getWriter = () => writer;
    const connections = [slow, new WritableStream<Uint8Array>()].map((writable) =>
      attachStreams({ writable }, lengthPrefixed({ width: 4 }).wrap(raw())),
    );
    for (let i = 0; i < 200; i++) {
      expect(connections[0]!.send(Uint8Array.of(i))).toBe(true);
      await Promise.resolve();
      // A slab's worth: what is written next lies in another one.
      connections[1]!.send(new Uint8Array(8192));
      await new Promise((resolve) => setTimeout(resolve));
    }
    expect(sent).toHaveLength(200);
    const held = Array.from(new Set(sent.map(({ buffer }) => buffer)), (one) => one.byteLength);
    expect(held.reduce((sum, length) => sum + length)).toBeLessThan(200 * 5 + 2 * 65_536);
    for (const connection of connections) connection.abort();
  });

  it("reports a frame that the end of the stream cuts", async () => {
    const received: string[] = [];
    const reading = attachStreams({ readable: chunks(bytesOf("a\nb")).stream }, text);
    const run = async (): Promise<void> => {
      for await (const line of reading) received.push(line);
    };
    await expect(run()).rejects.toMatchObject({ code: "truncated" });
    expect(received).toEqual(["a"]);
  });
});
