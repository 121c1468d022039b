import { type GameClient, ServerError } from "./_client.ts";

/**
 * Sends every request once, and reports each answer. A server may refuse some of them: the reference has no
 * sign-in in protobuf, and needs a database for members.
 */
export async function askEverything(
  client: GameClient,
  log: (line: string) => void,
): Promise<void> {
  async function tell(what: string, asked: Promise<string>): Promise<void> {
    try {
      log(`  ${what}: ${await asked}`);
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      log(`  ${what}: ${error.message}`);
    }
  }
  const done = (): string => "done";

  await tell(
    "ping",
    client.ping().then(() => "the server is there"),
  );
  await tell("signin", client.signin("alice").then(done));
  let userid = 0;
  const login = client.login("alice", "pw").then((id) => {
    userid = id;
    return id === 0 ? "done" : `player ${id}`;
  });
  await tell("login", login);
  const info = client.playerInfo(userid === 0 ? 1 : userid);
  await tell(
    "player info",
    info.then(({ nickname, level }) => `${nickname}, level ${level}`),
  );
  await tell("login with another password", client.login("alice", "wrong").then(done));
}
