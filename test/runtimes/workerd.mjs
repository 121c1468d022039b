// The packed package in workerd, Cloudflare's runtime.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Miniflare } from "miniflare";
import { flat } from "./unpack.mjs";

/**
 * A worker of this text, beside the package's files, and the certificate that its TLS trusts; `use` gets it and its address.
 */
export async function withWorker({ text, dist, durableObjects = {}, trusted }, use) {
  const files = readdirSync(dist).filter((file) => file.endsWith(".js") && file !== "cli.js");
  const mf = new Miniflare({
    compatibilityDate: "2026-04-01",
    host: "127.0.0.1",
    port: 0,
    durableObjects,
    ...(trusted !== undefined && { outboundService: { network: trusting(trusted) } }),
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

/** A network on this machine, whose servers have to show this certificate. */
const trusting = (certificate) => ({
  allow: ["public", "private"],
  tlsOptions: { trustBrowserCas: false, trustedCertificates: [certificate] },
});
