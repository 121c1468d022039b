import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ascii } from "../../support/chunks.ts";

type Host = typeof import("../../../src/core/host.ts");
type Core = typeof import("../../../src/index.ts");

beforeEach(() => {
  vi.resetModules();
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** The module, loaded with these globals replaced or removed. */
async function hostWith(globals: Readonly<Record<string, unknown>>): Promise<Host> {
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  return import("../../../src/core/host.ts");
}

describe("decoder", () => {
  it("is the runtime's, strict, and keeps a byte order mark", async () => {
    const { decoder } = await hostWith({});
    expect(decoder?.decode(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe("\ufeffa");
    expect(() => decoder?.decode(Uint8Array.of(0xff))).toThrow();
  });

  it("is missing if the runtime has none", async () => {
    expect((await hostWith({ TextDecoder: undefined })).decoder).toBeUndefined();
  });

  it("is missing if the runtime's is not strict", async () => {
    class Partial {
      constructor(_: string, options?: { fatal?: boolean }) {
        if (options?.fatal) throw new TypeError("fatal is not supported");
      }
    }
    expect((await hostWith({ TextDecoder: Partial })).decoder).toBeUndefined();
  });

  it.each([
    ["fatal", false, true],
    ["ignoreBOM", true, false],
  ])("is missing where the runtime's does not know the option %s", async (_, fatal, ignoreBOM) => {
    class Partial {
      readonly fatal = fatal;
      readonly ignoreBOM = ignoreBOM;
    }
    expect((await hostWith({ TextDecoder: Partial })).decoder).toBeUndefined();
  });
});

describe("utf8Length", () => {
  it.each([
    ["Node's", {}],
    ["the language's own", { Buffer: undefined }],
  ])("counts the bytes of text, by %s way", async (_, globals) => {
    const { utf8Length } = await hostWith(globals);
    const texts = [
      "",
      "a\u007f",
      "\u0080\u07ff",
      "\u0800\ud7ff\ue000\uffff",
      "\u{10000}\u{10ffff}",
    ];
    expect(texts.map(utf8Length)).toEqual([0, 2, 4, 12, 8]);
  });
});

describe("encoder", () => {
  it("is the runtime's", async () => {
    const { encoder } = await hostWith({});
    const into = new Uint8Array(4);
    expect(encoder?.encodeInto("é", into).written).toBe(2);
    expect([...into]).toEqual([0xc3, 0xa9, 0, 0]);
  });

  it("is missing if the runtime has none, or one that encodes only into fresh memory", async () => {
    expect((await hostWith({ TextEncoder: undefined })).encoder).toBeUndefined();
    vi.resetModules();
    expect((await hostWith({ TextEncoder: class {} })).encoder).toBeUndefined();
  });
});

describe("searchByte", () => {
  it.each([
    ["Node's search", {}],
    ["the language's own", { Buffer: undefined }],
  ])("finds the first byte from an index on: %s", async (_, globals) => {
    const { searchByte } = await hostWith(globals);
    const bytes = ascii("..a..a.").subarray(1);
    expect(searchByte(bytes, 0x61, 0)).toBe(1);
    expect(searchByte(bytes, 0x61, 1)).toBe(1);
    expect(searchByte(bytes, 0x61, 2)).toBe(4);
    expect(searchByte(bytes, 0x61, 5)).toBe(-1);
    expect(searchByte(bytes, 0x62, 0)).toBe(-1);
    expect(searchByte(bytes, 0x61, 6)).toBe(-1);
  });
});

describe("Node's own UTF-8", () => {
  it("takes offsets, both ways", async () => {
    const { sliceUtf8, writeUtf8 } = await hostWith({});
    const into = new Uint8Array(8);
    expect(writeUtf8?.("é😀", into, 1)).toBe(6);
    expect(sliceUtf8?.(into, 1, 7)).toBe("é😀");
    expect(sliceUtf8?.(into, 1, 6)).toContain("\ufffd");
  });

  it("is missing elsewhere", async () => {
    const { sliceUtf8, sliceLatin1, writeUtf8 } = await hostWith({ Buffer: undefined });
    expect([sliceUtf8, sliceLatin1, writeUtf8]).toEqual([undefined, undefined, undefined]);
  });
});

describe("isWellFormed", () => {
  it("is missing if strings have no isWellFormed", async () => {
    const { isWellFormed } = await hostWith({});
    // Node 20 and every browser of today can.
    expect(isWellFormed?.("a")).toBe(true);
    expect(isWellFormed?.("\ud800")).toBe(false);
    const prototype = String.prototype as { isWellFormed?: unknown };
    const own = Object.getOwnPropertyDescriptor(prototype, "isWellFormed")!;
    delete prototype.isWellFormed;
    try {
      vi.resetModules();
      expect((await hostWith({})).isWellFormed).toBeUndefined();
    } finally {
      Object.defineProperty(prototype, "isWellFormed", own);
    }
  });
});

describe("throwUncaught", () => {
  it.each([
    ["queueMicrotask", {}],
    ["a promise, where there is no queueMicrotask", { queueMicrotask: undefined }],
  ])("throws where no caller can catch, through %s", async (_, globals) => {
    const { throwUncaught } = await hostWith(globals);
    const listeners = process.listeners("uncaughtException");
    const rejections = process.listeners("unhandledRejection");
    process.removeAllListeners("uncaughtException");
    process.removeAllListeners("unhandledRejection");
    try {
      const error = new Error("nobody asked");
      const seen = await new Promise<unknown>((resolve) => {
        process.once("uncaughtException", resolve);
        process.once("unhandledRejection", resolve);
        throwUncaught(error);
      });
      expect(seen).toBe(error);
    } finally {
      process.removeAllListeners("uncaughtException");
      process.removeAllListeners("unhandledRejection");
      for (const listener of listeners) process.on("uncaughtException", listener);
      for (const listener of rejections) process.on("unhandledRejection", listener);
    }
  });
});

describe("now", () => {
  it("is a monotonic clock, else the date", async () => {
    const { now } = await hostWith({ performance: { now: () => 42 } });
    expect(now()).toBe(42);
    vi.resetModules();
    const { now: date } = await hostWith({ performance: undefined });
    expect(Math.abs(date() - Date.now())).toBeLessThan(60_000);
  });
});

describe("systemClock", () => {
  it("runs once, later, and not when it was called off", async () => {
    const runs: (() => void)[] = [];
    const cleared: unknown[] = [];
    vi.stubGlobal("setTimeout", (run: () => void, ms: number) => {
      runs.push(run);
      return `timer of ${ms}`;
    });
    vi.stubGlobal("clearTimeout", (timer: unknown) => cleared.push(timer));
    vi.stubGlobal("performance", { now: () => 7 });
    const { systemClock } = await import("../../../src/core/clock.ts");
    const ran: string[] = [];
    const cancel = systemClock.after(30, () => ran.push("ran"));
    expect(ran).toEqual([]);
    runs[0]?.();
    expect(ran).toEqual(["ran"]);
    cancel();
    expect(cleared).toEqual(["timer of 30"]);
    expect(systemClock.now()).toBe(7);
    expect(Object.isFrozen(systemClock)).toBe(true);
  });

  it("waits for any time, even longer than timers of the runtime", async () => {
    const runs: (() => void)[] = [];
    const waits: number[] = [];
    const cleared: unknown[] = [];
    vi.stubGlobal("setTimeout", (run: () => void, ms: number) => {
      runs.push(run);
      return waits.push(ms);
    });
    vi.stubGlobal("clearTimeout", (timer: unknown) => cleared.push(timer));
    const { systemClock } = await import("../../../src/core/clock.ts");
    let ran = 0;
    systemClock.after(2 ** 32, () => ran++);
    for (const _ of [1, 2]) runs.shift()!();
    expect(ran).toBe(0);
    runs.shift()!();
    expect([ran, waits]).toEqual([1, [2 ** 31 - 1, 2 ** 31 - 1, 2]]);
    const cancel = systemClock.after(Number.POSITIVE_INFINITY, () => ran++);
    for (const _ of [1, 2, 3]) runs.shift()!();
    cancel();
    // This cancels the current timer, not the first one.
    expect([ran, cleared]).toEqual([1, [7]]);
    systemClock.after(2 ** 31 - 1, () => ran++);
    runs.pop()!();
    expect(ran).toBe(2);
  });

  it.each(["setTimeout", "clearTimeout"])("asks for a clock where there is no %s", async (name) => {
    vi.stubGlobal(name, undefined);
    const { systemClock } = await import("../../../src/core/clock.ts");
    expect(() => systemClock.after(1, () => {})).toThrow(TypeError);
  });
});

describe("soon", () => {
  /** The order in which functions run, and what the runtime was asked for. */
  async function order(globals: Readonly<Record<string, unknown>>): Promise<unknown[]> {
    const { soon } = await hostWith(globals);
    vi.unstubAllGlobals();
    const ran: unknown[] = [];
    await new Promise<void>((resolve) => {
      soon?.(() => ran.push("first"));
      soon?.(() => {
        ran.push("second");
        soon(() => {
          ran.push("third");
          resolve();
        });
      });
      ran.push("caller");
      queueMicrotask(() => ran.push("microtask"));
    });
    return ran;
  }

  it("runs functions in order, later than promises: by setImmediate", async () => {
    const asked = vi.fn((run: () => void) => setTimeout(run, 0));
    const expected = ["caller", "microtask", "first", "second", "third"];
    expect(await order({ setImmediate: asked, MessageChannel: undefined })).toEqual(expected);
    expect(asked).toHaveBeenCalledTimes(3);
  });

  it("runs functions in order, later than promises: by one MessageChannel", async () => {
    const ports: MessagePort[] = [];
    const Channel = function (this: unknown) {
      const channel = new MessageChannel();
      ports.push(channel.port1 as never);
      return channel;
    };
    const expected = ["caller", "microtask", "first", "second", "third"];
    const none = vi.fn();
    const globals = { setImmediate: undefined, setTimeout: none, MessageChannel: Channel };
    try {
      expect(await order(globals)).toEqual(expected);
    } finally {
      for (const port of ports) port.close();
    }
    expect([ports.length, none.mock.calls.length]).toEqual([1, 0]);
  });

  it("runs functions in order, later than promises: by timers of 0 ms", async () => {
    const real = setTimeout;
    const waits: number[] = [];
    const timer = (run: () => void, ms: number) => {
      waits.push(ms);
      return real(run, ms);
    };
    const globals = { setImmediate: undefined, MessageChannel: undefined, setTimeout: timer };
    expect(await order(globals)).toEqual(["caller", "microtask", "first", "second", "third"]);
    expect(waits).toEqual([0, 0, 0]);
  });

  it("is missing where there is none of these", async () => {
    const none = { setImmediate: undefined, MessageChannel: undefined, setTimeout: undefined };
    expect((await hostWith(none)).soon).toBeUndefined();
  });
});

describe("the text of a chunk", () => {
  const node = process.getBuiltinModule?.("buffer") as
    | Readonly<Record<string, unknown>>
    | undefined;

  it.skipIf(node?.isAscii === undefined)(
    "is read at once if all is ASCII, from an index on",
    async () => {
      const { asciiText } = await hostWith({});
      expect(asciiText!(ascii("abc"), 0)).toBe("abc");
      expect(asciiText!(Uint8Array.of(0xff, 0x61, 0x62), 1)).toBe("\xffab");
      expect(asciiText!(Uint8Array.of(0x61, 0xff), 0)).toBeUndefined();
      expect(asciiText!(Uint8Array.of(0x61, 0x62, 0xff), 1)).toBeUndefined();
    },
  );

  it.skipIf(node?.isUtf8 === undefined)(
    "is read up to the last end of a frame, if that is UTF-8",
    async () => {
      const { utf8Text } = await hostWith({});
      const bytes = new TextEncoder().encode("é\nü\nö");
      expect(utf8Text!(bytes, 0, 0x0a)).toBe("é\nü\n");
      expect(utf8Text!(bytes, 3, 0x0a)).toBe("ü\n");
      expect(utf8Text!(bytes, 6, 0x0a)).toBeUndefined();
      expect(utf8Text!(bytes, 0, 0x7c)).toBeUndefined();
      expect(utf8Text!(bytes.subarray(1), 0, 0x0a)).toBeUndefined();
      expect(utf8Text!(bytes.subarray(0, 7), 0, 0x0a)).toBe("é\nü\n");
    },
  );

  it.each<[string, object]>([
    ["Node's Buffer", { Buffer: undefined }],
    ["modules of Node", { process: {} }],
    ["leave to use them", { process: { getBuiltinModule: () => expect.fail("no leave") } }],
    ["the checks, which are new", { process: { getBuiltinModule: () => ({}) } }],
  ])("is not read at once without %s", async (_, globals) => {
    const { asciiText, utf8Text } = await hostWith(globals as Record<string, unknown>);
    expect([asciiText, utf8Text]).toEqual([undefined, undefined]);
  });
});

describe("a runtime that may not be asked", () => {
  const process = {
    get env(): never {
      throw new Error("no leave to read the environment");
    },
    getBuiltinModule(): never {
      throw new Error("no leave to load modules");
    },
  };

  it("has no variables, no diagnostics channels and no poison", async () => {
    const { variable, diagnosticsChannel, isPoisoning } = await hostWith({ process });
    expect(variable("HOME")).toBeUndefined();
    expect(diagnosticsChannel("a")).toBeUndefined();
    expect(isPoisoning).toBe(false);
  });

  it("is asked for what it has", async () => {
    const names: string[] = [];
    const getBuiltinModule = (name: string) => {
      names.push(name);
      return { channel: (of: string) => ({ hasSubscribers: true, of }) };
    };
    const env = { A: "1", FRAMEWRIGHT_POISON: "1" };
    const host = await hostWith({ process: { env, getBuiltinModule } });
    expect([host.variable("A"), host.variable("B"), host.isPoisoning]).toEqual([
      "1",
      undefined,
      true,
    ]);
    expect(host.diagnosticsChannel("mine")).toEqual({ hasSubscribers: true, of: "mine" });
    expect(names).toContain("diagnostics_channel");
    vi.resetModules();
    const other = await hostWith({ process: { env: { FRAMEWRIGHT_POISON: "0" } } });
    expect([other.isPoisoning, other.diagnosticsChannel("mine")]).toEqual([false, undefined]);
    vi.resetModules();
    const { variable } = await hostWith({ process: undefined });
    expect(variable("A")).toBeUndefined();
  });
});

describe("reportsEval", () => {
  it.each<[string, boolean, Record<string, unknown>]>([
    ["a page", true, { document: {} }],
    ["a worker of a page", true, { WorkerGlobalScope: {}, process: undefined }],
    ["a program with a scope like a worker's", false, { WorkerGlobalScope: {} }],
    ["a program", false, {}],
  ])("in %s is %s", async (_, expected, globals) => {
    const none = { document: undefined, WorkerGlobalScope: undefined };
    expect((await hostWith({ ...none, ...globals })).reportsEval()).toBe(expected);
  });
});

describe("printError", () => {
  it("prints a line on the console, if there is one", async () => {
    const error = vi.fn();
    const { printError } = await hostWith({ console: { error } });
    printError("a line");
    expect(error.mock.calls).toEqual([["a line"]]);
    vi.stubGlobal("console", undefined);
    expect(() => printError("a line")).not.toThrow();
  });
});

describe("newCancel", () => {
  it("makes a signal of its own where there is no AbortController", async () => {
    vi.stubGlobal("AbortController", undefined);
    const { Cancel, newCancel } = await import("../../../src/core/cancel.ts");
    const { signal, abort } = newCancel();
    expect(signal).toBeInstanceOf(Cancel);
    abort("why");
    expect(signal).toMatchObject({ aborted: true, reason: "why" });
  });
});

describe("the core in a runtime that has nothing but ES2022", () => {
  const bare = {
    TextDecoder: undefined,
    TextEncoder: undefined,
    Buffer: undefined,
    performance: undefined,
    queueMicrotask: undefined,
    setTimeout: undefined,
    clearTimeout: undefined,
  };

  it("writes and reads the same as elsewhere", async () => {
    const rich: Core = await import("../../../src/index.ts");
    vi.resetModules();
    for (const [name, value] of Object.entries(bare)) vi.stubGlobal(name, value);
    const plain: Core = await import("../../../src/index.ts");
    vi.unstubAllGlobals();
    expect(plain.Splitter).not.toBe(rich.Splitter);

    const texts = ["", "short", "é€😀".repeat(100), "x".repeat(5000)];
    const write = ({ lines, utf8, encodeAll }: Core) => encodeAll(lines().wrap(utf8()), texts);
    const read = ({ lines, utf8, decodeAll }: Core) => decodeAll(lines().wrap(utf8()), write(rich));
    expect(write(plain)).toEqual(write(rich));
    expect(read(plain)).toEqual(texts);
    expect(read(rich)).toEqual(texts);

    const bytes = Uint8Array.from({ length: 10_000 }, (_, i) => i & 0xff);
    const latin = (core: Core): string => core.latin1().decode(bytes, 3, 9000);
    expect(latin(plain)).toBe(latin(rich));

    const bad = Uint8Array.from([...new Uint8Array(50).fill(0x61), 0xff]);
    for (const { decodeUtf8, encodeFrame, lines, utf8 } of [plain, rich]) {
      expect(() => decodeUtf8(bad)).toThrow(expect.objectContaining({ offset: 50 }));
      const lone = `${"x".repeat(50)}\ud800`;
      expect(() => encodeFrame(lines().wrap(utf8()), lone)).toThrow(/index 50 of 51/);
    }
  });
});
