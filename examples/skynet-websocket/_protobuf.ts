import { headerService, protobufjs } from "framewright/protobuf";
import protobuf from "protobufjs";

// Code that both sides of the protobuf protocol share; runs in browsers too.

export interface ErrorResp {
  readonly code: string;
  readonly message: string;
}

/** An int64: safe integers can be sent, a Long is received. */
export type Int64 = number | { toString(): string };

export interface PlayerInfo {
  readonly userid: Int64;
  readonly nickname: string;
  readonly level: number;
  readonly exp: Int64;
  readonly vipLevel: number;
}

/** The result, which every reply may contain. */
interface Reply {
  readonly errorResp?: ErrorResp | null;
}

/**
 * The messages of the game, parsed from `common.proto` and `game.proto`.
 *
 * Each has a header as field 1, which the service writes: so these types do not include it.
 */
export function gameMessages(commonProto: string, gameProto: string) {
  const root = new protobuf.Root();
  protobuf.parse(commonProto, root);
  protobuf.parse(gameProto, root);
  const type = (name: string): protobuf.Type => root.lookupType(name);
  return headerService({
    requests: {
      "game.PingReq": {
        request: protobufjs<object>(type("game.PingReq")),
        response: protobufjs<Reply>(type("game.PingResp")),
      },
      "game.SigninReq": {
        request: protobufjs<{ userid: string }>(type("game.SigninReq")),
        response: protobufjs<Reply & { ok: boolean }>(type("game.SigninResp")),
      },
      "game.LoginReq": {
        request: protobufjs<{ account: string; password: string }>(type("game.LoginReq")),
        response: protobufjs<Reply & { userid: Int64 }>(type("game.LoginResp")),
      },
      "game.GetPlayerInfoReq": {
        request: protobufjs<{ userid: Int64 }>(type("game.GetPlayerInfoReq")),
        response: protobufjs<Reply & { player: PlayerInfo }>(type("game.GetPlayerInfoResp")),
      },
      // The reference has this type, but no handler for it.
      "common.ErrorResp": { request: protobufjs(type("common.ErrorResp")) },
    },
    pushes: { "game.Notice": protobufjs<{ text: string }>(type("game.Notice")) },
    maxFrame: 256 * 1024,
  });
}
