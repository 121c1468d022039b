import { Output } from "../../core/index.ts";

interface Entry {
  readonly bytes: Uint8Array;
  readonly name: string;
}

/**
 * Looks up known names by their bytes: comparing a few bytes costs less than making a string of
 * them. @internal
 */
export class NameTable {
  readonly #byLength = new Map<number, Entry[]>();

  constructor(names: Iterable<string>) {
    for (const name of names) {
      const bytes = new Output().utf8(name).take();
      const entries = this.#byLength.get(bytes.length);
      if (entries === undefined) this.#byLength.set(bytes.length, [{ bytes, name }]);
      else entries.push({ bytes, name });
    }
  }

  /** Returns the name in `bytes[from .. to)`; `""` if it is not in the table. */
  find(bytes: Uint8Array, from: number, to: number): string {
    const entries = this.#byLength.get(to - from);
    if (entries === undefined) return "";
    for (const entry of entries) if (isAt(bytes, from, entry.bytes)) return entry.name;
    return "";
  }
}

// Backwards: names of one package start with the same letters.
function isAt(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let i = name.length - 1; i >= 0; i--) if (bytes[at + i] !== name[i]) return false;
  return true;
}
