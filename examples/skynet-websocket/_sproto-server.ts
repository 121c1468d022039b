import { attachWebSocket, type WebSocketLike } from "framewright/web";
import { readFile } from "./_config.ts";
import { type Game, GameError, type Visitor } from "./_game.ts";
import type { Log } from "./_server.ts";
import { type SprotoMember, type SprotoReply, sprotoSide } from "./_sproto.ts";

const { rpc, messages } = sprotoSide(readFile("c2s.sproto"), readFile("s2c.sproto"));

/** Serves the game in sproto: each WebSocket message is a big-endian u16 length and one packed call. */
export function serveSproto(socket: WebSocketLike, game: Game, log: Log): void {
  const handlers = rpc.peers<Visitor>({
    on: {
      ping() {},
      signin({ userid = "" }: { userid?: string }, { peer }): SprotoReply {
        game.signin(peer.context, userid);
        return { ok: true };
      },
      login({ account = "", password = "" }: { account?: string; password?: string }) {
        return { ok: true, userid: game.login(account, password) };
      },
      get_player_member({ player_id: id = "" }: { player_id?: string }) {
        const player = game.player(Number(id));
        if (player === undefined) throw new GameError("NO_SUCH_PLAYER", "nobody was asked for");
        const { nickname, level, exp, vipLevel } = player;
        const member: SprotoMember = {
          ...{ member_id: id, nickname, equipment_level: level },
          ...{ exp, vip_level: vipLevel },
        };
        return { ok: true, members: [member] };
      },
    },
    // Errors that a client may see are sent with their code; the text of other errors is not sent.
    failed(error, { name }): SprotoReply {
      const isTold = error instanceof GameError;
      if (!isTold) log(`${name}: ${error}`);
      const code = isTold ? error.code : "SERVER_ERROR";
      return {
        ok: false,
        error: { code, message: isTold ? error.message : "Internal server error" },
      };
    },
    unmatched: (error) => log(`dropped: ${error.message}`),
    context: () => ({ notify: (text) => void connection.context.notify("push", { text }) }),
    error: (_, error) => log(`connection: ${error}`),
    close: (peer) => game.leave(peer.context),
  });
  const connection = attachWebSocket(socket, messages, handlers);
}
