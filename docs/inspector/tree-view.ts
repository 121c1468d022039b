import type { Part } from "../../src/inspect/index.ts";
import type { Span } from "./analysis.ts";
import { el } from "./dom.ts";
import { placeOf, shownName, shownValue } from "./shown.ts";
import { TreeModel, type TreeRow } from "./tree-model.ts";
import { VirtualRows } from "./virtual-rows.ts";

/** What the tree is of. */
export interface TreeSource {
  readonly spans: readonly Span[];
  partOf(span: number): Part | undefined;
  /** Why a frame is wrong; undefined if it is right. */
  errorOf(span: number): string | undefined;
  /** The colour that a part has in the bytes; undefined if it has none of its own. */
  colorOf(row: TreeRow): number | undefined;
}

const NOTHING: TreeSource = {
  spans: [],
  partOf: () => undefined,
  errorOf: () => undefined,
  colorOf: () => undefined,
};

const KINDS = {
  frame: "Frame",
  skipped: "Skipped",
  waiting: "Waiting",
  refused: "Refused",
} as const;

/** Frames and their parts. */
export class TreeView {
  readonly #tree: HTMLElement;
  readonly #rows: VirtualRows;
  readonly #chosen: (row: TreeRow) => void;
  #source: TreeSource = NOTHING;
  #model = new TreeModel([], () => undefined);
  #active = 0;

  /** @param chosen - called with the line that the user goes to */
  constructor(tree: HTMLElement, sizer: HTMLElement, chosen: (row: TreeRow) => void) {
    this.#tree = tree;
    this.#chosen = chosen;
    this.#rows = new VirtualRows(tree, sizer, (index) => this.#row(index));
    tree.addEventListener("keydown", (event) => this.#key(event));
    tree.addEventListener("click", (event) => this.#click(event));
  }

  /** Shows another tree: nothing is rendered before `reveal` or `refresh`. */
  show(source: TreeSource): void {
    this.#source = source;
    this.#model = new TreeModel(source.spans, (span) => source.partOf(span));
    this.#active = 0;
  }

  /** Shows the same again. */
  refresh(): void {
    const { length } = this.#model.rows;
    this.#rows.show(length);
    if (length === 0) this.#tree.removeAttribute("aria-activedescendant");
    else this.#tree.setAttribute("aria-activedescendant", `row-${this.#active}`);
  }

  /** Goes to a part, without calling `chosen`. */
  reveal(span: number, place: readonly number[]): void {
    const index = this.#model.find(span, place);
    if (index < 0) return;
    this.#active = index;
    this.#rows.resize(this.#model.rows.length);
    this.#rows.reveal(index);
    this.refresh();
  }

  #go(index: number): void {
    const { rows } = this.#model;
    if (rows.length === 0) return;
    this.#active = Math.max(0, Math.min(rows.length - 1, index));
    this.#rows.reveal(this.#active);
    this.refresh();
    this.#chosen(rows[this.#active]!);
  }

  #set(row: TreeRow, open: boolean): void {
    this.#model.set(row.id, open);
    this.refresh();
  }

  #key(event: KeyboardEvent): void {
    if (event.altKey || event.metaKey || event.ctrlKey) return;
    const { rows } = this.#model;
    const row = rows[this.#active];
    if (row === undefined) return;
    const isOpen = this.#model.isOpen(row.id);
    switch (event.key) {
      case "ArrowDown":
        this.#go(this.#active + 1);
        break;
      case "ArrowUp":
        this.#go(this.#active - 1);
        break;
      case "PageDown":
        this.#go(this.#active + this.#rows.page);
        break;
      case "PageUp":
        this.#go(this.#active - this.#rows.page);
        break;
      case "Home":
        this.#go(0);
        break;
      case "End":
        this.#go(rows.length - 1);
        break;
      case "ArrowRight":
        if (isOpen) this.#go(this.#active + 1);
        else if (this.#model.hasParts(row)) this.#set(row, true);
        break;
      case "ArrowLeft":
        if (isOpen) this.#set(row, false);
        else if (row.level > 1) this.#go(this.#above());
        break;
      case "Enter":
      case " ":
        if (this.#model.hasParts(row)) this.#set(row, !isOpen);
        break;
      default:
        return;
    }
    event.preventDefault();
  }

  /** The line that the active one is in. */
  #above(): number {
    const { rows } = this.#model;
    const { level } = rows[this.#active]!;
    let index = this.#active;
    while (index > 0 && rows[index]!.level >= level) index--;
    return index;
  }

  #click({ target }: MouseEvent): void {
    if (!(target instanceof Element)) return;
    const line = target.closest("[data-index]");
    if (line === null) return;
    const index = Number(line.getAttribute("data-index"));
    const row = this.#model.rows[index];
    if (row !== undefined && target.closest(".fold") !== null)
      this.#set(row, !this.#model.isOpen(row.id));
    this.#go(index);
  }

  #row(index: number): HTMLElement {
    const row = this.#model.rows[index]!;
    const hasParts = this.#model.hasParts(row);
    const isOpen = hasParts && this.#model.isOpen(row.id);
    const line = el("div", {
      role: "treeitem",
      id: `row-${index}`,
      class: `row${index === this.#active ? " active" : ""}`,
      "data-index": index,
      "aria-level": row.level,
      "aria-posinset": row.position,
      "aria-setsize": row.siblings,
      "aria-selected": String(index === this.#active),
      "aria-expanded": hasParts ? String(isOpen) : undefined,
    });
    line.style.paddingInlineStart = `${(row.level - 1) * 1.1 + 0.3}em`;
    const fold = hasParts ? (isOpen ? "\u25be" : "\u25b8") : "";
    line.append(el("span", { class: "fold", "aria-hidden": "true" }, fold));
    const color = this.#source.colorOf(row);
    if (color !== undefined)
      line.append(el("span", { class: `swatch c${color}`, "aria-hidden": "true" }));
    line.append(...(row.part === undefined ? this.#spanText(row) : partText(row, row.part)));
    return line;
  }

  #spanText({ span, start, end }: TreeRow): Node[] {
    const { kind } = this.#source.spans[span]!;
    const error = this.#source.errorOf(span);
    const size = `${end - start} byte${end - start === 1 ? "" : "s"}`;
    const texts = [
      el("span", { class: "name" }, `${KINDS[kind]} ${span + 1}`),
      el("span", { class: "type" }, size),
      el("span", { class: "place" }, placeOf(start, end)),
    ];
    if (error !== undefined) texts.push(el("span", { class: "error" }, `\u26a0 ${error}`));
    return separated(texts);
  }
}

function partText({ start, end, isUnpacked }: TreeRow, part: Part): Node[] {
  const { name, type, hidden } = part;
  const label = name === "?" ? "not understood" : shownName(name);
  const place = isUnpacked ? `unpacked ${placeOf(part.start, part.end)}` : placeOf(start, end);
  const value = shownValue(part);
  return separated([
    el(
      "span",
      { class: hidden === true ? "name hidden" : "name" },
      label === "" ? "(value)" : label,
    ),
    el("span", { class: "type" }, type),
    ...(value === "" ? [] : [el("span", { class: "value" }, value)]),
    el("span", { class: "place" }, place),
  ]);
}

/** With spaces between them, which readers of the text need and the layout does not. */
const separated = (texts: readonly Node[]): Node[] =>
  texts.flatMap((text, i) => (i === 0 ? [text] : [document.createTextNode(" "), text]));
