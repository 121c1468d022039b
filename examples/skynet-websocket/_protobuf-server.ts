import { ErrorReply } from "framewright/protobuf";
import { attachWebSocket, type WebSocketLike } from "framewright/web";
import { readFile } from "./_config.ts";
import { type Game, GameError, type Visitor } from "./_game.ts";
import { gameMessages } from "./_protobuf.ts";
import type { Log } from "./_server.ts";

const messages = gameMessages(readFile("common.proto"), readFile("game.proto"));

const success = (message = ""): { errorResp: { code: string; message: string } } => ({
  errorResp: { code: "SUCCESS", message },
});

/** Errors that a client may see are sent with their code. */
function told<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof GameError) throw new ErrorReply(error.code, error.message);
    throw error;
  }
}

/**
 * Serves the game in protobuf: each WebSocket message is a little-endian u32 length and one message with a
 * header.
 */
export function serveProtobuf(socket: WebSocketLike, game: Game, log: Log): void {
  const visitor: Visitor = {
    notify: (text) =>
      void connection.send({ kind: "push", type: "game.Notice", message: { text } }),
  };
  const answers = messages.answer(
    {
      "game.PingReq": () => success(),
      "game.SigninReq": ({ userid }) => {
        told(() => game.signin(visitor, userid));
        return { ...success(), ok: true };
      },
      "game.LoginReq": ({ account, password }) => {
        const userid = told(() => game.login(account, password));
        return { ...success(`Hello ${account}`), userid };
      },
      "game.GetPlayerInfoReq": ({ userid }) => {
        const player = told(() => game.player(Number(userid)));
        return player && { player };
      },
    },
    { report: (error, { seq }) => log(`request ${seq}: ${error}`) },
  );
  const connection = attachWebSocket(socket, messages.serverProtocol, {
    ...answers,
    error: (_, error) => log(`connection: ${error}`),
    close: () => game.leave(visitor),
  });
}
