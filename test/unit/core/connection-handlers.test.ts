import { describe, expect, it } from "vitest";
import { closedError } from "../../../src/core/connection/report.ts";
import { skip } from "../../../src/framing/index.ts";
import {
  Connection,
  type ConnectionOptions,
  type Handlers,
  lines,
  utf8,
} from "../../../src/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { printedLines } from "../../support/printed-lines.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";
import { settle } from "../../support/settle.ts";
import { uncaughtBy } from "../../support/uncaught.ts";

// How handlers are called, and where their errors go.

const text = lines({ maxFrame: 64 }).wrap(utf8());
const ascii = (s: string): Uint8Array<ArrayBuffer> => Uint8Array.from(s, (c) => c.charCodeAt(0));
const BAD = Uint8Array.of(0xff, 0x0a);

const printed = printedLines();

function setup(handlers: Handlers<string>, options: ConnectionOptions = {}) {
  const sink = new ScriptedSink();
  const clock = new ManualClock();
  const connection = new Connection<string>(text, sink, handlers, { clock, ...options });
  connection.opened();
  return { connection, sink, clock };
}

describe("handlers", () => {
  it("are called with the connection", () => {
    const seen: unknown[] = [];
    const note = (connection: unknown): void => void seen.push(connection);
    const { connection, sink } = setup(
      {
        open: note,
        message: note,
        drain: note,
        end: note,
        error: note,
        skipped: note,
        close: note,
      },
      { highWater: 0, onInvalid: skip() },
    );
    connection.received(ascii("a\n"));
    connection.received(BAD);
    sink.roomy = false;
    connection.send("x");
    connection.drained();
    connection.ended();
    connection.abort(new Error("enough"));
    // open, message, skipped, drain, end, close
    expect(seen).toEqual(Array.from({ length: 6 }, () => connection));
  });

  it.each(["open", "drain", "end", "skipped", "error"] as const)(
    "of %s may send: what they send is one write, before anything else happens",
    (name) => {
      const { connection, sink } = setup(
        {
          message() {},
          [name](c: Connection<string>) {
            c.send("one");
            c.send("two");
          },
        },
        { highWater: 1, ...(name === "skipped" && { onInvalid: skip() }) },
      );
      if (name === "drain") {
        sink.roomy = false;
        connection.send("full");
        sink.roomy = true;
        connection.drained();
      }
      if (name === "end") connection.ended();
      if (name === "error" || name === "skipped") connection.received(BAD);
      const writes = sink.calls.filter((call) => call.startsWith("write") && !/full/.test(call));
      expect(writes.join("").replaceAll("write ", "")).toBe("one\ntwo\n");
    },
  );

  it("may return anything: only promises are awaited", async () => {
    for (const odd of [null, JSON.parse('{"then":5}'), {}, "text", () => {}]) {
      const { connection, sink } = setup({ open: () => odd, message: () => odd, close: () => odd });
      connection.received(ascii("a\nb\n"));
      expect(connection.messages).toBe(2);
      connection.ended();
      await settle();
      expect(sink.calls).toEqual(["close"]);
      connection.lost();
    }
    expect(printed).toEqual([]);
  });

  it("of open hold our side open after the peer's end while their promise is pending", async () => {
    let done = (): void => {};
    const { connection, sink } = setup({
      open: () => new Promise<void>((resolve) => (done = resolve)),
      message() {},
    });
    connection.ended();
    await settle();
    expect(sink.calls).toEqual([]);
    done();
    await settle();
    expect(sink.calls).toEqual(["close"]);
  });

  it("of end hold back endTimeout while their promise is pending", async () => {
    let done = (): void => {};
    const { connection, clock } = setup(
      { message() {}, end: () => new Promise<void>((resolve) => (done = resolve)), error() {} },
      { endTimeout: 1000 },
    );
    connection.ended();
    clock.advance(10_000);
    expect(connection.state).toBe("open");
    done();
    await settle();
    clock.advance(999);
    expect(connection.state).toBe("open");
    clock.advance(300);
    expect(connection.state).toBe("closed");
  });

  it("of open do not hold back endTimeout", async () => {
    const { connection, clock } = setup(
      { open: () => new Promise(() => {}), message() {}, end() {}, error() {} },
      { endTimeout: 1000 },
    );
    connection.ended();
    await settle();
    clock.advance(1300);
    expect(connection.state).toBe("closed");
  });
});

