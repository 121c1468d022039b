import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  closedError,
  isCausedBy,
  markReported,
  reportBug,
  reportPeer,
  wasReported,
} from "../../../src/core/connection/report.ts";
import { ProtocolError } from "../../../src/index.ts";
import { uncaughtBy } from "../../support/uncaught.ts";

let printed: string[];
let now: number;

beforeEach(() => {
  printed = [];
  now = 1_000_000;
  vi.spyOn(console, "error").mockImplementation((line: string) => void printed.push(line));
  vi.spyOn(performance, "now").mockImplementation(() => now);
});

afterEach(() => {
  vi.restoreAllMocks();
});

let names = 0;
/** A protocol whose errors no other test has reported. */
const fresh = (): string => `protocol ${names++}`;
const fault = new ProtocolError("malformed", "no such type 9");

describe("errors of peers", () => {
  it("is one line in ten seconds for a protocol and code, with a count of the others", () => {
    const name = fresh();
    for (let i = 0; i < 100; i++) reportPeer(name, "10.0.0.1:5", fault);
    now += 9_999;
    reportPeer(name, "10.0.0.2:6", fault);
    expect(printed).toEqual([`framewright: ${name} from 10.0.0.1:5: malformed: no such type 9`]);
    now += 1;
    reportPeer(name, undefined, fault);
    expect(printed[1]).toContain("(and 100 more before)");
    expect(printed[1]).not.toContain("from");
    now += 10_000;
    reportPeer(name, undefined, fault);
    expect(printed[2]).not.toContain("more before");
  });

  it("is counted for each code and each protocol alone", () => {
    const [one, two] = [fresh(), fresh()];
    reportPeer(one, undefined, fault);
    reportPeer(one, undefined, new ProtocolError("timeout", "late"));
    reportPeer(two, undefined, fault);
    expect(printed).toHaveLength(3);
  });

  it("shows no text of errors that are not ours: it may hold the payload", () => {
    const name = fresh();
    reportPeer(name, undefined, new Error("password=hunter2"));
    reportPeer(name, undefined, Object.assign(new Error("hunter2"), { code: "ERR_TLS" }));
    reportPeer(name, undefined, "hunter2");
    expect(printed).toEqual([
      `framewright: ${name}: Error`,
      `framewright: ${name}: ERR_TLS`,
      `framewright: ${name}: failed`,
    ]);
  });

  it.each(["ECONNRESET", "EPIPE"])("is silent for %s", (code) => {
    reportPeer(fresh(), undefined, Object.assign(new Error("gone"), { code }));
    expect(printed).toEqual([]);
  });

  it("cannot write control characters", () => {
    reportPeer(fresh(), "a\nb\u2028\u009b", fault);
    expect(printed[0]).toContain("a\\u000ab\\u2028\\u009b");
  });

  it("fills no memory, whatever protocols are called", () => {
    for (let i = 0; i < 3000; i++) reportPeer(`${fresh()} of many`, undefined, fault);
    const name = fresh();
    reportPeer(name, undefined, fault);
    reportPeer(name, undefined, fault);
    expect(printed).toHaveLength(3001);
  });
});

