import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { protocolOf, struct, u8, u16be, utf8 } from "../../../src/fields/index.ts";
import { defineProtocol, lengthPrefixed, raw } from "../../../src/index.ts";
import { bytes, type Law, LawError, laws } from "../../../src/testing/index.ts";
import { line, type Ping, ping } from "./saboteurs/saboteur.ts";

vi.setConfig({ testTimeout: 60_000 });

const pings = fc.record({ op: fc.nat(255), body: bytes({ max: 300 }) });

/** The errors of all laws that are broken. */
function errorsOf(promised: readonly Law[]): LawError[] {
  return promised.flatMap((law) => {
    try {
      law.check();
      return [];
    } catch (error) {
      expect(error, String(error)).toBeInstanceOf(LawError);
      return [error as LawError];
    }
  });
}

function errorOf(promised: readonly Law[], name: string): LawError {
  return errorsOf(promised.filter((law) => law.name === name))[0]!;
}

describe("a report", () => {
  it("shows the first difference, both sides", () => {
    const wrong = ping({
      decode: (all, start, end) => {
        const body = all.slice(start + 3, end);
        if (body.length > 20) body[17]! ^= 1;
        return { op: all[start + 2]!, body };
      },
    });
    const { message } = errorOf(laws(wrong, pings, { seed: 1 }), "round trip");
    expect(message).toContain("  first difference: .body[17]\n");
    expect(message).toMatch(/ {4}expected {2}21 bytes: from 11 on 00 00 00 00 00 00 \[00\] 00/);
    expect(message).toMatch(/ {4}received {2}21 bytes: from 11 on 00 00 00 00 00 00 \[01\] 00/);
  });

  it("shows values if only these differ between cuts", () => {
    // Looks behind the chunk that it was given.
    const peeking = ping({
      decode: (all, start, end) => ({
        op: all[start + 2]!,
        body: all.slice(start + 3, end).fill(all[end] ?? 0),
      }),
    });
    const { message } = errorOf(laws(peeking, pings, { seed: 1 }), "no overread");
    expect(message).toContain("decode looks past end: bytes 255 after the frame change its value");
    expect(message).toContain("first difference: .body[0]");
    expect(message).toMatch(/nothing after it {4}1 bytes: \[00\]/);
    expect(message).toMatch(/bytes 255 after it {2}1 bytes: \[ff\]/);
  });

  it("tells what the bytes of a described protocol mean", () => {
    const described = protocolOf(struct({ id: u16be, name: utf8(u8) }), { name: "names" });
    const wrong = {
      ...described,
      decode: (all: Uint8Array, start: number, end: number) => ({
        ...described.decode(all, start, end),
        id: 7,
      }),
    };
    const { message } = errorOf(laws(wrong as typeof described, { seed: 1 }), "round trip");
    expect(message).toContain("first difference: .id\n    expected  0\n    received  7\n");
    expect(message).toMatch(/\n {4}0000 {2}00 00 +id +u16be +0\n/);
    expect(message).toMatch(/\n {4}0002 {2}00 +length +u8 +0 {2}\(bytes that follow\)\n/);
  });

  it("tells what the bytes of a framing mean", () => {
    const framing = lengthPrefixed({ width: 2, maxFrame: 300 });
    const codec = {
      ...raw(),
      decode: (all: Uint8Array, start: number) => all.subarray(start, start),
    };
    const { message } = errorOf(
      laws(framing.wrap(codec), bytes(framing), { seed: 1 }),
      "round trip",
    );
    expect(message).toMatch(/\n {4}0000 {2}00 01 +length +u16be +1 /);
  });

  it("fits a screen, also for long values, long bytes and many cuts", () => {
    const long = bytes({ min: 300, max: 500 }).map((body) => body.map((byte) => byte | 0x10));
    const broken = [
      ...errorsOf(
        laws(
          line({
            measure: (all, start, end) => all.subarray(0, end).indexOf(10, start) + 1 - start,
          }),
          long,
          { seed: 1, runs: 20 },
        ),
      ),
      ...errorsOf(
        laws(
          ping({ decode: (all, start) => ({ op: all[2]!, body: all.subarray(start) }) }),
          fc.record({ op: fc.nat(255), body: long }),
          { seed: 1, runs: 20 },
        ),
      ),
    ];
    expect(broken.length).toBeGreaterThan(6);
    for (const { message } of broken) {
      const rows = message.split("\n");
      expect(rows.length, message).toBeLessThanOrEqual(24);
      expect(Math.max(...rows.map((row) => row.length)), message).toBeLessThanOrEqual(110);
    }
  });
});

