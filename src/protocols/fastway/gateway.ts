import {
  type Connection,
  checkInteger,
  checkLimits,
  checkOptions,
  guard,
  markReported,
  type OwnConnection,
  ProtocolError,
  reportPeer,
  systemClock,
} from "../../core/index.ts";
import { watchSilence } from "../../session/index.ts";
import { checkedDialect, type Dialect } from "./commands.ts";
import type { FastwayLink } from "./endpoint.ts";
import { fastway } from "./fastway.ts";
import type { FastwayGateway, GatewayCounters, GatewayOptions } from "./gateway-options.ts";
import { type GatewayLink, newPeer, type Peer } from "./gateway-peer.ts";
import { CHALLENGE, gatewayHandshake, verifyAnswer } from "./handshake.ts";
import { Router } from "./router.ts";

const THIRTY_SECONDS = 30_000;
const MAX_HELD = 2 * 1024 * 1024;
const OPTIONS = [
  "dialect",
  "random",
  "key",
  "maxPacket",
  "maxConn",
  "maxHeld",
  "clientIdle",
  "serverIdle",
  "authTimeout",
  "maxUnproven",
  "firstClientId",
  "firstConnId",
  "left",
  "clock",
] as const;

/**
 * Creates a gateway, which connects clients and servers by virtual connections. It opens no ports:
 * pass it connections of any transport.
 *
 * It fixes defects of the reference: both dialects report a disconnect to the other end, only an
 * end of a connection can close it, v1 dials only with ids that were requested, a message that
 * crossed a Close disconnects no endpoint, silent peers are dropped, and ids in use are skipped
 * when they wrap.
 *
 * If a client sends faster than a server reads, the client's link is paused while the server's link
 * is above its high-water mark (`highWater` of `listen`). If a server sends faster than a client
 * reads, the virtual connection is closed once more than `maxHeld` bytes wait for it; servers are
 * never paused. Neither closes a link.
 *
 * The handshake checks that a server has the key, by MD5 of a 64-bit challenge; nothing is
 * encrypted. Use TLS or a private network.
 *
 * @param options - `dialect` and `random`; limits and times
 * @throws TypeError without a dialect or a source of random bytes, RangeError for an invalid limit
 *
 * @example
 * ```ts
 * import { randomBytes } from "node:crypto";
 * import { connect, listen } from "framewright/node";
 * import { fastway, fastwayClient, fastwayGateway, fastwayServer } from "framewright/fastway";
 *
 * const gateway = fastwayGateway({ dialect: "v2", key: "secret", random: randomBytes });
 * const clients = await listen(gateway.protocol, { port: 0, host: "127.0.0.1", open: gateway.client });
 * const servers = await listen(gateway.protocol, { port: 0, host: "127.0.0.1", open: gateway.server });
 *
 * const v2 = fastway({ dialect: "v2" });
 * const server = fastwayServer(await connect(v2, { port: servers.port }), {
 *   serverId: 1,
 *   key: "secret",
 *   message: (connection, bytes) => connection.send(bytes.slice().reverse()),
 * });
 * const client = fastwayClient(await connect(v2, { port: clients.port }));
 *
 * const connection = await client.dial(1);
 * connection.send(Uint8Array.of(1, 2, 3));
 * for await (const answer of connection) {
 *   console.log(answer.join(" "));
 *   connection.close();
 * }
 * client.close();
 * server.close();
 * gateway.close();
 * await Promise.all([clients.close(), servers.close()]);
 * //=> 3 2 1
 * ```
 */
