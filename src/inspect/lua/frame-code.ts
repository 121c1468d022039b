import type { FrameLayout, FramePart } from "../../core/index.ts";
import { addNumber } from "./expressions.ts";
import type { FieldCode } from "./field-code.ts";
import { quoted, quotedBytes } from "./quoted.ts";

/** Writes the reader of frames from the layout of a framing. */
export function frameCode(
  code: FieldCode,
  layout: FrameLayout,
  isLoose: boolean,
  payload: (path: string, lines: string[]) => void,
): string {
  return code.reader((lines) => new FrameCode(code, layout, isLoose, payload, lines).write());
}

class FrameCode {
  readonly #code: FieldCode;
  readonly #layout: FrameLayout;
  readonly #isLoose: boolean;
  readonly #payload: (path: string, lines: string[]) => void;
  readonly #lines: string[];
  /** True once the end of the frame is known. */
  #isSized = false;

  constructor(
    code: FieldCode,
    layout: FrameLayout,
    isLoose: boolean,
    payload: (path: string, lines: string[]) => void,
    lines: string[],
  ) {
    this.#code = code;
    this.#layout = layout;
    this.#isLoose = isLoose;
    this.#payload = payload;
    this.#lines = lines;
  }

  write(): void {
    const layout = this.#layout;
    this.#add("local base = at");
    // Flags between frames.
    const escaped = layout.findIndex((part) => part.escaped === true);
    const flag = layout[escaped + 1] === undefined ? undefined : layout.at(-1);
    if (escaped >= 0) this.#idle(flag!);
    layout.forEach((part, i) => {
      // A leading flag was already skipped.
      if (i < escaped) return;
      switch (part.kind) {
        case "length":
          this.#length(part, layout.slice(i + 1));
          break;
        case "payload":
          if (part.escaped === true) this.#escaped(part, layout.slice(i + 1));
          else this.#rest(part, i);
          break;
        case "header":
          if (part.size === "rest") this.#header(part, layout[i + 1]!);
          else this.#fixed(part);
          break;
        default:
          if (escaped < 0 || part.kind === "delimiter") this.#fixed(part);
      }
    });
    if (this.#isSized) this.#add("used(at, stop)");
  }

  #add(...lines: string[]): void {
    this.#lines.push(...lines);
  }

