// The packed package in workerd, Cloudflare's runtime.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Miniflare } from "miniflare";
import { flat } from "./unpack.mjs";

/** A worker of this text, beside the package's files; `use` gets it and its address. */
export async function withWorker({ text, dist, durableObjects = {} }, use) {
  const files = readdirSync(dist).filter((file) => file.endsWith(".js") && file !== "cli.js");
  const mf = new Miniflare({
    compatibilityDate: "2026-04-01",
    host: "127.0.0.1",
    port: 0,
    durableObjects,
    modules: [
      { type: "ESModule", path: "main.js", contents: flat(text) },
      ...files
        .filter((file) => !/from ?['"]node:/.test(readFileSync(join(dist, file), "utf8")))
        .map((path) => ({
          type: "ESModule",
          path,
          contents: readFileSync(join(dist, path), "utf8"),
        })),
    ],
  });
  try {
    return await use(mf, await mf.ready);
  } finally {
    await mf.dispose();
  }
}
