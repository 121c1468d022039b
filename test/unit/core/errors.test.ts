import { describe, expect, expectTypeOf, it, vi } from "vitest";
import { asProtocolError, rebased } from "../../../src/core/errors.ts";
import { ProtocolError, type ProtocolErrorCode } from "../../../src/index.ts";

describe("ProtocolError", () => {
  it("is an Error with a name, a code and an offset", () => {
    const error = new ProtocolError("malformed", "byte 7 is 3, not 4", 7);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe("ProtocolError");
    expect(String(error)).toBe("ProtocolError: byte 7 is 3, not 4");
    expect(error.code).toBe("malformed");
    expect(error.offset).toBe(7);
    expect(error.stack).toContain("errors.test");
  });

  it("has an offset and a cause only if they were given", () => {
    const bare = new ProtocolError("closed", "over");
    expect(bare.offset).toBeUndefined();
    expect("cause" in bare).toBe(false);
    const cause = new RangeError("deep");
    expect(new ProtocolError("closed", "over", 1, { cause }).cause).toBe(cause);
  });

  it("does not list its name among its properties", () => {
    // A name on the instance would appear in every log of the error's fields.
    expect(Object.keys(new ProtocolError("closed", "over", 1)).sort()).toEqual(["code", "offset"]);
  });

  it("recognises errors of another copy of the package, and no others", async () => {
    vi.resetModules();
    const copy = await import("../../../src/core/errors.ts");
    const foreign = new copy.ProtocolError("malformed", "bad", 3);
    expect(foreign.constructor).not.toBe(ProtocolError);
    expect(foreign).toBeInstanceOf(ProtocolError);
    expect(asProtocolError(foreign, "unencodable", "decode failed")).toBe(foreign);
    for (const other of [new Error("x"), { name: "ProtocolError", code: "x" }, null, "x"]) {
      expect(other).not.toBeInstanceOf(ProtocolError);
    }
    class Special extends ProtocolError {
      override readonly name = "Special";
    }
    expect(new Special("closed", "over")).toBeInstanceOf(ProtocolError);
    expect(new Special("closed", "over")).toBeInstanceOf(Special);
    expect(foreign).not.toBeInstanceOf(Special);
  });

  it("has a code that a switch can exhaust", () => {
    expectTypeOf<ProtocolError["code"]>().toEqualTypeOf<ProtocolErrorCode>();
    // @ts-expect-error no such code
    new ProtocolError("bad", "no");
  });
});

describe("the name of an error", () => {
  it("is like that of the errors of JavaScript: on the prototype, and may be changed", () => {
    const own = Object.getOwnPropertyDescriptor(ProtocolError.prototype, "name");
    const theirs = Object.getOwnPropertyDescriptor(RangeError.prototype, "name");
    expect(own).toEqual({ ...theirs, value: "ProtocolError" });
  });
});

describe("rebased", () => {
  it("adds to the offset in a new object that keeps everything else", () => {
    const cause = new RangeError("deep");
    const error = new ProtocolError("malformed", "bad", 3, { cause });
    const moved = rebased(error, 100);
    expect(moved).not.toBe(error);
    expect(moved).toBeInstanceOf(ProtocolError);
    expect(moved).toMatchObject({ code: "malformed", message: "bad", offset: 103 });
    expect(moved.cause).toBe(cause);
    expect(moved.stack).toBe(error.stack);
    expect(error.offset).toBe(3);
  });

  it("does not make up an offset", () => {
    expect(rebased(new ProtocolError("malformed", "bad"), 100).offset).toBeUndefined();
  });

  it("works in a runtime without stacks", () => {
    const error = new ProtocolError("malformed", "bad", 3);
    Object.defineProperty(error, "stack", { value: undefined });
    expect(rebased(error, 1).offset).toBe(4);
  });
});

describe("asProtocolError", () => {
  it("returns a ProtocolError unchanged", () => {
    const error = new ProtocolError("truncated", "short", 3);
    expect(asProtocolError(error, "malformed", "decode failed", 9)).toBe(error);
  });

  it("wraps any other error, which becomes the cause", () => {
    const thrown = new RangeError("Offset is outside the bounds");
    const error = asProtocolError(thrown, "malformed", "decode failed", 9);
    expect(error).toMatchObject({ code: "malformed", offset: 9 });
    expect(error.message).toBe("decode failed: Offset is outside the bounds");
    expect(error.cause).toBe(thrown);
  });

  it.each([
    ["text", "text"],
    [undefined, "undefined"],
    [null, "null"],
    [7n, "7"],
  ])("wraps what is no error at all: %s", (thrown, shown) => {
    const error = asProtocolError(thrown, "unencodable", "no");
    expect(error.message).toBe(`no: ${shown}`);
    expect(error.cause).toBe(thrown);
  });

  it.each([
    ["a symbol", Symbol("s")],
    ["an object without a prototype", Object.create(null)],
    ["an object whose toString throws", { toString: () => assertUnreached() }],
  ])("wraps %s, which resists being shown", (_, thrown) => {
    const error = asProtocolError(thrown, "malformed", "decode failed");
    expect(error.code).toBe("malformed");
    expect(error.cause).toBe(thrown);
  });
});

function assertUnreached(): never {
  throw new Error("must not get out");
}
