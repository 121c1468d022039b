import { expect, it } from "vitest";
import { pathText } from "../../../src/core/path-text.ts";

it.each([
  [["user", "names", 3, "first"], "user.names[3].first"],
  [[0, "a-b", "é"], "[0].a-b.é"],
  [["a b", "", "1st"], '["a b"][""]["1st"]'],
  [["n".repeat(40)], "n".repeat(40)],
  [["n".repeat(41)], `["${"n".repeat(40)}"]`],
  [[], ""],
])("the path %j reads %s", (path, text) => {
  expect(pathText(path)).toBe(text);
});

it("a long path of many parts shows its ends", () => {
  const deep = ["first", "second", ...Array.from({ length: 200 }, (_, i) => i), "x", "y", "z"];
  expect(pathText(deep)).toBe("first.second ... x.y.z");
});
