import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Part } from "framewright/inspect";
import { captureOf, type Said } from "./captures.ts";
import { run } from "./programs.ts";

// The real tshark with generated dissectors, and what it shows.

/** A field of a packet, as tshark shows it. */
export interface Shown {
  /** The name for filters. */
  readonly name: string;
  /** The value, as text. */
  readonly show: string;
  /** Its bytes. */
  readonly hex: string;
  /** Where it begins in its frame; of parts of bytes, where these begin. */
  readonly at: number;
  readonly size: number;
}

/** A frame of ours that tshark found. */
export interface ShownFrame {
  /** The number of the packet in which it ends. */
  readonly packet: number;
  readonly size: number;
  readonly fields: readonly Shown[];
  /** What expert information says. */
  readonly faults: readonly string[];
}

/** What tshark has to look at. */
export interface Look {
  /** Scripts of dissectors. */
  readonly scripts: readonly string[];
  readonly capture: Uint8Array;
  /** More arguments. */
  readonly args?: readonly string[];
}

/** Runs tshark. Returns what it printed. */
export async function tshark({ scripts, capture, args = [] }: Look): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "framewright-tshark-"));
  try {
    const path = join(folder, "capture.pcap");
    writeFileSync(path, capture);
    const files = scripts.map((text, n) => {
      const file = join(folder, `${n}.lua`);
      writeFileSync(file, text);
      return ["-X", `lua_script:${file}`];
    });
    // A configuration of the user's would change what is shown.
    const env = { ...process.env, HOME: folder, WIRESHARK_CONFIG_DIR: folder };
    const said = await run("tshark", [...files.flat(), "-r", path, ...args], { env });
    return said.toString();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The frames of each protocol, by its name. */
export async function dissected(look: Look): Promise<ReadonlyMap<string, readonly ShownFrame[]>> {
  const names = look.scripts.map((text) => /^local P = Proto\("([^"]+)"/m.exec(text)![1]!);
  // Trees have no values of their own.
  const trees = new Set(
    look.scripts.flatMap((text) =>
      [...text.matchAll(/ProtoField\.none\("([^"]+)"/g)].map((found) => found[1]!),
    ),
  );
  const found = new Map<string, ShownFrame[]>(names.map((name) => [name, []]));
  const text = await tshark({ ...look, args: ["-T", "pdml", ...(look.args ?? [])] });
  let packet = 0;
  let own: { name: string; at: number; fields: Shown[]; faults: string[] } | undefined;
  // How many trees of other protocols are open inside of ours: that of JSON.
  let inner = 0;
  for (const [tag] of text.matchAll(/<(packet|\/?proto|field)\b[^>]*>/g)) {
    const attribute = (name: string): string =>
      unescaped(new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? "");
    const name = attribute("name");
    const [at, size] = [Number(attribute("pos")), Number(attribute("size"))];
    if (tag.startsWith("<packet")) packet++;
    else if (tag.startsWith("</proto")) {
      if (inner > 0) inner--;
      else own = undefined;
    } else if (tag.startsWith("<proto")) {
      const isOpen = !tag.endsWith("/>");
      if (own !== undefined) {
        if (isOpen) inner++;
        continue;
      }
      const frames = found.get(name);
      if (frames === undefined) continue;
      const [fields, faults]: [Shown[], string[]] = [[], []];
      frames.push({ packet, size, fields, faults });
      if (isOpen) own = { name, at, fields, faults };
    } else if (own !== undefined) {
      // Wireshark's own note on text that goes on after a NUL is no fault.
      if (name === "_ws.expert.message" && attribute("show") !== "Trailing stray characters") {
        own.faults.push(attribute("show"));
      }
      if (!name.startsWith(`${own.name}.`) || trees.has(name)) continue;
      if (/\.(after_)?malformed$/.test(name)) continue;
      const show = attribute("show");
      own.fields.push({ name, show, hex: attribute("value"), at: at - own.at, size });
    }
  }
  return found;
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  "#x27": "'",
};

const unescaped = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#x27);/g, (_, name: string) => ENTITIES[name]!);

/** What a client sends to a port of a server, and what the server sends. */
export interface Conversation {
  readonly client: Uint8Array;
  readonly server?: Uint8Array;
  /** The client's port: each conversation has another one. */
  readonly port: number;
}

/** A capture of a connection, cut into segments of a size. */
export function segments({ client, server, port }: Conversation, size = 13): Said[] {
  const said: Said[] = [
    { from: "client", sequence: 0, flags: "S", port },
    { from: "server", sequence: 0, flags: "SA", port },
  ];
  for (const [from, bytes] of [
    ["client", client],
    ["server", server ?? new Uint8Array(0)],
  ] as const) {
    for (let at = 0; at < bytes.length; at += size) {
      said.push({ from, sequence: at + 1, data: bytes.subarray(at, at + size), port });
    }
  }
  return said;
}

/** A capture of connections that are cut into segments of a size. */
export const cutCapture = (all: readonly Conversation[], size = 13): Uint8Array =>
  captureOf(all.flatMap((one) => segments(one, size)));

/** A value as it must be shown. */
export interface Expected {
  readonly name: string;
  readonly hex: string;
  /** Undefined if its bytes say it all. */
  readonly show?: string | undefined;
  /** Undefined for parts of bytes. */
  readonly at?: number | undefined;
}

/** The leaves of what `explain` found, as tshark must show them. */
export function expectedOf(part: Part, bytes: Uint8Array): Expected[] {
  // JSON is text: its tree is that of Wireshark.
  if (part.parts !== undefined && !isJson(part))
    return part.parts.flatMap((one) => expectedOf(one, bytes));
  const { name, start, end, type, value, note, bits } = part;
  // A field that is not there.
  if (value === undefined && start === end) return [];
  const hex = Buffer.from(bytes.subarray(start, end)).toString("hex");
  if (type.startsWith("flags ")) {
    return Object.entries(value as Record<string, boolean>).map(([flag, is]) => ({
      name: flag,
      hex,
      show: is ? "1" : "0",
    }));
  }
  const isNamed = type.startsWith("enum ");
  const number = isNamed
    ? note!
    : typeof value === "boolean"
      ? String(Number(value))
      : String(value);
  const isNumber = typeof value === "number" || typeof value === "bigint" || isNamed;
  if (bits !== undefined) return [{ name, hex, show: number }];
  // A mapping tells its name: what is shown is what it is made of.
  const isMapped = note === "half" || note === "reversed";
  const isWhole = isNumber && !type.startsWith("f") && !isMapped && type !== "digits";
  return [{ name, hex, at: start, ...(isWhole && { show: number }) }];
}

const isJson = ({ type, parts }: Part): boolean =>
  type === "json" || type === "object" || parts!.some((one) => one.type === "mark");

/** The differences between what is shown and what must be; none if all is well. */
export function differences(
  shown: readonly Shown[],
  expected: readonly Expected[],
  start: number,
): string[] {
  const found: string[] = [];
  // Empty ones are not always shown.
  const all = shown.filter(({ size }) => size > 0);
  const wanted = expected.filter(({ hex }) => hex !== "");
  const count = Math.max(all.length, wanted.length);
  for (let i = 0; i < count; i++) {
    const [is, must] = [all[i], wanted[i]];
    const same =
      is !== undefined &&
      must !== undefined &&
      (must.show === undefined || numbered(is.show) === must.show) &&
      (must.at === undefined || (is.at === must.at - start && is.hex === must.hex));
    if (!same) found.push(`${JSON.stringify(is)} is not ${JSON.stringify(must)}`);
  }
  return found;
}

/** Booleans are words in newer versions. */
const numbered = (show: string): string => ({ True: "1", False: "0" })[show] ?? show;
