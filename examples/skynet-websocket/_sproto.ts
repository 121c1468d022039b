import { type MessageProtocol, onePerMessage } from "framewright";
import {
  type AnyTypes,
  parse,
  type RpcProtocol,
  type RpcReceived,
  type RpcSent,
  type Sproto,
  sprotoRpc,
} from "framewright/sproto";

// Code that both sides of the sproto protocol share; runs in browsers too.

/** The result, which every response may contain. */
export interface SprotoReply {
  readonly ok?: boolean;
  readonly error?: { readonly code: string; readonly message: string };
}

/** A player, as returned by get_player_member. */
export interface SprotoMember {
  readonly member_id: string;
  readonly nickname: string;
  readonly equipment_level: number;
  /** An addition of this example, like vip_level. */
  readonly exp?: number;
  readonly vip_level?: number;
}

/** The parts for one side: the calls, and the protocol of its WebSocket messages. */
export interface SprotoSide {
  readonly rpc: RpcProtocol<AnyTypes, AnyTypes>;
  /** A big-endian u16 length and one packed call, in every WebSocket message. */
  readonly messages: MessageProtocol<RpcSent, RpcReceived>;
}

/** Makes one side from the schemas of its incoming and outgoing requests. */
export function sprotoSide(localText: string, remoteText: string): SprotoSide {
  const local: Sproto = parse(localText);
  const remote: Sproto = parse(remoteText);
  const rpc = sprotoRpc({ local, remote });
  return { rpc, messages: onePerMessage(rpc) };
}
