import fc from "fast-check";
import { json, lines, perMessage } from "framewright";
import { enumOf, struct, u8, utf8 } from "framewright/fields";
import { explain, htmlView, type Part } from "framewright/inspect";
import { parse } from "framewright/sproto";
import { afterEach, describe, expect, it } from "vitest";

/* What htmlView returns, read by a browser: whatever the text in it, it is a table, and the text is text. */

declare global {
  interface Window {
    hacked?: number;
  }
}

const HOSTILE = [
  "<img src=x onerror=window.hacked=1>",
  "<script>window.hacked=1</script>",
  "</td></tr></table><svg onload=window.hacked=1>",
  '" onmouseover="window.hacked=1" x="',
  "' autofocus onfocus='window.hacked=1' x='",
  "</title></textarea></style></noscript><img src=x onerror=window.hacked=1>",
  "<!-- --><img src=x onerror=window.hacked=1><!--",
  "--><img src=x onerror=window.hacked=1>",
  "<![CDATA[<img src=x onerror=window.hacked=1>]]>",
  "&lt;img src=x&gt; &#60;b&#62; &amp;",
  "<math><mtext><table><mglyph><style><img src=x onerror=window.hacked=1>",
  "`onmouseover=window.hacked=1",
  "javascript:window.hacked=1",
  "<a\u0000href=javascript:window.hacked=1>",
  "<img\u2028src=x\u000conerror=window.hacked=1>",
  "\ud800<b>\udfff",
  "+ADw-script+AD4-window.hacked=1+ADw-/script+AD4-",
];

const TAGS = ["TABLE", "THEAD", "TBODY", "TR", "TH", "TD", "P"];
const ATTRIBUTES = /^(class|scope|data-(path|start|end|depth|hidden|unpacked))$/;

const place = document.createElement("div");
document.body.append(place);
afterEach(() => place.replaceChildren());

/** The elements and attributes, once they are in the page. */
function check(part: Part, bytes: Uint8Array): HTMLElement {
  place.innerHTML = htmlView(part, bytes);
  for (const element of place.querySelectorAll("*")) {
    expect(TAGS).toContain(element.tagName);
    for (const { name } of element.attributes) expect(name).toMatch(ATTRIBUTES);
  }
  for (const comment of place.childNodes) expect(comment.nodeType).not.toBe(Node.COMMENT_NODE);
  expect(window.hacked).toBeUndefined();
  return place;
}

/** A part that has a text wherever there can be one. */
const partOf = (text: string): Part => ({
  name: text,
  start: 0,
  end: 4,
  type: text,
  note: text,
  parts: [
    { name: text, start: 0, end: 1, type: text, value: text, note: text, hidden: true },
    {
      name: `[${text}]`,
      start: 1,
      end: 2,
      type: text,
      value: { [text]: [text], toString: () => text },
    },
    {
      name: "packed",
      start: 2,
      end: 4,
      type: "packed",
      value: new TextEncoder().encode(text),
      unpacked: {
        bytes: Uint8Array.of(1),
        part: { name: text, start: 0, end: 1, type: text, value: new Date(Number.NaN), note: text },
      },
    },
  ],
  error: { code: "malformed", message: text, offset: 1, path: [text] },
});

describe("htmlView in a browser", () => {
  it.each(HOSTILE)("shows %j as text, wherever it is", (text) => {
    const shown = check(partOf(text), Uint8Array.of(0, 1, 2, 3));
    expect(shown.querySelectorAll("tbody tr").length).toBe(5);
    const visible = text.replace(/[\p{Cc}\u2028]/gu, " ");
    expect(shown.querySelector("p")?.textContent).toBe(`malformed: ${visible} (at 0001)`);
    // Types are not quoted, shortened or escaped in any other way.
    expect(shown.querySelector("td.type")?.textContent).toBe(visible);
  });

  it("keeps its form whatever the text", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 30 }),
      fc
        .array(fc.constantFrom(...HOSTILE, ..."<>&\"'`=/ \t\n-!a"), { maxLength: 8 })
        .map((all) => all.join("")),
    );
    fc.assert(
      fc.property(text, (one) => {
        const shown = check(partOf(one), Uint8Array.of(0, 1, 2, 3));
        // The outermost part has no row if it has no name.
        const rows = one === "" ? 4 : 5;
        expect(shown.querySelectorAll("tbody tr").length).toBe(rows);
        expect(shown.querySelectorAll("th, td").length).toBe(5 + 5 * rows);
      }),
    );
  });

  it("shows what comes from the wire, from names of fields and from schemas as text", () => {
    for (const text of HOSTILE) {
      const wire = new TextEncoder().encode(`${JSON.stringify({ [text]: [text] })}\n`);
      check(explain(lines().wrap(json()), wire), wire);
      const wrong = new TextEncoder().encode(`{"a":${text}\n`);
      expect(check(explain(lines().wrap(json()), wrong), wrong).querySelector("p")).not.toBeNull();
      const field = struct({ [text]: utf8(u8), kind: enumOf(u8, { [text]: 1 }) });
      const short = Uint8Array.of(2, 0x3c, 0x62, 1);
      check(explain(field, short), short);
      check(explain(field, short.subarray(0, 2)), short.subarray(0, 2));
      const type = perMessage().wrap(parse(".T { text 0 : string }").type("T"), { name: text });
      check(explain(type, wire), wire);
    }
  });

  it("takes parts from anywhere: also numbers that are none", () => {
    const evil = '"><img src=x onerror=window.hacked=1>';
    const part = { name: "a", start: evil, end: evil, type: "u8", value: 1 };
    check(part as unknown as Part, Uint8Array.of(1));
  });
});
