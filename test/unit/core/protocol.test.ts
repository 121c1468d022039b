import { describe, expect, expectTypeOf, it } from "vitest";
import {
  decodeFrame,
  defineProtocol,
  encodeFrame,
  type Framing,
  json,
  lines,
  type MessageProtocol,
  type Protocol,
  type ProtocolDefinition,
  perMessage,
  type Received,
  type Sent,
  Splitter,
  utf8,
} from "../../../src/index.ts";

const byte: ProtocolDefinition<number> = {
  name: "byte",
  measure: () => 1,
  decode: (bytes, start) => bytes[start]!,
  encode: (value, out) => void out.u8(value),
};

describe("defineProtocol", () => {
  it("returns a frozen protocol that is not the definition", () => {
    const definition = { ...byte, name: "byte" };
    const protocol = defineProtocol(definition);
    expect(Object.isFrozen(protocol)).toBe(true);
    expect(Object.isFrozen(definition)).toBe(false);
    definition.name = "changed";
    expect(protocol.name).toBe("byte");
    expect(decodeFrame(protocol, encodeFrame(protocol, 7))).toBe(7);
  });

  it("limits frames to 1 MiB by default", () => {
    expect(defineProtocol(byte).maxFrame).toBe(1024 * 1024);
    expect(defineProtocol({ ...byte, maxFrame: undefined }).maxFrame).toBe(1024 * 1024);
    expect(defineProtocol({ ...byte, maxFrame: 1 }).maxFrame).toBe(1);
  });

  it.each([0, -1, 1.5, NaN, Infinity, 2 ** 53, "10", null])("refuses the limit %s", (maxFrame) => {
    const wrong = { ...byte, maxFrame: maxFrame as number };
    expect(() => defineProtocol(wrong)).toThrow(RangeError);
    expect(() => defineProtocol(wrong)).toThrow(`not ${maxFrame}`);
  });

  it.each(["measure", "decode", "encode"] as const)("misses the function %s", (key) => {
    const { [key]: _, ...rest } = byte;
    expect(() => defineProtocol(rest as ProtocolDefinition<number>)).toThrow(TypeError);
    expect(() => defineProtocol(rest as ProtocolDefinition<number>)).toThrow(`"byte" lacks`);
  });

  it("keeps the optional members", () => {
    const protocol = defineProtocol<number>({
      ...byte,
      text: true,
      decodeMany: () => [1, 2],
      perConnection: () => defineProtocol(byte),
    });
    expect(protocol.text).toBe(true);
    expect(protocol.decodeMany?.(new Uint8Array(1), 0, 1)).toEqual([1, 2]);
    expect(protocol.perConnection?.({ context: undefined }).name).toBe("byte");
  });
});

interface Ask {
  readonly question: string;
}
interface Answer {
  readonly answer: number;
}

describe("types", () => {
  const both = lines().wrap(json<Ask, Answer>());

  it("distinguish sent values from received ones", () => {
    expectTypeOf(both).toEqualTypeOf<Protocol<Ask, Answer>>();
    expectTypeOf<Sent<typeof both>>().toEqualTypeOf<Ask>();
    expectTypeOf<Received<typeof both>>().toEqualTypeOf<Answer>();
    expectTypeOf<Sent<string>>().toBeNever();
    expectTypeOf<Received<string>>().toBeNever();
    const read = () => decodeFrame(both, new Uint8Array(0));
    expectTypeOf(read).returns.toEqualTypeOf<Answer>();
    // @ts-expect-error an answer is not asked
    expect(encodeFrame(both, { answer: 1 }).length).toBe(13);
  });

  it("are inferred from a definition's functions", () => {
    const inferred = defineProtocol<{ op: number }, { op: number; at: number }>({
      name: "inferred",
      measure: (bytes, start) => {
        expectTypeOf(bytes).toEqualTypeOf<Uint8Array>();
        expectTypeOf(start).toBeNumber();
        return 1;
      },
      decode: (bytes, start) => ({ op: bytes[start]!, at: start }),
      encode: (value, out) => {
        expectTypeOf(value).toEqualTypeOf<{ op: number }>();
        out.u8(value.op);
      },
    });
    expectTypeOf(inferred).toEqualTypeOf<Protocol<{ op: number }, { op: number; at: number }>>();
    expect(decodeFrame(inferred, encodeFrame(inferred, { op: 3 }))).toEqual({ op: 3, at: 0 });
  });

  it("allow a protocol that accepts more and returns less in place of another one, and not the reverse", () => {
    expectTypeOf<Protocol<string | number, "a">>().toExtend<Protocol<string, string>>();
    expectTypeOf<Protocol<"a", string>>().not.toExtend<Protocol<string, string>>();
    expectTypeOf<Protocol<string, string | number>>().not.toExtend<Protocol<string, string>>();
  });

  it("keep a message protocol away from streams", () => {
    const messages = perMessage().wrap(utf8());
    expectTypeOf(messages).toEqualTypeOf<MessageProtocol<string>>();
    expectTypeOf(messages).not.toExtend<Framing>();
    expectTypeOf(both).toExtend<MessageProtocol<Ask, Answer>>();
    // @ts-expect-error it has no measure
    new Splitter(messages);
    // @ts-expect-error nor has the framing
    new Splitter(perMessage());
  });

  it("let optional members be undefined", () => {
    const maxFrame = undefined as number | undefined;
    const parse = undefined as ((text: string) => Answer) | undefined;
    expect(lines({ maxFrame }).maxFrame).toBe(1024 * 1024);
    expectTypeOf(json<Ask, Answer>({ parse }).decode).returns.toEqualTypeOf<Answer>();
  });
});