  #length(part: FramePart, behind: FrameLayout): void {
    const { size, endian = "be", digits, add = 0, name } = part;
    const fields = this.#code.fields;
    this.#add("do local from = at");
    if (size === "varint") {
      const shown = fields.add(name, name, "uint64");
      this.#add(
        "at, v = varint(buf, at, stop, 8, false)",
        `add(tree, ${shown}, buf(from, at - from), uint64(v), "bytes that follow")`,
      );
    } else if (size === "digits" || digits === true) {
      const shown = fields.add(name, name, "string");
      if (size === "digits") {
        this.#add(
          "local digits = raw(buf, at, math.min(stop - at, 17)):match('^[0-9]*')",
          'if #digits > 16 then fail("length of more than 16 digits") end',
          "if at + #digits == stop then limit(stop + 1 - start); more(-1) end",
        );
      } else {
        this.#add(
          `need(at, ${size}, stop, "length")`,
          `local digits = raw(buf, at, ${size}):match('^[0-9]*')`,
          `if #digits < ${size} then fail("byte " .. buf(at + #digits, 1):uint() .. " is not a digit") end`,
        );
      }
      this.#add(
        'if #digits == 0 then fail("byte " .. buf(at, 1):uint() .. " is not a digit") end',
        `add_text(tree, ${shown}, buf, at, #digits, #digits, ENC_ASCII)`,
        "at, v = at + #digits, tonumber(digits)",
      );
    } else {
      const width = size as number;
      const kind = `uint${width > 4 ? 64 : 8 * width}`;
      const shown = fields.add(name, name, kind);
      const type = `u${8 * width}`;
      this.#code.number({ width, signed: false, endian, big: width > 6, type }, this.#lines);
      this.#add(`${addNumber(shown, width, endian, noteOf(part))}; at = at + ${width}`);
    }
    const own = typeof size === "number" ? "" : " + at - from";
    const least = behind.reduce(
      (sum, one) => sum + (typeof one.size === "number" ? one.size : 0),
      0,
    );
    this.#add(
      `local total = num(v) + ${add}${own}`,
      `if base + total < at + ${least} then names = {}; fail("a length of " .. v .. " ends before its header") end`,
      'stop = window(base, at, total, stop, ""); hard = true; whole(stop) end',
    );
    this.#isSized = true;
  }

  /** Bytes that are counted, or constant. */
  #fixed(part: FramePart): void {
    const { name, kind, size, bytes, oneOf, endian } = part;
    if (oneOf !== undefined) {
      const shown = this.#code.fields.add(name, name, "bytes");
      this.#add(
        `do local n = mark_length(buf, at, stop, { ${oneOf.map(quotedBytes).join(", ")} })`,
        `add(tree, ${shown}, buf(at, n), nil, "always"); at = at + n end`,
      );
      return;
    }
    const width = size as number;
    if (bytes !== undefined) this.#add(`mark(buf, at, stop, ${quotedBytes(bytes)})`);
    this.#add(`need(at, ${width}, stop, ${quoted(name)})`);
    const isNumber = kind === "trailer" && endian !== undefined && width <= 4;
    const shown = this.#code.fields.add(name, name, isNumber ? `uint${8 * width}` : "bytes");
    const note = bytes === undefined ? undefined : "always";
    if (isNumber) this.#add(addNumber(shown, width, endian, "not checked"));
    else {
      this.#add(
        `add(tree, ${shown}, buf(at, ${width})${note === undefined ? "" : ', nil, "always"'})`,
      );
    }
    this.#add(`at = at + ${width}`);
  }

  /** The payload: the bytes that the other parts leave, or those before the delimiter. */
  #rest({ name, size }: FramePart, i: number): void {
    const behind = this.#layout.slice(i + 1);
    const after = behind.reduce((sum, part) => sum + (part.size as number), 0);
    if (typeof size === "number") {
      this.#add(
        `need(at, ${size}, stop, ${quoted(name)}); do local outer = stop; stop = at + ${size}`,
      );
      this.#add("frame = stop");
    } else if (this.#isSized || this.#isLoose) {
      this.#add(
        `do local outer = stop; stop = stop - ${after}; need(at, 0, stop, ${quoted(name)})`,
      );
    } else if (behind.length > 0) {
      this.#add(`do local outer = stop; stop = find(buf, at, stop, ${marksOf(behind.at(-1)!)})`);
      this.#add(`frame = stop + mark_length(buf, stop, outer, ${marksOf(behind.at(-1)!)})`);
      const trailers = after - (behind.at(-1)!.size as number);
      if (trailers > 0)
        this.#add(`stop = stop - ${trailers}; hard = true; need(at, 0, stop, ${quoted(name)})`);
    } else {
      this.#add("at = after_space(buf, at, stop)");
      this.#add("do local outer = stop; stop = json_end(buf, at, stop); frame = stop");
    }
    this.#add("local was = hard; hard = true");
    this.#payload(name, this.#lines);
    this.#add("used(at, stop); stop, hard = outer, was end");
  }

  /** A header of text lines, including the length of the payload. */
  #header({ name, lengthIn }: FramePart, end: FramePart): void {
    if (lengthIn === undefined) {
      throw new TypeError(
        "dissector: the length in the header is computed by a function, so only JavaScript can read it",
      );
    }
    const shown = this.#code.fields.add(name, name, "string");
    this.#add(
      `do local last = find(buf, at, stop, ${marksOf(end)})`,
      `local after = last + ${end.size}`,
      `local total = after + length_in(raw(buf, at, last - at), ${quoted(lengthIn)}) - base`,
      'stop = window(base, after, total, stop, ""); hard = true; whole(stop)',
      `add_text(tree, ${shown}, buf, at, last - at, last - at, ENC_ISO_8859_1); at = last end`,
    );
    this.#isSized = true;
  }

  #idle(flag: FramePart): void {
    const byte = flag.bytes![0]!;
    const shown = this.#code.fields.add("idle", "idle", "bytes");
    this.#add(
      `while at < stop and buf(at, 1):uint() == ${byte} do at = at + 1 end`,
      `if at > base then add(tree, ${shown}, buf(base, at - base), nil, "flags") end`,
      "if at == stop then return at end",
    );
  }

  /** Escaped bytes. */
  #escaped({ name }: FramePart, behind: FrameLayout): void {
    const trailers = behind
      .filter(({ kind }) => kind === "trailer")
      .reduce((sum, { size }) => sum + (size as number), 0);
    const shown = this.#code.fields.add(name, name, "bytes");
    const note = trailers === 0 ? "escaped" : "escaped, with its checksum";
    this.#add(
      `do local last = find(buf, at, stop, ${marksOf(behind.at(-1)!)})`,
      `add(tree, ${shown}, buf(at, last - at), nil, ${quoted(note)}); at = last end`,
    );
  }
}

