import { describe, expect, it } from "vitest";
import { messageOf, quoteless } from "../../../src/core/quoteless.ts";
import { ProtocolError } from "../../../src/index.ts";
import { thrownBy } from "../../support/thrown.ts";

const SECRET = "hunter2";
const parsing = (text: string): Error => thrownBy(() => JSON.parse(text));

/** Everything that a log might print of an error. */
function printed(error: unknown): string {
  const { name, message, stack, cause } = error as Error;
  return [name, message, stack, cause === undefined ? "" : printed(cause)].join("\n");
}

describe("messageOf", () => {
  it.each([
    ["a word", `{"password":${SECRET}}`],
    ["a long text", `{"password":"${SECRET}", "${"x".repeat(200)}": ${SECRET}}`],
    ["line ends and a false place", `\n    at ${SECRET} (in JSON at position 7)`],
    ["an unfinished text", `["${SECRET}`],
  ])("shows nothing of %s that JSON.parse refused", (_, text) => {
    const message = messageOf(parsing(text));
    expect(message).toMatch(/^not valid JSON(?: at position \d+(?: \(line \d+ column \d+\))?)?$/);
  });

  it("shows no quotations of other SyntaxErrors", () => {
    expect(messageOf(thrownBy(() => BigInt(SECRET)))).toBe("a SyntaxError");
    expect(messageOf(thrownBy(() => new RegExp(`(${SECRET}`)))).toBe("a SyntaxError");
  });

  it("recognises a SyntaxError of another realm by its name", () => {
    const foreign = Object.assign(new Error(SECRET), { name: "SyntaxError" });
    expect(messageOf(foreign)).toBe("a SyntaxError");
  });

  it("keeps the message of any other error", () => {
    expect(messageOf(new RangeError("no such shape"))).toBe("no such shape");
    expect(messageOf("text")).toBe("text");
    expect(messageOf(Symbol("s"))).toBe("Symbol(s)");
    expect(messageOf({ message: "x" })).toBe("an object was thrown");
  });

  it("does not throw for an object that does", () => {
    const hostile = Object.defineProperty(new Error("x"), "message", {
      get() {
        throw new Error("no");
      },
    });
    expect(messageOf(hostile)).toBe("an object was thrown");
  });
});

describe("quoteless", () => {
  it("returns other causes unchanged", () => {
    const cause = new RangeError("no", { cause: new TypeError("deeper") });
    for (const one of [cause, undefined, null, "text", 5, { message: "x" }]) {
      expect(quoteless(one)).toBe(one);
    }
  });

  it("replaces a SyntaxError, and keeps its stack", () => {
    const copy = quoteless(parsing(`{"a":"${SECRET}" b}`)) as Error;
    expect(copy).toBeInstanceOf(SyntaxError);
    expect(printed(copy)).not.toContain(SECRET);
    expect(copy.stack).toContain("quoteless.test");
  });

  it("drops a stack that repeats the message in a form of its own", () => {
    const error = parsing(`${SECRET}`);
    error.stack = `at parse (file.js:1)\n${error.message}`;
    const copy = quoteless(error) as Error;
    expect(copy.stack).toBe(`SyntaxError: ${copy.message}`);
  });

  it("replaces one among the causes of another error, which keeps its name and message", () => {
    const outer = new TypeError("bad order", { cause: parsing(`["${SECRET}"`) });
    const copy = quoteless(outer) as Error;
    expect(copy).not.toBe(outer);
    expect(copy).toMatchObject({ name: "TypeError", message: "bad order" });
    expect(copy.cause).toBeInstanceOf(SyntaxError);
    for (const key of ["name", "stack"]) {
      const { configurable, writable } = Object.getOwnPropertyDescriptor(copy, key)!;
      expect([configurable, writable]).toEqual([true, true]);
    }
    expect(printed(copy)).not.toContain(SECRET);
  });

  it("follows a cycle of causes no longer than it must", () => {
    const error: Error = new Error("x");
    error.cause = error;
    expect(quoteless(error)).toBeInstanceOf(Error);
  });

  it("lets go of a cause that throws when it is looked at", () => {
    const hostile = Object.defineProperty(new Error("x"), "cause", {
      get() {
        throw new Error("no");
      },
    });
    expect(quoteless(hostile)).toBeUndefined();
  });

  it("is applied to the cause of every ProtocolError", () => {
    const error = new ProtocolError("malformed", "bad", 0, { cause: parsing(SECRET) });
    expect(printed(error)).not.toContain(SECRET);
  });
});
