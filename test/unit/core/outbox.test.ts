import { describe, expect, it } from "vitest";
import { Outbox } from "../../../src/core/connection/outbox.ts";
import { MESSAGE_COST } from "../../../src/core/memory.ts";
import {
  defineProtocol,
  json,
  lines,
  type Output,
  ProtocolError,
  perMessage,
  type Sink,
  utf8,
} from "../../../src/index.ts";

const text = lines({ maxFrame: 1_000_000 }).wrap(utf8());
const values = lines({ maxFrame: 1_000_000 }).wrap(json<unknown>());
const ascii = (s: string): Uint8Array<ArrayBuffer> => Uint8Array.from(s, (c) => c.charCodeAt(0));
const shown = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

interface Recorded {
  readonly sink: Sink;
  /** Calls in order, writes with their bytes as text. */
  readonly calls: string[];
  readonly writes: Uint8Array[];
  readonly flags: boolean[];
  /** The answer of writes; an error is thrown. */
  answer: boolean | Error;
  /** Called during each write. */
  during: () => void;
}

interface Parts {
  readonly boundary?: "stream" | "message";
  readonly hasText?: boolean;
  readonly hasCork?: boolean;
}

function recorded({ boundary = "stream", hasText, hasCork }: Parts = {}): Recorded {
  const calls: string[] = [];
  const take = (call: string): boolean => {
    calls.push(call);
    made.during();
    if (made.answer instanceof Error) throw made.answer;
    return made.answer;
  };
  const made: Recorded = {
    calls,
    writes: [],
    flags: [],
    answer: true,
    during() {},
    sink: {
      boundary,
      write(bytes, isText) {
        made.writes.push(bytes);
        made.flags.push(isText);
        return take(`write ${shown(bytes)}`);
      },
      ...(hasText && { writeText: (joined: string) => take(`text ${joined}`) }),
      ...(hasCork && {
        cork: () => void calls.push("cork"),
        uncork: () => void calls.push("uncork"),
      }),
      pause() {},
      resume() {},
      close() {},
      abort() {},
    },
  };
  return made;
}

function setup(parts: Parts = {}) {
  const made = recorded(parts);
  const outbox = new Outbox(made.sink);
  outbox.open();
  return { made, outbox };
}

