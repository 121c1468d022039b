import { quoted } from "./quoted.ts";

/** The fields that a dissector registers for filters, each once. */
export class FilterFields {
  readonly #protocol: string;
  readonly #known = new Map<string, string>();
  readonly #byDefinition = new Map<string, string>();
  readonly lines: string[] = [];

  constructor(protocol: string) {
    this.#protocol = protocol;
  }

  /**
   * The expression of a field. Fields with the same name, type and label are registered once.
   *
   * @param path - position of the field, for example `data.values`
   * @param kind - a constructor of `ProtoField`
   * @param more - the other arguments of the constructor
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

/** Replaces characters that are not allowed in filter names. */
const filterName = (name: string): string => name.replace(/[^A-Za-z0-9_-]/g, "_") || "_";
