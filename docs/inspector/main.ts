import { encodeFrame } from "../../src/core/index.ts";
import { explain, type Part } from "../../src/inspect/index.ts";
import { type AnyProtocol, lengthHint } from "../../src/inspect/ready/index.ts";
import { type Analysis, analyse, count, decoded, type Span } from "./analysis.ts";
import { SCHEMA_EXAMPLE } from "./choices.ts";
import { cutsFrom, edgesOf, toggled } from "./cuts.ts";
import { byId, debounced, el } from "./dom.ts";
import { HexView } from "./hex-view.ts";
import { fromFile, fromText, type Input, LONGEST_TYPED, MOST_BYTES, type ReadAs } from "./input.ts";
import { jsonLines, prettyJson } from "./json.ts";
import { type Leaf, leafAt, leavesOf } from "./leaves.ts";
import { fragmentOf, MOST_LINKED, stateFrom } from "./link.ts";
import { isStream, protocolFrom } from "./protocol.ts";
import { ProtocolForm } from "./protocol-form.ts";
import { placeOf, shownName, shownValue, visible } from "./shown.ts";
import type { TreeRow } from "./tree-model.ts";
import { TreeView } from "./tree-view.ts";

const text = byId("text", HTMLTextAreaElement);
const readAs = byId("read-as", HTMLSelectElement);
const file = byId("file", HTMLInputElement);
const note = byId("input-note", HTMLElement);
const inputError = byId("input-error", HTMLElement);
const slider = byId("slider", HTMLInputElement);
const cutsText = byId("cuts", HTMLInputElement);
const every = byId("every", HTMLInputElement);
const ends = byId("ends", HTMLInputElement);
const cutsError = byId("cuts-error", HTMLElement);
const steps = byId("steps", HTMLElement);
const status = byId("status", HTMLElement);
const detail = byId("detail", HTMLElement);
const json = byId("json", HTMLElement);
const jsonOf = byId("json-of", HTMLSelectElement);
const linkField = byId("link-field", HTMLElement);
const linkText = byId("link-text", HTMLInputElement);

/** Bytes that are not in the text field: of a file, or of a long text. */
interface Loaded {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly isText: boolean;
}

/** Everything that is shown, which belongs together. */
interface Shown {
  readonly bytes: Uint8Array;
  /** Undefined if there is no such protocol: then there is no analysis. */
  readonly protocol: AnyProtocol | undefined;
  readonly analysis: Analysis | undefined;
  readonly edges: ReadonlySet<number>;
  readonly known: Map<number, Known>;
}

/** What is known of a stretch, once it was looked at. */
interface Known {
  readonly part: Part | undefined;
  readonly leaves: readonly Leaf[];
  readonly colors: ReadonlyMap<Part, number>;
  /** The likely cause of an error. */
  readonly hint: string | undefined;
}

/** More than are in view; the rest is explained again when it comes into view. */
const MOST_KNOWN = 4000;

/** Milliseconds of work before the browser has its turn. */
const SLICE = 10;

let loaded: Loaded | undefined;
let bytes = new Uint8Array(0) as Uint8Array;
let protocol: AnyProtocol | undefined;
let cuts: readonly number[] = [];
let shown: Shown = { bytes, protocol, analysis: undefined, edges: new Set(), known: new Map() };
/** The stretch that is selected. */
let selected = -1;
/** The example that is in the text field, so that it can be replaced by another one. */
let example = "";
/** Counts analyses: work for an old one stops. */
let turn = 0;

// On the site the documentation is around this page, but not around a copy that was saved.
if (location.protocol === "file:" || !/\/inspector\/(index\.html)?$/.test(location.pathname)) {
  const docs = byId("docs", HTMLAnchorElement);
  docs.href = docs.getAttribute("data-elsewhere")!;
}

const form = new ProtocolForm((isNew) => {
  if (isNew && loaded === undefined && (text.value === "" || text.value === example)) showExample();
  else changed();
});

const hex = new HexView(byId("hex", HTMLElement), byId("hex-rows", HTMLElement), {
  moved: selectByte,
  toggleCut(at) {
    setCuts(toggled(cuts, at));
  },
});
const tree = new TreeView(byId("tree", HTMLElement), byId("tree-rows", HTMLElement), selectRow);

/* Input. */

function readInput(): void {
  const as = readAs.value as ReadAs;
  try {
    const input: Input =
      loaded === undefined
        ? fromText(text.value, as)
        : loaded.isText
          ? fromText(new TextDecoder().decode(loaded.bytes), as)
          : fromFile(loaded.bytes, as);
    bytes = input.bytes;
    const from = loaded === undefined ? "" : `${visible(loaded.name)}: `;
    note.textContent =
      bytes.length === 0 ? "" : `${from}read as ${input.as}, ${count(bytes.length, "byte")}.`;
    showInputError(undefined);
  } catch (error) {
    bytes = new Uint8Array(0);
    note.textContent = "";
    showInputError((error as Error).message);
  }
}