describe("frames on a stream", () => {
  it("are joined into one write; a single one is passed by reference", () => {
    const { made, outbox } = setup();
    const frame = ascii("one\n");
    expect(outbox.add(frame, false)).toBe(4);
    expect([outbox.queued, outbox.isEmpty]).toEqual([4, false]);
    outbox.flush();
    expect(made.writes[0]).toBe(frame);
    outbox.add(frame, false);
    outbox.add(ascii("two\n"), false);
    expect(outbox.encode(text, "three")).toBe(6);
    expect(outbox.queued).toBe(14);
    outbox.flush();
    expect(made.calls).toEqual(["write one\n", "write one\ntwo\nthree\n"]);
    expect([outbox.queued, outbox.isEmpty, outbox.written, outbox.sent]).toEqual([0, true, 18, 18]);
    outbox.flush();
    expect(made.calls).toHaveLength(2);
  });

  it("are passed by reference from 8 KiB on, and copied below", () => {
    for (const [length, count] of [
      [8191, 1],
      [8192, 2],
    ] as const) {
      const { made, outbox } = setup();
      const large = new Uint8Array(length);
      outbox.add(ascii("a\n"), false);
      outbox.add(large, false);
      outbox.flush();
      expect(made.writes).toHaveLength(count);
      expect(made.writes.includes(large)).toBe(count === 2);
      expect(made.writes.reduce((sum, bytes) => sum + bytes.length, 0)).toBe(length + 2);
    }
  });

  it("are never text for the sink", () => {
    const { made, outbox } = setup();
    outbox.add(ascii("a\n"), false);
    outbox.encode(text, "b");
    outbox.flush();
    expect(made.flags).toEqual([false]);
  });

  it("are due at 64 KiB", () => {
    const { outbox } = setup();
    outbox.add(ascii("x"), false);
    for (let i = 0; i < 15; i++) outbox.add(new Uint8Array(4096), false);
    outbox.add(new Uint8Array(4094), false);
    expect([outbox.queued, outbox.isDue]).toEqual([65_535, false]);
    expect(outbox.isCalm(65_535)).toBe(true);
    expect(outbox.isCalm(65_534)).toBe(false);
    outbox.add(ascii("y"), false);
    expect([outbox.queued, outbox.isDue, outbox.isCalm(1_000_000)]).toEqual([65_536, true, false]);
    outbox.flush();
    expect([outbox.isDue, outbox.isCalm(0)]).toEqual([false, true]);
  });

  it("wait while the sink is full, and count what it holds", () => {
    const { made, outbox } = setup();
    made.answer = false;
    outbox.add(ascii("one\n"), false);
    expect(outbox.isBlocked).toBe(false);
    outbox.flush();
    expect([outbox.isBlocked, outbox.queued, outbox.written, outbox.isEmpty]).toEqual([
      true,
      4,
      4,
      true,
    ]);
    outbox.add(ascii("two!\n"), false);
    outbox.flush();
    expect([outbox.queued, outbox.sent, outbox.written]).toEqual([9, 9, 4]);
    outbox.drained();
    expect([outbox.isBlocked, outbox.queued]).toEqual([false, 5]);
    made.answer = true;
    outbox.flush();
    expect([outbox.queued, made.calls]).toEqual([0, ["write one\n", "write two!\n"]]);
  });

  it("do not wait if the sink drains before it answers that it is full", () => {
    const { made, outbox } = setup();
    made.answer = false;
    made.during = () => outbox.drained();
    outbox.add(ascii("one\n"), false);
    outbox.flush();
    expect([outbox.isBlocked, outbox.queued]).toEqual([false, 0]);
  });

  it("wait in one batch before the sink is open", () => {
    const made = recorded();
    const outbox = new Outbox(made.sink);
    const frame = ascii("one\n");
    outbox.add(frame, false);
    outbox.flush();
    outbox.encode(text, "two");
    outbox.flush();
    expect([made.calls, outbox.queued, outbox.isBlocked]).toEqual([[], 8, true]);
    outbox.open();
    outbox.flush();
    expect(made.calls).toEqual(["write one\ntwo\n"]);
  });

  it("that wait keep hardly more memory than their bytes", () => {
    const made = recorded();
    const outbox = new Outbox(made.sink);
    for (let i = 0; i < 40; i++) {
      outbox.add(new Uint8Array(1700), false);
      outbox.flush();
    }
    outbox.open();
    outbox.flush();
    const [first] = made.writes;
    // The first piece was cut off when it was due.
    expect(made.writes).toHaveLength(2);
    expect(first!.length).toBe(39 * 1700);
    expect(4 * first!.buffer.byteLength).toBeLessThanOrEqual(5 * first!.length);
  });

  it("that are written at once are not copied: small ones share memory", () => {
    const { made, outbox } = setup();
    for (const word of ["one", "two"]) {
      outbox.encode(text, word);
      outbox.flush();
    }
    expect(made.writes[0]!.buffer).toBe(made.writes[1]!.buffer);
  });

  it("that the sink throws for are not taken, and come first the next time", () => {
    const { made, outbox } = setup();
    made.answer = new Error("broken");
    outbox.add(ascii("one\n"), false);
    expect(() => outbox.flush()).toThrow("broken");
    expect([outbox.queued, outbox.written, outbox.sent, outbox.isEmpty]).toEqual([4, 0, 4, false]);
    outbox.add(ascii("two\n"), false);
    expect(outbox.queued).toBe(8);
    made.answer = true;
    outbox.flush();
    expect(made.calls).toEqual(["write one\n", "write one\n", "write two\n"]);
    expect([outbox.queued, outbox.written, outbox.isEmpty]).toEqual([0, 8, true]);
  });

  it.each([1, 8192])(
    "that are sent during a write of %d bytes follow in the same flush",
    (length) => {
      const { made, outbox } = setup();
      let left = 3;
      let depth = 0;
      made.during = () => {
        // A sink is not called during a call.
        expect(++depth).toBe(1);
        if (left-- > 0) {
          outbox.add(ascii(`${left}\n`), false);
          outbox.flush();
        }
        depth--;
      };
      outbox.add(new Uint8Array(length).fill(0x78), false);
      outbox.flush();
      expect(made.calls.slice(1)).toEqual(["write 2\n", "write 1\n", "write 0\n"]);
      expect(outbox.isEmpty).toBe(true);
    },
  );

  it("are dropped by clear(), which counts those that were not written", () => {
    const { made, outbox } = setup();
    made.answer = false;
    outbox.add(ascii("taken\n"), false);
    outbox.flush();
    outbox.add(ascii("one\n"), false);
    outbox.flush();
    outbox.add(ascii("second\n"), false);
    expect(outbox.clear()).toBe(11);
    expect([outbox.queued, outbox.isEmpty, outbox.sent, outbox.written]).toEqual([0, true, 6, 6]);
    expect(outbox.clear()).toBe(0);
  });

  it("that the sink drops while it writes are not queued afterwards", () => {
    for (const answer of [false, new Error("broken")]) {
      const { made, outbox } = setup();
      made.answer = answer;
      made.during = () => void outbox.clear();
      outbox.add(ascii("one\n"), false);
      if (answer === false) outbox.flush();
      else expect(() => outbox.flush()).toThrow("broken");
      expect([outbox.queued, outbox.isBlocked]).toEqual([0, false]);
    }
  });
});

