/** Most chunks that the splitter is given. */
const MOST_CUTS = 1_000_000;

/**
 * Places to cut, from text: numbers, decimal or `0x` hex, with commas or spaces between them.
 *
 * @returns ascending, each once
 * @throws RangeError for anything else
 */
export function cutsFrom(text: string): readonly number[] {
  const words = text.split(/[\s,;]+/).filter((word) => word !== "");
  const numbers = words.map((word) => {
    if (!/^(\d{1,9}|0x[0-9a-f]{1,8})$/i.test(word))
      throw new RangeError(
        `${JSON.stringify(word)} is not a place to cut; write numbers such as 5, 0x12`,
      );
    return Number(word);
  });
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/**
 * Where chunks end.
 *
 * @param cuts - places, ascending
 * @param every - also after each so many bytes; 0 for no further cuts
 */
export function edgesOf(cuts: readonly number[], every: number, length: number): readonly number[] {
  const inside = cuts.filter((cut) => cut > 0 && cut < length);
  if (every <= 0) return inside;
  const edges = new Set(inside);
  for (let at = every; at < length && edges.size < MOST_CUTS; at += every) edges.add(at);
  return [...edges].sort((a, b) => a - b);
}

/** The same cuts with one more, or without it if it was there. */
export function toggled(cuts: readonly number[], at: number): readonly number[] {
  if (cuts.includes(at)) return cuts.filter((cut) => cut !== at);
  return [...cuts, at].sort((a, b) => a - b);
}
