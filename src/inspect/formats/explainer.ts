import type { Format } from "../../core/index.ts";
import type { Draft } from "../part.ts";

/** Bytes whose format has a name. */
export interface Request {
  readonly format: Format;
  /** Of the part. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Explains what is inside by its codec; all bytes of it are shown. */
  draft(what: object, name: string, start: number, end: number, bytes?: Uint8Array): Draft;
}

/** Explains bytes as far as they are right. Never throws; what is left is shown as unread. */
export type Explainer = (request: Request) => Draft;
