import { connect } from "framewright/node";
import { sprotoRpc } from "framewright/sproto";
import { c2s, s2c } from "./_schemas.ts";

const rpc = sprotoRpc({ local: s2c, remote: c2s });

/** Connects to the server of this example; `heard` is called for each heartbeat. */
export async function connectTo(port: number, heard: (beat: number) => void) {
  const connection = await connect(rpc, {
    port,
    host: "127.0.0.1",
    ...rpc.peers({
      timeout: 5000,
      on: { heartbeat: ({ beat }) => heard(Number(beat)) },
    }),
  });
  return connection.context;
}
