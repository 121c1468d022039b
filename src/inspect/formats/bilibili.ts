import { u32be } from "../../core/index.ts";
import { addUnread } from "../explain-with.ts";
import type { Draft } from "../part.ts";
import type { Request } from "./explainer.ts";
import { explainPackets, HEADER, showBody } from "./goim.ts";
import { addBytes, valueIn } from "./header.ts";

/** Details of the format. */
interface Details {
  readonly inflate: (method: "zlib" | "brotli", bytes: Uint8Array, maxLength: number) => Uint8Array;
  readonly maxInflated: number;
  readonly operations: Readonly<
    Record<"heartbeatReply" | "message" | "auth" | "authReply", number>
  >;
}

const JSON_TEXT = { format: { name: "json" } };

const METHODS: Readonly<Record<number, "zlib" | "brotli">> = { 2: "zlib", 3: "brotli" };

/** Packets of Bilibili's live chat: JSON, and compressed packets inside a message. */
export function explainBilibili({ format, name, bytes, start, end, draft }: Request): Draft {
  const { inflate, maxInflated, operations } = format as unknown as Details;

  const inside = (packet: Draft, all: Uint8Array, stop: number, isPacked: boolean): void => {
    const at = packet.start + HEADER;
    const op = valueIn(packet, "op");
    const method = op === operations.message ? METHODS[valueIn(packet, "ver")] : undefined;
    if (at === stop) return;
    if (op === operations.heartbeatReply) showPopularity(packet, all, at, stop);
    else if (method === undefined) {
      const { message, auth, authReply } = operations;
      if (op !== message && op !== auth && op !== authReply) return;
      showBody(packet, draft(JSON_TEXT, "body", at, stop, all));
    } else if (!isPacked) {
      const body = packet.parts!.at(-1)!;
      body.type = method;
      try {
        const unpacked = inflate(method, all.subarray(at, stop), maxInflated);
        const part = explainPackets("unpacked", unpacked, 0, unpacked.length, (...args) =>
          inside(...args, true),
        );
        addUnread(part, unpacked, unpacked.length, undefined);
        body.unpacked = { bytes: unpacked, part };
      } catch {
        // The error of the whole frame describes the reason.
      }
    }
  };
  return explainPackets(name, bytes, start, end, (...args) => inside(...args, false));
}

function showPopularity(packet: Draft, bytes: Uint8Array, at: number, end: number): void {
  if (end - at < 4) return;
  const value = u32be(bytes, at);
  const popularity: Draft = { name: "popularity", start: at, end: at + 4, type: "u32be", value };
  const body: Draft = { name: "body", start: at, end, type: "struct", parts: [popularity] };
  if (at + 4 < end) addBytes(body, "rest", bytes, at + 4, end, { hidden: true });
  showBody(packet, body);
}
