import { describe, expect, it } from "vitest";
import { misuse } from "../../../src/core/misuse.ts";
import { skip } from "../../../src/framing/index.ts";
import {
  type Framing,
  fixed,
  lengthPrefixed,
  lines,
  netstring,
  ProtocolError,
  Splitter,
} from "../../../src/index.ts";
import { ascii, failureOf, poisoned, text } from "../../support/chunks.ts";

const words = lengthPrefixed({ width: 1 });

function frame(splitter: Splitter): string {
  return text(splitter.bytes.subarray(splitter.start, splitter.end));
}

function frames(splitter: Splitter): string[] {
  const found: string[] = [];
  while (splitter.next()) found.push(frame(splitter));
  return found;
}

function filled(framing: Framing, ...chunks: string[]): Splitter {
  const splitter = new Splitter(framing);
  for (const chunk of chunks) splitter.push(ascii(chunk));
  return splitter;
}

/** The thrown value. */
function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("a new Splitter", () => {
  it("is empty", () => {
    const splitter = new Splitter(words);
    expect(splitter).toMatchObject({ start: 0, end: 0, offset: 0, pending: 0 });
    expect(splitter.next()).toBe(false);
    splitter.finish();
    expect(splitter.next()).toBe(false);
    expect(splitter.rest()).toHaveLength(0);
  });
});

describe("Splitter.push", () => {
  it("takes empty chunks for nothing", () => {
    const splitter = filled(words, "", "\x02a", "", "", "b", "");
    expect(frames(splitter)).toEqual(["\x02ab"]);
    splitter.finish();
  });

  it("converts a subclass such as Buffer to plain bytes, so that slice copies for every codec", () => {
    class Slicing extends Uint8Array {
      override slice(start?: number, end?: number): Uint8Array<ArrayBuffer> {
        return this.subarray(start, end) as Uint8Array<ArrayBuffer>;
      }
    }
    const splitter = new Splitter(words);
    splitter.push(Slicing.from(ascii("\x01a\x02b")));
    expect(splitter.next()).toBe(true);
    expect(splitter.bytes.constructor).toBe(Uint8Array);
    expect(frame(splitter)).toBe("\x01a");
  });

  it.each([["text"], [[1, 2]], [undefined], [null], [new ArrayBuffer(1)], [Uint16Array.of(1)]])(
    "refuses %o, and goes on",
    (chunk) => {
      const splitter = filled(words, "\x02a");
      expect(() => splitter.push(chunk as unknown as Uint8Array)).toThrow(TypeError);
      splitter.push(ascii("b"));
      expect(frames(splitter)).toEqual(["\x02ab"]);
    },
  );

  it("is refused after finish, without harm to what is still to be read", () => {
    const splitter = filled(words, "\x01a\x01b");
    splitter.next();
    splitter.finish();
    const failure = failureOf(() => splitter.push(ascii("\x01c")));
    expect(failure).toEqual({ code: "closed", offset: 0, message: "push() after finish()" });
    expect(frames(splitter)).toEqual(["\x01b"]);
  });
});

