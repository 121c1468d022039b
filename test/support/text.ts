import fc from "fast-check";

/** Well-formed text, short and long, of characters of every UTF-8 length. */
export function plausibleText(): fc.Arbitrary<string> {
  const char = fc.oneof(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 2 }),
    fc.constantFrom("\0", "a", "\x7f", "\x80", "é", "\u07ff", "\u0800", "€", "\ud7ff", "\ue000"),
    fc.constantFrom("\ufeff", "\ufffd", "\uffff", "😀", "\u{10000}", "\u{10ffff}"),
  );
  return fc.array(char, { maxLength: 60, size: "max" }).map((chars) => chars.join(""));
}

/** Bytes that are UTF-8, nearly so, or not at all; short and long. */
export function hostileUtf8(): fc.Arbitrary<Uint8Array> {
  const lead = fc.constantFrom(
    0xc0,
    0xc1,
    0xc2,
    0xdf,
    0xe0,
    0xe2,
    0xed,
    0xef,
    0xf0,
    0xf3,
    0xf4,
    0xf5,
    0xff,
  );
  const next = fc.constantFrom(0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0x7f, 0xc0);
  const loose = fc.array(fc.oneof(lead, next, fc.integer({ min: 0x20, max: 0x7e })), {
    maxLength: 60,
    size: "max",
  });
  // One byte of good text changed, or the end cut off.
  const nearly = fc
    .tuple(plausibleText(), fc.nat(), fc.nat(255), fc.boolean())
    .map(([text, place, byte, cut]) => {
      const bytes = new TextEncoder().encode(text);
      const at = place % (bytes.length + 1);
      if (cut) return bytes.slice(0, at);
      bytes[at] = byte;
      return bytes;
    });
  return fc.oneof(
    loose.map((bytes) => Uint8Array.from(bytes)),
    fc.uint8Array({ maxLength: 60, size: "max" }),
    nearly,
  );
}