describe("a frame that cannot be encoded", () => {
  const failing = defineProtocol<string>({
    ...text,
    name: "failing",
    encode(value, out) {
      kept = out;
      out.utf8(value);
      throw new RangeError("no");
    },
  });
  let kept: Output;

  it("leaves nothing: the next one is passed by reference", () => {
    const { made, outbox } = setup();
    expect(() => outbox.encode(failing, "a")).toThrow(ProtocolError);
    expect([outbox.queued, outbox.isEmpty, outbox.isEncoding]).toEqual([0, true, false]);
    const frame = ascii("b\n");
    outbox.add(frame, false);
    outbox.flush();
    expect(made.writes).toEqual([frame]);
    expect(made.writes[0]).toBe(frame);
  });

  it("leaves those before it, and its encoder cannot write into later ones", () => {
    const { made, outbox } = setup();
    outbox.encode(text, "before");
    expect(() => outbox.encode(failing, "a")).toThrow(ProtocolError);
    expect(outbox.queued).toBe(7);
    expect(() => kept.utf8("late")).toThrow();
    outbox.encode(text, "after");
    outbox.flush();
    expect(made.calls).toEqual(["write before\nafter\n"]);
  });

  it("leaves nothing if its encoder drops everything", () => {
    const { made, outbox } = setup();
    const dropping = defineProtocol<string>({
      ...text,
      name: "dropping",
      encode() {
        outbox.clear();
        throw new RangeError("no");
      },
    });
    outbox.encode(text, "before");
    expect(() => outbox.encode(dropping, "a")).toThrow(ProtocolError);
    outbox.flush();
    expect([outbox.queued, outbox.isEmpty, made.calls]).toEqual([0, true, []]);
  });
});

describe("messages", () => {
  it("are one write each, with a flag for text, and cost 64 bytes more", () => {
    const { made, outbox } = setup({ boundary: "message" });
    const frame = ascii("a");
    expect(outbox.add(frame, true)).toBe(1 + MESSAGE_COST);
    expect(outbox.add(new Uint8Array(0), false)).toBe(MESSAGE_COST);
    expect(outbox.encode(perMessage().wrap(utf8()), "bc")).toBe(2 + MESSAGE_COST);
    expect([outbox.queued, outbox.isEmpty]).toEqual([3 + 3 * MESSAGE_COST, false]);
    outbox.flush();
    expect(made.calls).toEqual(["write a", "write ", "write bc"]);
    expect(made.writes[0]).toBe(frame);
    expect(made.flags).toEqual([true, false, true]);
    expect([outbox.queued, outbox.isEmpty, outbox.written]).toEqual([0, true, 3]);
  });

  it("stop where the sink is full", () => {
    const { made, outbox } = setup({ boundary: "message" });
    for (const word of ["a", "bb", "ccc"]) outbox.add(ascii(word), false);
    made.answer = false;
    outbox.flush();
    expect([made.calls, outbox.queued]).toEqual([["write a"], 1 + 5 + 2 * MESSAGE_COST]);
    outbox.drained();
    expect(outbox.queued).toBe(5 + 2 * MESSAGE_COST);
    made.answer = new Error("broken");
    expect(() => outbox.flush()).toThrow("broken");
    expect([outbox.queued, outbox.written]).toEqual([5 + 2 * MESSAGE_COST, 1]);
    made.answer = true;
    outbox.flush();
    expect(made.calls.slice(2)).toEqual(["write bb", "write ccc"]);
    expect(outbox.clear()).toBe(0);
  });
});