export function fastwayGateway<D extends Dialect>(options: GatewayOptions<D>): FastwayGateway<D> {
  checkOptions("fastwayGateway", options, OPTIONS);
  checkLimits(options, "maxHeld");
  const dialect = checkedDialect(options.dialect);
  const isV1 = dialect === "v1";
  const { random, key = "", clock = systemClock, left } = options;
  if (typeof random !== "function") throw new TypeError("a gateway needs a source of random bytes");
  const protocol = fastway({ dialect, side: "gateway", maxPacket: options.maxPacket });
  const idle = {
    client: count("clientIdle", options.clientIdle ?? THIRTY_SECONDS),
    server: count("serverIdle", options.serverIdle ?? THIRTY_SECONDS),
  };
  const authTimeout = count("authTimeout", options.authTimeout ?? (isV1 ? 3000 : 5000));
  const maxUnproven = count("maxUnproven", options.maxUnproven ?? 1024);
  const router = new Router({
    dialect,
    maxConn: count("maxConn", options.maxConn ?? (isV1 ? 8 : 16)),
    firstClientId: count("firstClientId", options.firstClientId ?? 1),
    firstConnId: count("firstConnId", options.firstConnId ?? 1),
    maxHeld: options.maxHeld ?? MAX_HELD,
  });
  const peers = new Set<Peer>();
  const unproven = new Set<Peer>();
  let isClosed = false;

  const leave = (peer: Peer, error?: unknown): void => {
    if (peer.isGone) return;
    peer.isGone = true;
    peer.stopLimit();
    peers.delete(peer);
    unproven.delete(peer);
    router.remove(peer);
    // Its connection must be closed anyway, and perhaps those of others.
    if (left !== undefined) guard(() => left({ side: peer.side, id: peer.id }, error));
    else if (error !== undefined) tell(peer, error);
  };

  /** Prints an error of a peer if no handler receives it. */
  const tell = (peer: Peer, error: unknown): void => {
    const { peer: address } = peer.link as unknown as Partial<OwnConnection>;
    reportPeer(protocol.name, address, markReported(error));
  };

  const drop = (peer: Peer, error: ProtocolError): void => {
    leave(peer, error);
    peer.link.abort(error);
  };

  const handlers = (peer: Peer) => ({
    // A half-closed link is useless here: the gateway could no longer report closed connections on
    // it.
    end(): void {
      router.flush(peer);
      leave(peer);
      peer.link.close();
    },
    error: (_: unknown, error: unknown): void => leave(peer, error),
    close: (_: unknown, info: { readonly error?: unknown }): void => leave(peer, info.error),
  });

  /** Starts to handle packets. */
  const begin = (peer: Peer): void => {
    watch(peer);
    peer.link.use(protocol, {
      ...handlers(peer),
      drain: () => router.drained(peer),
      message(_, value) {
        if (!peer.isGone) router.take(peer, value);
      },
    });
  };

  /**
   * Disconnects a silent peer: v1 after one interval, a ping, and another interval; v2 after one
   * interval.
   */
  const watch = (peer: Peer): void => {
    const timeout = idle[peer.side];
    if (timeout === 0) return;
    const silent = (times: number): void => {
      if (peer.isGone) return;
      if (isV1 && times === 1) peer.link.send({ type: "ping" });
      else drop(peer, new ProtocolError("timeout", `no byte within ${times * timeout} ms`));
    };
    watchSilence({ connection: peer.link, timeout, silent, clock });
  };

  const welcome = (side: Peer["side"], link: FastwayLink): Peer | undefined => {
    if (isClosed || link.state === "closed" || link.state === "closing") {
      link.abort();
      return undefined;
    }
    const peer = newPeer(side, link as unknown as GatewayLink);
    peers.add(peer);
    return peer;
  };

  const client = (link: FastwayLink): void => {
    const peer = welcome("client", link);
    if (peer === undefined) return;
    router.addClient(peer);
    begin(peer);
  };

  const server = (link: FastwayLink): void => {
    // Before this server is recorded: if the source of random bytes fails, nothing must remain of
    // it.
    const challenge = challengeFrom(random);
    const peer = welcome("server", link);
    if (peer === undefined) return;
    if (unproven.size >= maxUnproven) {
      const text = `more than ${maxUnproven} servers in the handshake`;
      drop(peer, new ProtocolError("overflow", text));
      return;
    }
    unproven.add(peer);
    if (authTimeout > 0) {
      peer.stopLimit = clock.after(authTimeout, () => {
        const text = `no answer to the challenge within ${authTimeout} ms`;
        drop(peer, new ProtocolError("timeout", text));
      });
    }
    const greeted = link as unknown as Connection<Uint8Array, Uint8Array, unknown>;
    greeted.use(gatewayHandshake, {
      ...handlers(peer),
      message(_, answer) {
        if (peer.isGone) return;
        peer.stopLimit();
        const id = verifyAnswer(answer, challenge, key);
        if (id === undefined) {
          drop(peer, new ProtocolError("refused", "auth-failed: the server does not have the key"));
          return;
        }
        unproven.delete(peer);
        router.addServer(peer, id);
        begin(peer);
      },
    });
    greeted.send(challenge);
  };

  return Object.freeze<FastwayGateway<D>>({
    protocol,
    client,
    server,
    get counters(): GatewayCounters {
      const { clients, servers, circuits, accepted, refused } = router;
      const { packetsIn, bytesIn, packetsOut, bytesOut, paused, overflows } = router;
      return {
        clients,
        servers,
        unproven: unproven.size,
        connections: circuits,
        accepted,
        refused,
        packetsIn,
        bytesIn,
        packetsOut,
        bytesOut,
        paused,
        overflows,
      };
    },
    close() {
      isClosed = true;
      for (const peer of peers) router.flush(peer);
      for (const peer of Array.from(peers)) {
        leave(peer);
        peer.link.close();
      }
    },
  });
}

function challengeFrom(random: (count: number) => Uint8Array): Uint8Array {
  // A copy, because the source may reuse its memory.
  const challenge = Uint8Array.from(random(CHALLENGE));
  if (challenge.length === CHALLENGE) return challenge;
  throw new TypeError(`random(${CHALLENGE}) returned ${challenge.length} bytes`);
}

function count(name: string, value: number): number {
  checkInteger(name, value, 0, 0xffff_ffff);
  return value;
}
