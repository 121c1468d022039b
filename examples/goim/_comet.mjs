// The server of the chat: a comet on TCP and on WebSocket, for the chat fork of goim v2. Operation 18 sends
// to one user, 20 to a group; a group is a room, which operation 12 enters.
import { decodeFrame, encodeFrame, utf8 } from "framewright";
import {
  Comet,
  chatReceive,
  chatReplies,
  chatReply,
  chatSend,
  chatToken,
  operations,
} from "framewright/goim";
import { listen } from "framewright/node";
import { attachWebSocket } from "framewright/web";
import { WebSocketServer } from "ws";

const { message, groupMessage } = operations.chat;
const sent = chatSend(utf8());
const received = chatReceive(utf8());
const reply = chatReply();

/** Authenticates clients: everyone with the right token. */
const WORD = "xxoo";

/**
 * Starts a comet; port 0 takes any free one.
 *
 * @param {{ host?: string, tcp: number, webSocket: number }} where
 */
export async function startComet({ host = "127.0.0.1", tcp, webSocket }) {
  let lastId = 0n;

  const comet = new Comet({
    authenticate(token) {
      const { mid, mkey } = decodeFrame(chatToken, token);
      return mkey === WORD ? { user: Number(mid), key: String(mid) } : undefined;
    },
    replies: chatReplies,
    // Errors of clients and their connections have a code; bugs do not.
    error(_, error) {
      if (error.code === undefined) console.error(error);
    },
    request(session, { op, body }) {
      if (op !== message && op !== groupMessage) return undefined;
      const { to, msg } = decodeFrame(sent, body);
      // Clients cannot choose `from`: it is the authenticated user.
      const from = session.user;
      const chatId = ++lastId;
      const push = { op, body: encodeFrame(received, { chatId, from, to, msg }) };
      const count =
        op === message
          ? Number(comet.push(String(to), push))
          : comet.pushRoom(`group://${to}`, push);
      return encodeFrame(reply, { ret: count > 0 ? 0 : -1, chatId });
    },
  });

  const server = await listen(comet.protocol, { host, port: tcp, ...comet.handlers });

  const webSockets = new WebSocketServer({ host, port: webSocket, path: "/sub", maxPayload: 4112 });
  await new Promise((resolve, reject) => webSockets.on("listening", resolve).on("error", reject));
  webSockets.on("connection", (socket, { socket: stream }) => {
    attachWebSocket(socket, comet.messageProtocol, { stream, ...comet.handlers });
  });

  return {
    comet,
    tcp: `tcp://${host}:${server.port}`,
    webSocket: `ws://${host}:${webSockets.address().port}/sub`,
    async close() {
      for (const { connection } of comet.sessions) connection.close();
      webSockets.close();
      await server.close();
    },
  };
}
