import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { root } from "../support/package.ts";

// Descriptions of the built-in formats cost only programs that import them: other imports must not
// pull in the fields.

/** Returns the code that a program with these imports needs after bundling. */
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

/** A text in `struct`, which every description contains. */
const FIELDS = "JavaScript moves";

describe("an entry without its descriptions", () => {
  it.each([
    ["goim", "goim, goimJson, GoimClient, Comet, chatSend, chatReceive, chatReply, bilibili"],
    [
      "fastway",
      "fastway, packet, command, fastwayClient, fastwayServer, fastwayGateway, linkFixlen",
    ],
    ["workerman", "gatewayProtocol, frame, text, jsonNL, jsonInt, xml10, defineCodec"],
  ])("of framewright/%s contains no fields", async (entry, names) => {
    expect(await bundled(entry, names)).not.toContain(FIELDS);
  });

  it.each([
    ["goim", "goimFields"],
    ["goim", "chatSendFields"],
    ["fastway", "fastwayFields"],
    ["workerman", "gatewayFields"],
  ])("differs from one with them: framewright/%s, %s", async (entry, name) => {
    expect(await bundled(entry, name)).toContain(FIELDS);
  });
});
