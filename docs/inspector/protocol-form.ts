import { namePieces } from "../../src/inspect/ready/index.ts";
import { parse } from "../../src/protocols/sproto/index.ts";
import { type Choice, CODECS, FRAMINGS, type Option, READY } from "./choices.ts";
import { byId, el, options } from "./dom.ts";
import type { Schemas } from "./protocol.ts";

type Values = Readonly<Record<string, unknown>>;

/** Where the command line would read the schemas. */
const SCHEMA_FILE = "schema.sproto";
const REMOTE_FILE = "remote.sproto";

/** Controls for the name of a protocol: a choice, its options, and the name itself. */
export class ProtocolForm {
  readonly #protocol = byId("protocol", HTMLSelectElement);
  readonly #codec = byId("codec", HTMLSelectElement);
  readonly #codecField = byId("codec-field", HTMLElement);
  readonly #options = byId("options", HTMLFieldSetElement);
  readonly #codecOptions = byId("codec-options", HTMLFieldSetElement);
  readonly #schemaField = byId("schema-field", HTMLElement);
  readonly #schema = byId("schema", HTMLTextAreaElement);
  readonly #remoteField = byId("remote-field", HTMLElement);
  readonly #remote = byId("remote", HTMLTextAreaElement);
  readonly #typeField = byId("type-field", HTMLElement);
  readonly #type = byId("type", HTMLSelectElement);
  readonly #name = byId("name", HTMLInputElement);
  readonly #error = byId("protocol-error", HTMLElement);

