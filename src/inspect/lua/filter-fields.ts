import { quoted } from "./quoted.ts";

/** The fields that a dissector registers, each once: what filters name. */
export class FilterFields {
  readonly #protocol: string;
  readonly #known = new Map<string, string>();
  readonly #byDefinition = new Map<string, string>();
  readonly lines: string[] = [];

  constructor(protocol: string) {
    this.#protocol = protocol;
  }

  /**
   * The expression of a field. Two of the same name, type and label are one.
   *
   * @param path - where it is: `data.values`
   * @param kind - a constructor of `ProtoField`
   * @param more - its other arguments
   */
  add(path: string, label: string, kind: string, more = ""): string {
    const wanted = [this.#protocol, ...(path || "value").split(".").map(filterName)].join(".");
    const rest = `${kind}(${quoted(label)}${more})`;
    const same = this.#byDefinition.get(`${wanted} ${rest}`);
    if (same !== undefined) return same;
    let name = wanted;
    for (let n = 2; this.#known.has(name); n++) name = `${wanted}_${n}`;
    const field = `F[${this.lines.length + 1}]`;
    this.lines.push(`${field} = ProtoField.${kind}(${quoted(name)}, ${quoted(label)}${more})`);
    this.#known.set(name, field);
    this.#byDefinition.set(`${wanted} ${rest}`, field);
    return field;
  }
}

/** A name as filters may have it. */
const filterName = (name: string): string => name.replace(/[^A-Za-z0-9_-]/g, "_") || "_";