const marksOf = ({ bytes, oneOf }: FramePart): string =>
  `{ ${(oneOf ?? [bytes!]).map(quotedBytes).join(", ")} }`;

function noteOf({ add = 0 }: FramePart): string {
  return add === 0 ? "bytes of the frame" : `frame length minus ${add}`;
}

/** Functions for readers of frames. */
export const FRAME_PRELUDE = `
-- The longest mark that is at a place.
local function mark_length(buf, at, stop, marks)
  local most_bytes = 0
  for _, one in ipairs(marks) do
    if #one > most_bytes and stop - at >= #one and raw(buf, at, #one) == one then most_bytes = #one end
  end
  if most_bytes == 0 then fail("the delimiter is missing") end
  return most_bytes
end

-- The first place where a mark is.
local function find(buf, at, stop, marks)
  local text, first = raw(buf, at, stop - at), nil
  for _, one in ipairs(marks) do
    local found = text:find(one, 1, true)
    if found and (not first or found < first) then first = found end
  end
  if not first then
    limit(stop + 1 - start)
    more(-1)
  end
  return at + first - 1
end

-- What zlib packed; nil if it did not.
local function inflated(range)
  -- Its name in Wireshark 4.4, and before.
  for _, name in ipairs({ "uncompress_zlib", "uncompress" }) do
    local ok, found = pcall(function() return range[name](range, "unpacked") end)
    if ok then return found end
  end
end

local function length_in(header, line_name)
  local found
  for line in (header .. "\\r\\n"):gmatch("(.-)\\r\\n") do
    local name, value = line:match("^([^:]+):[ \\t]*(.-)[ \\t]*$")
    if name and name:lower() == line_name:lower() then
      if not value:match("^%d+$") then fail(line_name .. " is not a number") end
      if found and found ~= value then fail(line_name .. " is given twice") end
      found = value
    end
  end
  if not found then fail("header without " .. line_name) end
  return tonumber(found)
end

local function after_space(buf, at, stop)
  local space = raw(buf, at, stop - at):match("^[ \\t\\r\\n]*")
  return at + #space
end

-- Where an object or array of JSON ends: brackets are counted, except those in text.
local function json_end(buf, at, stop)
  if at == stop then return at end
  local text, depth, i, inside = raw(buf, at, stop - at), 0, 1, false
  if not text:find("^[%[{]") then fail("byte " .. text:byte(1) .. " does not begin an object or array") end
  while true do
    if inside then
      local found = text:find('["\\\\]', i)
      if not found then break end
      inside = text:byte(found) == 92
      i = found + (inside and 2 or 1)
    else
      local found = text:find('["%[%]{}]', i)
      if not found then break end
      local byte = text:byte(found)
      if byte == 34 then inside = true
      else depth = depth + ((byte == 91 or byte == 123) and 1 or -1) end
      i = found + 1
      if depth == 0 then return at + found end
    end
  end
  limit(stop + 1 - start)
  more(-1)
end
`;
