import { checkOptions, type FrameLayout } from "../../core/index.ts";
import type { AnyField } from "../../fields/index.ts";
import type { Explainable, ExplainableProtocol } from "../explain.ts";
import { descriptionOf } from "./descriptions.ts";
import { DISSECT } from "./dissect.ts";
import { FieldCode } from "./field-code.ts";
import { FRAME_PRELUDE, frameCode } from "./frame-code.ts";
import { PRELUDE } from "./prelude.ts";
import { quoted } from "./quoted.ts";
import { structCode } from "./struct-code.ts";

/** Options for {@link dissector}. */
export interface DissectorOptions {
  /**
   * Prefix of filter names: lower-case letters, digits, `_`, `-` and dots. It must differ from all
   * protocols of Wireshark.
   */
  readonly name: string;
  /**
   * The name that Wireshark displays.
   * @defaultValue `name`
   */
  readonly title?: string | undefined;
  /**
   * Ports of servers: TCP ports for a protocol with frames, UDP and WebSocket ports for one without.
   * @defaultValue none: choose the protocol with "Decode As" or `tshark -d tcp.port==3101,name`
   */
  readonly ports?: readonly number[] | undefined;
  /**
   * The protocol of the server's messages, if it differs. Its fields begin with `name.reply`. A packet is
   * from the server if its source port is one of `ports`; otherwise the lower port is the server's.
   */
  readonly replies?: Explainable | undefined;
}

/**
 * Makes a dissector for Wireshark and tshark, as a Lua script: fields for filters, trees, reassembly of
 * frames that are cut by segments or share one, and reports of malformed frames. It needs no other file.
 *
 * It shows the same parts as `explain`. It does not check checksums or run functions of JavaScript: values
 * of `mapped` are shown as they are on the wire, the conditions of `checked` are ignored, and data that
 * only a codec can read is shown as bytes, text or JSON.
 *
 * @param what - a description, a protocol, or a framing
 * @returns the script, for the plugins folder or `-X lua_script:file`
 * @throws TypeError if nothing describes the bytes, or a field cannot be expressed, with its name in the
 *   message; RangeError for an invalid name or port
 *
 * @example
 * ```ts
 * import { goim } from "framewright/goim";
 * import { dissector } from "framewright/inspect";
 *
 * const script = dissector(goim(), { name: "goim", ports: [3101] });
 * console.log(script.split("\n")[0]);
 * //=> -- A dissector of goim for Wireshark, written by framewright.
 * ```
 */
export function dissector(what: Explainable, options: DissectorOptions): string {
  checkOptions("dissector", options, ["name", "title", "ports", "replies"]);
  const { name, ports = [], replies } = options;
  if (!/^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*$/.test(name)) {
    throw new RangeError(
      `dissector: the name must be lower-case letters, digits, "_", "-" and dots, not ${JSON.stringify(name)}`,
    );
  }
  for (const port of ports) {
    if (Number.isInteger(port) && port > 0 && port < 65_536) continue;
    throw new RangeError(`dissector: a port is a number from 1 to 65535, not ${port}`);
  }
  const { title = name } = options;
  const code = new FieldCode(name, structCode);
  const asked = sourceOf(what);
  const root = rootOf(code, asked, "");
  const answer = replies === undefined ? undefined : sourceOf(replies);
  if (answer !== undefined && answer.isStream !== asked.isStream) {
    throw new TypeError("dissector: one direction has frames, but the other does not");
  }
  const replyRoot = answer === undefined ? root : rootOf(code, answer, "reply");
  const list = ports.join(", ");
  const tables = asked.isStream ? ["tcp.port"] : ["udp.port", "ws.port"];
  return `-- A dissector of ${oneLine(title)} for Wireshark, written by framewright.
-- tshark -X lua_script:THIS_FILE -r capture.pcapng -O ${name}
if pcall(Field.new, ${quoted(name)}) then
  error("Wireshark already has a protocol ${name}: pass another name (--name)", 0)
end
local P = Proto(${quoted(name)}, ${quoted(title)})
local F, R, N = {}, {}, {}
${code.fields.lines.join("\n")}
P.fields = F
local malformed = ProtoExpert.new(${quoted(`${name}.malformed`)}, "Malformed", expert.group.MALFORMED, expert.severity.ERROR)
local after = ProtoExpert.new(${quoted(`${name}.after_malformed`)}, "Not understood", expert.group.UNDECODED, expert.severity.NOTE)
P.experts = { malformed, after }
local is_stream = ${asked.isStream}
local num = tonumber
local json = Dissector.get("json")
local packet
${PRELUDE}${FRAME_PRELUDE}
local function show_json(buf, at, stop, tree)
  if not tree or at == stop then return end
  local protocol, text = tostring(packet.cols.protocol), tostring(packet.cols.info)
  json:call(buf(at, stop - at):tvb(), packet, tree)
  packet.cols.protocol, packet.cols.info = protocol, text
end

${code.readers.join("\n")}
${DISSECT}
local servers = { ${ports.map((port) => `[${port}] = true`).join(", ")} }

local function is_from_server(pinfo)
  if next(servers) == nil then return pinfo.src_port < pinfo.dst_port end
  return servers[pinfo.src_port] and (not servers[pinfo.dst_port] or pinfo.src_port < pinfo.dst_port)
end

function P.dissector(buf, pinfo, tree)
  packet = pinfo
  pinfo.cols.protocol = ${quoted(title)}
  if is_from_server(pinfo) then
    most = ${(answer ?? asked).maxFrame}
    dissect(${replyRoot}, buf, pinfo, tree)
  else
    most = ${asked.maxFrame}
    dissect(${root}, buf, pinfo, tree)
  end
end

for _, port in ipairs({ ${list} }) do
${tables.map((table) => `  DissectorTable.get(${quoted(table)}):add(port, P)`).join("\n")}
end
for _, name in ipairs({ "tcp.port", "tls.port", "udp.port" }) do
  DissectorTable.get(name):add_for_decode_as(P)
end
`;
}