describe("a sink with a cork", () => {
  it("is corked for several writes only", () => {
    const { made, outbox } = setup({ boundary: "message", hasCork: true });
    outbox.add(ascii("a"), false);
    outbox.flush();
    outbox.add(ascii("b"), false);
    outbox.add(ascii("c"), false);
    outbox.flush();
    expect(made.calls).toEqual(["write a", "cork", "write b", "write c", "uncork"]);
  });

  it("is not corked while it is full", () => {
    const { made, outbox } = setup({ boundary: "message", hasCork: true });
    made.answer = false;
    outbox.add(ascii("a"), false);
    outbox.flush();
    outbox.add(ascii("b"), false);
    outbox.add(ascii("c"), false);
    outbox.flush();
    expect(made.calls).toEqual(["write a"]);
  });

  it("is uncorked also if it throws", () => {
    const { made, outbox } = setup({ boundary: "message", hasCork: true });
    made.answer = new Error("broken");
    outbox.add(ascii("a"), false);
    outbox.add(ascii("b"), false);
    expect(() => outbox.flush()).toThrow("broken");
    expect(made.calls).toEqual(["cork", "write a", "uncork"]);
  });
});

describe("text", () => {
  it("is joined, and written as text; its cost is that of its UTF-8", () => {
    const { made, outbox } = setup({ hasText: true });
    expect(outbox.encode(values, "é")).toBe(4);
    expect(outbox.costOf(4)).toBe(5);
    expect(outbox.encode(values, 12)).toBe(3);
    expect([outbox.costOf(3), outbox.queued, outbox.isEmpty]).toEqual([3, 7, false]);
    outbox.flush();
    expect(made.calls).toEqual(['text "é"\n12\n']);
    expect([outbox.queued, outbox.isEmpty, outbox.written, outbox.sent]).toEqual([0, true, 7, 7]);
    expect(outbox.costOf(9)).toBe(9);
  });

  it("is due at 64 KiB", () => {
    const { outbox } = setup({ hasText: true });
    outbox.encode(values, "x".repeat(65_532));
    expect([outbox.queued, outbox.isDue]).toEqual([65_535, false]);
    outbox.clear();
    const other = setup({ hasText: true }).outbox;
    other.encode(values, "x".repeat(65_533));
    expect([other.queued, other.isDue]).toEqual([65_536, true]);
  });

  it("keeps its place among frames of bytes", () => {
    const { made, outbox } = setup({ hasText: true });
    outbox.encode(values, 1);
    outbox.add(ascii("2\n"), false);
    outbox.encode(values, 3);
    outbox.flush();
    outbox.encode(values, 4);
    outbox.add(new Uint8Array(8192).fill(0x35), false);
    outbox.flush();
    expect(made.calls).toEqual(["write 1\n2\n3\n", "write 4\n", `write ${"5".repeat(8192)}`]);
    outbox.add(ascii("6\n"), false);
    outbox.encode(values, 7);
    outbox.flush();
    expect(made.calls[3]).toBe("write 6\n7\n");
  });

  it("is bytes for a frame that may be too long, and while the sink is full", () => {
    const limited = { ...values, maxSend: 9 };
    const { made, outbox } = setup({ hasText: true });
    outbox.encode(limited, 12);
    outbox.flush();
    outbox.encode(limited, 123);
    outbox.flush();
    expect(made.calls).toEqual(["text 12\n", "write 123\n"]);
    expect(() => outbox.encode(limited, 123_456_789)).toThrow(ProtocolError);
    made.answer = false;
    outbox.encode(values, "é");
    outbox.flush();
    // The sink holds five bytes.
    expect([outbox.queued, outbox.isBlocked]).toEqual([5, true]);
    outbox.encode(values, 5);
    outbox.flush();
    expect([outbox.queued, made.calls.length]).toEqual([7, 3]);
    made.answer = true;
    outbox.drained();
    outbox.flush();
    expect(made.calls.slice(2)).toEqual(['text "é"\n', "write 5\n"]);
  });

  it("that the sink throws for is not taken, and follows as bytes", () => {
    const { made, outbox } = setup({ hasText: true });
    made.answer = new Error("broken");
    outbox.encode(values, "é");
    expect(() => outbox.flush()).toThrow("broken");
    expect([outbox.queued, outbox.written, outbox.sent]).toEqual([5, 0, 5]);
    made.answer = true;
    outbox.flush();
    expect(made.calls).toEqual(['text "é"\n', 'write "é"\n']);
    expect(made.flags).toEqual([true]);
  });

  it("does not wait if the sink drains or drops it before it answers", () => {
    for (const name of ["drained", "clear"] as const) {
      const { made, outbox } = setup({ hasText: true });
      made.answer = false;
      made.during = () => void outbox[name]();
      outbox.encode(values, 1);
      outbox.flush();
      expect([outbox.isBlocked, outbox.queued]).toEqual([false, 0]);
    }
  });

  it("that is sent while the sink takes text follows in order", () => {
    const { made, outbox } = setup({ hasText: true });
    let left = 2;
    let depth = 0;
    made.during = () => {
      expect(++depth).toBe(1);
      if (left-- > 0) {
        outbox.encode(values, left);
        outbox.flush();
      }
      depth--;
    };
    outbox.encode(values, 9);
    outbox.flush();
    outbox.flush();
    expect(made.calls.map((call) => call.replace(/^\w+ /, "")).join("")).toBe("9\n1\n0\n");
    expect(outbox.isEmpty).toBe(true);
  });

  it("is bytes for a trace", () => {
    const made = recorded({ hasText: true });
    const sent: string[] = [];
    const outbox = new Outbox(made.sink, (bytes) => void sent.push(shown(bytes)));
    outbox.open();
    outbox.encode(values, 1);
    outbox.flush();
    expect([made.calls, sent]).toEqual([["write 1\n"], ["1\n"]]);
  });

  it("of a single character is sent once", () => {
    const { made, outbox } = setup({ hasText: true });
    const single = defineProtocol<string>({
      ...text,
      name: "single",
      decode: () => "",
      encode: (value, out) => void out.utf8(value),
      encodeText: (value) => value,
    });
    outbox.encode(single, "x");
    outbox.flush();
    expect(made.calls).toEqual(["text x"]);
  });

  it("of one protocol does not make text of another", () => {
    const { made, outbox } = setup({ hasText: true });
    outbox.encode(values, 1);
    outbox.flush();
    outbox.encode(text, "bytes");
    outbox.flush();
    outbox.encode(values, 2);
    outbox.flush();
    expect(made.calls).toEqual(["text 1\n", "write bytes\n", "text 2\n"]);
  });

  it("is dropped by clear(), also while it is being encoded", () => {
    const { made, outbox } = setup({ hasText: true });
    outbox.encode(values, 1);
    expect(outbox.clear()).toBe(2);
    const other = setup({ hasText: true });
    other.outbox.encode(values, 1);
    other.outbox.encode(values, {
      toJSON() {
        other.outbox.clear();
        return 2;
      },
    });
    other.outbox.flush();
    expect([other.outbox.queued, made.calls, other.made.calls]).toEqual([0, [], []]);
  });
});

