import type { Format } from "../../core/index.ts";
import type { Draft } from "../part.ts";

/** Bytes of a named format. */
export interface Request {
  readonly format: Format;
  /** Name of the part. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Explains the inner bytes with their codec; all of them are shown. */
  draft(what: object, name: string, start: number, end: number, bytes?: Uint8Array): Draft;
}

/** Explains bytes as far as they are valid. Never throws; the rest is shown as unread. */
export type Explainer = (request: Request) => Draft;
