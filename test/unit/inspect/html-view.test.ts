import { json, lines } from "framewright";
import { bits, struct, u8, utf8 } from "framewright/fields";
import { type Explainable, explain, htmlView } from "framewright/inspect";
import { describe, expect, it } from "vitest";

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
const html = (what: Explainable, bytes: Uint8Array): string =>
  htmlView(explain(what, bytes), bytes);

describe("htmlView", () => {
  it("is a table with a row for each line, and data to hook onto", () => {
    const field = struct({ low: bits(4), high: bits(4), name: utf8(u8) });
    expect(html(field, Uint8Array.of(0x12, 1, 0x61)).split("\n")).toEqual([
      '<table class="framewright">',
      '<thead><tr><th scope="col">Address</th><th scope="col">Bytes</th><th scope="col">Name</th>' +
        '<th scope="col">Type</th><th scope="col">Value</th></tr></thead>',
      "<tbody>",
      '<tr data-path="low" data-start="0" data-end="1" data-depth="0"><td class="at">0000</td>' +
        '<td class="bytes">0001 ....</td><th scope="row" class="name">low</th>' +
        '<td class="type">4 bits</td><td class="value">1</td></tr>',
      '<tr data-path="high" data-start="0" data-end="1" data-depth="0"><td class="at">0000</td>' +
        '<td class="bytes">.... 0010</td><th scope="row" class="name">high</th>' +
        '<td class="type">4 bits</td><td class="value">2</td></tr>',
      '<tr data-path="name" data-start="1" data-end="3" data-depth="0"><td class="at">0001</td>' +
        '<td class="bytes"></td><th scope="row" class="name">name</th>' +
        '<td class="type">utf8</td><td class="value">&quot;a&quot;</td></tr>',
      '<tr data-path="name.length" data-start="1" data-end="2" data-depth="1" data-hidden><td class="at">0001</td>' +
        '<td class="bytes">01</td><th scope="row" class="name">length</th>' +
        '<td class="type">u8</td><td class="value">1  (bytes that follow)</td></tr>',
      '<tr data-path="name.body" data-start="2" data-end="3" data-depth="1"><td class="at">0002</td>' +
        '<td class="bytes">61</td><th scope="row" class="name">body</th>' +
        '<td class="type">utf8</td><td class="value">&quot;a&quot;</td></tr>',
      "</tbody>",
      "</table>",
      "",
    ]);
  });

  it("escapes names, values and errors that come from the bytes", () => {
    const text = html(
      lines().wrap(json()),
      ascii('{"<script>\\"\'":"</td><img src=x>&","\\u0000\\u202e":oops}\n'),
    );
    expect(text).toContain("&lt;script&gt;");
    expect(text).toContain("&lt;/td&gt;&lt;img src=x&gt;&amp;");
    expect(text).toContain('<p class="framewright-error">malformed: ');
    const tags = new Set(text.match(/<\/?[a-z]+/g));
    expect([...tags].sort()).toEqual(
      ["<p", "<table", "<tbody", "<td", "<th", "<thead", "<tr"]
        .flatMap((tag) => [`</${tag.slice(1)}`])
        .sort()
        .concat(["<p", "<table", "<tbody", "<td", "<th", "<thead", "<tr"]),
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });

  it("counts what does not fit", () => {
    const bytes = new Uint8Array(40);
    const text = htmlView(explain(lines(), bytes), bytes, { columns: 4, lines: 2 });
    expect(text).toContain('<td class="bytes">... 32 more</td><td class="name"></td>');
    expect(() => htmlView(explain(lines(), bytes), bytes, { columns: 0 })).toThrow(
      "htmlView: columns must be an integer of at least 1, not 0",
    );
  });
});
