import fc from "fast-check";
import { cobs, concatenatedJson, contentLength, slip } from "../../../../src/framing/index.ts";
import {
  type Codec,
  defineProtocol,
  fixed,
  json,
  lengthPrefixed,
  lines,
  netstring,
  type Protocol,
  ProtocolError,
  perMessage,
  raw,
  utf8,
  varintPrefixed,
} from "../../../../src/index.ts";
import { bytes, jsonValues, type Law, laws, several, text } from "../../../../src/testing/index.ts";
import { list } from "../saboteurs/list.ts";
import { batches, options as ofBatches, someRecords } from "./batched.ts";
import { mqtt, packets } from "./by-hand.ts";
import { answers, modbus } from "./checked.ts";
import { frames, replies } from "./decode-only.ts";
import { sensor } from "./described.ts";
import { messages, nats } from "./lines-with-payload.ts";
import { names, someNames } from "./names.ts";
import { bodies, stuffing } from "./stuffed.ts";
import { chunked, pieceLists } from "./walked.ts";
import { deltas, numbers } from "./with-state.ts";
import { events, someEvents } from "./wrapped.ts";

/** A protocol without a mistake, however unusual it is. */
export interface Right {
  readonly what: string;
  readonly lawsFrom: (seed: number, runs?: number) => readonly Law[];
}

const right = (what: string, lawsFrom: Right["lawsFrom"]): Right => ({ what, lawsFrom });
const given = (
  seed: number,
  runs: number | undefined,
): { seed: number; runs: number | undefined } => ({
  seed,
  runs,
});

/** Records that are chained: each ends with a sum of all before it on its connection. */
function chained(): Protocol<Uint8Array> {
  const open = (): Protocol<Uint8Array> => {
    let [written, read] = [0, 0];
    const next = (sum: number, body: Uint8Array): number =>
      body.reduce((all, byte) => (all * 31 + byte + 1) & 0xff, sum);
    return defineProtocol<Uint8Array>({
      name: "chained",
      maxFrame: 258,
      measure: (all, start) => 2 + all[start]!,
      decode(all, start, end) {
        const body = all.slice(start + 1, end - 1);
        read = next(read, body);
        if (all[end - 1] !== read) throw new ProtocolError("malformed", "broken chain", end - 1);
        return body;
      },
      encode(body, out) {
        if (body.length > 255) throw new ProtocolError("unencodable", "too long");
        written = next(written, body);
        out.u8(body.length).bytes(body).u8(written);
      },
    });
  };
  return { ...open(), perConnection: open };
}

/** A walk whose place is kept in an object of the scan. */
const remembering = (): Protocol<readonly Uint8Array[]> =>
  chunked({
    measure(all, start, end, scan) {
      scan.memo ??= { at: 0 };
      const memo = scan.memo as { at: number };
      const inner = { at: memo.at, state: 0, count: 0, ended: scan.ended, memo: undefined };
      const length = chunked().measure(all, start, end, inner as typeof scan);
      memo.at = inner.at;
      return length;
    },
  });

/** Frames of kind 0 carry nothing for the program: decodeMany skips them. */
const skipping = (): Protocol<readonly number[], number> => {
  const check = (_: Uint8Array, start: number, end: number): void => {
    if (end - start !== 2) throw new ProtocolError("malformed", "not two bytes", start);
  };
  return defineProtocol<readonly number[], number>({
    name: "skipping",
    maxFrame: 2,
    measure: (_, start, end) => (end - start < 2 ? 0 : 2),
    decode(all, start, end) {
      check(all, start, end);
      if (all[start] === 0) throw new ProtocolError("malformed", "nothing in it", start);
      return all[start]! * 256 + all[start + 1]!;
    },
    decodeMany(all, start, end) {
      check(all, start, end);
      return all[start] === 0 ? [] : [all[start]! * 256 + all[start + 1]!];
    },
    encode: (list, out) => void out.u16be(list[0] ?? 7),
  });
};