function showInputError(message: string | undefined): void {
  inputError.textContent = message ?? "";
  text.setAttribute("aria-invalid", String(message !== undefined));
}

function load(next: Loaded): void {
  loaded = next;
  // A link has said hex.
  if (readAs.value !== "text") readAs.value = "auto";
  text.value = "";
  text.placeholder = `${next.name} is not shown here; type or paste to replace it`;
  changed();
}

function unload(): void {
  loaded = undefined;
  text.placeholder = "";
  file.value = "";
}

async function loadFile(chosen: File): Promise<void> {
  // Hex has up to five characters for a byte.
  if (chosen.size > 5 * MOST_BYTES) {
    showInputError(`${visible(chosen.name)} is larger than this page can show`);
    return;
  }
  load({ name: chosen.name, bytes: new Uint8Array(await chosen.arrayBuffer()), isText: false });
}

function loadLongText(pasted: string, name: string): boolean {
  if (pasted.length <= LONGEST_TYPED) return false;
  load({ name, bytes: new TextEncoder().encode(pasted), isText: true });
  return true;
}

function showExample(): void {
  unload();
  readAs.value = "auto";
  if (form.needs !== undefined && form.schemas.schema.trim() === "")
    form.useSchema(SCHEMA_EXAMPLE.schema);
  example = form.needs === "type" ? schemaExample() : form.example;
  text.value = example;
  changed();
}

/** Messages of the type that is chosen: those of our schema, or one without fields. */
function schemaExample(): string {
  const { schemas } = form;
  const values = schemas.schema === SCHEMA_EXAMPLE.schema ? SCHEMA_EXAMPLE.values : [{}];
  try {
    const by = protocolFrom(form.name, form.schemas);
    return (isStream(by) ? values : values.slice(0, 1))
      .map((value) => spaced(encodeFrame(by, value)))
      .join("\n");
  } catch {
    // A framing of a fixed size, say, which such a message does not have.
    return "";
  }
}

const spaced = (all: Uint8Array): string =>
  Array.from(all, (byte) => byte.toString(16).padStart(2, "0")).join(" ");

/* Analysis. */

const changedSoon = debounced(150, changed);

/** Reads everything again. */
function changed(): void {
  readInput();
  linkField.hidden = true;
  slider.max = String(bytes.length);
  try {
    protocol = protocolFrom(form.name, form.schemas);
    form.fail(undefined);
  } catch (error) {
    protocol = undefined;
    form.fail(visible((error as Error).message));
  }
  readCuts();
}

/** Reads the cuts again, and shows what becomes of the bytes. */
function readCuts(): void {
  try {
    cuts = cutsFrom(cutsText.value);
    cutsError.textContent = "";
    cutsText.setAttribute("aria-invalid", "false");
  } catch (error) {
    cutsError.textContent = visible((error as Error).message);
    cutsText.setAttribute("aria-invalid", "true");
  }
  slider.value = String(cuts.length === 1 ? cuts[0] : 0);
  slider.setAttribute("aria-valuetext", sliderText());
  show();
}

function sliderText(): string {
  if (cuts.length > 1) return `${cuts.length} cuts`;
  return cuts.length === 0 ? "no cut" : `cut before byte ${cuts[0]}`;
}

function setCuts(next: readonly number[]): void {
  cutsText.value = next.join(", ");
  linkField.hidden = true;
  readCuts();
}

/** Analyses the bytes, a few milliseconds at a time, and shows the result. */
function show(): void {
  turn++;
  const all = edgesOf(cuts, Math.trunc(Number(every.value)) || 0, bytes.length);
  const next = { bytes, protocol, edges: new Set(all), known: new Map() };
  if (protocol === undefined) showAll({ ...next, analysis: undefined });
  else
    work(analyse(protocol, bytes, all, ends.checked), turn, (analysis) =>
      showAll({ ...next, analysis }),
    );
}

/** Lets a generator work, with pauses in which the browser has its turn, until it is done or no longer wanted. */
function work<T>(steps: Generator<undefined, T>, mine: number, done: (result: T) => void): void {
  const until = performance.now() + SLICE;
  do {
    const { value, done: isDone } = steps.next();
    if (isDone === true) {
      done(value);
      return;
    }
  } while (performance.now() < until);
  setTimeout(() => {
    if (mine === turn) work(steps, mine, done);
  });
}

