import { randomBytes } from "node:crypto";
import { listen } from "framewright/node";
import { loginServer, messageServer, readLoginToken } from "framewright/skynet";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (content: string): Uint8Array => new TextEncoder().encode(content);

/** The login server and the message server of a game, on separate ports. */
export async function startServers(passwords: ReadonlyMap<string, string>) {
  let executed = 0;
  let logins = 0;
  /** The username of each logged-in user. */
  const usernames = new Map<string, string>();

  const game = messageServer({
    async request(user, content) {
      executed++;
      const [name, delay = "0"] = text(content).split(" ");
      await new Promise((resolve) => setTimeout(resolve, Number(delay)));
      if (name === "fail") throw new Error("this one always fails");
      return bytes(`${user.uid}: ${name}`);
    },
    // Errors that clients do not see.
    report: () => {},
  });

  const login = loginServer({
    authenticate(token) {
      const parts = readLoginToken(token);
      if (parts === undefined) return undefined;
      const uid = text(parts.user);
      if (passwords.get(uid) !== text(parts.password)) return undefined;
      return { uid, server: text(parts.server) };
    },
    login({ uid, server, secret }) {
      if (server !== "sample") return undefined;
      // A user may log in only once at a time: an older login ends.
      const older = usernames.get(uid);
      if (older !== undefined) game.logout(older);
      const subid = String(++logins);
      usernames.set(uid, game.login({ uid, server, subid, secret }).username);
      return subid;
    },
    random: randomBytes,
  });

  const host = "127.0.0.1";
  const loginPorts = await listen(login.protocol, { host, port: 0, ...login.handlers });
  const gamePorts = await listen(game.protocol, { host, port: 0, ...game.handlers });
  return {
    loginPort: loginPorts.port,
    gamePort: gamePorts.port,
    /** Number of requests that were executed so far. */
    executed: () => executed,
    async close() {
      await loginPorts.close();
      await gamePorts.close();
    },
  };
}
