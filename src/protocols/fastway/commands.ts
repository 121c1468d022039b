import { type Output, ProtocolError, u32le } from "../../core/index.ts";
import { HEADER, LENGTH } from "./packet.ts";

/**
 * Which fastway is spoken. Nothing on the wire tells, so both ends must be told the same.
 *
 * | dialect | fastway | how a connection is made |
 * |---|---|---|
 * | `v1` | 2016, up to 3037374 | an id is asked for (new, open), then dialled |
 * | `v2` | 2017, 9921afa | the gateway picks the id when it is dialled |
 */
export type Dialect = "v1" | "v2";

/** Which end of a physical connection: the gateway, or one of its clients and servers. */
export type Side = "endpoint" | "gateway";

/** v1: an endpoint asks for a connection id. */
export interface NewCommand {
  readonly type: "new";
}

/** v1: the gateway's answer to new; answers keep the order of the questions. */
export interface OpenCommand {
  readonly type: "open";
  readonly connId: number;
}

/** An endpoint asks for a connection with an endpoint of the other side. */
export type DialCommand<D extends Dialect = Dialect> = D extends "v1"
  ? { readonly type: "dial"; readonly connId: number; readonly remoteId: number }
  : { readonly type: "dial"; readonly remoteId: number };

/** The gateway did not make the connection. v1 names the connection id, v2 the endpoint that was dialled. */
export type RefuseCommand<D extends Dialect = Dialect> = D extends "v1"
  ? { readonly type: "refuse"; readonly connId: number }
  : { readonly type: "refuse"; readonly remoteId: number };

/**
 * The connection is there. v1 tells both ends so: the client is given the server's id, the server the
 * client's. v2 tells the dialler.
 */
export interface AcceptCommand {
  readonly type: "accept";
  readonly connId: number;
  readonly remoteId: number;
}

/** v2: the gateway tells the dialled end of a new connection; `remoteId` is the dialler. */
export interface ConnectCommand {
  readonly type: "connect";
  readonly connId: number;
  readonly remoteId: number;
}

/** The connection ends. The gateway sends it to both ends, also to the one that asked for it. */
export interface CloseCommand {
  readonly type: "close";
  readonly connId: number;
}

/** Sign of life. v1: the gateway asks, the endpoint answers; v2: the other way round. */
export interface PingCommand {
  readonly type: "ping";
}

/** What an endpoint tells its gateway. */
export type EndpointCommand<D extends Dialect = Dialect> =
  | (D extends "v1" ? NewCommand : never)
  | DialCommand<D>
  | CloseCommand
  | PingCommand;

/** What a gateway tells its endpoints. */
export type GatewayCommand<D extends Dialect = Dialect> =
  | (D extends "v1" ? OpenCommand : ConnectCommand)
  | RefuseCommand<D>
  | AcceptCommand
  | CloseCommand
  | PingCommand;

/** Every command of a dialect. */
export type Command<D extends Dialect = Dialect> = EndpointCommand<D> | GatewayCommand<D>;

/** What side `S` sends; everything where no side is given. */
export type SentBy<D extends Dialect, S extends Side | undefined> = S extends "endpoint"
  ? EndpointCommand<D>
  : S extends "gateway"
    ? GatewayCommand<D>
    : Command<D>;

/** What side `S` receives; everything where no side is given. */
export type ReceivedBy<D extends Dialect, S extends Side | undefined> = S extends "endpoint"
  ? GatewayCommand<D>
  : S extends "gateway"
    ? EndpointCommand<D>
    : Command<D>;

/** How a command looks on the wire; its code is its index in {@link COMMANDS}. */
interface Shape {
  readonly type: Command["type"];
  /** Its arguments, 32 bits each. */
  readonly args: readonly ("connId" | "remoteId")[];
  /** Who may send it; undefined: both. */
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

/** True if `from` may send it; always if that is not known. */
export const mayCome = (shape: Shape, from: Side | undefined): boolean =>
  from === undefined || shape.from === undefined || shape.from === from;

/**
 * The dialect, checked: callers in plain JavaScript have no compiler to tell them that it is required.
 * @throws TypeError
 */
export function checkedDialect<D extends Dialect>(dialect: D): D {
  if (Object.hasOwn(COMMANDS, dialect)) return dialect;
  throw new TypeError(`dialect must be "v1" or "v2", not ${JSON.stringify(dialect)}`);
}

/**
 * The side, checked.
 * @throws TypeError
 */
export function checkedSide<S extends Side | undefined>(side: S): S {
  if (side === undefined || side === "endpoint" || side === "gateway") return side;
  throw new TypeError(`side must be "endpoint" or "gateway", not ${JSON.stringify(side)}`);
}

/** The other end. */
export function otherSide(side: Side | undefined): Side | undefined {
  if (side === undefined) return undefined;
  return side === "gateway" ? "endpoint" : "gateway";
}

/**
 * The command in the packet `bytes[start .. end)`, whose connection id is 0. Bytes behind its arguments are
 * ignored, as the reference ignores them.
 *
 * @param from - who sent it, where that is known
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
    const what = shape === undefined ? "is none" : `("${shape.type}") is not sent by the ${from}`;
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

/** Does a command that makes no sense fit the other dialect to the byte? */
function hint(dialect: Dialect, from: Side | undefined, code: number, length: number): string {
  const other = dialect === "v1" ? "v2" : "v1";
  const shape = COMMANDS[other][code];
  if (shape === undefined || !mayCome(shape, from) || lengthOf(shape) !== length) return "";
  return `; it is a "${shape.type}" of dialect ${other}: the ${from ?? "peer"} seems to speak ${other}`;
}

/**
 * Writes a command as a whole packet.
 *
 * @param from - who writes it, where that is known
 * @throws ProtocolError `unencodable` for a command that the dialect has not, or that `from` may not send
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
