import { type Codec, decodeUtf8, u32be } from "../../core/index.ts";
import type { Draft } from "../part.ts";
import type { Request } from "./explainer.ts";
import { addBytes, addHeader, type HeaderField, valueIn } from "./header.ts";

const GATEWAY: readonly HeaderField[] = [
  ["pack_len", "u32be", { note: "bytes of the whole struct" }],
  ["cmd", "u8"],
  ["local_ip", "u32be"],
  ["local_port", "u16be"],
  ["client_ip", "u32be"],
  ["client_port", "u16be"],
  ["connection_id", "u32be"],
  ["flag", "u8"],
  ["gateway_port", "u16be"],
  ["ext_len", "u32be", { note: "bytes of ext_data" }],
];

/** Bit 0 of `flag`: the body is bytes or text. */
const IS_SCALAR = 1;

/** Packages of GatewayWorker; bodies that are not scalars are explained by their codec. */
export function explainGateway({ format, name, bytes, start, end, draft }: Request): Draft {
  const root: Draft = { name, start, end: start, type: "struct" };
  const at = addHeader(root, GATEWAY, bytes, start, end);
  if (at === undefined) return root;
  const body = at + u32be(bytes, at - 4);
  if (body > end) return root;
  addBytes(root, "ext_data", bytes, at, body);
  const serialized = format.serialized as Codec<never, unknown> | undefined;
  if (serialized === undefined || (valueIn(root, "flag") & IS_SCALAR) !== 0) {
    addBytes(root, "body", bytes, body, end);
  } else root.parts!.push(draft(serialized, "body", body, end));
  return root;
}

/** A file and its name, after the length of the package. */
export function explainTransfer({ name, bytes, start, end }: Request): Draft {
  const root: Draft = { name, start, end: start, type: "struct" };
  const marks = { hidden: true, note: "bytes of file_name" };
  const at = addHeader(root, [["name_length", "u8", marks]], bytes, start, end);
  if (at === undefined) return root;
  const data = at + bytes[start]!;
  if (data > end) return root;
  let value: unknown;
  try {
    value = decodeUtf8(bytes, at, data);
  } catch {
    return root;
  }
  root.parts!.push({ name: "file_name", start: at, end: data, type: "utf8", value });
  addBytes(root, "file_data", bytes, data, end);
  return root;
}