  /** @param changed - called when the user has chosen; `isNew` if it is another protocol, not other options */
  constructor(changed: (isNew: boolean) => void) {
    const group = (label: string, choices: Readonly<Record<string, Choice>>): HTMLElement =>
      el("optgroup", { label }, ...options(labels(choices)));
    this.#protocol.append(
      group("Ready protocols", READY),
      group("A framing, and what is in its frames", FRAMINGS),
      group("A message without a framing", CODECS),
    );
    this.#codec.append(...options(labels(CODECS)));
    this.#protocol.addEventListener("change", () => {
      this.#fill({}, {});
      this.#write();
      changed(true);
    });
    this.#codec.addEventListener("change", () => {
      this.#fillCodec({});
      this.#write();
      changed(true);
    });
    for (const fields of [this.#options, this.#codecOptions]) {
      fields.addEventListener("change", () => {
        this.#write();
        changed(false);
      });
    }
    this.#type.addEventListener("change", () => {
      this.#write();
      changed(false);
    });
    this.#schema.addEventListener("input", () => {
      this.#fillTypes(this.#type.value);
      this.#write();
      changed(false);
    });
    this.#remote.addEventListener("input", () => changed(false));
    this.#name.addEventListener("input", () => {
      this.#read();
      changed(false);
    });
  }

  /** As `--protocol` of the command line takes it. */
  get name(): string {
    return this.#name.value;
  }

  /** What was typed, if it is used. */
  get schemas(): Schemas {
    const schema = this.needs === undefined ? "" : this.#schema.value;
    return { schema, remote: this.needs === "sides" ? this.#remote.value : "" };
  }

  /** What kind of schema is needed. */
  get needs(): Choice["needs"] {
    const key = this.#protocol.value;
    const ready = own(READY, key);
    return ready === undefined ? own(CODECS, this.#codec.value)?.needs : ready.needs;
  }

  /** Bytes to begin with. */
  get example(): string {
    const key = this.#protocol.value;
    const found = own(READY, key) ?? own(FRAMINGS, key) ?? own(CODECS, key);
    return found?.example ?? "";
  }

  /** Shows a name and schemas. */
  set(name: string, { schema, remote }: Schemas): void {
    this.#schema.value = schema;
    this.#remote.value = remote;
    this.#name.value = name;
    this.#read();
  }

  /** Puts a schema in, and chooses its first type. */
  useSchema(schema: string): void {
    this.#schema.value = schema;
    this.#fillTypes("");
    this.#write();
  }

  /** Shows why there is no such protocol. */
  fail(message: string | undefined): void {
    this.#error.textContent = message ?? "";
    const isBad = String(message !== undefined);
    this.#name.setAttribute("aria-invalid", isBad);
    if (this.needs !== undefined) this.#schema.setAttribute("aria-invalid", isBad);
  }

  /** Sets the controls as the name says. */
  #read(): void {
    const [first, second] = namePieces(this.#name.value);
    if (first === undefined) return;
    const known = own(READY, first.name) ?? own(FRAMINGS, first.name) ?? own(CODECS, first.name);
    if (known === undefined) return;
    this.#protocol.value = first.name;
    this.#codec.value =
      second === undefined || own(CODECS, second.name) === undefined ? "raw" : second.name;
    this.#fill(first.options, second?.options ?? {});
  }

  /** Makes the controls of what is chosen. */
  #fill(values: Values, codecValues: Values): void {
    const key = this.#protocol.value;
    const isFraming = own(FRAMINGS, key) !== undefined;
    this.#codecField.hidden = !isFraming;
    const isCodec = own(CODECS, key) !== undefined && !isFraming;
    if (isCodec) this.#codec.value = key;
    const choice = isCodec ? undefined : (own(READY, key) ?? own(FRAMINGS, key));
    controls(this.#options, choice?.options ?? [], values, "option");
    this.#fillCodec(isCodec ? values : codecValues);
  }

  #fillCodec(values: Values): void {
    const isUsed = own(READY, this.#protocol.value) === undefined;
    const choice = isUsed ? own(CODECS, this.#codec.value) : undefined;
    controls(this.#codecOptions, choice?.options ?? [], values, "codec");
    const { needs } = this;
    this.#schemaField.hidden = needs === undefined;
    this.#remoteField.hidden = needs !== "sides";
    this.#typeField.hidden = needs !== "type";
    if (needs === "type")
      this.#fillTypes(String(values[""] ?? "").split("#")[1] ?? this.#type.value);
  }

  /** The types of the schema, if it can be read. */
  #fillTypes(chosen: string): void {
    let names: readonly string[];
    try {
      names = parse(this.#schema.value as string).schema.types.map(({ name }) => name);
    } catch {
      return;
    }
    this.#type.replaceChildren(...options(names.map((name) => [name, name])));
    this.#type.value = names.includes(chosen) ? chosen : (names[0] ?? "");
  }

  /** Writes the name that the controls say. */
  #write(): void {
    const key = this.#protocol.value;
    const codec = this.#codec.value;
    const its = words(this.#options);
    const codecWords = words(this.#codecOptions);
    if (this.needs === "type") codecWords.unshift(`${SCHEMA_FILE}#${this.#type.value}`);
    if (this.needs === "sides") its.unshift(`local=${SCHEMA_FILE}`, `remote=${REMOTE_FILE}`);
    const codecName = named(codec, codecWords);
    if (own(READY, key) !== undefined) this.#name.value = named(key, its);
    else if (own(FRAMINGS, key) !== undefined) this.#name.value = `${named(key, its)}+${codecName}`;
    else this.#name.value = codecName;
  }
}

const own = (choices: Readonly<Record<string, Choice>>, key: string): Choice | undefined =>
  Object.hasOwn(choices, key) ? choices[key] : undefined;

const labels = (choices: Readonly<Record<string, Choice>>): [string, string][] =>
  Object.entries(choices).map(([key, { label }]) => [key, label]);

const named = (name: string, its: readonly string[]): string =>
  its.length === 0 ? name : `${name}:${its.join(",")}`;

/** Controls for options, with labels. */
function controls(
  fields: HTMLFieldSetElement,
  all: readonly Option[],
  values: Values,
  prefix: string,
): void {
  fields.hidden = all.length === 0;
  const legend = fields.querySelector("legend")!;
  fields.replaceChildren(
    legend,
    ...all.map((option) => {
      const id = `${prefix}-${option.key}`;
      const control = controlOf(option, values[option.key]);
      control.id = id;
      control.dataset.key = option.key;
      control.dataset.usual = option.needed === undefined ? usualOf(option) : "";
      const label = el("label", { for: id }, option.label);
      const isBox = option.kind === "yes";
      return el(
        "div",
        { class: isBox ? "field box" : "field" },
        ...(isBox ? [control, label] : [label, control]),
      );
    }),
  );
}

const usualOf = ({ kind }: Option): string => (typeof kind === "string" ? "" : kind[0]!);

function controlOf({ kind, needed }: Option, value: unknown): HTMLInputElement | HTMLSelectElement {
  const text = value === undefined ? (needed ?? "") : escaped(String(value));
  if (kind === "yes") return el("input", { type: "checkbox", checked: value === true });
  if (kind === "number")
    return el("input", { type: "number", value: text, step: 1, required: needed !== undefined });
  if (kind === "text")
    return el("input", { type: "text", value: text, spellcheck: "false", autocomplete: "off" });
  const select = el(
    "select",
    {},
    ...options(kind.map((one) => [one, one === "" ? "(not given)" : one])),
  );
  select.value = kind.includes(text) ? text : kind[0]!;
  return select;
}

/** Line ends as they are typed in a name. */
const escaped = (text: string): string =>
  text.replaceAll("\r", "\\r").replaceAll("\n", "\\n").replaceAll("\0", "\\0");

/** What controls say, without what is usual. */
function words(fields: HTMLFieldSetElement): string[] {
  const found: string[] = [];
  for (const control of fields.querySelectorAll<HTMLInputElement | HTMLSelectElement>(
    "[data-key]",
  )) {
    const { key = "", usual = "" } = control.dataset;
    const isBox = control instanceof HTMLInputElement && control.type === "checkbox";
    const value = isBox ? (control.checked ? "true" : "") : control.value;
    if (value !== usual && value !== "") found.push(`${key}=${value}`);
  }
  return found;
}
