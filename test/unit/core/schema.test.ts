import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, expectTypeOf, it } from "vitest";
import * as z from "zod";
import {
  Connection,
  checked,
  decodeFrame,
  encodeFrame,
  json,
  lines,
  ProtocolError,
  type Received,
  type Sent,
  utf8,
} from "../../../src/index.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";
import { uncaughtBy } from "../../support/uncaught.ts";

const zod = z.object({ name: z.string(), items: z.array(z.object({ id: z.number() })) });
const valibot = v.object({ name: v.string(), items: v.array(v.object({ id: v.number() })) });
const arktype = type({ name: "string", items: type({ id: "number" }).array() });

const good = { name: "a", items: [{ id: 1 }, { id: 2 }] };
const secret = "hunter2-password";

function faultOf(run: () => unknown): ProtocolError {
  try {
    run();
  } catch (error) {
    return error as ProtocolError;
  }
  throw new Error("nothing was thrown");
}

describe.each([
  ["zod", zod],
  ["valibot", valibot],
  ["arktype", arktype],
] as const)("a schema of %s", (vendor, schema) => {
  const protocol = lines().wrap(json({ schema }));
  const bytesOf = (value: unknown): Uint8Array => encodeFrame(lines().wrap(json()), value);

  it("lets valid values in, on every path", () => {
    expect(decodeFrame(protocol, bytesOf(good))).toEqual(good);
    const seen: unknown[] = [];
    const connection = new Connection(protocol, new ScriptedSink(), {
      message: (_, value) => void seen.push(value),
    });
    connection.opened();
    connection.received(bytesOf(good));
    expect(seen).toEqual([good]);
  });

  it("refuses others as malformed, with the path and without the payload", () => {
    const bad = { name: secret, items: [{ id: 1 }, { id: secret }] };
    const error = faultOf(() => decodeFrame(protocol, bytesOf(bad)));
    expect(error).toBeInstanceOf(ProtocolError);
    expect([error.code, error.path]).toEqual(["malformed", ["items", 1, "id"]]);
    expect(error.message).toBe(`items[1].id is not valid by its schema (${vendor})`);
    expect(JSON.stringify([error.message, error.stack, String(error.cause)])).not.toContain(secret);
  });

  it("refuses a value that is no object at all", () => {
    const error = faultOf(() => decodeFrame(protocol, bytesOf(5)));
    expect(error).toMatchObject({ code: "malformed", path: [] });
  });

  it("does not check sent values", () => {
    const wrong = { name: 5 } as never;
    expect(encodeFrame(protocol, wrong)).toEqual(bytesOf(wrong));
  });
});

describe("checked", () => {
  it("infers its types from the schema", () => {
    const dates = z.object({ at: z.string().transform((text) => new Date(text)) });
    const codec = json({ schema: dates });
    expectTypeOf<Sent<typeof codec>>().toEqualTypeOf<{ at: string }>();
    expectTypeOf<Received<typeof codec>>().toEqualTypeOf<{ at: Date }>();
    const protocol = lines().wrap(codec);
    const { at } = decodeFrame(protocol, encodeFrame(protocol, { at: "2020-01-01" }));
    expect(at.getTime()).toBe(Date.UTC(2020, 0, 1));
    const plain = json<number>();
    expectTypeOf<Received<typeof plain>>().toEqualTypeOf<number>();
    const ark = json({ schema: arktype });
    expectTypeOf<Received<typeof ark>>().toEqualTypeOf<typeof good>();
    const val = json({ schema: valibot });
    expectTypeOf<Received<typeof val>>().toEqualTypeOf<typeof good>();
  });

  it("checks values of any codec, even with a parse of your own", () => {
    const port = lines().wrap(checked(utf8(), z.coerce.number().int().max(65_535)));
    expect(decodeFrame(port, encodeFrame(port, "80"))).toBe(80);
    expect(faultOf(() => decodeFrame(port, encodeFrame(port, "70000"))).code).toBe("malformed");
    const parsed = json({
      parse: (text) => ({ n: Number(text) }),
      schema: z.object({ n: z.number() }),
    });
    const numbers = lines().wrap(parsed);
    expect(decodeFrame(numbers, encodeFrame(numbers, 5 as never))).toEqual({ n: 5 });
  });

  const rejecting = {
    "~standard": {
      version: 1,
      vendor: "x",
      validate: () => Promise.reject(new Error("late")),
      types: undefined as { input: string; output: string } | undefined,
    },
  } as const;
  it.each([
    ["zod", z.string().refine(async () => false)],
    [
      "valibot",
      v.pipeAsync(
        v.string(),
        v.checkAsync(async () => false),
      ),
    ],
    ["any library", rejecting],
  ])(
    "takes an asynchronous schema of %s as a mistake of the program, and catches its promise",
    async (_, slow) => {
      const protocol = lines().wrap(json({ schema: slow }));
      const errors: unknown[] = [];
      const uncaught = await uncaughtBy(() => {
        errors.push(faultOf(() => decodeFrame(protocol, encodeFrame(protocol, "x"))));
        const connection = new Connection(protocol, new ScriptedSink(), {
          message() {},
          error: (_, error) => errors.push(error),
        });
        connection.opened();
        connection.received(encodeFrame(protocol, "x"));
      });
      expect(errors.length).toBe(2);
      for (const error of errors) {
        expect(error).toBeInstanceOf(TypeError);
        expect((error as Error).message).toBe("schema must be synchronous, but returned a promise");
      }
      expect(uncaught).toEqual([]);
    },
  );

  it("takes a schema that throws as bad input, without its text", () => {
    const throwing = {
      "~standard": { version: 1, vendor: "x", validate: () => JSON.parse(secret) },
    };
    const protocol = lines().wrap(checked(json(), throwing as never));
    const error = faultOf(() => decodeFrame(protocol, encodeFrame(protocol, 1)));
    expect(error.code).toBe("malformed");
    expect(error.message + String(error.cause)).not.toContain(secret);
  });

  it("refuses values that are not a schema", () => {
    expect(() => checked(json(), {} as never)).toThrow("needs a Standard Schema");
    expect(() => json({ schema: {} as never })).toThrow(TypeError);
  });
});
