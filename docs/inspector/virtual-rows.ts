/** Rows above and below those in view. */
const MORE = 8;

/** A list of which only the rows in view are elements, so that its length costs nothing. */
export class VirtualRows {
  readonly #viewport: HTMLElement;
  readonly #sizer: HTMLElement;
  readonly #render: (index: number) => HTMLElement;
  #count = 0;
  #isScheduled = false;

  /**
   * @param viewport - scrolls; its line height is the height of a row
   * @param sizer - inside of it, as high as all rows
   * @param render - makes a row
   */
  constructor(viewport: HTMLElement, sizer: HTMLElement, render: (index: number) => HTMLElement) {
    this.#viewport = viewport;
    this.#sizer = sizer;
    this.#render = render;
    viewport.addEventListener("scroll", () => this.#schedule(), { passive: true });
    new ResizeObserver(() => this.#schedule()).observe(viewport);
  }

  get #height(): number {
    return Number.parseFloat(getComputedStyle(this.#viewport).lineHeight);
  }

  /** Rows that fit. */
  get page(): number {
    return Math.max(1, Math.floor(this.#viewport.clientHeight / this.#height) - 1);
  }

  /** Makes room for that many rows. */
  resize(count: number): void {
    this.#count = count;
    this.#sizer.style.height = `${count * this.#height}px`;
  }

  /** Shows that many rows, all of them made anew. */
  show(count: number): void {
    this.resize(count);
    const height = this.#height;
    const { scrollTop, clientHeight } = this.#viewport;
    const from = Math.max(0, Math.floor(scrollTop / height) - MORE);
    const to = Math.min(count, Math.ceil((scrollTop + clientHeight) / height) + MORE);
    const rows: HTMLElement[] = [];
    for (let at = from; at < to; at++) {
      const row = this.#render(at);
      row.style.top = `${at * height}px`;
      rows.push(row);
    }
    this.#sizer.replaceChildren(...rows);
  }

  /** Scrolls as far as is needed to show a row. */
  reveal(index: number): void {
    const height = this.#height;
    const { scrollTop, clientHeight } = this.#viewport;
    const top = index * height;
    if (top < scrollTop) this.#viewport.scrollTop = top;
    else if (top + height > scrollTop + clientHeight)
      this.#viewport.scrollTop = top + height - clientHeight;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    requestAnimationFrame(() => {
      this.#isScheduled = false;
      this.show(this.#count);
    });
  }
}
