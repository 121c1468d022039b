/** "3 bits", for error texts. */
export const bitsText = (count: number): string => `${count} bit${count === 1 ? "" : "s"}`;