/** Zeros between frames are discarded, as keep-alives are. */
const discarding = (): Protocol<Uint8Array> =>
  defineProtocol<Uint8Array>({
    name: "discarding",
    maxFrame: 200,
    measure(all, start, end) {
      let zeros = 0;
      while (start + zeros < end && all[start + zeros] === 0) zeros++;
      return zeros > 0 ? -zeros : 1 + all[start]!;
    },
    decode: (all, start, end) => all.subarray(start + 1, end),
    encode(body, out) {
      if (body.length === 0) throw new ProtocolError("unencodable", "looks like a keep-alive");
      out.u8(body.length).bytes(body);
    },
  });

/** How long a frame is stands in a table, by its first byte. */
const LENGTHS = [1, 2, 4, 9];
const tabular: Protocol<Uint8Array> = defineProtocol<Uint8Array>({
  name: "tabular",
  maxFrame: 9,
  measure(all, start) {
    const length = LENGTHS[all[start]!];
    if (length === undefined) throw new ProtocolError("malformed", "unknown kind", start);
    return length;
  },
  decode: (all, start, end) => all.subarray(start, end),
  encode: (frame, out) => void out.bytes(frame),
});

/** The length stands at the end of what it counts, behind a count of the header. */
const trailing: Protocol<Uint8Array> = defineProtocol<Uint8Array>({
  name: "trailing",
  maxFrame: 300,
  measure: (all, start, end) => (end - start < 2 ? 0 : 3 + all[start + 1]!),
  decode(all, start, end) {
    if (all[start] !== 0x01 || all[end - 1] !== all[start + 1]) {
      throw new ProtocolError("malformed", "two lengths that differ", start);
    }
    return all.subarray(start + 2, end - 1);
  },
  encode: (body, out) => void out.u8(1).u8(body.length).bytes(body).u8(body.length),
});

/** A big number as varints have it, canonical or not. */
const big: Codec<bigint> = {
  decode(all, start, end) {
    let value = 0n;
    for (let at = start; at < end; at++) {
      value |= BigInt(all[at]! & 0x7f) << BigInt(7 * (at - start));
      if (all[at]! < 0x80 !== (at === end - 1))
        throw new ProtocolError("malformed", "no varint", at);
    }
    if (end - start === 0 || end - start > 12)
      throw new ProtocolError("malformed", "no varint", start);
    return value;
  },
  encode(value, out) {
    let rest = value;
    for (; rest >= 0x80n; rest >>= 7n) out.u8(Number(rest & 0x7fn) | 0x80);
    out.u8(Number(rest));
  },
};

/** Throws whatever its parts throw, but as ProtocolErrors. */
const dated: Codec<Date> = {
  decode(all, start, end) {
    if (end - start !== 8) throw new ProtocolError("malformed", "no date", start);
    return new Date(new DataView(all.buffer, all.byteOffset + start, 8).getFloat64(0));
  },
  encode: (date, out) => void out.f64be(date.getTime()),
};

const awkward = bytes({ max: 300 });