describe("Splitter.next", () => {
  it("shows frames that lie whole in a chunk in place, without copying", () => {
    const chunk = poisoned(ascii("\x01a\x02bc"));
    const splitter = new Splitter(words);
    splitter.push(chunk);
    expect(splitter.next()).toBe(true);
    expect(splitter.bytes).toBe(chunk);
    expect([splitter.start, splitter.end]).toEqual([0, 2]);
    expect(splitter.next()).toBe(true);
    expect(splitter.bytes).toBe(chunk);
    expect([splitter.start, splitter.end]).toEqual([2, 5]);
  });

  it("reads on in place behind a frame that straddled two chunks", () => {
    const second = ascii("b\x01c\x01d");
    const splitter = filled(words, "\x02a");
    splitter.push(second);
    splitter.next();
    expect(frame(splitter)).toBe("\x02ab");
    expect(splitter.bytes).not.toBe(second);
    for (const expected of ["\x01c", "\x01d"]) {
      splitter.next();
      expect(frame(splitter)).toBe(expected);
      expect(splitter.bytes).toBe(second);
    }
  });

  it("reads on in place behind a line that straddled two chunks, too", () => {
    const second = ascii(`b\n${"c".repeat(50)}\n`);
    const splitter = filled(lines(), "a");
    splitter.push(second);
    splitter.next();
    expect(frame(splitter)).toBe("ab\n");
    splitter.next();
    expect(splitter.bytes).toBe(second);
  });

  it("leaves the cursor where the next frame will be, when there is none", () => {
    const splitter = filled(words, "\x01a\x05b");
    expect(frames(splitter)).toEqual(["\x01a"]);
    expect(splitter.start).toBe(splitter.end);
    expect(splitter).toMatchObject({ offset: 2, pending: 2 });
  });

  it("may be asked again and again", () => {
    const splitter = filled(words, "\x02a");
    for (let i = 0; i < 3; i++) expect(splitter.next()).toBe(false);
    splitter.push(ascii("b"));
    expect(frames(splitter)).toEqual(["\x02ab"]);
    for (let i = 0; i < 3; i++) expect(splitter.next()).toBe(false);
  });

  it("shows a framing never more than its maxFrame, nor a byte that has not come", () => {
    const shown: [number, number][] = [];
    const framing: Framing = {
      maxFrame: 8,
      measure(bytes, start, end, scan) {
        expect(end).toBeGreaterThan(start + scan.at);
        expect(end).toBeLessThanOrEqual(bytes.length);
        shown.push([end - start, scan.at]);
        scan.at = end - start;
        return text(bytes.subarray(start, end)).indexOf("\n") + 1;
      },
    };
    const splitter = filled(framing, "a", "b", "c\n12345\n...\n", ".......\n");
    expect(frames(splitter)).toEqual(["abc\n", "12345\n", "...\n", ".......\n"]);
    for (const [count] of shown) expect(count).toBeLessThanOrEqual(8);
    // Bytes are passed as new only once.
    expect(shown.slice(0, 3)).toEqual([
      [1, 0],
      [2, 1],
      [8, 2],
    ]);
  });
});

describe("Splitter.offset", () => {
  it("counts from the first byte of the stream, through chunks of any kind", () => {
    const splitter = new Splitter(words);
    const offsets: number[] = [];
    const stream = Array.from(
      { length: 200 },
      (_, i) => `${String.fromCharCode(i % 7)}${"x".repeat(i % 7)}`,
    );
    const expected: number[] = [];
    let at = 0;
    for (const one of stream) {
      expected.push(at);
      at += one.length;
    }
    const bytes = ascii(stream.join(""));
    for (let from = 0, size = 1; from < bytes.length; from += size, size = (size * 5) % 23) {
      splitter.push(bytes.slice(from, from + size));
      while (splitter.next()) offsets.push(splitter.offset);
    }
    splitter.finish();
    expect(offsets).toEqual(expected);
    expect(splitter.offset).toBe(bytes.length);
  });
});

