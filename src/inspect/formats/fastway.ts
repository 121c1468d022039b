import type { Draft } from "../part.ts";
import type { Request } from "./explainer.ts";
import { addBytes, addHeader, valueIn } from "./header.ts";

/** The fields of a command in a dialect; the index is the command code. */
interface Shape {
  readonly type: string;
  readonly args: readonly string[];
}

/** Packets of fastway: commands on connection 0, messages on the others. */
export function explainFastway({ format, name, bytes, start, end }: Request): Draft {
  const commands = format.commands as readonly Shape[] | undefined;
  const root: Draft = { name, start, end: start, type: "struct", parts: [] };
  const at = addHeader(
    root,
    [
      ["length", "u32le", { hidden: true, note: "bytes that follow" }],
      ["connId", "u32le"],
    ],
    bytes,
    start,
    end,
  );
  if (at === undefined) return root;
  if (commands === undefined || valueIn(root, "connId") !== 0) {
    addBytes(root, "message", bytes, at, end);
    return root;
  }
  Object.assign(root.parts!.at(-1)!, { hidden: true, note: "a command" });
  if (at === end) return root;
  const code = bytes[at]!;
  const shape = commands[code];
  if (shape === undefined) return root;
  root.parts!.push({
    name: "type",
    start: at,
    end: at + 1,
    type: "enum u8",
    value: shape.type,
    note: String(code),
  });
  const args = shape.args.map((arg) => [arg, "u32le"] as const);
  const stop = addHeader(root, args, bytes, at + 1, end);
  if (stop !== undefined && stop < end) addBytes(root, "extra", bytes, stop, end, { hidden: true });
  return root;
}
