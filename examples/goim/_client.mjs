// The client of the chat, over TCP or WebSocket, depending on the address.
import { decodeFrame, encodeFrame, utf8 } from "framewright";
import {
  chatReceive,
  chatReplies,
  chatReply,
  chatSend,
  chatToken,
  GoimClient,
  operations,
  roomId,
} from "framewright/goim";
import { connect } from "framewright/node";
import { attachWebSocket } from "framewright/web";
import { WebSocket } from "ws";

const { message, groupMessage } = operations.chat;
const sent = chatSend(utf8());
const received = chatReceive(utf8());
const reply = chatReply();

/** Opens a connection to `tcp://host:port` or to a WebSocket's URL. */
function dial(address, protocol, handlers) {
  if (!address.startsWith("tcp:")) {
    return attachWebSocket(new WebSocket(address), protocol, handlers);
  }
  const { hostname, port } = new URL(address);
  return connect(protocol, { host: hostname, port: Number(port), ...handlers });
}

/**
 * Joins the chat.
 *
 * @param {string} address - the address of the comet
 * @param {number} mid - your user id
 * @param {string} mkey - the token that authenticates you
 * @param {(text: string) => void} print - called with each event
 */
export function join(address, mid, mkey, print) {
  const client = new GoimClient({
    connect: (protocol, handlers) => dial(address, protocol, handlers),
    token: encodeFrame(chatToken, { mid, mkey }),
    replies: chatReplies,
    // The server rejected our token: another attempt is useless.
    reconnect: { minDelay: 250, maxDelay: 5000, when: ({ error }) => error.code !== "refused" },
    open: () => print("connected"),
    push(_, { op, body }) {
      if (op !== message && op !== groupMessage) return;
      const { from, to, msg } = decodeFrame(received, body);
      print(op === message ? `${from}: ${msg}` : `${from} in ${to}: ${msg}`);
    },
    retry: (_, { error, delay }) => {
      print(`${error.code ?? error.message}; again in ${Math.round(delay)} ms`);
    },
    close: (_, error) => {
      if (error !== undefined) print(error.code ?? error.message);
    },
  });

  async function send(op, to, msg) {
    const { body } = await client.request(op, encodeFrame(sent, { from: mid, to, msg }));
    return decodeFrame(reply, body).ret === 0;
  }

  return {
    client,
    /** Writes to one user; resolves with true if it reached them. */
    tell: (to, msg) => send(message, to, msg),
    /** Writes to a group; resolves with true if it has members. */
    say: (group, msg) => send(groupMessage, group, msg),
    /** Enters a group, and leaves the previous one. */
    enter: (group) =>
      client.request(operations.v2.changeRoom, encodeFrame(roomId, `group://${group}`)),
    close: () => client.close(),
  };
}