export const rights: readonly Right[] = [
  right("MQTT by hand", (seed, runs) =>
    laws(mqtt(), packets, { ...given(seed, runs), canonical: true }),
  ),
  right("a description", (seed, runs) => laws(sensor, { seed, runs })),
  right("a codec in a framing", (seed, runs) => laws(events(), someEvents, given(seed, runs))),
  right("HTTP chunks", (seed, runs) => laws(chunked(), pieceLists, given(seed, runs))),
  right("HTTP chunks with a memory", (seed, runs) =>
    laws(remembering(), pieceLists, given(seed, runs)),
  ),
  right("SLIP by hand", (seed, runs) =>
    laws(stuffing(), bodies, { ...given(seed, runs), canonical: true }),
  ),
  right("SLIP with empty frames", (seed, runs) =>
    laws(
      slip({ leading: true, maxFrame: 700 }).wrap(raw()),
      bytes({ min: 1, max: 300 }),
      given(seed, runs),
    ),
  ),
  right("COBS, which has empty frames", (seed, runs) =>
    laws(cobs({ maxFrame: 400 }).wrap(raw()), awkward, given(seed, runs)),
  ),
  right("batches", (seed, runs) =>
    laws(batches(), someRecords, { ...given(seed, runs), ...ofBatches }),
  ),
  right("differences, with a memory for each connection", (seed, runs) =>
    laws(deltas(), numbers, given(seed, runs)),
  ),
  right("chained records", (seed, runs) => laws(chained(), bytes({ max: 255 }), given(seed, runs))),
  right("replies that are only read", (seed, runs) =>
    laws(replies(), frames, { decodeOnly: true, seed, runs }),
  ),
  right("NATS", (seed, runs) => laws(nats(), messages, given(seed, runs))),
  right("names of DNS", (seed, runs) => laws(names(), someNames, given(seed, runs))),
  right("Modbus", (seed, runs) => laws(modbus(), answers, given(seed, runs))),
  right("RESP", (seed, runs) =>
    laws(list(), fc.array(fc.constantFrom("", "a", "\n", "bcd"), { maxLength: 60, size: "max" }), {
      ...given(seed, runs),
      // Marks and line ends are not looked at.
      ignores: () => true,
    }),
  ),
  right("decodeMany that skips frames", (seed, runs) =>
    laws(
      skipping(),
      fc.oneof(
        fc.constant([]),
        fc.integer({ min: 256, max: 65_535 }).map((n) => [n]),
      ),
      {
        ...given(seed, runs),
        expected: (sent) => several(sent),
        ignores: () => true,
      },
    ),
  ),
  right("zeros between frames that are discarded", (seed, runs) =>
    laws(discarding(), bytes({ min: 1, max: 199 }), given(seed, runs)),
  ),
  right("lengths in a table", (seed, runs) =>
    laws(
      tabular,
      fc.tuple(fc.nat(3), bytes({ min: 9, max: 9 })).map(([kind, all]) => {
        const frame = all.slice(0, LENGTHS[kind]);
        frame[0] = kind;
        return frame;
      }),
      { ...given(seed, runs), canonical: true },
    ),
  ),
  right("a length before and after", (seed, runs) =>
    laws(trailing, bytes({ max: 255 }), given(seed, runs)),
  ),
  right("varints of any size", (seed, runs) =>
    laws(
      lengthPrefixed({ width: 1, maxFrame: 20 }).wrap(big),
      fc.bigInt({ min: 0n, max: 2n ** 80n }),
      given(seed, runs),
    ),
  ),
  right("dates, also such that are none", (seed, runs) =>
    laws(perMessage().wrap(dated), fc.date({ noInvalidDate: false }), {
      ...given(seed, runs),
      equal: () => true,
      ignores: () => true,
    }),
  ),
  right("lines with or without a CR, and a last one without an end", (seed, runs) =>
    laws(
      lines({ last: "accept", maxFrame: 500 }).wrap(utf8()),
      text({ max: 100 }).filter((line) => !/[\n\r]/.test(line) && line !== ""),
      given(seed, runs),
    ),
  ),
  right("JSON without anything between", (seed, runs) =>
    laws(
      concatenatedJson({ maxFrame: 4000 }).wrap(json()),
      jsonValues().map((value) => [value]),
      {
        ...given(seed, runs),
        ignores: () => true,
      },
    ),
  ),
  right("netstrings of JSON, where space does not matter", (seed, runs) =>
    laws(netstring({ maxFrame: 3000 }).wrap(json()), fc.array(fc.nat()), {
      ...given(seed, runs),
      ignores: () => true,
    }),
  ),
  right("headers as in HTTP", (seed, runs) =>
    laws(contentLength({ maxFrame: 500 }).wrap(raw()), bytes({ max: 300 }), {
      ...given(seed, runs),
      ignores: () => true,
    }),
  ),
  right("frames of one length", (seed, runs) =>
    laws(fixed(7).wrap(raw()), bytes({ min: 7, max: 7 }), given(seed, runs)),
  ),
  right("frames of up to 2 MiB", (seed, runs) => {
    const framing = varintPrefixed({ maxFrame: 2 ** 21 + 10 });
    return laws(framing.wrap(raw()), bytes({ max: 2 ** 21 }), given(seed, runs ?? 40));
  }),
];
