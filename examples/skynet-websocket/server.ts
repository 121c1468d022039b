// Runs until Ctrl-C: the game server, configured by config.json.
//
//   npm run skynet                 with config.json
//   npm run skynet -- my.json      with another configuration file
import { readFileSync } from "node:fs";
import { parseConfig, readFile } from "./_config.ts";
import { startServer } from "./_server.ts";

const [file] = process.argv.slice(2);
const config = parseConfig(
  file === undefined ? readFile("config.json") : readFileSync(file, "utf8"),
);
const server = await startServer(config, (line) => console.log(line));

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    console.log(`${signal}: stopping`);
    void server.stop();
  });
}
