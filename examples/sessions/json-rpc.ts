// JSON-RPC 2.0 as in language servers (Content-Length) and over lines: methods, notifications, errors,
// batches.
import { json, lines, type Protocol } from "framewright";
import { contentLength } from "framewright/framing";
import { connect, listen } from "framewright/node";
import { jsonRpc, type Wire } from "./_json-rpc.ts";

const protocols: readonly Protocol<Wire>[] = [
  contentLength().wrap(json<Wire>(), { name: "JSON-RPC" }),
  lines().wrap(json<Wire>(), { name: "JSON-RPC in lines" }),
];

for (const protocol of protocols) {
  const seen: unknown[] = [];
  const server = await listen(protocol, {
    port: 0,
    ...jsonRpc({
      add: ([a, b]: [number, number]) => a + b,
      log: (text: string) => void seen.push(text),
      fail: () => Promise.reject(new Error("out of paper")),
    }),
  });
  const connection = await connect(protocol, { port: server.port, ...jsonRpc({}) });
  const { peer } = connection.context;

  console.log(protocol.name, await peer.request("add", [1, 2]));
  peer.notify("log", "no answer to this");
  for (const method of ["fail", "multiply"]) {
    await peer.request(method).catch((error) => console.log(error.code, error.message));
  }
  console.log(
    await Promise.all(
      peer.batch([
        ["add", [3, 4]],
        ["add", [5, 6]],
      ]),
    ),
    seen,
  );

  connection.close();
  await server.close();
}
//=> JSON-RPC 3
//=> -32000 out of paper
//=> -32601 Method not found
//=> [ 7, 11 ] [ 'no answer to this' ]
//=> JSON-RPC in lines 3
//=> -32000 out of paper
//=> -32601 Method not found
//=> [ 7, 11 ] [ 'no answer to this' ]
