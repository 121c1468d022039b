import { explainBilibili } from "./bilibili.ts";
import type { Explainer } from "./explainer.ts";
import { explainFastway } from "./fastway.ts";
import { explainGoim } from "./goim.ts";
import { explainJson } from "./json.ts";
import { explainPhp } from "./php.ts";
import { explainHeaderMessage, explainProtobuf } from "./protobuf.ts";
import { explainSproto } from "./sproto.ts";
import { explainTail } from "./tail.ts";
import { explainGateway, explainTransfer } from "./workerman.ts";

/** The explainer of a format; undefined if it has none. */
export function explainerOf(format: string): Explainer | undefined {
  switch (format) {
    case "json":
      return explainJson;
    case "goim":
      return explainGoim;
    case "bilibili":
      return explainBilibili;
    case "fastway":
      return explainFastway;
    case "gateway":
      return explainGateway;
    case "transfer":
      return explainTransfer;
    case "php":
      return explainPhp;
    case "sproto":
      return explainSproto;
    case "protobuf":
      return explainProtobuf;
    case "protobuf with header":
      return explainHeaderMessage;
    case "tail":
      return explainTail;
    default:
      return undefined;
  }
}