describe("the line of an error", () => {
  it("has the code, the address, and the number of lines that were left out", () => {
    const name = fresh();
    reportPeer(name, "10.0.0.1:5", fault);
    reportPeer(name, "10.0.0.1:6", fault);
    reportPeer(name, "10.0.0.1:7", fault);
    now += 10_000;
    reportPeer(name, undefined, fault);
    now += 10_000;
    reportPeer(name, undefined, new TypeError("hunter2"));
    reportPeer(name, undefined, fault);
    expect(printed).toEqual([
      `framewright: ${name} from 10.0.0.1:5: malformed: no such type 9`,
      `framewright: ${name}: malformed: no such type 9 (and 2 more before)`,
      `framewright: ${name}: TypeError`,
      `framewright: ${name}: malformed: no such type 9`,
    ]);
  });

  it("is printed for errors whose code cannot be read", () => {
    const name = fresh();
    const trap = {
      get code(): never {
        throw new Error("trap");
      },
    };
    for (const odd of [trap, undefined, null, { code: 5 }]) {
      reportPeer(name, undefined, odd);
      now += 10_000;
    }
    expect(printed.map((line) => line.replace(/ \(.*/, ""))).toEqual(
      Array.from({ length: 4 }, () => `framewright: ${name}: failed`),
    );
  });

  it("is not printed for a connection that was closed", () => {
    reportPeer(fresh(), undefined, closedError("gone"));
    expect(printed).toEqual([]);
  });

  it("shows every control character by its code", () => {
    const odd = "\u0000\u0009\u001f\u007f\u0080\u009f\u2028\u2029";
    reportPeer(fresh(), odd, fault);
    expect(printed[0]).toContain(
      "\\u0000\\u0009\\u001f\\u007f\\u0080\\u009f\\u2028\\u2029: malformed",
    );
  });

  it("counts anew after a thousand kinds", () => {
    const name = fresh();
    // Fill the table, whatever is in it.
    for (let i = 0; i < 1000; i++) reportPeer(`${fresh()} of many`, undefined, fault);
    printed.length = 0;
    reportPeer(name, undefined, fault);
    let others = 0;
    // The line appears again once the table was emptied.
    while (printed.filter((line) => line.includes(`: ${name}:`)).length < 2 && others < 3000) {
      reportPeer(`${fresh()} of many`, undefined, fault);
      others++;
      reportPeer(name, undefined, fault);
    }
    const once = others;
    while (printed.filter((line) => line.includes(`: ${name}:`)).length < 3 && others < 5000) {
      reportPeer(`${fresh()} of many`, undefined, fault);
      others++;
      reportPeer(name, undefined, fault);
    }
    // The table holds a thousand kinds, one of which is this one.
    expect([once <= 1000, others - once]).toEqual([true, 999]);
  });
});

describe("bugs", () => {
  it("that are thrown to the host are not printed", async () => {
    const bug = new Error("bug");
    expect(await uncaughtBy(() => reportBug(bug, "throw"))).toEqual([bug]);
    expect(printed).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    [
      "an error without a stack",
      Object.assign(new Error("bug"), { stack: undefined }),
      "Error: bug",
    ],
    ["a text", "text", "text"],
    ["undefined", undefined, "undefined"],
    ["null", null, "null"],
    ["a symbol", Symbol("odd"), "Symbol(odd)"],
    ["an object", { password: "hunter2" }, "an object was thrown that is not an Error"],
    ["a function", () => {}, "an object was thrown that is not an Error"],
    [
      "a Proxy that throws",
      new Proxy(
        {},
        {
          getPrototypeOf() {
            throw new Error("trap");
          },
        },
      ),
      "an object was thrown that cannot be shown",
    ],
  ])("are shown whatever was thrown: %s", (_, thrown, shown) => {
    reportBug(thrown, "report");
    expect(printed).toEqual([`framewright: a handler failed: ${shown}`]);
  });

  it("are printed with their stack, each time", () => {
    const bug = new Error("bug");
    reportBug(bug, "report");
    reportBug(bug, "report");
    expect(printed).toEqual([1, 2].map(() => `framewright: a handler failed: ${bug.stack}`));
  });
});

describe("errors that were reported", () => {
  it("are known, also as the cause of others", () => {
    const error = new Error("first");
    expect(wasReported(error)).toBe(false);
    markReported(error);
    expect(wasReported(error)).toBe(true);
    const outer = new Error("outer", { cause: new Error("middle", { cause: error }) });
    expect(wasReported(outer)).toBe(true);
  });

  it("are found in chains that are endless or that throw", () => {
    const circle: { cause?: unknown } = {};
    circle.cause = circle;
    expect(wasReported(circle)).toBe(false);
    const trap = {
      get cause(): unknown {
        throw new Error("trap");
      },
    };
    expect(wasReported(trap)).toBe(false);
    for (const value of [undefined, null, 1, "text"]) {
      markReported(value);
      expect(wasReported(value)).toBe(false);
    }
  });
});

describe("the cause of an error", () => {
  it("is looked for in 16 errors", () => {
    const origin = new Error("origin");
    let outer: unknown = origin;
    for (let i = 0; i < 15; i++) outer = new Error("outer", { cause: outer });
    expect(isCausedBy(outer, origin)).toBe(true);
    expect(isCausedBy(new Error("outermost", { cause: outer }), origin)).toBe(false);
  });

  it("may be anything that was thrown", () => {
    expect(isCausedBy("text", "text")).toBe(true);
    expect(isCausedBy(undefined, undefined)).toBe(true);
    expect(isCausedBy(new Error("outer", { cause: "text" }), "text")).toBe(false);
    expect(isCausedBy(new Error("other"), new Error("other"))).toBe(false);
    const made = (): void => {};
    expect(isCausedBy(new Error("outer", { cause: made }), made)).toBe(true);
  });

  it("is kept by the error of a closed connection, which counts as reported", () => {
    const cause = new Error("reset");
    expect(closedError("gone", cause)).toMatchObject({ code: "closed", message: "gone", cause });
    expect("cause" in closedError("gone")).toBe(false);
    expect(wasReported(new Error("outer", { cause: closedError("gone") }))).toBe(true);
    const frozen = Object.freeze(new Error("frozen"));
    expect(markReported(frozen)).toBe(frozen);
    expect(wasReported(frozen)).toBe(true);
    expect(markReported("text")).toBe("text");
  });
});
