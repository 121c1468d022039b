import {
  decimal,
  defineProtocol,
  type Protocol,
  ProtocolError,
  type Scan,
} from "../../../../src/index.ts";

/*
 * Lists of texts, as RESP has them: the number of items, and each with its length. `measure` must walk.
 *
 *   *2\n $3\n abc\n $0\n \n
 */

const LF = 0x0a;

/** A mark, digits and LF. */
const LONGEST_LINE = 12;

/** Where the line that begins at `at` ends, after its LF; 0 if it is not all here. */
function lineEnd(bytes: Uint8Array, at: number, end: number): number {
  const stop = Math.min(end, at + LONGEST_LINE);
  const next = bytes.subarray(0, stop).indexOf(LF, at) + 1;
  if (next > 0 || stop < at + LONGEST_LINE) return next;
  throw new ProtocolError("malformed", "line without an end", at);
}

/**
 * Walks from `at`, with `left` lines and texts to come; -1: the first line is not read yet.
 *
 * @param step - told of each part that is whole: where the next one begins, and how many are left
 * @returns where the list ends, or 0
 */
export function walk(
  bytes: Uint8Array,
  at: number,
  end: number,
  left: number,
  step: (at: number, left: number) => void = () => {},
): number {
  let place = at;
  let items = left;
  while (items !== 0) {
    const next = lineEnd(bytes, place, end);
    if (next === 0) return 0;
    const number = decimal(bytes, place + 1, next - 1);
    if (items < 0) {
      place = next;
      items = number;
    } else {
      if (next + number + 1 > end) return 0;
      place = next + number + 1;
      items--;
    }
    step(place, items);
  }
  return place;
}

/** A protocol of lists. Faultless, if `measure` is. */
export function list(
  fault: Partial<Protocol<readonly string[]>> = {},
): Protocol<readonly string[]> {
  return defineProtocol<readonly string[]>({
    name: "list",
    maxFrame: 4096,
    measure: resumed,
    decode(bytes, start, end) {
      const items: string[] = [];
      for (let at = lineEnd(bytes, start, end); at < end; ) {
        const body = lineEnd(bytes, at, end);
        at = body + decimal(bytes, at + 1, body - 1) + 1;
        items.push(String.fromCharCode(...bytes.subarray(body, at - 1)));
      }
      return items;
    },
    encode(items, out) {
      out.utf8(`*${items.length}\n`);
      for (const item of items) out.utf8(`$${item.length}\n${item}\n`);
    },
    ...fault,
  });
}

/** Walks from the beginning each time. */
export function fromStart(bytes: Uint8Array, start: number, end: number): number {
  const stop = walk(bytes, start, end, -1);
  return stop === 0 ? 0 : stop - start;
}

/** Goes on at the part that was not whole, of which scan tells: the number of items plus one. */
function resumed(bytes: Uint8Array, start: number, end: number, scan: Scan): number {
  const left = scan.state === 0 ? -1 : scan.count;
  const stop = walk(bytes, start + scan.at, end, left, (at, items) => {
    scan.at = at - start;
    scan.state = 1;
    scan.count = items;
  });
  return stop === 0 ? 0 : stop - start;
}

/** The same, in an object of its own. */
export function remembered(bytes: Uint8Array, start: number, end: number, scan: Scan): number {
  scan.memo ??= { at: 0, left: -1 };
  const memo = scan.memo as { at: number; left: number };
  const stop = walk(bytes, start + memo.at, end, memo.left, (at, left) => {
    memo.at = at - start;
    memo.left = left;
  });
  return stop === 0 ? 0 : stop - start;
}

/** A protocol with state: each connection keeps for itself where it is. */
export function stateful(): Protocol<readonly string[]> {
  return list({
    perConnection() {
      const seen: { at: number; left: number } = { at: 0, left: -1 };
      return list({
        measure(bytes, start, end) {
          const stop = walk(bytes, start + seen.at, end, seen.left, (at, left) => {
            seen.at = at - start;
            seen.left = left;
          });
          if (stop === 0) return 0;
          seen.at = 0;
          seen.left = -1;
          return stop - start;
        },
      });
    },
  });
}
