// Finds a service in the local network: asks all members of a multicast group over UDP, takes the first
// answer, and connects to that service over TCP. Both sides run here, on the loopback interface; ends by
// itself.
import { json, lines, perMessage } from "framewright";
import {
  connect,
  type DatagramEndpoint,
  listen,
  listenDatagram,
  type Peer,
} from "framewright/node";

const here = "127.0.0.1"; // the interface; without it the system chooses one
const group = "239.255.42.99";

// UDP: each datagram is a message. TCP: each line is a message.
type Ask = { readonly ask: string };
type Offer = { readonly offer: string; readonly port: number };
const questions = perMessage({ maxFrame: 1200 }).wrap(json<Ask | Offer>());
const clock = lines().wrap(json<{ now: string }, { zone: string }>());
const client = lines().wrap(json<{ zone: string }, { now: string }>());

// ---- The service

const service = await listen(clock, {
  port: 0,
  host: here,
  message: (connection, { zone }) => connection.send({ now: `noon in ${zone}` }),
});
const beacon = await listenDatagram(questions, {
  reuseAddr: true, // several services on one machine
  message(endpoint, message, peer) {
    if (!("ask" in message) || message.ask !== "clock") return;
    endpoint.send([{ offer: "clock", port: service.port }], peer);
  },
});
beacon.socket.addMembership(group, here);

// ---- The client

/** The address of a service. Datagrams may be lost: asks again until there is an answer. */
async function find(name: string, everybody: Peer): Promise<Peer> {
  let again: NodeJS.Timeout | undefined;
  let endpoint: DatagramEndpoint<Ask | Offer> | undefined;
  try {
    return await new Promise<Peer>((resolve, reject) => {
      listenDatagram(questions, {
        host: here,
        socketError: (_, error) => reject(error),
        message(_, message, peer) {
          const isAnswer = "offer" in message && message.offer === name;
          if (isAnswer) resolve({ address: peer.address, port: message.port });
        },
      }).then((opened) => {
        endpoint = opened;
        opened.socket.setMulticastInterface(here);
        const ask = (): void => void opened.send([{ ask: name }], everybody);
        again = setInterval(ask, 500);
        ask();
      }, reject);
    });
  } finally {
    clearInterval(again);
    await endpoint?.close();
  }
}

const { address, port } = await find("clock", { address: group, port: beacon.port });
console.log(`found it at ${address}`);
const connection = await connect(client, { host: address, port });
connection.send({ zone: "UTC" });
for await (const { now } of connection) {
  console.log(now);
  connection.close();
}
await Promise.all([service.close(), beacon.close()]);
//=> found it at 127.0.0.1
//=> noon in UTC