function showAll(next: Shown): void {
  shown = next;
  selected = -1;
  const { analysis, edges } = next;
  const { cursor } = hex;
  hex.show({
    bytes: next.bytes,
    spanAt,
    leafAt: (at) => {
      const found = spanAt(at);
      return found === undefined ? undefined : leafAt(knownOf(found.index).leaves, at);
    },
    isCut: (at) => edges.has(at),
  });
  tree.show({
    spans: analysis?.spans ?? [],
    partOf: (span) => knownOf(span).part,
    errorOf,
    colorOf: ({ span, part }) => (part === undefined ? undefined : knownOf(span).colors.get(part)),
  });
  showSteps();
  showStatus(undefined);
  const { length } = next.bytes;
  if (length > 0 && analysis !== undefined) selectByte(Math.min(cursor, length - 1));
  else {
    hex.refresh();
    tree.refresh();
    detail.textContent = "";
    showJson();
  }
  if (jsonOf.value === "all") showJson();
  work(checkFrames(), turn, showStatus);
}

/** Binary search, because there may be many. */
function spanAt(at: number): { span: Span; index: number } | undefined {
  const spans = shown.analysis?.spans ?? [];
  let [low, high] = [0, spans.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle]!.end > at) high = middle;
    else low = middle + 1;
  }
  const span = spans[low];
  return span !== undefined && span.start <= at ? { span, index: low } : undefined;
}

function knownOf(index: number): Known {
  const { known, analysis, protocol: by } = shown;
  const found = known.get(index);
  if (found !== undefined) return found;
  if (known.size >= MOST_KNOWN) known.clear();
  const { spans } = analysis!;
  const { kind, start, end } = spans[index]!;
  let made: Known = { part: undefined, leaves: [], colors: new Map(), hint: undefined };
  if (kind !== "skipped" && by !== undefined) {
    const part = explain(by as never, shown.bytes, start, Math.min(end, start + by.maxFrame));
    const leaves = leavesOf(part);
    const colors = new Map(leaves.map(({ part: leaf, color }) => [leaf, color]));
    const before = spans[index - 1];
    const hint =
      part.error === undefined
        ? undefined
        : lengthHint(by, shown.bytes, start, before?.kind === "frame" ? before.start : undefined);
    made = { part, leaves, colors, hint };
  }
  known.set(index, made);
  return made;
}

function errorOf(index: number): string | undefined {
  const { kind, error } = shown.analysis!.spans[index]!;
  const { part, hint } = knownOf(index);
  const found = kind === "waiting" ? undefined : (error ?? part?.error);
  const words = [found && `${found.code}: ${found.message}`, hint].filter((text) => text);
  return words.length === 0 ? undefined : visible(words.join("; "));
}

/** Decodes all frames, to say how many are wrong. */
function* checkFrames(): Generator<undefined, string | undefined> {
  const { analysis, protocol: by } = shown;
  if (analysis === undefined || by === undefined) return undefined;
  let [wrong, first] = [0, 0];
  for (const [i, span] of analysis.spans.entries()) {
    if (span.kind === "frame" && decoded(by, shown.bytes, span).error !== undefined) {
      if (wrong === 0) first = i + 1;
      wrong++;
    }
    yield;
  }
  if (wrong === 0) return undefined;
  return `${count(wrong, "frame")} cannot be decoded; the first is frame ${first}.`;
}

/* Output. */

function showStatus(wrong: string | undefined): void {
  const words: string[] = [];
  const { analysis, bytes: all } = shown;
  if (analysis === undefined) words.push("No frames: the protocol above needs a correction.");
  else if (all.length === 0) words.push("Paste bytes to see what they mean.");
  else {
    const { frames, last, isCut } = analysis;
    words.push(`${count(frames, "frame")} in ${count(all.length, "byte")}.`);
    if (last !== "") words.push(last);
    if (wrong !== undefined) words.push(wrong);
    if (isCut) words.push("More frames follow, which this page does not show.");
  }
  const line = visible(words.join(" "));
  // Else it would be read out again.
  if (status.textContent !== line) status.textContent = line;
}

function showSteps(): void {
  const { steps: list = [], unlisted = 0 } = shown.analysis ?? {};
  const items = list.map(({ start, end, says, isError }) => {
    const what = start === end ? "The end" : `Bytes ${start} to ${end - 1} (${end - start})`;
    return el("li", isError ? { class: "error" } : {}, `${what}: ${visible(says)}`);
  });
  if (unlisted > 0) items.push(el("li", {}, `... and ${count(unlisted, "further piece")}.`));
  steps.replaceChildren(...items);
}

function selectByte(at: number): void {
  const found = spanAt(at);
  if (found === undefined) {
    hex.select(at, at + 1);
    return;
  }
  const { span, index } = found;
  const leaf = leafAt(knownOf(index).leaves, at);
  tree.reveal(index, leaf?.place ?? []);
  hex.select(leaf?.start ?? span.start, leaf?.end ?? span.end);
  showSelected(
    index,
    leaf?.part,
    leaf?.path ?? "",
    leaf?.start ?? span.start,
    leaf?.end ?? span.end,
  );
}

