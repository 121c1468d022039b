import { Inflate } from "pako";
// What the package exports has no limit.
import { BrotliDecompress } from "../../node_modules/brotli/dec/decode.js";
import { BrotliInput, BrotliOutput } from "../../node_modules/brotli/dec/streams.js";

const STEP = 1024;

/**
 * Unpacks messages of Bilibili.
 *
 * @param {"zlib" | "brotli"} method
 * @param {Uint8Array} bytes
 * @param {number} maxLength
 * @returns {Uint8Array}
 */
export function unpack(method, bytes, maxLength) {
  return method === "brotli" ? unbrotli(bytes, maxLength) : inflate(bytes, maxLength);
}

/** Step by step, so that a few bytes cannot become gigabytes. */
function inflate(bytes, maxLength) {
  const inflater = new Inflate();
  const pieces = [];
  let length = 0;
  inflater.onData = (piece) => {
    pieces.push(piece);
    length += piece.length;
  };
  for (let at = 0; at < bytes.length && !inflater.ended; at += STEP) {
    inflater.push(bytes.subarray(at, at + STEP), at + STEP >= bytes.length);
    if (length > maxLength) throw tooLong(maxLength);
  }
  if (inflater.err !== 0 || !inflater.ended) throw new RangeError(inflater.msg || "cut off");
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Its memory grows before each block, which has at most 16 MiB. */
function unbrotli(bytes, maxLength) {
  const output = new BrotliOutput(new Uint8Array(0));
  let memory = output.buffer;
  Object.defineProperty(output, "buffer", {
    get: () => memory,
    set(larger) {
      if (larger.length > maxLength) throw tooLong(maxLength);
      memory = larger;
    },
  });
  BrotliDecompress(new BrotliInput(bytes), output);
  return memory.subarray(0, output.pos);
}

const tooLong = (maxLength) => new RangeError(`more than ${maxLength} bytes`);