describe("an error", () => {
  it("comes behind the whole frames before it, and has its place in the stream", () => {
    const splitter = filled(netstring(), "1:a,2:", "bc,x1:d,");
    expect(splitter.next() && splitter.next()).toBe(true);
    const failure = failureOf(() => splitter.next());
    expect(failure).toMatchObject({ code: "malformed", offset: 9 });
    expect(failure?.message).toContain("120");
  });

  it("is final: each later call throws the very same one", () => {
    const splitter = filled(netstring(), "x");
    const error = thrown(() => splitter.next());
    expect(error).toBeInstanceOf(ProtocolError);
    expect(thrown(() => splitter.next())).toBe(error);
    expect(thrown(() => splitter.push(ascii("1:a,")))).toBe(error);
    expect(thrown(() => splitter.push(new Uint8Array(0)))).toBe(error);
    expect(thrown(() => splitter.finish())).toBe(error);
    splitter.use(words);
    expect(thrown(() => splitter.next())).toBe(error);
  });

  it("leaves the bytes that nobody could read, for a dump", () => {
    const splitter = filled(netstring(), "1:a,", "xyz");
    expect(splitter.next()).toBe(true);
    expect(thrown(() => splitter.next())).toBeDefined();
    expect(splitter).toMatchObject({ offset: 4, pending: 3 });
    expect(text(splitter.rest())).toBe("xyz");
  });

  it("of a shared object is not changed by its place in a stream", () => {
    const shared = new ProtocolError("malformed", "always the same", 1);
    const framing: Framing = {
      maxFrame: 10,
      measure(bytes, start) {
        if (bytes[start] === 0x78) throw shared;
        return 1;
      },
    };
    const splitter = filled(framing, "a", "x");
    expect(splitter.next()).toBe(true);
    expect(failureOf(() => splitter.next())?.offset).toBe(2);
    expect(shared.offset).toBe(1);
  });

  it("of a framing that makes no progress is an error, and no endless loop", () => {
    for (const answer of [-4, -0.5, NaN, 0.5, "1", undefined]) {
      const splitter = filled({ maxFrame: 10, measure: () => answer as number }, "abc");
      expect(failureOf(() => splitter.next())).toMatchObject({ code: "malformed", offset: 0 });
    }
  });

  it("that is no ProtocolError becomes one", () => {
    const measure = (): never => {
      throw new RangeError("oops");
    };
    const splitter = filled({ maxFrame: 10, measure }, "abc");
    expect(failureOf(() => splitter.next())?.message).toBe("measure failed: oops");
  });
});

describe("the start of a frame at the end of a chunk", () => {
  it.each<[number, number, boolean]>([
    [8192, 100, true],
    [8193, 2048, false],
    [8193, 2049, true],
    [20_000, 4999, false],
    [20_000, 5000, true],
  ])("of %s bytes, %s of them unread, leaves the chunk in use: %s", (size, left, isKept) => {
    const splitter = new Splitter(lengthPrefixed({ width: 2 }));
    const chunk = new Uint8Array(size);
    const first = size - left - 2;
    chunk.set([first >> 8, first & 0xff]);
    chunk.set([0xff, 0xff], size - left);
    splitter.push(chunk);
    expect([splitter.next(), splitter.next()]).toEqual([true, false]);
    expect(splitter.pending).toBe(left);
    expect(splitter.bytes === chunk).toBe(isKept);
  });
});

describe("a mistake of the program", () => {
  it("is marked, so that other copies of the package know it", () => {
    const mark = Symbol.for("framewright.misuse");
    expect(Object.getOwnPropertyDescriptor(misuse("no"), mark)).toMatchObject({
      value: true,
      enumerable: false,
    });
  });

  it("that measure reports stays the error that it is, and is final", () => {
    const error = misuse("measure must not be asynchronous");
    const splitter = filled(
      {
        maxFrame: 9,
        measure() {
          throw error;
        },
      },
      "ab",
    );
    for (let i = 0; i < 3; i++) expect(thrown(() => splitter.next())).toBe(error);
    expect(thrown(() => splitter.push(ascii("c")))).toBe(error);
  });
});

describe("a frame of unknown length", () => {
  it("is shown in steps that double, so a header costs few bytes of the next chunk", () => {
    const shown: number[] = [];
    const splitter = new Splitter({
      maxFrame: 300,
      measure(_, start, end) {
        shown.push(end - start);
        return 0;
      },
    });
    splitter.push(new Uint8Array(1));
    splitter.push(new Uint8Array(200));
    expect(splitter.next()).toBe(false);
    expect(shown).toEqual([1, 17, 34, 68, 136, 201]);
    splitter.push(new Uint8Array(10));
    expect(splitter.next()).toBe(false);
    expect(shown.at(-1)).toBe(211);
  });
});

