import protobuf from "protobufjs";
import { headerService, protobufjs } from "../../../../src/protocols/protobuf/index.ts";

// The messages of the reference server, as in skynet.md, and an additional push.

const root = new protobuf.Root();
protobuf.parse(
  `syntax = "proto3";
  package common;
  message Header {
    string msg_type = 1; uint32 seq = 2; uint32 version = 3; int64 timestamp = 4; string client_version = 5;
  }
  message ErrorResp { string code = 1; string message = 2; }
  message PlayerInfo {
    int64 userid = 1; string nickname = 2; int32 level = 3; int64 exp = 4; int32 vip_level = 5;
  }`,
  root,
);
protobuf.parse(
  `syntax = "proto3";
  package game;
  message LoginReq { common.Header header = 1; string account = 2; string password = 3; }
  message LoginResp { common.ErrorResp error_resp = 1; int64 userid = 2; }
  message GetPlayerInfoReq { common.Header header = 1; int64 userid = 2; }
  message GetPlayerInfoResp { common.ErrorResp error_resp = 1; common.PlayerInfo player = 2; }
  message Notice { common.Header header = 1; string text = 2; }`,
  root,
);

export const lookup = (name: string): protobuf.Type => root.lookupType(name);

interface Header {
  readonly msgType: string;
  readonly seq: number;
  readonly version: number;
  readonly timestamp: { toString(): string };
  readonly clientVersion: string;
}

export interface LoginReq {
  readonly header?: Header;
  readonly account: string;
  readonly password?: string;
}

export interface LoginResp {
  readonly errorResp?: { readonly code: string; readonly message: string };
  readonly userid?: number | { toString(): string };
}

export const game = headerService({
  requests: {
    "game.LoginReq": {
      request: protobufjs<LoginReq>(lookup("game.LoginReq")),
      response: protobufjs<LoginResp>(lookup("game.LoginResp")),
    },
    "game.GetPlayerInfoReq": {
      request: protobufjs<{ userid: number | { toString(): string } }>(
        lookup("game.GetPlayerInfoReq"),
      ),
      response: protobufjs<{ player: object }>(lookup("game.GetPlayerInfoResp")),
    },
    "common.ErrorResp": { request: protobufjs(lookup("common.ErrorResp")) },
  },
  pushes: { "game.Notice": protobufjs<{ text: string }>(lookup("game.Notice")) },
});