describe("a frame that is sent while another one is being encoded", () => {
  it.each([true, false])(
    "follows it whole, and nothing is written meanwhile; text: %s",
    (hasText) => {
      const { made, outbox } = setup({ hasText });
      outbox.encode(values, {
        toJSON() {
          expect([outbox.isEncoding, outbox.isEmpty]).toEqual([true, false]);
          outbox.flush();
          if (outbox.queued === 0) {
            expect(outbox.encode(values, "inner")).toBe(8);
            expect(outbox.add(ascii("frame\n"), false)).toBe(6);
          }
          return "outer";
        },
      });
      expect([made.calls, outbox.isEncoding]).toEqual([[], false]);
      outbox.flush();
      const sent = made.calls.map((call) => call.replace(/^\w+ /, "")).join("");
      expect(sent).toBe('"outer"\n"inner"\nframe\n');
    },
  );

  it("of a message follows with its own flag", () => {
    const { made, outbox } = setup({ boundary: "message" });
    const strings = perMessage().wrap(utf8());
    const numbers = perMessage().wrap<number>({
      decode: (bytes, start) => bytes[start]!,
      encode(value, out) {
        outbox.encode(strings, "text");
        outbox.add(ascii("bytes"), false);
        out.u8(value);
      },
    });
    expect(outbox.encode(numbers, 0x31)).toBe(1 + MESSAGE_COST);
    expect(outbox.queued).toBe(1 + 4 + 5 + 3 * MESSAGE_COST);
    outbox.flush();
    expect(made.calls).toEqual(["write 1", "write text", "write bytes"]);
    expect(made.flags).toEqual([false, true, false]);
  });

  it("is sent, too, if the encoder throws", () => {
    const { made, outbox } = setup();
    const throwing = {
      toJSON(): never {
        outbox.add(ascii("inner\n"), false);
        throw new Error("no");
      },
    };
    expect(() => outbox.encode(values, throwing)).toThrow();
    outbox.flush();
    expect(made.calls).toEqual(["write inner\n"]);
  });
});
