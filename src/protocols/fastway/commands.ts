import { type Output, ProtocolError, u32le } from "../../core/index.ts";
import { HEADER, LENGTH } from "./packet.ts";

/**
 * Version of fastway. The wire does not show it, so set the same at both ends.
 *
 * | dialect | fastway | how a connection is made |
 * |---|---|---|
 * | `v1` | 2016, up to 3037374 | an endpoint requests an id (new, open), then dials with it |
 * | `v2` | 2017, 9921afa | an endpoint dials, and the gateway picks the id |
 */
export type Dialect = "v1" | "v2";

/** An end of a physical connection: the gateway, or one of its clients and servers. */
export type Side = "endpoint" | "gateway";

/** v1: an endpoint requests a connection id. */
export interface NewCommand {
  readonly type: "new";
}

/** v1: the gateway's answer to new, in the order of the requests. */
export interface OpenCommand {
  readonly type: "open";
  readonly connId: number;
}

/** An endpoint requests a connection to an endpoint of the other side. */
export type DialCommand<D extends Dialect = Dialect> = D extends "v1"
  ? { readonly type: "dial"; readonly connId: number; readonly remoteId: number }
  : { readonly type: "dial"; readonly remoteId: number };

/** The gateway refuses a connection. v1 names the connection id, v2 the dialled endpoint. */
export type RefuseCommand<D extends Dialect = Dialect> = D extends "v1"
  ? { readonly type: "refuse"; readonly connId: number }
  : { readonly type: "refuse"; readonly remoteId: number };

/**
 * The connection is open. v1 sends it to both ends: the client receives the server's id, the server
 * the client's. v2 sends it to the dialler.
 */
export interface AcceptCommand {
  readonly type: "accept";
  readonly connId: number;
  readonly remoteId: number;
}

/** v2: the gateway announces a new connection to the dialled end; `remoteId` is the dialler. */
export interface ConnectCommand {
  readonly type: "connect";
  readonly connId: number;
  readonly remoteId: number;
}

/**
 * The connection is closed. The gateway sends it to both ends, including the one that requested it.
 */
export interface CloseCommand {
  readonly type: "close";
  readonly connId: number;
}

/**
 * Checks that the other end is alive. v1: the gateway sends it and the endpoint replies; v2: the
 * reverse.
 */
export interface PingCommand {
  readonly type: "ping";
}

/** Commands that an endpoint sends. */
export type EndpointCommand<D extends Dialect = Dialect> =
  | (D extends "v1" ? NewCommand : never)
  | DialCommand<D>
  | CloseCommand
  | PingCommand;

/** Commands that a gateway sends. */
export type GatewayCommand<D extends Dialect = Dialect> =
  | (D extends "v1" ? OpenCommand : ConnectCommand)
  | RefuseCommand<D>
  | AcceptCommand
  | CloseCommand
  | PingCommand;

/** Every command of a dialect. */
export type Command<D extends Dialect = Dialect> = EndpointCommand<D> | GatewayCommand<D>;

/** Commands that side `S` sends; all if no side is set. */
export type SentBy<D extends Dialect, S extends Side | undefined> = S extends "endpoint"
  ? EndpointCommand<D>
  : S extends "gateway"
    ? GatewayCommand<D>
    : Command<D>;

/** Commands that side `S` receives; all if no side is set. */
export type ReceivedBy<D extends Dialect, S extends Side | undefined> = S extends "endpoint"
  ? GatewayCommand<D>
  : S extends "gateway"
    ? EndpointCommand<D>
    : Command<D>;

/** A command's form on the wire; its code is its index in {@link COMMANDS}. */
interface Shape {
  readonly type: Command["type"];
  /** Its arguments, 32 bits each. */
  readonly args: readonly ("connId" | "remoteId")[];
  /** The side that may send it; undefined for both. */
  readonly from?: Side;
}

/** The commands of each dialect. */
export const COMMANDS: Readonly<Record<Dialect, readonly Shape[]>> = {
  v1: [
    { type: "new", args: [], from: "endpoint" },
    { type: "open", args: ["connId"], from: "gateway" },
    { type: "dial", args: ["connId", "remoteId"], from: "endpoint" },
    { type: "refuse", args: ["connId"], from: "gateway" },
    { type: "accept", args: ["connId", "remoteId"], from: "gateway" },
    { type: "close", args: ["connId"] },
    { type: "ping", args: [] },
  ],
  v2: [
    { type: "dial", args: ["remoteId"], from: "endpoint" },
    { type: "accept", args: ["connId", "remoteId"], from: "gateway" },
    { type: "connect", args: ["connId", "remoteId"], from: "gateway" },
    { type: "refuse", args: ["remoteId"], from: "gateway" },
    { type: "close", args: ["connId"] },
    { type: "ping", args: [] },
  ],
};

