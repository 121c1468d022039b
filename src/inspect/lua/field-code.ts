import { decodeLatin1 } from "../../core/index.ts";
import { type AnyField, type NodeOf, withHex } from "../../fields/index.ts";
import type { PackedBody } from "./descriptions.ts";
import { addNumber, isCompound, nameOf, rawValue, tableOf } from "./expressions.ts";
import { FilterFields } from "./filter-fields.ts";
import { quoted, quotedBytes } from "./quoted.ts";

/** The position of a field, and its properties there. */
export interface Place {
  /** Its name for filters, without the prefix of the protocol. */
  readonly path: string;
  /** Its name in the tree. */
  readonly label: string;
  readonly note?: string | undefined;
  /** For a list: the expression for its number of items. */
  readonly count?: string | undefined;
  /** Set if it is a whole frame. */
  readonly frame?: FrameAim | undefined;
}

/** How the end of a frame is found. */
interface FrameAim {
  readonly upTo: string | undefined;
}

/** The members of a payload's codec that tell what it reads. */
interface Readable {
  readonly format?: { readonly name: string } | undefined;
  readonly text?: boolean | undefined;
  readonly decode?: unknown;
}

/** Writes the reader of a struct, and its call. */
export type StructWriter = (
  code: FieldCode,
  node: NodeOf<"struct">,
  place: Place,
  lines: string[],
) => void;

/** Writes the readers of a dissector. Statements read into `v` and advance `at`. */
export class FieldCode {
  readonly fields: FilterFields;
  /** The readers, each as a definition. */
  readonly readers: string[] = [];
  readonly #known = new Map<string, string>();
  readonly #ids = new Map<AnyField, number>();
  #count = 0;

  readonly #struct: StructWriter;

  constructor(protocol: string, struct: StructWriter) {
    this.fields = new FilterFields(protocol);
    this.#struct = struct;
  }

  /** A unique name. */
  id(prefix: string): string {
    return `${prefix}${++this.#count}`;
  }

  /** Adds a reader with this body; returns its name. */
  reader(body: (lines: string[]) => void, name: string = this.id("R.r")): string {
    const lines: string[] = [];
    body(lines);
    this.readers.push(
      `${name} = function(buf, at, stop, tree)\n  local v\n${indented(lines)}\n  return at, v\nend`,
    );
    return name;
  }

  /** The reader of a field at a place. A field that contains itself uses the reader of its first place. */
  readerOf(field: AnyField, place: Place): string {
    const key = JSON.stringify([this.#idOf(field), place]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const name = this.id("R.r");
    this.#known.set(key, name);
    return this.reader((lines) => this.field(field, place, lines), name);
  }

  field(field: AnyField, place: Place, lines: string[]): void {
    const { node } = field;
    switch (node.kind) {
      case "int":
        this.#int(node, place, lines);
        break;
      case "float":
        this.#float(node, place, lines);
        break;
      case "varint":
        this.#varint(node, place, lines);
        break;
      case "constant":
        this.#constant(node, place, lines);
        break;
      case "enum":
        this.#enum(node, place, lines);
        break;
      case "flags":
        this.#flags(node, place, lines);
        break;
      case "magic": {
        const { length } = node.bytes;
        const shown = this.fields.add(place.path, place.label, "bytes");
        lines.push(
          `mark(buf, at, stop, ${quotedBytes(node.bytes)})`,
          `need(at, ${length}, stop, "magic")`,
          `add(tree, ${shown}, buf(at, ${length}), nil, "always"); at = at + ${length}`,
        );
        break;
      }
      case "pad": {
        lines.push(`need(at, ${node.width}, stop, "padding")`);
        if (node.strict) lines.push(`zeros(buf, at, ${node.width})`);
        this.#bytes(String(node.width), { note: "padding", ...place }, lines);
        break;
      }
      case "ignored":
        this.#bytes("stop - at", place, lines);
        break;
      case "codec":
        this.payload(node.codec as Readable, { note: node.name, ...place }, lines);
        break;
      case "bytes":
      case "text":
        this.#run(node, place, lines);
        break;
      case "cstring":
        this.#cstring(node, place, lines);
        break;
      case "prefixed":
        this.#prefixed(node, place, lines);
        break;
      case "array":
        this.#array(node, place, lines);
        break;
      case "until":
        this.#until(node, place, lines);
        break;
      case "optional":
        lines.push("if at < stop then");
        this.field(node.inner, place, lines);
        lines.push("end");
        break;
      case "default":
      case "checked":
        this.field(node.inner, place, lines);
        break;
      case "mapped":
        this.field(node.inner, place.frame ? place : { note: node.name, ...place }, lines);
        break;
      case "envelope":
        this.field(node.inner, place, lines);
        break;
      case "lazy":
        this.#lazy(node, place, lines);
        break;
      case "struct":
        this.#struct(this, node, place, lines);
        break;
      case "union":
        this.#union(node, place, lines);
        break;
      case "tag":
        break;
      case "size":
      case "count":
      case "present":
      case "checksum":
        this.field(node.base, place, lines);
        break;
      default:
        throw new TypeError(
          `dissector: ${nameOf(place)}: "${node.kind}" cannot be expressed in Lua`,
        );
    }
  }

  #int({ width, signed, endian, big, type }: NodeOf<"int">, place: Place, lines: string[]): void {
    const kind = `${signed ? "int" : "uint"}${width > 4 ? 64 : 8 * width}`;
    const shown = this.fields.add(place.path, place.label, kind);
    this.number({ width, signed, endian, big, type }, lines);
    lines.push(`${addNumber(shown, width, endian, place.note)}; at = at + ${width}`);
  }

  /**
   * Reads an integer into `v` without advancing. 64-bit integers are digits: Lua's numbers cannot hold all
   * of them.
   */
  number({ width, signed, endian, big, type }: Omit<NodeOf<"int">, "kind">, lines: string[]): void {
    const name = `${endian === "le" ? "le_" : ""}${signed ? "int" : "uint"}`;
    const range = `buf(at, ${width})`;
    const value = big
      ? `tostring(${range}:${name}64())`
      : width > 4
        ? `whole_number(${range}:${name}64())`
        : `${range}:${name}()`;
    lines.push(`need(at, ${width}, stop, ${quoted(type)}); v = ${value}`);
  }

  #float({ width, type }: NodeOf<"float">, place: Place, lines: string[]): void {
    const shown = this.fields.add(place.path, place.label, width === 4 ? "float" : "double");
    const endian = type.endsWith("le") ? "le" : "be";
    lines.push(
      `need(at, ${width}, stop, ${quoted(type)}); v = buf(at, ${width}):${endian === "le" ? "le_" : ""}float()`,
      `${addNumber(shown, width, endian, place.note)}; at = at + ${width}`,
    );
  }

