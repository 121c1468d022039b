import {
  hexOf,
  isBytes,
  ProtocolError,
  printError,
  type Trace,
  type TraceEvent,
  unicodeEscape,
  valueText,
} from "../../core/index.ts";
import { traceFilter } from "./filter.ts";

/** Options for {@link textTrace}. */
export interface TextTraceOptions {
  /**
   * The events to write, in the syntax of the variable `FRAMEWRIGHT_DEBUG`: words separated by commas. `1`
   * selects everything, `goim` a protocol, `*error` the errors of all protocols; `bytes` adds the content
   * of messages.
   * @defaultValue `"1"`
   */
  readonly filter?: string | undefined;
  /**
   * Called with each line, without a line end.
   * @defaultValue prints it to standard error
   */
  readonly write?: ((line: string) => void) | undefined;
}

/** Maximum number of bytes, or characters of a value, in a line. */
const LONGEST = 256;

const numbers = /* @__PURE__ */ new WeakMap<object, number>();
let last = 0;

/** Numbers connections in the order in which they are first seen. */
function numberOf(connection: object): number {
  const known = numbers.get(connection);
  if (known !== undefined) return known;
  numbers.set(connection, ++last);
  return last;
}

/**
 * Makes a trace that writes a line for each event: time, number and protocol of the connection, direction,
 * size and type. The content of messages is left out unless you ask for it. Pass it as the option `trace`
 * of a connection.
 *
 * @param options - `filter` and `write`
 *
 * @example
 * ```ts
 * import { Connection, lines, utf8 } from "framewright";
 * import { textTrace } from "framewright/inspect";
 *
 * const sink = { boundary: "stream", write: () => true, pause() {}, resume() {}, close() {}, abort() {} } as const;
 * const write = (line: string) => console.log(line.replace(/^\S+ /, ""));
 * const connection = new Connection(
 *   lines().wrap(utf8()),
 *   sink,
 *   { message: (connection, line) => connection.send(line.toUpperCase()) },
 *   { trace: textTrace({ write }) },
 * );
 * connection.opened();
 * connection.received(Uint8Array.of(0x68, 0x69, 0x0a));
 * //=> #1 lines opened
 * //=> #1 lines < received 3 bytes
 * //=> #1 lines < message string(2), 3 bytes
 * //=> #1 lines > queued string(2), 3 bytes
 * //=> #1 lines > sent 3 bytes
 * ```
 */
export function textTrace({ filter = "1", write = printError }: TextTraceOptions = {}): Trace {
  const { bytes, shows } = traceFilter(filter);
  return (event) => {
    if (!shows(event)) return;
    const { connection, name } = event;
    const who = connection === undefined ? name : `#${numberOf(connection)} ${name}`;
    const line = `${new Date().toISOString().slice(11, 23)} ${who} ${happening(event, bytes)}`;
    write(line.replace(/[\p{Cc}\u2028\u2029]/gu, unicodeEscape));
  };
}

function happening(event: TraceEvent, content: boolean): string {
  switch (event.type) {
    case "received":
    case "sent": {
      const arrow = event.type === "sent" ? ">" : "<";
      const shown = content ? `: ${cutBytes(event.bytes)}` : "";
      return `${arrow} ${event.type} ${count(event.bytes.length, "byte")}${shown}`;
    }
    case "message":
    case "queued": {
      const arrow = event.type === "queued" ? ">" : "<";
      const shown = content ? `: ${cutText(valueText(event.value))}` : "";
      return `${arrow} ${event.type} ${kindOf(event.value)}, ${count(event.size, "byte")}${shown}`;
    }
    case "stuck": {
      const promises = count(event.promises, "promise");
      return `stuck: ${promises} pending for ${event.ms} ms, ${count(event.unread, "byte")} unread`;
    }
    case "skipped":
      return `skipped ${count(event.skipped.length, "byte")}: ${errorText(event.skipped.error)}`;
    case "error":
      return `error ${errorText(event.error)}`;
    case "closed":
      return `closed by ${event.info.by}`;
    case "connecting":
      return event.to === undefined ? "connecting" : `connecting to ${event.to}`;
    case "lookup":
      return `lookup ${event.host}: ${event.address ?? errorText(event.error)}`;
    case "secured": {
      const chosen = event.alpn === undefined ? "" : `, ${event.alpn}`;
      return `secured by ${event.version ?? "TLS"}${chosen}`;
    }
    case "listening":
      return `listening on ${event.on}`;
    case "accepted":
      return event.from === undefined ? "accepted" : `accepted from ${event.from}`;
    case "refused":
      return `refused ${event.from ?? "a connection"}: ${errorText(event.error)}`;
    case "asked":
      return `asked ${event.id}`;
    case "answered": {
      const failed = event.error === undefined ? "" : ` with ${errorText(event.error)}`;
      return `answered ${event.id} after ${event.ms} ms${failed}`;
    }
    case "unanswered":
      return `unanswered ${event.id ?? "(unsent)"}: ${errorText(event.error)}`;
    case "retry":
      return `retry ${event.failures} in ${Math.round(event.delay)} ms: ${errorText(event.error)}`;
    case "missed":
      return `missed: no byte for ${event.ms} ms`;
    default:
      return event.type;
  }
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;

const cutText = (text: string): string =>
  text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;

const cutBytes = (bytes: Uint8Array): string =>
  bytes.length > LONGEST ? `${hexOf(bytes.subarray(0, LONGEST))}...` : hexOf(bytes);

function errorText(error: unknown): string {
  if (error instanceof ProtocolError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : typeof error;
}

/** The type of a value, which reveals only the size of its content. */
function kindOf(value: unknown): string {
  if (typeof value === "string") return `string(${value.length})`;
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  if (isBytes(value)) return `bytes(${value.length})`;
  if (Array.isArray(value)) return `array(${value.length})`;
  const made = Object.getPrototypeOf(value)?.constructor as { readonly name?: unknown } | undefined;
  return typeof made?.name === "string" && made.name !== "Object" ? made.name : "object";
}
