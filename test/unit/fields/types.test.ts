import { encodeFrame, type Received, type Sent } from "framewright";
import {
  array,
  bits,
  bytes,
  count,
  enumOf,
  type Field,
  match,
  optional,
  present,
  size,
  struct,
  u8,
  u16be,
  u32le,
  u64be,
  union,
  utf8,
  withDefault,
} from "framewright/fields";
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  type fastwayCommands,
  goimPackets,
  modbus,
  type mqtt,
  type Tlv,
  type tlvs,
} from "../../support/formats.ts";

describe("types of descriptions", () => {
  it("differ for sent and received values", () => {
    expectTypeOf<Sent<typeof goimPackets>>().toEqualTypeOf<{
      readonly op: number;
      readonly ver?: number | undefined;
      readonly seq?: number | undefined;
      readonly body?: Uint8Array | undefined;
    }>();
    expectTypeOf<Received<typeof goimPackets>>().toEqualTypeOf<{
      readonly ver: number;
      readonly op: number;
      readonly seq: number;
      readonly body: Uint8Array;
    }>();
    const wide = struct({ id: u64be, note: optional(utf8()) });
    expectTypeOf<Sent<typeof wide>>().toEqualTypeOf<{
      readonly id: number | bigint;
      readonly note?: string | undefined;
    }>();
    expectTypeOf<Received<typeof wide>>().toEqualTypeOf<{
      readonly id: bigint;
      readonly note: string | undefined;
    }>();
  });

  it("are discriminated unions for unions and matches", () => {
    expectTypeOf<Extract<Received<typeof fastwayCommands>, { type: "accept" }>>().toEqualTypeOf<{
      readonly type: "accept";
      readonly connId: number;
      readonly remoteId: number;
    }>();
    const use = (request: Received<typeof modbus>): number => {
      if (request.fn === "writeMultipleRegisters") return request.data.values.length;
      if (request.fn === "readHoldingRegisters") return request.data.quantity;
      if (request.fn === "writeSingleRegister") return request.data.value;
      expectTypeOf(request.fn).toEqualTypeOf<number>();
      return request.data.length;
    };
    expect(use({ transaction: 1, unit: 1, fn: 9, data: new Uint8Array(3) })).toBe(3);
    expectTypeOf<Received<typeof tlvs>>().toEqualTypeOf<Tlv>();
    expectTypeOf<NonNullable<Sent<typeof mqtt>["will"]>["topic"]>().toEqualTypeOf<string>();
  });

  it("show nothing but members", () => {
    const list = struct({
      n: count(u8, "items"),
      items: array(struct({ id: u32le, kind: enumOf(u8, { a: 1 }) })),
    });
    expectTypeOf(list).toExtend<
      Field<{ readonly items: readonly { readonly id: number; readonly kind: "a" }[] }>
    >();
  });

  it("refuse wrong values", () => {
    const never = (): void => {
      // @ts-expect-error op is missing
      encodeFrame(goimPackets, { seq: 1 });
      // @ts-expect-error opp does not exist
      encodeFrame(goimPackets, { op: 1, opp: 2 });
      // @ts-expect-error packetLength is hidden
      encodeFrame(goimPackets, { op: 1, packetLength: 16 });
      const data = { address: 1, quantity: 2 };
      // @ts-expect-error the data is that of another case
      encodeFrame(modbus, { transaction: 1, fn: "writeSingleRegister", data });
    };
    expect(never).toBeTypeOf("function");
  });

  it("refuse wrong descriptions", () => {
    const never = (): void => {
      // @ts-expect-error no field is called "boddy"
      struct({ n: size(u16be, "boddy"), body: bytes() });
      // @ts-expect-error no field is called "list"
      struct({ n: count(u8, "list"), items: array(u8) });
      // @ts-expect-error no field is called "kindd"
      struct({ kind: u8, body: match("kindd", { 1: utf8() }) });
      // @ts-expect-error no field is called "wil"
      struct({ has: present("wil"), low: bits(7), will: optional(u8) });
      // @ts-expect-error case b is missing
      union("type", enumOf(u8, { a: 1, b: 2 }), { a: { x: u8 } });
      // @ts-expect-error the size in a case counts nothing
      union("type", enumOf(u8, { a: 1 }), { a: { n: size(u8, "y"), x: bytes() } });
      // @ts-expect-error 5 is no field
      struct({ a: u8, b: 5 });
      // @ts-expect-error a default must fit
      withDefault(u8, "1");
    };
    expect(never).toBeTypeOf("function");
  });
});
