import { describe, expect, it } from "vitest";
import { cutOff, guard, handlerErrorsOf } from "../../../src/core/connection/guard.ts";
import { closedError } from "../../../src/core/connection/report.ts";
import { Connection, lines, ProtocolError, utf8 } from "../../../src/index.ts";
import { printedLines } from "../../support/printed-lines.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";
import { settle } from "../../support/settle.ts";

const printed = printedLines();

describe("guard", () => {
  const bug = new Error("bug");

  it("returns the result, and reports nothing", async () => {
    const failed: unknown[] = [];
    const promise = Promise.resolve(1);
    expect(
      guard(
        () => 5,
        (error) => failed.push(error),
      ),
    ).toBe(5);
    expect(
      guard(
        () => promise,
        (error) => failed.push(error),
      ),
    ).toBe(promise);
    await settle();
    expect(failed).toEqual([]);
  });

  it("passes an error or a rejection on, once", async () => {
    const failed: unknown[] = [];
    const throwing = (): never => {
      throw bug;
    };
    expect(guard(throwing, (error) => failed.push(error))).toBeUndefined();
    guard(
      () => Promise.reject(bug),
      (error) => failed.push(error),
    );
    await settle();
    expect(failed).toEqual([bug, bug]);
  });

  it("ignores a rejection with an error that was reported", async () => {
    const failed: unknown[] = [];
    guard(
      () => Promise.reject(closedError("closed")),
      (error) => failed.push(error),
    );
    await settle();
    expect(failed).toEqual([]);
  });

  it("prints errors by default", () => {
    guard(() => {
      throw bug;
    });
    expect(printed).toEqual([expect.stringContaining("a handler failed: Error: bug")]);
  });
});

describe("handlerErrorsOf", () => {
  it("is that of the connection, or report", () => {
    expect(handlerErrorsOf({ handlerErrors: "throw" })).toBe("throw");
    for (const odd of [{ handlerErrors: "report" }, { handlerErrors: 5 }, {}, undefined, null]) {
      expect(handlerErrorsOf(odd)).toBe("report");
    }
  });
});

describe("cutOff", () => {
  const fault = new ProtocolError("malformed", "no such type");

  it("ends a connection at once, with an error of its peer", () => {
    const errors: unknown[] = [];
    const sink = new ScriptedSink();
    const connection = new Connection(lines().wrap(utf8()), sink, {
      message() {},
      error: (_, error) => errors.push(error),
    });
    connection.opened();
    cutOff(connection, fault);
    expect([errors, sink.calls, connection.state]).toEqual([[fault], ["abort"], "closed"]);
  });

  it("aborts a connection of another copy of the package", () => {
    const reasons: unknown[] = [];
    cutOff({ abort: (error) => reasons.push(error) }, fault);
    expect(reasons).toEqual([fault]);
  });
});
