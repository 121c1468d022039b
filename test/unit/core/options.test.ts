import { describe, expect, it } from "vitest";
import { checkOptions } from "../../../src/framing/index.ts";

const check = (options: unknown): void =>
  checkOptions("things", options as object, ["maxFrame", "copy"]);

describe("checkOptions", () => {
  it.each<[object]>([[{}], [{ copy: true }], [{ maxFrame: undefined, copy: 1 }], [[]]])(
    "takes %o",
    (options) => {
      expect(() => check(options)).not.toThrow();
    },
  );

  it("names an unknown option, and the known ones", () => {
    expect(() => check({ copy: true, maxframe: 1 })).toThrow(
      new TypeError('things has no option "maxframe"; use maxFrame, copy'),
    );
    expect(() => check({ toString: 1 })).toThrow(TypeError);
  });

  it.each([1024, "copy", null, undefined, true, () => {}])(
    "refuses %o in place of options",
    (it) => {
      expect(() => check(it)).toThrow(/things takes options as an object of maxFrame, copy, not/);
    },
  );
});
