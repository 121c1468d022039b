import { decodeUtf8, indexOfByte, type Output } from "../core/index.ts";
import { type RunCodec, run } from "./bytes.ts";
import { type Field, type Length, makeField } from "./field.ts";
import { bytesText, malformed, shown, tooShort, unencodable } from "./field-error.ts";
import { checkLength } from "./length.ts";
import type { Charset } from "./node.ts";

// Characters are joined in runs: String.fromCharCode takes its arguments from the stack.
const RUN = 4096;

function narrow(most: number, name: string): RunCodec<string> {
  return {
    get(bytes, start, end) {
      for (let i = start; i < end; i++) {
        if (bytes[i]! > most) throw malformed(`byte ${bytes[i]} is not ${name}`, i);
      }
      let text = "";
      for (let i = start; i < end; i += RUN) {
        text += String.fromCharCode(...bytes.subarray(i, Math.min(end, i + RUN)));
      }
      return text;
    },
    put(value, out) {
      for (let i = 0; i < checkText(value).length; i++) {
        const code = value.charCodeAt(i);
        if (code > most) throw unencodable(`character ${i} is not ${name}`);
        out.u8(code);
      }
    },
    size: (value) => checkText(value).length,
  };
}

function checkText(value: string): string {
  if (typeof value === "string") return value;
  throw unencodable(`text cannot hold ${shown(value)}`);
}

const utf8Run: RunCodec<string> = {
  get: decodeUtf8,
  put: (value, out) => void out.utf8(value),
};
const asciiRun: RunCodec<string> = /* @__PURE__ */ narrow(0x7f, "ASCII");
const latin1Run: RunCodec<string> = /* @__PURE__ */ narrow(0xff, "Latin-1");

function text(
  charset: Charset,
  codec: RunCodec<string>,
  length?: Length,
  pad?: number,
): Field<string> {
  const node = { kind: "text", charset, length, pad } as const;
  // Transports of text do not carry Latin-1 above ASCII.
  if (pad === undefined) {
    return run(node, charset, length, codec, charset === "latin1" ? undefined : true);
  }
  if (typeof length !== "number") throw new TypeError(`${charset}: padding needs a fixed length`);
  if (!Number.isInteger(pad) || pad < 0 || pad > 0x7f) {
    throw new RangeError(`${charset}: padding must be a byte from 0 to 127, not ${pad}`);
  }
  return padded(node, length, pad, codec);
}

function padded(
  node: { readonly kind: "text"; readonly charset: Charset; readonly pad: number | undefined } & {
    readonly length: number | undefined | Exclude<Length, number>;
  },
  length: number,
  pad: number,
  { get, put }: RunCodec<string>,
): Field<string> {
  checkLength(node.charset, length);
  return makeField<string, string>({
    node,
    fixed: length,
    least: length,
    read(bytes, at, end, cursor) {
      if (end - at < length) throw tooShort(node.charset, length, at, end);
      let stop = at + length;
      while (stop > at && bytes[stop - 1] === pad) stop--;
      const value = get(bytes, at, stop);
      cursor.at = at + length;
      return value;
    },
    write(value, out) {
      const start = out.length;
      put(value, out);
      const written = out.length - start;
      if (written > length) throw unencodable(`${bytesText(written)}, at most ${length} fit`);
      if (value.charCodeAt(value.length - 1) === pad) {
        throw unencodable("text ends in its own padding");
      }
      for (let i = written; i < length; i++) out.u8(pad);
    },
  });
}

/**
 * Text as strict UTF-8. Lengths count bytes and have the same forms as for `bytes`. `utf8(8, 0)` fills 8
 * bytes up with zeros, which are not part of the text.
 *
 * @throws RangeError or TypeError for another length or padding
 */
export function utf8(length?: Length, pad?: number): Field<string> {
  return text("utf8", utf8Run, length, pad);
}

/** Text as ASCII, like {@link utf8}. Other bytes and characters are refused. */
export function ascii(length?: Length, pad?: number): Field<string> {
  return text("ascii", asciiRun, length, pad);
}

/** Text as Latin-1 (ISO 8859-1), like {@link utf8}. Characters above U+00FF are refused. */
export function latin1(length?: Length, pad?: number): Field<string> {
  return text("latin1", latin1Run, length, pad);
}

/** Text up to a zero byte, which it cannot contain. */
export function cstring(charset: Charset = "utf8"): Field<string> {
  const codec = { utf8: utf8Run, ascii: asciiRun, latin1: latin1Run }[charset];
  if (codec === undefined) throw new TypeError(`cstring: unknown charset ${String(charset)}`);
  return makeField<string, string>({
    node: { kind: "cstring", charset },
    least: 1,
    read(bytes, at, end, cursor) {
      const stop = indexOfByte(bytes, 0, at, end);
      if (stop < 0) throw malformed(`no zero byte within ${bytesText(end - at)}`, at);
      const value = codec.get(bytes, at, stop);
      cursor.at = stop + 1;
      return value;
    },
    write(value: string, out: Output) {
      if (checkText(value).includes("\0")) throw unencodable("text contains a zero character");
      codec.put(value, out);
      out.u8(0);
    },
  });
}
