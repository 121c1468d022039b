import { encodeFrame, type Framing, Splitter } from "framewright";
import {
  array,
  checked,
  match,
  protocolOf,
  struct,
  u8,
  u16be,
  until,
  utf8,
} from "framewright/fields";
import { compiled } from "framewright/fields/compiled";
import { describe, expect, it } from "vitest";

/** A nested list, and a count of how often its items are looked at. */
function counted() {
  let looks = 0;
  const look = (): boolean => {
    looks++;
    return true;
  };
  const entry = struct({
    kind: checked(u8, look, "anything"),
    value: match("kind", { 1: utf8(u8) }, array(struct({ id: u8, name: utf8(u8) }), u8)),
  });
  const labels = until(checked(utf8(u8), look, "anything"), "");
  const protocol = protocolOf(struct({ entries: array(entry, u16be), labels }), { name: "walk" });
  return {
    protocol,
    looks: (): number => looks,
    reset: (): void => {
      looks = 0;
    },
  };
}

const ENTRIES = 200;
const value = {
  entries: Array.from({ length: ENTRIES }, (_, i) =>
    i % 2 === 0
      ? { kind: 1 as const, value: "some text" }
      : { kind: 2, value: [{ id: 1, name: "x" }] },
  ),
  labels: Array.from({ length: ENTRIES }, (_, i) => `label ${i}`),
};

describe("a walk to the end of a frame that arrives byte by byte", () => {
  for (const [name, wrap] of [
    ["closures", <T>(one: T): T => one],
    ["generated code", compiled as <T>(one: T) => T],
  ] as const) {
    it(`looks at each item once by ${name}`, () => {
      const { protocol, looks, reset } = counted();
      const frame = encodeFrame(protocol, value as never);
      const made: Framing = wrap(protocol);
      reset();
      const splitter = new Splitter(made);
      let found = 0;
      for (const byte of frame) {
        splitter.push(Uint8Array.of(byte));
        while (splitter.next()) found++;
      }
      expect(found).toBe(1);
      // Each entry, each label, and the empty label at the end.
      expect(looks()).toBe(2 * ENTRIES + 1);
    });
  }
});