  #varint({ most, minimal }: NodeOf<"varint">, place: Place, lines: string[]): void {
    const shown = this.fields.add(place.path, place.label, "uint64");
    const note = place.note === undefined ? "" : `, ${quoted(place.note)}`;
    lines.push(
      `do local from = at; at, v = varint(buf, at, stop, ${most}, ${minimal})`,
      `add(tree, ${shown}, buf(from, at - from), uint64(v)${note}) end`,
    );
  }

  #constant({ base, value }: NodeOf<"constant">, place: Place, lines: string[]): void {
    const wanted = typeof value === "bigint" ? quoted(String(value)) : String(value);
    this.field(base, { note: "always", ...place }, lines);
    lines.push(
      `if v ~= ${wanted} then fail("expected ${withHex(value)}, found " .. with_hex(v)) end`,
    );
  }

  #enum({ base, names, open }: NodeOf<"enum">, place: Place, lines: string[]): void {
    const { node } = base;
    const table = tableOf(names);
    const known = this.id("N.n");
    this.readers.unshift(`${known} = ${table}`);
    if (node.kind === "int" && !node.big && node.width <= 4) {
      const kind = `${node.signed ? "int" : "uint"}${8 * node.width}`;
      const shown = this.fields.add(place.path, place.label, kind, `, base.DEC, ${table}`);
      this.number(node, lines);
      checkName(known, names, open, lines);
      lines.push(
        `${addNumber(shown, node.width, node.endian, place.note)}; at = at + ${node.width}`,
      );
    } else {
      this.field(base, place, lines);
      checkName(known, names, open, lines);
    }
    lines.push(`if tree and not info then info = ${known}[v] end`);
  }

  #flags({ base, names }: NodeOf<"flags">, place: Place, lines: string[]): void {
    const { node } = base;
    if (node.kind !== "int" || node.width > 4) {
      // The names of its bits are only in the description.
      this.field(base, place, lines);
      return;
    }
    this.number(node, lines);
    lines.push(`if v >= ${2 ** names.length} then fail(v .. " has bits without a name") end`);
    names.forEach((name, i) => {
      const more = `, ${8 * node.width}, nil, 0x${(2 ** i).toString(16)}`;
      const shown = this.fields.add(`${place.path}.${name}`, name, "bool", more);
      lines.push(addNumber(shown, node.width, node.endian, undefined));
    });
    lines.push(`at = at + ${node.width}`);
  }

  /** Bytes of a known size. */
  #bytes(size: string, place: Place, lines: string[]): void {
    const shown = this.fields.add(place.path, place.label, "bytes");
    const note = place.note === undefined ? "" : `, nil, ${quoted(place.note)}`;
    lines.push(`do local n = ${size}; add(tree, ${shown}, buf(at, n)${note}); at = at + n end`);
  }

  #run(node: NodeOf<"bytes" | "text">, place: Place, lines: string[]): void {
    const { length } = node;
    const body = (size: string): void => {
      if (node.kind === "bytes") this.#bytes(size, place, lines);
      else this.#text(node.charset, node.pad, size, place, lines);
    };
    if (length === undefined) body("stop - at");
    else if (typeof length === "number") {
      const name = node.kind === "bytes" ? "bytes" : node.charset;
      lines.push(`need(at, ${length}, stop, ${quoted(name)})`);
      body(String(length));
    } else this.#behind(length, place, lines, () => body("stop - at"));
  }

  #text(
    charset: string,
    pad: number | undefined,
    size: string,
    place: Place,
    lines: string[],
  ): void {
    const shown = this.fields.add(place.path, place.label, "string");
    lines.push(`do local n = ${size}; local shown = n; v = raw(buf, at, n)`);
    if (pad !== undefined) {
      lines.push(
        `while shown > 0 and v:byte(shown) == ${pad} do shown = shown - 1 end; v = v:sub(1, shown)`,
      );
    }
    if (charset !== "latin1") lines.push(`check_${charset}(v)`);
    lines.push(
      `add_text(tree, ${shown}, buf, at, shown, n, ${ENCODINGS[charset]}); at = at + n end`,
    );
  }

  #cstring({ charset }: NodeOf<"cstring">, place: Place, lines: string[]): void {
    const shown = this.fields.add(place.path, place.label, "string");
    lines.push(
      'do local rest = raw(buf, at, stop - at); local n = rest:find("\\0", 1, true)',
      'if not n and hard then fail("no zero byte within " .. bytes_text(#rest)) end',
      "if not n then limit(stop + 1 - start); more(-1) end",
      "v = rest:sub(1, n - 1)",
    );
    if (charset !== "latin1") lines.push(`check_${charset}(v)`);
    lines.push(
      `add_text(tree, ${shown}, buf, at, n - 1, n, ${ENCODINGS[charset]}); at = at + n end`,
    );
  }

  /** Reads a length, then the field of that length. */
  #behind(prefix: AnyField, place: Place, lines: string[], body: () => void): void {
    lines.push("do local outer, was, from = stop, hard, at");
    const length = { path: `${place.path}.length`.replace(/^\./, ""), label: "length" };
    this.field(prefix, { ...length, note: "bytes that follow" }, lines);
    lines.push('stop = window(at, at, num(v), outer, ""); hard = true');
    if (place.frame !== undefined) lines.push("whole(stop)");
    body();
    lines.push("used(at, stop); stop, hard = outer, was end");
  }

  #prefixed({ prefix, inner }: NodeOf<"prefixed">, place: Place, lines: string[]): void {
    this.#behind(prefix, place, lines, () => {
      const { frame: _, ...rest } = place;
      lines.push(`at, v = ${this.readerOf(inner, rest)}(buf, at, stop, tree)`);
    });
  }

  #array({ item, length }: NodeOf<"array">, place: Place, lines: string[]): void {
    let { count } = place;
    lines.push("do");
    if (typeof length === "number") count = String(length);
    else if (typeof length === "object") {
      const path = `${place.path}.count`.replace(/^\./, "");
      this.field(length, { path, label: "count", note: "items" }, lines);
      count = "num(v)";
    }
    const { least } = item;
    if (count !== undefined) {
      lines.push(`local n = ${count}; items(n, ${least}, at, stop); for i = 0, n - 1 do`);
    } else lines.push("local i = 0; while at < stop do");
    this.#item(item, place, lines);
    lines.push(count === undefined ? "i = i + 1 end end" : "end end");
  }

  /** One item of a list, in its own tree if it has parts. */
  #item(item: AnyField, { path, label, note }: Place, lines: string[]): void {
    const place = { path, label, ...(note !== undefined && { note }) };
    lines.push("names[#names + 1] = i");
    const read = (tree: string): string =>
      `at, v = ${this.readerOf(item, place)}(buf, at, stop, ${tree})`;
    if (!isCompound(item)) lines.push(read("tree"));
    else {
      const own = this.fields.add(`${path}.item`.replace(/^\./, ""), label, "none");
      lines.push(
        `local from, sub = at, tree and tree:add(${own}, buf(at, 0)):set_text("[" .. i .. "]")`,
        read("sub"),
        "if sub then sub:set_len(at - from) end",
      );
    }
    lines.push("names[#names] = nil");
  }

  #until({ item, last }: NodeOf<"until">, place: Place, lines: string[]): void {
    const wanted = rawValue(item, last);
    if (wanted === undefined) {
      throw new TypeError(
        `dissector: ${nameOf(place)}: the item that ends the list cannot be expressed in Lua`,
      );
    }
    lines.push("do local i = 0; repeat");
    this.#item(item, place, lines);
    lines.push(`i = i + 1 until v == ${wanted} end`);
  }

  #lazy(node: NodeOf<"lazy">, place: Place, lines: string[]): void {
    const inner = node.get();
    // Keyed by the field alone: it has infinitely many places.
    const known = JSON.stringify(["lazy", this.#idOf(inner)]);
    let reader = this.#known.get(known);
    if (reader === undefined) {
      reader = this.id("R.r");
      this.#known.set(known, reader);
      this.reader((body) => this.field(inner, place, body), reader);
    }
    const level = quoted(reader);
    lines.push(
      `deeper(${level}, ${node.depth}); at, v = ${reader}(buf, at, stop, tree)`,
      `levels[${level}] = levels[${level}] - 1`,
    );
  }

  #idOf(field: AnyField): number {
    const known = this.#ids.get(field);
    if (known !== undefined) return known;
    this.#ids.set(field, this.#ids.size);
    return this.#ids.size - 1;
  }

  #union({ tag, base, cases }: NodeOf<"union">, place: Place, lines: string[]): void {
    const { path } = place;
    const within = (name: string): string => (path === "" ? name : `${path}.${name}`);
    lines.push(`names[#names + 1] = ${quoted(tag)}`);
    this.field(base, { path: within(tag), label: tag }, lines);
    lines.push("names[#names] = nil");
    cases.forEach(({ code, body }, i) => {
      lines.push(`${i > 0 ? "elseif" : "if"} v == ${code} then`);
      const reader = this.readerOf(body, { path, label: place.label });
      lines.push(`at = ${reader}(buf, at, stop, tree)`);
    });
    lines.push("end");
  }

  /** A compressed body, decompressed as far as Wireshark can. */
  #packed(inner: AnyField, place: Place, lines: string[]): void {
    const packed = { path: `${place.path}.packed`, label: place.label };
    const unpacked = this.fields.add(`${place.path}.unpacked`, "unpacked", "none");
    const reader = this.readerOf(inner, { path: `${place.path}.unpacked`, label: "unpacked" });
    lines.push(
      "do local packing, n = buf(at - 10, 2):uint(), stop - at",
      "if n > 0 and packing == 3 then",
    );
    // Wireshark's Lua has no Brotli.
    this.#bytes("n", { ...packed, note: "packed by Brotli" }, lines);
    lines.push("elseif n > 0 and packing == 2 then local from = at");
    this.#bytes("n", { ...packed, note: "packed by zlib" }, lines);
    lines.push(
      "if tree then",
      "local range = inflated(buf(from, n))",
      'if not range then fail(bytes_text(n) .. " are no zlib stream") end',
      `local sub = tree:add(${unpacked}, range)`,
      `${reader}(range:tvb(), 0, range:len(), sub) end`,
      "else",
    );
    this.payload({ text: true, decode: undefined, format: { name: "json" } }, place, lines);
    lines.push("end end");
  }

  /** Data that only a codec can read: JSON and text, if the codec tells, otherwise bytes up to `stop`. */
  payload(codec: Readable, place: Place, lines: string[]): void {
    const { format, text, decode } = codec;
    if (format?.name === "packed body") {
      this.#packed((format as PackedBody["format"]).inner, place, lines);
      return;
    }
    const charset = decode === decodeLatin1 ? "latin1" : text === true ? "utf8" : undefined;
    if (charset === undefined) this.#bytes("stop - at", place, lines);
    else {
      lines.push("do local from = at");
      this.#text(charset, undefined, "stop - at", place, lines);
      if (format?.name === "json") lines.push("show_json(buf, from, at, tree)");
      lines.push("end");
    }
  }
}

/** Indents statements. */
const indented = (lines: readonly string[]): string =>
  lines.flatMap((line) => line.split("\n").map((one) => `  ${one}`)).join("\n");

const ENCODINGS: Readonly<Record<string, string>> = {
  utf8: "ENC_UTF_8",
  ascii: "ENC_ASCII",
  latin1: "ENC_ISO_8859_1",
};

function checkName(
  table: string,
  names: Readonly<Record<string, number>>,
  open: boolean,
  lines: string[],
): void {
  if (open) return;
  const codes = Object.values(names).join(", ");
  lines.push(`if not ${table}[v] then fail(v .. " is not one of ${codes}") end`);
}