describe("the error handler", () => {
  it("gets each error of the peer once, also of several connections", () => {
    const errors: unknown[] = [];
    const reset = new Error("reset");
    for (let i = 0; i < 2; i++) {
      const { connection } = setup({ message() {}, error: (_, error) => errors.push(error) });
      connection.lost(reset);
      connection.lost(reset);
    }
    expect([errors, printed]).toEqual([[reset, reset], []]);
  });

  it("gets bugs before the connection is closed; later ones are printed", async () => {
    const errors: unknown[] = [];
    let reject = (_: unknown): void => {};
    const bug = new Error("bug");
    const { connection } = setup(
      {
        message: () => new Promise((_, no) => (reject = no)),
        error: (_, error) => errors.push(error),
      },
      { handlerErrors: "throw" },
    );
    connection.received(ascii("a\n"));
    connection.abort();
    const uncaught = await uncaughtBy(() => reject(bug));
    expect([errors, uncaught]).toEqual([[], []]);
    expect(printed).toEqual([expect.stringContaining("a handler failed: Error: bug")]);
  });
});

describe("an error that no handler gets", () => {
  it("of the peer is printed once, however many connections it ends", () => {
    // At most one line in ten seconds is printed for each code, in a run of all tests, too.
    const reset = Object.assign(new Error("reset"), { code: `E${Math.random()}` });
    for (let i = 0; i < 2; i++) setup({ message() {} }).connection.lost(reset);
    expect(printed).toHaveLength(1);
  });

  it.each<[string, (error: unknown) => unknown]>([
    ["itself", (error) => error],
    ["as a cause", (error) => new Error("outer", { cause: error })],
  ])("is not reported again by a promise of close that rejects with it: %s", async (_, wrap) => {
    const bug = new Error("bug");
    const close = (_: unknown, info: { error?: unknown }): Promise<never> =>
      Promise.reject(wrap(info.error));
    const { connection } = setup({
      message() {
        throw bug;
      },
      close,
    });
    const uncaught = await uncaughtBy(() => {
      connection.received(ascii("a\n"));
      connection.lost();
    });
    expect(printed).toEqual([expect.stringContaining("a handler failed: Error: bug")]);
    printed.length = 0;
    const faulty = setup(
      { message() {}, error() {}, close },
      { handlerErrors: "throw" },
    ).connection;
    uncaught.push(...(await uncaughtBy(() => faulty.lost(new Error("reset")))));
    const closed = setup({ message() {}, close }, { handlerErrors: "throw" }).connection;
    uncaught.push(...(await uncaughtBy(() => closed.abort(closedError("other")))));
    expect([uncaught, printed]).toEqual([[], []]);
  });

  it("of close and error handlers is reported as the option says", async () => {
    const bug = new Error("bug");
    const made = (handlerErrors: "report" | "throw", isAsync: boolean): Connection<string> => {
      const fail = (): unknown => {
        if (isAsync) return Promise.reject(bug);
        throw bug;
      };
      return setup({ message() {}, error: fail, close: fail }, { handlerErrors }).connection;
    };
    for (const isAsync of [false, true]) {
      expect(await uncaughtBy(() => made("throw", isAsync).lost(new Error("reset")))).toEqual([
        bug,
        bug,
      ]);
      expect(printed).toEqual([]);
      expect(await uncaughtBy(() => made("report", isAsync).lost(new Error("reset")))).toEqual([]);
      expect(printed.splice(0)).toHaveLength(2);
    }
  });
});
