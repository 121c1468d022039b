import { ErrorReply } from "framewright/protobuf";
import { connectWebSocket } from "framewright/web";
import { type OpenClient, ServerError } from "./_client.ts";
import { gameMessages } from "./_protobuf.ts";

/** A client that uses protobuf. */
export const protobufClient: OpenClient = (url, read, options = {}) => {
  const messages = gameMessages(read("common.proto"), read("game.proto"));
  const client = messages.client({
    timeout: options.timeout,
    push: { "game.Notice": ({ text }) => options.push?.(text) },
    open: () => options.open?.(),
    close: (_, { error }) => options.close?.(error),
  });
  const { WebSocket, reconnect } = options;
  const socket = connectWebSocket(url, messages.clientProtocol, {
    ...client.handlers,
    WebSocket,
    reconnect,
  });

  async function ask<T>(request: Promise<T>): Promise<T> {
    try {
      return await request;
    } catch (error) {
      if (error instanceof ErrorReply) throw new ServerError(error.reply, error.text);
      throw error;
    }
  }
  return {
    async ping() {
      try {
        await client.request("game.PingReq", {});
      } catch (error) {
        // The reference answers this request with an error, which also shows that it works.
        if (!(error instanceof ErrorReply)) throw error;
      }
    },
    signin: async (userid) => void (await ask(client.request("game.SigninReq", { userid }))),
    async login(account, password) {
      const { userid } = await ask(client.request("game.LoginReq", { account, password }));
      return Number(userid);
    },
    async playerInfo(userid) {
      const { player } = await ask(client.request("game.GetPlayerInfoReq", { userid }));
      const { nickname, level, exp, vipLevel } = player;
      return { userid: Number(player.userid), nickname, level, exp: Number(exp), vipLevel };
    },
    cut: (error) => socket.connection?.abort(error),
    close: () => socket.close(),
  };
};
