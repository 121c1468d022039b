import { expect, it } from "vitest";
import { parse } from "../../../../src/protocols/sproto/index.ts";
import { interpret } from "../../../../src/protocols/sproto/interpret.ts";
import { type Writer, writing } from "../../../../src/protocols/sproto/writer.ts";

const limits = { maxDepth: 64, maxSize: 1000 };

const { schema, settings } = parse(".T { i 0 : integer  s 1 : string  t 2 : *T }");
const encode = interpret(schema, settings).encoders[0]!;

it("keeps nothing alive of what was written", () => {
  const w = writing(limits, (writer): Writer => {
    encode(writer, { s: "a", t: [{ s: "b" }, { i: 70_000, t: [{}] }] }, 1);
    return writer;
  });
  expect(w.top).toBe(0);
  expect(w.stack.length).toBeGreaterThan(0);
  // A field's plan, which lives as long as the schema, follows each value.
  expect(w.stack.filter((_, i) => i % 2 === 0).every((value) => value === undefined)).toBe(true);
});

it("drops a message that could not be written", () => {
  let w: Writer | undefined;
  const before = writing(limits, (writer) => writer.at);
  const fail = (): void =>
    writing(limits, (writer) => {
      w = writer;
      encode(writer, { i: 70_000, s: "a", t: [{ s: "b", t: [{ s: 5 }] }] }, 1);
    });
  expect(fail).toThrow("T.s is a string");
  expect(w).toMatchObject({ at: before, start: before, top: 0, stack: [] });
});

it("is lent to one message at a time", () => {
  writing(limits, (outer) => {
    expect(writing(limits, (inner) => inner)).not.toBe(outer);
  });
});

it("releases the memory of a giant message", () => {
  const large = { maxDepth: 1, maxSize: 1e6 };
  const kept = writing(large, (w) => {
    w.need(100_000);
    expect(w.bytes.length).toBeGreaterThan(64 * 1024);
    w.keep();
    return w;
  });
  expect(kept.bytes.length).toBe(0);
  expect(writing(limits, (w) => w.bytes.length)).toBe(16 * 1024);
});