function selectRow({ span, part, path, start, end }: TreeRow): void {
  hex.select(start, end);
  showSelected(span, part, path, start, end);
}

function showSelected(
  span: number,
  part: Part | undefined,
  path: string,
  start: number,
  end: number,
): void {
  const words = [`Selected: ${shown.analysis!.spans[span]!.kind} ${span + 1}`];
  if (part !== undefined) {
    words.push(part.name === "?" ? "not understood" : shownName(path), part.type, shownValue(part));
  }
  words.push(`bytes ${placeOf(start, end)}`);
  const pieces = words.filter((word) => word !== "");
  // Each by itself: text that runs from right to left does not move what is beside it.
  detail.replaceChildren(
    ...pieces.flatMap((word, i) => [...(i > 0 ? [" · "] : []), el("bdi", {}, word)]),
  );
  if (span === selected) return;
  selected = span;
  if (jsonOf.value === "one") showJson();
}

function showJson(): void {
  json.textContent = jsonText();
}

function jsonText(): string {
  const { protocol: by, analysis, bytes: all } = shown;
  if (by === undefined || analysis === undefined) return "";
  if (jsonOf.value === "all") return jsonLines(valuesOf(by, all, analysis.spans));
  const span = analysis.spans[selected];
  if (span === undefined) return "";
  if (span.kind === "skipped") return "(no frame)";
  if (span.kind === "waiting") return "(not a whole frame yet)";
  const { values, error } = decoded(by, all, span);
  return error === undefined ? prettyJson(values) : visible(`${error.code}: ${error.message}`);
}

function* valuesOf(by: AnyProtocol, all: Uint8Array, spans: readonly Span[]): Iterable<unknown> {
  for (const span of spans) if (span.kind === "frame") yield* decoded(by, all, span).values;
}

/* Links. */

function makeLink(): void {
  const fragment = fragmentOf({
    protocol: form.name,
    ...form.schemas,
    bytes,
    cuts: cutsText.value,
    every: Number(every.value),
    ends: ends.checked,
  });
  history.replaceState(null, "", `#${fragment}`);
  linkField.hidden = false;
  linkText.value = location.href;
  linkText.focus();
  linkText.select();
  if (bytes.length > MOST_LINKED)
    note.textContent = `The link has no bytes: they are more than ${count(MOST_LINKED, "byte")}.`;
}

/** Shows what the link says; false if it says nothing. */
function readLink(): boolean {
  try {
    const state = stateFrom(location.hash);
    if (state === undefined) return false;
    unload();
    form.set(state.protocol, state);
    readAs.value = "hex";
    text.value = spaced(state.bytes);
    cutsText.value = state.cuts;
    every.value = state.every > 0 ? String(state.every) : "";
    ends.checked = state.ends;
    changed();
  } catch (error) {
    showInputError(`the link cannot be read: ${visible((error as Error).message)}`);
  }
  return true;
}

/* Controls. */

text.addEventListener("input", () => {
  if (loaded !== undefined) unload();
  changedSoon();
});
text.addEventListener("paste", (event) => {
  const pasted = event.clipboardData?.getData("text/plain") ?? "";
  if (loadLongText(pasted, "pasted text")) event.preventDefault();
});
readAs.addEventListener("change", changed);
file.addEventListener("change", () => {
  const chosen = file.files?.[0];
  if (chosen !== undefined) void loadFile(chosen);
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) document.body.classList.remove("dropping");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  const dropped = event.dataTransfer?.files[0];
  if (dropped !== undefined) {
    void loadFile(dropped);
    return;
  }
  const words = event.dataTransfer?.getData("text/plain") ?? "";
  if (words === "" || loadLongText(words, "dropped text")) return;
  unload();
  text.value = words;
  changed();
});
byId("example", HTMLButtonElement).addEventListener("click", showExample);
byId("link", HTMLButtonElement).addEventListener("click", makeLink);
byId("cut-here", HTMLButtonElement).addEventListener("click", () => {
  if (shown.bytes.length > 0) setCuts(toggled(cuts, hex.cursor));
});
byId("no-cuts", HTMLButtonElement).addEventListener("click", () => {
  every.value = "";
  setCuts([]);
});
slider.addEventListener("input", () => {
  const at = Number(slider.value);
  cutsText.value = at > 0 ? String(at) : "";
  readCuts();
});
cutsText.addEventListener("input", readCuts);
every.addEventListener("input", show);
ends.addEventListener("change", show);
jsonOf.addEventListener("change", showJson);
window.addEventListener("hashchange", readLink);

if (!readLink()) {
  form.set("goim", { schema: "", remote: "" });
  showExample();
}
