import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  markReported,
  reportBug,
  reportPeer,
  wasReported,
} from "../../../src/core/connection/report.ts";
import { ProtocolError } from "../../../src/index.ts";

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

describe("bugs", () => {
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