/** The Length of the longest command: a connection id, the type and two arguments. */
export const LONGEST_COMMAND = 13;

const lengthOf = (shape: Shape): number => LENGTH + 1 + 4 * shape.args.length;

/** True if `from` may send it, or if `from` is unknown. */
export const mayCome = (shape: Shape, from: Side | undefined): boolean =>
  from === undefined || shape.from === undefined || shape.from === from;

/**
 * Checks the dialect, which plain JavaScript callers may have left out.
 * @throws TypeError for an unknown dialect
 */
export function checkedDialect<D extends Dialect>(dialect: D): D {
  if (Object.hasOwn(COMMANDS, dialect)) return dialect;
  throw new TypeError(`dialect must be "v1" or "v2", not ${JSON.stringify(dialect)}`);
}

/**
 * Checks the side.
 * @throws TypeError for an unknown side
 */
export function checkedSide<S extends Side | undefined>(side: S): S {
  if (side === undefined || side === "endpoint" || side === "gateway") return side;
  throw new TypeError(`side must be "endpoint" or "gateway", not ${JSON.stringify(side)}`);
}

/** Returns the other side. */
export function otherSide(side: Side | undefined): Side | undefined {
  if (side === undefined) return undefined;
  return side === "gateway" ? "endpoint" : "gateway";
}

/**
 * Reads the command in the packet `bytes[start .. end)`, whose connection id is 0. Bytes after its
 * arguments are ignored, as in the reference.
 *
 * @param from - the side that sent it, if known
 * @throws ProtocolError `malformed`
 */
export function readCommand(
  dialect: Dialect,
  from: Side | undefined,
  bytes: Uint8Array,
  start: number,
  end: number,
): Command {
  const at = start + HEADER;
  if (at === end) {
    throw new ProtocolError("malformed", "short-command: Length 4 leaves no room for its type", at);
  }
  const code = bytes[at]!;
  const shape = COMMANDS[dialect][code];
  const length = end - start - LENGTH;
  if (shape === undefined || !mayCome(shape, from)) {
    const what =
      shape === undefined ? "is unknown" : `("${shape.type}") is not sent by the ${from}`;
    const text = `unknown-command: type ${code} of dialect ${dialect} ${what}`;
    throw new ProtocolError("malformed", text + hint(dialect, from, code, length), at);
  }
  if (length < lengthOf(shape)) {
    const text = `short-command: "${shape.type}" has Length ${length}, needs ${lengthOf(shape)}`;
    throw new ProtocolError("malformed", text + hint(dialect, from, code, length), at);
  }
  const command: Record<string, unknown> = { type: shape.type };
  for (const [i, name] of shape.args.entries()) command[name] = u32le(bytes, at + 1 + 4 * i);
  return command as unknown as Command;
}

/** Points out a malformed command that is a valid one of the other dialect, byte for byte. */
function hint(dialect: Dialect, from: Side | undefined, code: number, length: number): string {
  const other = dialect === "v1" ? "v2" : "v1";
  const shape = COMMANDS[other][code];
  if (shape === undefined || !mayCome(shape, from) || lengthOf(shape) !== length) return "";
  return `; it is a "${shape.type}" of dialect ${other}: the ${from ?? "peer"} seems to speak ${other}`;
}

/**
 * Writes a command as a whole packet.
 *
 * @param from - the side that writes it, if known
 * @throws ProtocolError `unencodable` for a command that the dialect does not have, or that `from`
 *   may not send
 */
export function writeCommand(
  dialect: Dialect,
  from: Side | undefined,
  command: Command,
  out: Output,
): void {
  const code = COMMANDS[dialect].findIndex((shape) => shape.type === command.type);
  const shape = COMMANDS[dialect][code];
  if (shape === undefined || !mayCome(shape, from)) {
    const who = from === undefined ? "" : ` for the ${from}`;
    throw new ProtocolError("unencodable", `dialect ${dialect} has no "${command.type}"${who}`);
  }
  out.u32le(lengthOf(shape)).u32le(0).u8(code);
  for (const name of shape.args) out.u32le((command as unknown as Record<string, number>)[name]!);
}
