import type { Span } from "./analysis.ts";
import { el } from "./dom.ts";
import type { Leaf } from "./leaves.ts";
import { address, placeOf, shownName, visible } from "./shown.ts";
import { VirtualRows } from "./virtual-rows.ts";

/** What the bytes are, for the view. */
export interface HexSource {
  readonly bytes: Uint8Array;
  /** The stretch that holds a byte. */
  spanAt(at: number): { readonly span: Span; readonly index: number } | undefined;
  leafAt(at: number): Leaf | undefined;
  isCut(at: number): boolean;
}

/** What the user does. */
export interface HexHandlers {
  moved(at: number): void;
  toggleCut(at: number): void;
}

const EMPTY: HexSource = {
  bytes: new Uint8Array(0),
  spanAt: () => undefined,
  leafAt: () => undefined,
  isCut: () => false,
};

/** Milliseconds between the two presses of a double click. */
const DOUBLE = 500;

/** Bytes in rows, coloured by field: a grid with a cursor. */
export class HexView {
  readonly #grid: HTMLElement;
  readonly #rows: VirtualRows;
  readonly #handlers: HexHandlers;
  #source: HexSource = EMPTY;
  #columns = 16;
  #cursor = 0;
  #selected = { start: 0, end: 0 };
  #pressed = { at: -1, time: 0 };

  constructor(grid: HTMLElement, sizer: HTMLElement, handlers: HexHandlers) {
    this.#grid = grid;
    this.#handlers = handlers;
    this.#rows = new VirtualRows(grid, sizer, (index) => this.#row(index));
    grid.addEventListener("keydown", (event) => this.#key(event));
    grid.addEventListener("pointerdown", (event) => this.#pointer(event));
    // 8 bytes in a row where 16 do not fit.
    new ResizeObserver(() => {
      const columns =
        grid.clientWidth < 45 * Number.parseFloat(getComputedStyle(grid).fontSize) ? 8 : 16;
      if (columns === this.#columns) return;
      this.#columns = columns;
      this.refresh();
      this.#reveal();
    }).observe(grid);
  }

  get cursor(): number {
    return this.#cursor;
  }

  /** Shows other bytes: nothing is rendered before `select` or `refresh`. */
  show(source: HexSource): void {
    const { length } = source.bytes;
    this.#source = source;
    this.#cursor = Math.min(this.#cursor, Math.max(0, length - 1));
    this.#selected = { start: 0, end: 0 };
    this.#rows.resize(Math.ceil(length / this.#columns));
  }

  /** Shows the same bytes again. */
  refresh(): void {
    const { length } = this.#source.bytes;
    const count = Math.ceil(length / this.#columns);
    this.#grid.setAttribute("aria-rowcount", String(count));
    this.#grid.setAttribute("aria-colcount", String(this.#columns + 2));
    this.#rows.show(count);
    if (length === 0) this.#grid.removeAttribute("aria-activedescendant");
    else this.#grid.setAttribute("aria-activedescendant", `byte-${this.#cursor}`);
  }

  /** Marks bytes as selected, and moves the cursor into them. */
  select(start: number, end: number): void {
    this.#selected = { start, end };
    if (this.#cursor < start || this.#cursor >= Math.max(end, start + 1)) this.#cursor = start;
    this.#reveal();
    this.refresh();
  }

  #reveal(): void {
    this.#rows.reveal(Math.floor(this.#cursor / this.#columns));
  }

  #move(to: number): void {
    const { length } = this.#source.bytes;
    if (length === 0) return;
    this.#cursor = Math.max(0, Math.min(length - 1, to));
    this.#reveal();
    this.#handlers.moved(this.#cursor);
  }

  #key(event: KeyboardEvent): void {
    if (event.altKey || event.metaKey) return;
    const at = this.#cursor;
    const columns = this.#columns;
    const { length } = this.#source.bytes;
    const row = at - (at % columns);
    const page = this.#rows.page * columns;
    switch (event.key) {
      case "ArrowLeft":
        this.#move(at - 1);
        break;
      case "ArrowRight":
        this.#move(at + 1);
        break;
      case "ArrowUp":
        if (at >= columns) this.#move(at - columns);
        break;
      case "ArrowDown":
        if (row + columns < length) this.#move(at + columns);
        break;
      case "PageUp":
        this.#move(at - Math.min(page, row));
        break;
      case "PageDown":
        this.#move(at + page);
        break;
      case "Home":
        this.#move(event.ctrlKey ? 0 : row);
        break;
      case "End":
        this.#move(event.ctrlKey ? length - 1 : row + columns - 1);
        break;
      case "c":
      case "C":
        if (event.ctrlKey) return;
        this.#handlers.toggleCut(at);
        break;
      default:
        return;
    }
    event.preventDefault();
  }

  #pointer({ target, timeStamp }: PointerEvent): void {
    const cell = target instanceof Element ? target.closest("[data-at]") : null;
    if (cell === null) return;
    const at = Number(cell.getAttribute("data-at"));
    // The browser sees no double click, because the first one makes the cell anew.
    const isDouble = at === this.#pressed.at && timeStamp - this.#pressed.time < DOUBLE;
    this.#pressed = { at: isDouble ? -1 : at, time: timeStamp };
    if (isDouble) this.#handlers.toggleCut(at);
    else this.#move(at);
  }

  #row(index: number): HTMLElement {
    const { bytes } = this.#source;
    const start = index * this.#columns;
    const end = Math.min(bytes.length, start + this.#columns);
    const row = el(
      "div",
      { role: "row", class: "row", "aria-rowindex": index + 1, "aria-label": address(start) },
      el("span", { role: "rowheader", class: "address" }, address(start)),
    );
    const text = el("span", { role: "gridcell", class: "text", "aria-hidden": "true" });
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      const [classes, label] = this.#looks(at);
      const hex = byte.toString(16).padStart(2, "0");
      const cell = el(
        "span",
        {
          role: "gridcell",
          id: `byte-${at}`,
          class: classes,
          "data-at": at,
          "aria-label": `${hex}, ${label}`,
          "aria-selected": String(at >= this.#selected.start && at < this.#selected.end),
        },
        hex,
      );
      row.append(cell);
      const char = byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "\u00b7";
      text.append(el("span", { class: classes, "data-at": at }, char));
    }
    row.append(text);
    return row;
  }

  /** Class names of a byte, and what it is in words. */
  #looks(at: number): [string, string] {
    const source = this.#source;
    const leaf = source.leafAt(at);
    const found = source.spanAt(at);
    const classes = ["byte"];
    const words = [`byte ${placeOf(at, at + 1)}`];
    if (found !== undefined) {
      classes.push(found.span.kind);
      if (found.span.start === at) classes.push("first");
      words.push(`${found.span.kind} ${found.index + 1}`);
    }
    if (leaf !== undefined) {
      const { part, color } = leaf;
      classes.push(part.name === "?" ? "unknown" : `c${color}`);
      if (leaf.start === at) classes.push("start");
      words.push(part.name === "?" ? "not understood" : visible(shownName(leaf.path)), part.type);
    }
    if (source.isCut(at)) {
      classes.push("cut");
      words.push("cut before it");
    }
    if (at >= this.#selected.start && at < this.#selected.end) classes.push("selected");
    if (at === this.#cursor) classes.push("cursor");
    return [classes.join(" "), words.filter((word) => word !== "").join(", ")];
  }
}