/** Makes a title safe for a comment. */
const oneLine = (text: string): string => text.replace(/[^ -~]/g, "?");

/** The sources of knowledge about the bytes. */
interface Source {
  readonly isStream: boolean;
  readonly maxFrame: number;
  readonly field?: AnyField | undefined;
  readonly upTo?: string | undefined;
  readonly layout?: FrameLayout | undefined;
  readonly isLoose?: boolean | undefined;
  readonly payload?: Explainable | undefined;
}

const isField = (what: Explainable): what is AnyField => "node" in what;

/** Maximum size of a message in Wireshark. */
const NO_LIMIT = 0xffff_ffff;

function sourceOf(what: Explainable): Source {
  if (isField(what)) return { isStream: false, maxFrame: NO_LIMIT, field: what };
  const { measure, maxFrame = NO_LIMIT, layout } = what;
  const { upTo, loose } = what as { readonly upTo?: string; readonly loose?: boolean };
  const common = { isStream: measure !== undefined, maxFrame: Math.min(maxFrame, NO_LIMIT) };
  if (what.field !== undefined) return { ...common, field: what.field, upTo };
  const described = descriptionOf(what);
  if (described !== undefined && (layout === undefined || described.isFrame)) {
    return { ...common, field: described.field, upTo: described.upTo };
  }
  if (layout !== undefined && common.isStream) {
    return { ...common, layout, isLoose: loose === true, payload: what.payload ?? what };
  }
  if (common.isStream) {
    const name = what.name === undefined ? "this protocol" : JSON.stringify(what.name);
    throw new TypeError(
      `dissector: ${name} has no description and no layout of its frames, so only JavaScript can read it; describe it with framewright/fields`,
    );
  }
  return { ...common, payload: what.payload ?? what };
}

/** The reader of frames or messages. */
function rootOf(code: FieldCode, source: Source, path: string): string {
  const { field, upTo, layout, isLoose = false, payload, isStream } = source;
  const frame = { upTo };
  if (field !== undefined) {
    return code.readerOf(field, { path, label: path || "value", ...(isStream && { frame }) });
  }
  const within = (name: string): string => (path === "" ? name : `${path}.${name}`);
  const show = (name: string, lines: string[]): void =>
    payloadCode(code, payload, within(name), name, lines);
  if (layout === undefined) return code.reader((lines) => show("payload", lines));
  const parts = layout.map((part) => ({ ...part, name: within(part.name) }));
  return frameCode(code, parts, isLoose, (name, lines) =>
    payloadCode(code, payload, name, name, lines),
  );
}

function payloadCode(
  code: FieldCode,
  payload: Explainable | undefined,
  path: string,
  label: string,
  lines: string[],
): void {
  const place = { path, label };
  const field = payload === undefined ? undefined : fieldOf(payload);
  if (field !== undefined)
    lines.push(`at, v = ${code.readerOf(field, place)}(buf, at, stop, tree)`);
  else code.payload((payload ?? {}) as ExplainableProtocol, place, lines);
}

/** The description of a payload. */
function fieldOf(payload: Explainable): AnyField | undefined {
  if (isField(payload)) return payload;
  return payload.field ?? descriptionOf(payload)?.field;
}
