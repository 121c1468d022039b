import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { root } from "../support/package.ts";

// The descriptions of ready formats cost only those who import them: the fields must not come along with the rest.

/** All that a program that imports these names needs, as a bundler leaves it. */
async function bundled(entry: string, names: string): Promise<string> {
  const contents = `import { ${names} } from "framewright/${entry}"; console.log(${names});`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    write: false,
    format: "esm",
    platform: "neutral",
    logLevel: "error",
  });
  return outputFiles[0]!.text;
}

/** A text of `struct`, which every description has. */
const FIELDS = "JavaScript moves";

describe("an entry without its descriptions", () => {
  it.each([
    ["goim", "goim, goimJson, GoimClient, Comet, chatSend, chatReceive, chatReply, bilibili"],
    [
      "fastway",
      "fastway, packet, command, fastwayClient, fastwayServer, fastwayGateway, linkFixlen",
    ],
    ["workerman", "gatewayProtocol, frame, text, jsonNL, jsonInt, xml10, defineCodec"],
  ])("of framewright/%s has no fields in it", async (entry, names) => {
    expect(await bundled(entry, names)).not.toContain(FIELDS);
  });

  it.each([
    ["goim", "goimFields"],
    ["goim", "chatSendFields"],
    ["fastway", "fastwayFields"],
    ["workerman", "gatewayFields"],
  ])("is told from one with them: framewright/%s, %s", async (entry, name) => {
    expect(await bundled(entry, name)).toContain(FIELDS);
  });
});