describe("one mistake", () => {
  const off = (): Law[] => laws(ping({ measure: measureOffByOne }), pings, { seed: 3 });

  it("is reported at length by one law, and by each law that follows from it in one line", () => {
    const errors = errorsOf(off());
    const [first, ...others] = errors;
    expect(first?.law).toBe("measure equals length");
    expect(first?.follows).toBeUndefined();
    expect(others.length).toBeGreaterThanOrEqual(6);
    for (const { message, law, follows } of others) {
      expect(follows, law).toBe("measure equals length");
      expect(message).toBe(
        `ping breaks the law "${law}" too: fix "measure equals length" first, the likely cause`,
      );
    }
  });

  it("has the same cause when only a law that follows is checked", () => {
    expect(errorOf(off(), "chunk invariance").follows).toBe("measure equals length");
  });

  it("has a cause that follows from nothing", () => {
    const wrong = ping({
      decode: (all, start, end) => ({ op: 1, body: all.subarray(start + 3, end) }),
    });
    for (const { law, follows } of errorsOf(laws(wrong, pings, { seed: 3 }))) {
      expect(follows, law).toBe(law === "round trip" ? undefined : "round trip");
    }
  });
});

const measureOffByOne = (all: Uint8Array, start: number, end: number): number =>
  end - start < 2 ? 0 : 2 + all[start]! * 256 + all[start + 1]!;

describe("a call that never returns", () => {
  const endless = (fault: Partial<Ping> = {}): never => {
    for (;;) if (fault.op === -1) throw new Error("never");
  };
  // As in DNS: a byte from c0 on is a pointer to the rest of the name, here perhaps to itself.
  const looping = defineProtocol<Uint8Array>({
    name: "names",
    maxFrame: 300,
    measure: (all, start) => 1 + all[start]!,
    decode(all, start, end) {
      let at = start + 1;
      try {
        while (at < end && all[at]! >= 0xc0) at = start + 1 + (all[at + 1] ?? 0);
      } catch {
        endless();
      }
      return all.subarray(at, end);
    },
    encode: (body, out) => void out.u8(body.length).bytes(body),
  });
  const names = bytes({ max: 9 }).map((name) => name.map((byte) => byte & 0x7f));

  it("breaks a law within the deadline, which names the call and its bytes", () => {
    const { message } = errorOf(laws(looping, names, { seed: 1, deadline: 200 }), "no overread");
    expect(message).toContain("decode did not return within 0.2 s for these bytes");
    expect(message).toMatch(/ {2}bytes: \d+\n {4}0000 {2}[0-9a-f]{2} .*[c-f][0-9a-f]/);
  });

  it("is reported once: other laws that meet it follow", () => {
    const broken = errorsOf(
      laws(looping, names, { seed: 1, deadline: 200 }).filter(({ name }) =>
        ["no overread", "no bare throws"].includes(name),
      ),
    );
    expect(broken.map(({ law, follows }) => [law, follows])).toEqual([
      ["no overread", undefined],
      ["no bare throws", "no overread"],
    ]);
  });

  it("may be one of encode", () => {
    const stuck = ping({
      encode: ({ op, body }, out) => {
        if (op === 7) endless();
        out.u16be(body.length).u8(op).bytes(body);
      },
    });
    const sevens = fc.record({ op: fc.constantFrom(0, 7), body: bytes({ max: 3 }) });
    const { message, counterexample } = errorOf(
      laws(stuck, sevens, { seed: 1, deadline: 200 }),
      "round trip",
    );
    expect(message).toContain("encode did not return within 0.2 s");
    expect((counterexample as Ping).op).toBe(7);
  });

  it("is not one that is slow only together with others", () => {
    const slow = ping({
      decode(all, start, end) {
        const until = performance.now() + 2;
        while (performance.now() < until);
        return { op: all[start + 2]!, body: all.subarray(start + 3, end) };
      },
    });
    const promised = laws(slow, pings, { seed: 1, runs: 150, deadline: 100 });
    promised.find(({ name }) => name === "round trip")!.check();
  });

  it("has a limit that is a whole number of milliseconds, or none", () => {
    expect(() => laws(ping(), pings, { deadline: 0 })[0]!.check()).toThrow(RangeError);
    laws(ping(), pings, { deadline: Number.POSITIVE_INFINITY, runs: 5 })[0]!.check();
  });

  it("cannot be interrupted without node:vm, and reports say so", () => {
    const { getBuiltinModule } = process;
    try {
      process.getBuiltinModule = (() => undefined) as never;
      const { message } = errorOf(
        laws(ping({ measure: measureOffByOne }), pings),
        "measure equals length",
      );
      expect(message).toContain("\n  deadline: none, because this runtime cannot interrupt a call");
    } finally {
      process.getBuiltinModule = getBuiltinModule;
    }
    const { message } = errorOf(
      laws(ping({ measure: measureOffByOne }), pings),
      "measure equals length",
    );
    expect(message).not.toContain("deadline:");
  });
});
