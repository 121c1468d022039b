// A server of JSON lines behind the logging proxy of _logging-proxy.ts. The second client sends a line that
// is not JSON: it still gets its answer, and the log reports why it stops. (test/peers runs redis-cli, psql
// and mosquitto_pub through the same proxy.)
import { json, lines, utf8 } from "framewright";
import { connect, listen } from "framewright/node";
import { loggingProxy } from "./_logging-proxy.ts";

const text = lines().wrap(utf8());
const server = await listen(text, {
  host: "127.0.0.1",
  port: 0,
  message: (connection, line) => connection.send(`{"length":${line.length}}`),
});
const to = { host: "127.0.0.1", port: server.port };
const proxy = await loggingProxy(to, lines().wrap(json()), console.log);

for (const question of ['{"question":1}', "no JSON"]) {
  const client = await connect(text, { host: "127.0.0.1", port: proxy.port });
  client.send(question);
  for await (const answer of client) {
    console.log(`answer: ${answer}`);
    client.close();
  }
}
await proxy.close();
await server.close();
//=> > {"question":1}
//=> < {"length":14}
//=> answer: {"length":14}
//=> > not logged any more: ProtocolError: 7 bytes are not JSON: expected a value at character 0 of 7
//=> < {"length":7}
//=> answer: {"length":7}