describe("a limit", () => {
  it("applies as soon as a header announces too much", () => {
    const splitter = filled(lengthPrefixed({ width: 2, maxFrame: 100 }), "\0\x63");
    const message = "frame of 101 bytes exceeds maxFrame 100";
    expect(failureOf(() => splitter.next())).toEqual({ code: "too-long", offset: 0, message });
  });

  it("is met by a frame of exactly its size, and by no larger one", () => {
    const framing = lines({ maxFrame: 5 });
    expect(frames(filled(framing, "abcd\n"))).toEqual(["abcd\n"]);
    expect(frames(filled(framing, "abcd", "\n"))).toEqual(["abcd\n"]);
    for (const chunks of [["abcde\n"], ["abcde"], ["abcd", "e"], ["a", "b", "c", "d", "e", "\n"]]) {
      const splitter = filled(framing, ...chunks);
      const message = "frame does not end within the 5 bytes of maxFrame";
      expect(failureOf(() => splitter.next())).toEqual({ code: "too-long", offset: 0, message });
    }
  });
});

describe("Splitter.finish", () => {
  it("passes if nothing is left", () => {
    const splitter = filled(words, "\x01a");
    expect(frames(splitter)).toEqual(["\x01a"]);
    splitter.finish();
    splitter.finish();
    expect(splitter.next()).toBe(false);
  });

  it.each([
    ["\x05abc", "input ends after 4 bytes of a frame of 6 bytes"],
    ["\x05", "input ends after 1 bytes of a frame of 6 bytes"],
  ])("throws truncated where all frames are read and %j is left", (left, message) => {
    const splitter = filled(words, "\x01a", left);
    expect(frames(splitter)).toEqual(["\x01a"]);
    const failure = failureOf(() => splitter.finish());
    expect(failure).toEqual({ code: "truncated", offset: 2, message });
    expect(failureOf(() => splitter.next())).toEqual(failure);
    expect(failureOf(() => splitter.finish())).toEqual(failure);
  });

  it("reports that the length is not known yet", () => {
    const splitter = filled(lines(), "abc");
    splitter.next();
    const message = "input ends after 3 bytes of a frame of unknown length";
    expect(failureOf(() => splitter.finish())).toMatchObject({ code: "truncated", message });
  });

  it("lets complete frames be read first, then next throws truncated", () => {
    const splitter = filled(words, "\x01a\x01", "b\x03c");
    splitter.finish();
    expect(splitter.next()).toBe(true);
    expect(splitter.next()).toBe(true);
    const failure = failureOf(() => splitter.next());
    expect(failure).toMatchObject({ code: "truncated", offset: 4 });
    expect(failureOf(() => splitter.next())).toEqual(failure);
  });

  it("counts the bytes of all chunks that are left", () => {
    const splitter = filled(words, "\x30a", "b", "c");
    splitter.finish();
    expect(failureOf(() => splitter.next())?.message).toContain("after 4 bytes of a frame of 49");
  });

  it("does not judge by an old answer of next", () => {
    const splitter = filled(words, "\x01");
    expect(splitter.next()).toBe(false);
    splitter.push(ascii("a"));
    splitter.finish();
    expect(frames(splitter)).toEqual(["\x01a"]);
  });

  it("does not judge by the old framing after use", () => {
    const splitter = filled(lines(), "abc");
    expect(splitter.next()).toBe(false);
    splitter.use(fixed(3));
    splitter.finish();
    expect(frames(splitter)).toEqual(["abc"]);
  });
});

