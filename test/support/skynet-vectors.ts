import type { Hex } from "./hex.ts";
import { readText } from "./package.ts";

/** Vectors and recorded transcripts of a running skynet: test/vectors/skynet.json says how they were made. */
export interface SkynetVectors {
  readonly primitives: Readonly<Record<string, readonly Primitive[]>>;
  readonly login: readonly LoginTranscript[];
  readonly olderLogin: readonly OlderTranscript[];
  readonly message: readonly MessageTranscript[];
}

/** Arguments by name; `ok` the result, or `error` the text of the reference's error. */
export type Primitive = Readonly<Record<string, string>>;

export interface TranscriptEvent {
  readonly t: number;
  readonly c: number;
  readonly e: string;
  readonly to?: "login" | "message";
  readonly hex?: Hex;
  readonly ms?: number;
}

interface Keys {
  readonly conn: number;
  readonly challenge: string;
  readonly serverPrivate?: string;
  readonly clientPrivate?: string;
  readonly clientPublic?: string;
  readonly secret?: string;
}

interface Recorded {
  readonly name: string;
  readonly note: string;
  readonly events: readonly TranscriptEvent[];
}

export interface LoginTranscript extends Recorded {
  readonly given: {
    readonly keys: readonly Keys[];
    readonly token?: string;
    readonly user?: unknown;
    readonly tokenLength?: number;
  };
  readonly expect: { readonly line?: string | null };
}

interface OlderTranscript extends Recorded {
  readonly version: string;
  readonly given: LoginTranscript["given"];
  readonly expect: { readonly lines: readonly string[] };
}

export interface MessageTranscript extends Recorded {
  readonly given: {
    readonly user: string;
    readonly server: string;
    readonly subid: string;
    readonly secret: string;
    readonly username: string;
  };
  readonly expect: Readonly<Record<string, unknown>>;
}

export const skynetVectors: SkynetVectors = JSON.parse(readText("test/vectors/skynet.json"));
