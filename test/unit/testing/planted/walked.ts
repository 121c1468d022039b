import fc from "fast-check";
import { defineProtocol, type Protocol, ProtocolError, type Scan } from "../../../../src/index.ts";
import { bytes } from "../../../../src/testing/index.ts";
import { type Saboteur, saboteur } from "../saboteurs/saboteur.ts";

/*
 * Walked, as chunks of HTTP: each has its size in hex, CRLF, its bytes, CRLF; one of size 0 ends the frame.
 */

const CRLF = [0x0d, 0x0a];
const LONGEST_SIZE = 4;

/** Where the size line at `at` ends and what it says; undefined if it is not all here. */
function sizeAt(
  all: Uint8Array,
  at: number,
  end: number,
  radix = 16,
): { readonly size: number; readonly next: number } | undefined {
  const stop = Math.min(end, at + LONGEST_SIZE + 2);
  for (let i = at; i + 1 < stop; i++) {
    if (all[i] !== CRLF[0] || all[i + 1] !== CRLF[1]) continue;
    const digits = String.fromCharCode(...all.subarray(at, i));
    if (!/^(0|[1-9a-f][0-9a-f]*)$/.test(digits))
      throw new ProtocolError("malformed", "no size", at);
    return { size: Number.parseInt(digits, radix), next: i + 2 };
  }
  if (stop === at + LONGEST_SIZE + 2) throw new ProtocolError("malformed", "no size", at);
  return undefined;
}

/** The end of the frame, or 0; `step` is told of the place of each chunk. */
function walk(
  all: Uint8Array,
  from: number,
  end: number,
  step: (at: number) => void,
  radix?: number,
): number {
  for (let at = from; ; ) {
    step(at);
    const line = sizeAt(all, at, end, radix);
    if (line === undefined) return 0;
    const next = line.next + line.size + 2;
    if (next > end) return 0;
    if (line.size === 0) return next;
    at = next;
  }
}

const measure = (all: Uint8Array, start: number, end: number, scan: Scan): number => {
  const stop = walk(all, start + scan.at, end, (at) => {
    scan.at = at - start;
  });
  return stop === 0 ? 0 : stop - start;
};

function piecesOf(all: Uint8Array, start: number, end: number, isLoose = false): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  walk(all, start, end, (at) => {
    const { size, next } = sizeAt(all, at, end)!;
    const isEnded = all[next + size] === CRLF[0] && all[next + size + 1] === CRLF[1];
    if (!isLoose && !isEnded) throw new ProtocolError("malformed", "no end of a chunk", at);
    if (size > 0) pieces.push(all.subarray(next, next + size));
  });
  return pieces;
}

type Pieces = readonly Uint8Array[];

export function chunked(fault: Partial<Protocol<Pieces>> = {}): Protocol<Pieces> {
  return defineProtocol<Pieces>({
    name: "chunked",
    maxFrame: 8192,
    measure,
    decode: (all, start, end) => piecesOf(all, start, end),
    encode(pieces, out) {
      for (const piece of pieces) {
        out
          .utf8(`${piece.length.toString(16)}\r\n`)
          .bytes(piece)
          .utf8("\r\n");
      }
      out.utf8("0\r\n\r\n");
    },
    ...fault,
  });
}

export const pieceLists: fc.Arbitrary<Pieces> = fc.array(bytes({ min: 1, max: 300 }), {
  maxLength: 20,
  size: "max",
});

export const walked: readonly Saboteur[] = [
  saboteur(
    "walks all chunks again for each piece of the frame",
    "no rescanning",
    chunked({
      measure(all, start, end) {
        const stop = walk(all, start, end, () => {});
        return stop === 0 ? 0 : stop - start;
      },
    }),
    fc.array(bytes({ min: 1, max: 9 }), { minLength: 60, maxLength: 90, size: "max" }),
  ),
  saboteur(
    "goes on in the middle of a chunk",
    "resumed measure",
    chunked({
      measure(all, start, end, scan) {
        const stop = walk(all, start + scan.at, end, (at) => {
          const line = sizeAt(all, at, end);
          scan.at = (line === undefined ? at : line.next) - start;
        });
        return stop === 0 ? 0 : stop - start;
      },
    }),
    pieceLists,
  ),
  saboteur(
    "sizes are written in decimal, and read in hex",
    "measure equals length",
    chunked({
      encode(pieces, out) {
        for (const piece of pieces) out.utf8(`${piece.length}\r\n`).bytes(piece).utf8("\r\n");
        out.utf8("0\r\n\r\n");
      },
    }),
    pieceLists,
  ),
  saboteur(
    "nobody looks whether a chunk ends with CRLF",
    "every byte counts",
    chunked({ decode: (all, start, end) => piecesOf(all, start, end, true) }),
    pieceLists,
  ),
  saboteur(
    "the frame ends before the last CRLF",
    "measure equals length",
    chunked({
      measure(all, start, end, scan) {
        const length = measure(all, start, end, scan);
        return length === 0 ? 0 : length - 2;
      },
    }),
    pieceLists,
  ),
];
