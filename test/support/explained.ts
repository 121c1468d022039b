import { decodeAll, decodeFrame, type MessageProtocol, ProtocolError } from "framewright";
import { type Explainable, explain, type Part } from "framewright/inspect";
import { equal } from "framewright/testing";
import { expect } from "vitest";

/* What must hold for every explanation, whatever the bytes are. */

/** The parts without parts, in order. */
export const leavesOf = (part: Part): readonly Part[] =>
  part.parts === undefined || part.parts.length === 0 ? [part] : part.parts.flatMap(leavesOf);

/** Every byte, and every bit of it, is in exactly one leaf. */
export function checkTiles(part: Part, start: number, end: number): void {
  const wrong = (text: string): never => {
    throw new Error(`${text}: ${JSON.stringify(shapeOf(part, start))}`);
  };
  if (part.start !== start || part.end !== end) wrong(`not from ${start} to ${end}`);
  let at = 8 * start;
  for (const leaf of leavesOf(part)) {
    const first = 8 * leaf.start + (leaf.bits?.first ?? 0);
    if (first !== at) wrong(`a gap or an overlap before ${leaf.name} at ${leaf.start}`);
    at = leaf.bits === undefined ? 8 * leaf.end : first + leaf.bits.count;
  }
  if (at !== 8 * end) wrong(`the last part ends at ${at / 8}`);
  const checkNesting = (outer: Part): void => {
    for (const inner of outer.parts ?? []) {
      if (inner.start < outer.start || inner.end > outer.end) wrong(`${inner.name} juts out`);
      checkNesting(inner);
    }
  };
  checkNesting(part);
  for (const { unpacked } of leavesOf(part)) {
    if (unpacked !== undefined) checkTiles(unpacked.part, 0, unpacked.bytes.length);
  }
}

interface Result {
  readonly value?: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly offset?: number };
}

/** What `decode` says: the value, or the list of values if there is not exactly one. */
function decoded(protocol: MessageProtocol<never, unknown>, bytes: Uint8Array): Result {
  try {
    return { value: decodeFrame(protocol, bytes) };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    if (/^frame holds \d+ values/.test(error.message)) {
      return { value: decodeAll(protocol, bytes) };
    }
    const { code, message, offset } = error;
    return { error: { code, message, ...(offset !== undefined && { offset }) } };
  }
}

/**
 * Explains bytes, alone and between others, and checks that all of them are shown, and that value and error are those
 * of `protocol`.
 */
export function checkExplained(
  what: Explainable,
  protocol: MessageProtocol<never, unknown>,
  bytes: Uint8Array,
): Part {
  const part = explain(what, bytes);
  checkTiles(part, 0, bytes.length);
  const { value, error } = part;
  const wanted = decoded(protocol, bytes);
  const found =
    error === undefined
      ? { value }
      : {
          error: {
            code: error.code,
            message: error.message,
            ...(error.offset !== undefined && { offset: error.offset }),
          },
        };
  if (!equal(found, wanted)) expect(found).toEqual(wanted);
  const moved = new Uint8Array(bytes.length + 12).fill(0x7e);
  moved.set(bytes, 5);
  const within = explain(what, moved, 5, 5 + bytes.length);
  checkTiles(within, 5, 5 + bytes.length);
  const shapes = [shapeOf(part, 0), shapeOf(within, 5)];
  if (!equal(shapes[0], shapes[1])) expect(shapes[1]).toEqual(shapes[0]);
  return part;
}

/** Names, places and types, and the error, wherever the bytes stand. */
function shapeOf({ name, type, start, end, parts, error }: Part, from: number): unknown {
  return {
    name,
    type,
    place: [start - from, end - from],
    parts: parts?.map((part) => shapeOf(part, from)),
    error: error && [error.code, error.message, error.offset && error.offset - from],
  };
}
