import type { TestProject } from "vitest/node";
import { readFile } from "../../examples/skynet-websocket/_config.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The game servers of examples/skynet-websocket, by what they speak. */
    skynetUrls: { readonly protobuf: string; readonly sproto: string };
    /** The schemas, which a page would fetch. */
    skynetFiles: Readonly<Record<string, string>>;
  }
}

const FILES = ["common.proto", "game.proto", "c2s.sproto", "s2c.sproto"];

/** Runs the example's servers for pages, which cannot. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { startServer } = await import("../../examples/skynet-websocket/_server.ts");
  const config = { wsHost: "127.0.0.1", wsPort: 0, database: ":memory:" } as const;
  const protobuf = await startServer({ ...config, protocolType: "protobuf" });
  const sproto = await startServer({ ...config, protocolType: "sproto" });
  project.provide("skynetUrls", { protobuf: protobuf.url, sproto: sproto.url });
  project.provide("skynetFiles", Object.fromEntries(FILES.map((name) => [name, readFile(name)])));
  return async () => {
    await protobuf.stop();
    await sproto.stop();
  };
}