describe("Splitter.rest", () => {
  it("returns the unread bytes of one chunk as a view", () => {
    const chunk = ascii("\x01a\r\nhello");
    const splitter = new Splitter(words);
    splitter.push(chunk);
    splitter.next();
    const rest = splitter.rest();
    expect(text(rest)).toBe("\r\nhello");
    expect(rest.buffer).toBe(chunk.buffer);
  });

  it("joins the unread bytes of several chunks", () => {
    const splitter = filled(words, "\x01a\x09b", "", "cd", "e");
    expect(frames(splitter)).toEqual(["\x01a"]);
    splitter.push(ascii("fg"));
    expect(splitter.pending).toBe(7);
    expect(text(splitter.rest())).toBe("\x09bcdefg");
    expect(splitter).toMatchObject({ pending: 0, offset: 9 });
  });

  it("returns chunks that were not begun", () => {
    const splitter = filled(words, "ab", "cd");
    expect(text(splitter.rest())).toBe("abcd");
    expect(splitter.offset).toBe(4);
  });

  it("leaves the current frame, and counts offsets after the returned bytes", () => {
    const splitter = filled(words, "\x01a\x02bc");
    splitter.next();
    splitter.rest();
    expect(splitter.start).toBe(splitter.end);
    splitter.push(ascii("\x01d"));
    expect(splitter.next()).toBe(true);
    expect(splitter.offset).toBe(5);
    expect(frame(splitter)).toBe("\x01d");
  });

  it("saves a stream from truncated", () => {
    const splitter = filled(words, "\x05ab");
    expect(splitter.next()).toBe(false);
    splitter.rest();
    splitter.finish();
    expect(splitter.next()).toBe(false);
  });

  it("works after finish, as an upgrade may come in the last chunk", () => {
    const splitter = filled(words, "\x01a--raw--");
    splitter.next();
    splitter.finish();
    expect(text(splitter.rest())).toBe("--raw--");
    expect(splitter.next()).toBe(false);
  });
});

/** A splitter with chunks that skips invalid input. */
function tolerant(framing: Framing, ...chunks: string[]): Splitter {
  const splitter = new Splitter(framing, { onInvalid: skip() });
  for (const chunk of chunks) splitter.push(ascii(chunk));
  return splitter;
}

describe.each([
  ["Splitter.use", filled],
  ["Splitter.use with a policy", tolerant],
])("%s", (_, made) => {
  it("reads bytes anew that the old framing had seen in vain", () => {
    const splitter = made(lines(), "\x01", "a\x02b");
    expect(splitter.next()).toBe(false);
    splitter.use(words);
    expect(frames(splitter)).toEqual(["\x01a"]);
    splitter.push(ascii("c"));
    expect(frames(splitter)).toEqual(["\x02bc"]);
  });

  it("forgets a length that the old framing had found", () => {
    const splitter = made(words, "\x05ab\n");
    expect(splitter.next()).toBe(false);
    splitter.use(lines());
    expect(frames(splitter)).toEqual(["\x05ab\n"]);
  });
});

describe("Splitter.use", () => {
  it("changes the framing from the next frame on", () => {
    const splitter = filled(lines(), "HELLO\n\x02ab\x01c");
    splitter.next();
    expect(frame(splitter)).toBe("HELLO\n");
    splitter.use(words);
    expect(frame(splitter)).toBe("HELLO\n");
    expect(frames(splitter)).toEqual(["\x02ab", "\x01c"]);
  });

  it("applies a smaller limit to bytes that are already here", () => {
    const splitter = filled(lines(), "a", "bcdefgh");
    expect(splitter.next()).toBe(false);
    splitter.use(lines({ maxFrame: 4 }));
    expect(failureOf(() => splitter.next())).toMatchObject({ code: "too-long", offset: 0 });
  });
});

describe("Splitter.use with a policy", () => {
  it("may make the rest of a finished stream a frame", () => {
    const splitter = tolerant(words, "\x03ab");
    expect(splitter.next()).toBe(false);
    splitter.use(fixed(3));
    splitter.finish();
    expect(frames(splitter)).toEqual(["\x03ab"]);
  });
});
