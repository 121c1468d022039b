import { connectWebSocket } from "framewright/web";
import { type OpenClient, ServerError } from "./_client.ts";
import { type SprotoMember, type SprotoReply, sprotoSide } from "./_sproto.ts";

/**
 * A client that uses sproto. Sessions match answers to requests, so any number of requests may be in
 * flight.
 */
export const sprotoClient: OpenClient = (url, read, options = {}) => {
  const { rpc, messages } = sprotoSide(read("s2c.sproto"), read("c2s.sproto"));
  const { WebSocket, reconnect, timeout } = options;
  const handlers = rpc.peers({
    on: { push: ({ text = "" }: { text?: string }) => options.push?.(text) },
    timeout,
    open: () => options.open?.(),
    close: (_, { error }) => options.close?.(error),
  });
  const socket = connectWebSocket(url, messages, { ...handlers, WebSocket, reconnect });
  /** Every connection has its own peer. */
  const request = async (name: string, args?: object): Promise<unknown> =>
    (await socket.ready()).context.request(name, args);

  async function ask<T extends SprotoReply>(name: string, args: object): Promise<T> {
    const reply = (await request(name, args)) as T;
    const { code = "", message = "" } = reply.error ?? {};
    if (!reply.ok) throw new ServerError(code, message);
    return reply;
  }

  return {
    // The answer has no body: its arrival is the information.
    ping: async () => void (await request("ping")),
    signin: async (userid) => void (await ask("signin", { userid })),
    async login(account, password) {
      // The reference's login takes no request and returns no number; it ignores unknown fields.
      type Reply = SprotoReply & { readonly userid?: number };
      return (await ask<Reply>("login", { account, password })).userid ?? 0;
    },
    async playerInfo(userid) {
      type Reply = SprotoReply & { readonly members?: readonly SprotoMember[] };
      const { members = [] } = await ask<Reply>("get_player_member", { player_id: `${userid}` });
      const [member] = members;
      if (member === undefined) throw new ServerError("NO_SUCH_PLAYER", `no player ${userid}`);
      const { nickname, equipment_level: level, exp = 0, vip_level: vipLevel = 0 } = member;
      return { userid, nickname, level, exp, vipLevel };
    },
    cut: (error) => socket.connection?.abort(error),
    close: () => socket.close(),
  };
};
