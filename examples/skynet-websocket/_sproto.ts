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

// What both sides of the sproto protocol share; runs in browsers too.

/** Any response may say how it went. */
export interface SprotoReply {
  readonly ok?: boolean;
  readonly error?: { readonly code: string; readonly message: string };
}

/** A player, as get_player_member tells of one. */
export interface SprotoMember {
  readonly member_id: string;
  readonly nickname: string;
  readonly equipment_level: number;
  /** This example's own, as vip_level is. */
  readonly exp?: number;
  readonly vip_level?: number;
}

/** What one side needs: the calls, and the protocol of its WebSocket messages. */
export interface SprotoSide {
  readonly rpc: RpcProtocol<AnyTypes, AnyTypes>;
  /** One packed call behind a big-endian u16 length, in every WebSocket message. */
  readonly messages: MessageProtocol<RpcSent, RpcReceived>;
}

/** A side, from the texts of what it can be asked and what it can ask. */
export function sprotoSide(localText: string, remoteText: string): SprotoSide {
  const local: Sproto = parse(localText);
  const remote: Sproto = parse(remoteText);
  const rpc = sprotoRpc({ local, remote });
  return { rpc, messages: onePerMessage(rpc) };
}
