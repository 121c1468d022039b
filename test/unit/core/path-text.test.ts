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

it("a path is shown whole if it has at most 120 characters, or at most five parts", () => {
  const long = "n".repeat(40);
  const parts = (first: string): string[] => [first, "b", "c", "d", long, long];
  const whole = parts("a".repeat(32));
  expect(pathText(whole)).toHaveLength(120);
  expect(pathText(whole)).toBe(whole.join("."));
  const longer = parts("a".repeat(33));
  expect(pathText(longer)).toBe(`${"a".repeat(33)}.b ... d.${long}.${long}`);
  const five = [long, long, long, long, long];
  expect(pathText(five)).toBe(five.join("."));
});
