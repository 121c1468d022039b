import { encodeAll, json, lines } from "framewright";
import { goim } from "framewright/goim";
import { afterEach, describe, expect, it, vi } from "vitest";
import { commands } from "vitest/browser";
import { type Inspector, inspector } from "../support/inspector.ts";

/* The page of docs/inspector, as it is built: in a page of its own, driven by keys and pointer, as a user does. */

// Each step is a message to another process and back: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 60_000 });
afterEach(() => commands.closeInspectors());

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
const LONG = { timeout: 120_000 };

const status = ({ page }: Inspector): Promise<string> => page.locator("#status").innerText();
const steps = ({ page }: Inspector): Promise<string[]> => page.locator("#steps li").allInnerTexts();
const rows = ({ page }: Inspector): Promise<string[]> =>
  page.locator("#tree [role=treeitem]").allInnerTexts();
const until = (read: () => Promise<unknown>): ReturnType<typeof expect.poll> =>
  expect.poll(read, LONG);

/** Opens it with a protocol and bytes. */
async function opened(
  protocol: string,
  bytes: Uint8Array,
  more: Readonly<Record<string, string>> = {},
  options: Parameters<typeof inspector>[0] = {},
): Promise<Inspector> {
  const words = new URLSearchParams({ protocol, bytes: hex(bytes).replaceAll(" ", ""), ...more });
  return inspector({ ...options, fragment: words.toString() });
}

/** What an element pastes from, or is dropped. */
const given = (event: string, text: string): string => `(() => {
  const data = new DataTransfer();
  data.setData("text/plain", ${JSON.stringify(text)});
  const field = document.getElementById("text");
  const init = { bubbles: true, cancelable: true };
  return field.dispatchEvent(${event}) ? "taken by the browser" : "taken by the page";
})()`;
const paste = (text: string): string =>
  given("new ClipboardEvent('paste', { ...init, clipboardData: data })", text);

describe("the inspector", () => {
  it("shows bytes by field, a tree and JSON", async () => {
    const one = await opened(
      "goim",
      encodeAll(goim(), [{ ver: 1, op: 5, seq: 7, body: ascii("hey") }]),
    );
    const { page } = one;
    await until(() => status(one)).toBe("1 frame in 19 bytes. Nothing is left over.");
    expect(await rows(one)).toEqual([
      expect.stringContaining("Frame 1 19 bytes 0000 to 0012"),
      expect.stringContaining("packetLength i32be 19 (bytes of the whole struct) 0000 to 0003"),
      expect.stringContaining("headerLength i16be 16 (always) 0004 to 0005"),
      expect.stringContaining("ver i16be 1 0006 to 0007"),
      expect.stringContaining("op i32be 5 0008 to 000b"),
      expect.stringContaining("seq i32be 7 000c to 000f"),
      expect.stringContaining('body bytes 3 bytes "hey" 0010 to 0012'),
    ]);
    expect(JSON.parse(await page.locator("#json").innerText())).toEqual({
      ver: 1,
      op: 5,
      seq: 7,
      body: { $bytes: "686579" },
    });
    const cells = page.locator("#hex [role=gridcell][id]");
    expect((await cells.allInnerTexts()).join(" ")).toBe(
      "00 00 00 13 00 10 00 01 00 00 00 05 00 00 00 07 68 65 79",
    );
    // A colour for each field, which is no more than a hint: its name is in the label, its beginning has a bar.
    const colors: string[] = await page.evaluate(
      `Array.from(document.querySelectorAll("#hex [role=gridcell][id]"), (cell) => getComputedStyle(cell).backgroundColor)`,
    );
    const sizes = colors.join().match(/(rgb\([^)]*\))(,\1)*/g)!;
    expect(sizes.map((run) => run.split("rgb").length - 1)).toEqual([4, 2, 2, 4, 4, 3]);
    expect(await page.locator("#byte-8").getAttribute("aria-label")).toBe(
      "00, byte 0008, frame 1, goim.op, i32be",
    );
    expect(await page.locator("#byte-8").getAttribute("class")).toContain("start");
  });

  it("has every protocol, framing and codec of the command line, each with an example that is right", async () => {
    const one = await inspector();
    const { page } = one;
    const names: string[] = await page.evaluate(
      `Array.from(document.querySelectorAll("#protocol option"), ({ value }) => value)`,
    );
    expect(names.length).toBe(40);
    for (const name of names) {
      await page.locator("#protocol").selectOption(name);
      await page.locator("#example").click();
      // Text and bytes have no example of their own.
      const summary = /^(raw|utf8|latin1)$/.test(name) ? /./ : /^[1-9]\d* frames? in \d+ bytes\. /;
      await until(() => status(one)).toMatch(summary);
      expect(await status(one)).not.toMatch(/Error|cannot be decoded/);
      const errors = `[document.getElementById("name").value, ...Array.from(
        document.querySelectorAll(".error"), (error) => error.textContent)].join("")`;
      expect(await page.evaluate(errors)).toMatch(new RegExp(`^${name}[\\w:=,+.#\\\\]*$`));
    }
  });

  it("takes options from its controls and from text, and says what is wrong with them", async () => {
    const one = await inspector();
    const { page } = one;
    await page.getByLabel("Protocol or framing").selectOption("length");
    await page.getByLabel("Byte order").selectOption("le");
    await page.getByLabel("Bytes of the length").fill("4");
    await page.getByLabel("Bytes of the length").press("Tab");
    await page.getByLabel("In its frames").selectOption("utf8");
    const name = page.locator("#name");
    expect(await name.inputValue()).toBe("length:width=4,endian=le+utf8");
    await page.locator("#text").fill("02 00 00 00 68 69");
    await until(() => page.locator("#json").innerText()).toBe('"hi"');

    await name.fill("fastway:dialect=v1");
    expect(await page.getByLabel("Dialect").inputValue()).toBe("v1");
    await name.fill("goim:colour=red");
    expect(await page.getByRole("alert").first().innerText()).toBe(
      'goim:colour=red: goim has no option "colour"; use maxFrame, maxSendBody, flatten, copy, side',
    );
    expect(await name.getAttribute("aria-invalid")).toBe("true");
    await name.fill("lines:ending=\\r\\n+json");
    expect(await page.getByLabel("The line end that is written").inputValue()).toBe("\\r\\n");
    expect(await page.locator("#protocol-error").innerText()).toBe("");
    expect(await name.getAttribute("aria-invalid")).toBe("false");
  });

  it("reads sproto by a schema that was typed", async () => {
    const one = await inspector();
    const { page } = one;
    await page.locator("#protocol").selectOption("length");
    await page.locator("#codec").selectOption("sproto");
    const schema = page.getByLabel("sproto schema", { exact: true });
    await schema.fill(".Say { words 0 : *string }\n.Move { x 0 : integer }");
    const type = page.getByLabel("Type of each message");
    expect(await type.locator("option").allInnerTexts()).toEqual(["Move", "Say"]);
    await type.selectOption("Move");
    expect(await page.locator("#name").inputValue()).toBe(
      "length:width=2+sproto:schema.sproto#Move",
    );
    await page.locator("#text").fill("0004 0100 1000");
    await until(() => page.locator("#json").innerText()).toBe('{\n  "x": 7\n}');
    await schema.fill(".Move { x 0 : nothing }");
    await until(() => page.locator("#protocol-error").innerText()).toMatch(/nothing/);
    expect(await schema.getAttribute("aria-invalid")).toBe("true");
  });

  it("reads hex, dumps and text that are pasted, and files that are chosen or dropped", async () => {
    const one = await opened("lines+json", new Uint8Array(0));
    const { page } = one;
    const note = (): Promise<string> => page.locator("#input-note").innerText();
    await page.locator("#read-as").selectOption("auto");
    for (const [text, as] of [
      ["5b 31 5d 0a", "hex"],
      ["0x5b, 0x31, 0x5d, 0x0a", "hex"],
      ["00000000: 5b31 5d0a                                [1].", "hex dump"],
      ["[1]\n", "text"],
    ]) {
      await page.locator("#text").fill(text!);
      await until(note).toBe(`read as ${as}, 4 bytes.`);
      await until(() => page.locator("#json").innerText()).toBe("[\n  1\n]");
    }
    await page.locator("#read-as").selectOption("hex");
    expect(await page.locator("#input-error").innerText()).toBe('not hex: "[" is not a hex digit');

    const drop = (name: string, content: string): string => `(() => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array([${content}])], ${JSON.stringify(name)}));
      document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data }));
    })()`;
    await page.locator("#read-as").selectOption("auto");
    await page.evaluate(drop("two.bin", "91,50,93,10"));
    await until(note).toBe("two.bin: read as bytes, 4 bytes.");
    await until(() => page.locator("#json").innerText()).toBe("[\n  2\n]");
    await page.evaluate(drop("x.pcap", "0xa1,0xb2,0xc3,0xd4,0,0"));
    await until(() => page.locator("#input-error").innerText()).toContain("npx framewright decode");

    await page.evaluate(`(() => {
      const data = new DataTransfer();
      data.items.add(new File(["5b335d0a"], "three.hex"));
      const input = document.getElementById("file");
      input.files = data.files;
      input.dispatchEvent(new Event("change"));
    })()`);
    await until(note).toBe("three.hex: read as hex, 4 bytes.");
    await page.locator("#text").fill("[4]\n");
    await until(note).toBe("read as text, 4 bytes.");
    expect(await page.locator("#file").inputValue()).toBe("");
  });

  it("cuts the stream anywhere, and says what the splitter says", async () => {
    const one = await opened("length:width=2+utf8", Uint8Array.of(0, 2, 0x68, 0x69, 0, 1, 0x2e));
    const { page } = one;
    await until(() => steps(one)).toEqual(["Bytes 0 to 6 (7): 2 frames. Nothing is left over."]);
    const grid = page.locator("#hex");
    await grid.focus();
    await grid.press("ArrowRight");
    await grid.press("c");
    const first =
      "Bytes 0 to 0 (1): Waits: 1 byte is here, which is not enough to tell how long the frame is.";
    await until(() => steps(one)).toEqual([
      first,
      "Bytes 1 to 6 (6): 2 frames. Nothing is left over.",
    ]);
    expect(await page.locator("#byte-1").getAttribute("aria-label")).toContain("cut before it");
    await page.locator("#byte-5").click();
    await page.getByRole("button", { name: "Cut before the selected byte" }).click();
    expect(await page.getByLabel("Cuts before bytes").inputValue()).toBe("1, 5");
    await until(() => steps(one)).toEqual([
      first,
      "Bytes 1 to 4 (4): 1 frame. Waits: 1 byte is here, which is not enough to tell how long the frame is.",
      "Bytes 5 to 6 (2): 1 frame. Nothing is left over.",
    ]);
    await page.locator("#byte-3").dblclick();
    expect(await page.getByLabel("Cuts before bytes").inputValue()).toBe("1, 3, 5");

    await page.getByRole("button", { name: "Remove all cuts" }).click();
    expect((await steps(one)).length).toBe(1);
    const slider = page.getByRole("slider");
    await slider.focus();
    for (const key of ["ArrowRight", "ArrowRight", "ArrowRight"]) await slider.press(key);
    expect(await slider.getAttribute("aria-valuetext")).toBe("cut before byte 3");
    await until(() => steps(one)).toEqual([
      "Bytes 0 to 2 (3): Waits: 3 bytes are here of a frame of 4 bytes, 1 to come.",
      "Bytes 3 to 6 (4): 2 frames. Nothing is left over.",
    ]);
    await page.getByLabel("Also a cut every so many bytes").fill("1");
    await until(async () => (await steps(one)).length).toBe(7);
    await page.getByLabel("Cuts before bytes").fill("one");
    expect(await page.locator("#cuts-error").innerText()).toContain('"one" is not a place to cut');
  });

  it("says what is wrong at the end of a stream, and where a frame is wrong", async () => {
    const wrong = await opened("lines+json", ascii('{"a":1}\n{no\n[3]\n[4'));
    await until(() => status(wrong)).toBe(
      "3 frames in 18 bytes. Waits: 2 bytes are here, which is not enough to tell how long the frame is. " +
        "1 frame cannot be decoded; the first is frame 2.",
    );
    await wrong.page.locator("#byte-9").click();
    await until(() => wrong.page.locator("#json").innerText()).toMatch(/^malformed: /);
    expect((await rows(wrong)).join("\n")).toMatch(/Frame 2 4 bytes .*⚠ malformed: /);
    await wrong.page.getByLabel("The stream ends after the last byte").check();
    await until(() => status(wrong)).toMatch(/Error truncated: /);
    expect((await rows(wrong)).at(-1)).toMatch(/Refused 4 .*⚠ truncated: /);
  });

  it("says which length is wrong, if frames begin with a mark", async () => {
    const bytes = [0xca, 0xfe, 3, 0x61, 0x62, 0xca, 0xfe, 1, 0x63];
    const wrong = await opened("length:width=1,header=cafe+raw", Uint8Array.from(bytes));
    await until(() => status(wrong)).toMatch(/header byte 0 is 0xfe, not 0xca/);
    expect((await rows(wrong)).at(-1)).toContain(
      "the mark cafe occurs at 0x5, inside the frame before: its length (at 0x2, 1 byte) may be 1 byte too large",
    );
  });

  it("links to the documentation around it, or to that of the package", async () => {
    const hrefs: unknown[] = [];
    for (const from of ["http", "file"] as const) {
      const { page } = await opened("goim", ascii(""), {}, { from });
      hrefs.push(await page.locator("#docs").getAttribute("href"));
    }
    expect(hrefs).toEqual(["../", expect.stringMatching(/^https:.*framewright#readme$/)]);
  });

  it("is used by keyboard alone", async () => {
    const one = await inspector();
    const { page } = one;
    const order: string[] = [];
    const focused = `document.activeElement.id || document.activeElement.className`;
    for (let i = 0; i < 30; i++) {
      await page.keyboard.press("Tab");
      order.push(await page.evaluate(focused));
      if (order.at(-1) === "json") break;
    }
    expect(order).toEqual([
      "skip",
      "docs",
      "protocol",
      ...["option-side", "option-flatten", "option-maxFrame", "option-maxSendBody", "option-copy"],
      "name",
      ...["text", "read-as", "file", "example", "link"],
      ...["slider", "cuts", "every", "ends", "cut-here", "no-cuts", "steps"],
      ...["hex", "tree", "json-of", "json"],
    ]);

    const active = (id: string): string => `document.getElementById(
      document.getElementById("${id}").getAttribute("aria-activedescendant")).textContent`;
    const detail = page.locator("#detail");
    await page.locator("#hex").focus();
    for (const key of ["ArrowDown", "ArrowLeft"]) await page.keyboard.press(key);
    await until(() => detail.innerText()).toContain("goim.seq · i32be · 1 · bytes 000c to 000f");
    await page.keyboard.press("Control+End");
    expect(await page.evaluate(active("hex"))).toBe("65");
    await page.keyboard.press("Home");
    await page.keyboard.press("PageUp");
    expect(await page.evaluate(active("hex"))).toBe("00");

    await page.locator("#tree").focus();
    await page.keyboard.press("Home");
    expect(await page.evaluate(active("tree"))).toContain("Frame 1");
    await page.keyboard.press("ArrowLeft");
    const folded = (await rows(one)).length;
    await page.keyboard.press("ArrowRight");
    expect((await rows(one)).length).toBeGreaterThan(folded);
    await page.keyboard.press("ArrowRight");
    expect(await page.evaluate(active("tree"))).toContain("packetLength");
    await until(() => detail.innerText()).toContain("bytes 0000 to 0003");
    await page.keyboard.press("ArrowLeft");
    expect(await page.evaluate(active("tree"))).toContain("Frame 1");
    await page.keyboard.press("Enter");
    expect(await page.locator("#tree .active").getAttribute("aria-expanded")).toBe("false");
    await page.keyboard.press("Enter");
    expect(await page.locator("#tree .active").getAttribute("aria-expanded")).toBe("true");
    await page.keyboard.press("End");
    for (const key of ["PageUp", "PageDown", "ArrowUp"]) await page.keyboard.press(key);
    expect(await page.evaluate(active("tree"))).not.toBe("");
  });

  it.each([
    ["light", false],
    ["dark", true],
  ])("has nothing that axe-core finds wrong, %s", async (_, dark) => {
    const words = { cuts: "3", end: "1" };
    const one = await opened("goim", Uint8Array.of(0, 0, 0, 18, 0, 16, 0, 1, 0, 0), words, {
      dark,
    });
    await until(() => status(one)).toMatch(/Error truncated/);
    expect(await one.axe()).toEqual([]);
    await one.page.locator("#protocol").selectOption("length");
    await one.page.locator("#codec").selectOption("sproto");
    await one.page.locator("#example").click();
    await until(() => status(one)).toMatch(/^2 frames/);
    expect(await one.axe()).toEqual([]);
    await one.page.locator("#name").fill("none");
    await one.page.locator("#text").fill("x");
    await until(() => one.page.locator("#protocol-error").innerText()).toMatch(/^unknown protocol/);
    await one.page.locator("#link").click();
    expect(await one.axe()).toEqual([]);
  });

  it("tells readers of the screen what the bytes are, and what changes", async () => {
    const one = await opened("length:width=1+utf8", Uint8Array.of(1, 0x61));
    const { page } = one;
    await until(() => status(one)).toBe("1 frame in 2 bytes. Nothing is left over.");
    expect(await page.getByRole("status").innerText()).toBe(await status(one));
    expect(await page.locator("#hex").ariaSnapshot()).toBe(
      [
        '- grid "Bytes by field":',
        "  - rowgroup:",
        '    - row "0000":',
        '      - rowheader "0000"',
        '      - gridcell "01, byte 0000, frame 1, length:width=1+utf8.length, u8" [selected]: "01"',
        '      - gridcell "61, byte 0001, frame 1, length:width=1+utf8.payload, bytes": "61"',
      ].join("\n"),
    );
    const tree = await page.locator("#tree").ariaSnapshot();
    expect(tree).toContain('- tree "Tree":');
    expect(tree).toMatch(/treeitem "Frame 1 2 bytes 0000 to 0001" \[expanded\]/);
    expect(tree).toMatch(/treeitem "length u8 1[^"]* 0000" \[level=2\] \[selected\]/);
  });

  it("is light or dark as the system is, and fits on a phone", async () => {
    const background = `getComputedStyle(document.body).backgroundColor`;
    const light = await inspector({ width: 360 });
    const dark = await inspector({ dark: true });
    expect(await light.page.evaluate(background)).toBe("rgb(255, 255, 255)");
    expect(await dark.page.evaluate(background)).toBe("rgb(21, 24, 28)");
    const overflow = `document.documentElement.scrollWidth - document.documentElement.clientWidth`;
    expect(await light.page.evaluate(overflow)).toBe(0);
    expect(await light.page.locator("#hex").getAttribute("aria-colcount")).toBe("10");
    expect(await dark.page.locator("#hex").getAttribute("aria-colcount")).toBe("18");
  });

  it("stays quick with 400 KB", async () => {
    const big = encodeAll(lines().wrap(json()), [
      Array.from({ length: 7000 }, (_, id) => ({ id, name: `user ${id}`, tags: ["a", "b"] })),
    ]);
    const small = encodeAll(
      goim(),
      Array.from({ length: 25_000 }, (_, seq) => ({ ver: 1, op: 2, seq, body: new Uint8Array(0) })),
    );
    const one = await opened("goim", new Uint8Array(0));
    const { page } = one;
    await page.locator("#read-as").selectOption("auto");
    await page.evaluate(
      `window.longest = 0; new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
      }).observe({ type: "longtask" })`,
    );
    for (const [name, bytes, summary] of [
      ["goim", small, /^25,000 frames in 400,000 bytes\. Nothing is left over\.$/],
      ["lines+json", big, /^1 frame in 3\d\d,\d{3} bytes\. Nothing is left over\.$/],
    ] as const) {
      await page.locator("#name").fill(name);
      expect(await page.evaluate(paste(hex(bytes)))).toBe("taken by the page");
      await until(() => status(one)).toMatch(summary);
      expect(await page.locator("#text").inputValue()).toBe("");
      // Only what is in view is there.
      expect(await page.evaluate(`document.querySelectorAll("*").length`)).toBeLessThan(4000);
      await page.locator("#hex").focus();
      for (const key of ["Control+End", "PageUp", "ArrowUp"]) await page.keyboard.press(key);
      expect(await page.locator("#hex .cursor").count()).toBe(2);
      await page.locator("#tree").focus();
      for (const key of ["End", "ArrowUp", "Home"]) await page.keyboard.press(key);
      expect(await page.locator("#tree .active").innerText()).toContain("Frame 1");
      await page.getByLabel("Cuts before bytes").fill("7");
      await until(async () => (await steps(one)).length).toBe(2);
      await page.getByLabel("Cuts before bytes").fill("");
    }
    await page.getByLabel("Also a cut every so many bytes").fill("1");
    await until(async () => (await steps(one)).at(-1)).toMatch(
      /^\.\.\. and 3\d\d,\d{3} further pieces\.$/,
    );
    // A tenth of it on a machine that has nothing else to do.
    expect(await page.evaluate(`window.longest`)).toBeLessThan(10_000);
  });
});

describe("the inspector, with hostile links and bytes", () => {
  /** Goes to another link, on the same page. */
  const follow = (words: Readonly<Record<string, string>>): string =>
    `location.hash = ${JSON.stringify(new URLSearchParams(words).toString())}`;
  const HTML = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>`;

  it("shows HTML in names, values, schemas and file names as text", async () => {
    const bytes = ascii(`${JSON.stringify({ [HTML]: HTML })}\n{${HTML}\n`);
    const one = await opened("lines+json", bytes);
    const { page } = one;
    await until(() => status(one)).toMatch(/^2 frames/);
    expect((await rows(one)).join("\n")).toContain("<img src=x onerror=");
    await page.locator("#byte-5").click();
    for (const [protocol, schema] of [
      [HTML, ""],
      [`length:width=2+sproto:schema.sproto#${HTML}`, HTML],
      [`lines:ending=${HTML}+json`, ""],
    ] as const) {
      await page.evaluate(follow({ protocol, schema, cuts: HTML, bytes: hex(bytes) }));
      await until(() => page.locator("#name").inputValue()).toBe(protocol);
      expect(await page.locator("#protocol-error").innerText()).not.toBe("");
    }
    await page.evaluate(`(() => {
      const data = new DataTransfer();
      data.items.add(new File(["[1]"], ${JSON.stringify(HTML)}));
      document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data }));
    })()`);
    await until(() => page.locator("#input-note").innerText()).toContain(HTML);
    expect(await page.evaluate(`typeof window.hacked`)).toBe("undefined");
    expect(await page.locator("img, body script + script, iframe, object").count()).toBe(0);
    expect(await one.heard()).toEqual({ requests: [], complaints: [] });
  });

  it("runs no code from a link", async () => {
    const one = await opened("javascript:window.hacked=1", ascii("1\n"));
    const { page } = one;
    for (const protocol of [
      "constructor",
      "__proto__",
      "toString+json",
      "lines+constructor",
      "./mine.ts#name",
      "data:text/javascript,window.hacked=1",
      "goim:__proto__=1",
    ]) {
      expect(await page.locator("#protocol-error").innerText()).not.toBe("");
      expect(await status(one)).toBe("No frames: the protocol above needs a correction.");
      await page.evaluate(follow({ protocol, bytes: "310a" }));
      await until(() => page.locator("#name").inputValue()).toBe(protocol);
    }
    expect(await page.locator("#protocol-error").innerText()).not.toBe("");
    expect(await page.evaluate(`typeof window.hacked`)).toBe("undefined");
    await page.evaluate(follow({ protocol: "goim", bytes: "zz" }));
    await until(() => page.locator("#input-error").innerText()).toContain(
      "the link cannot be read",
    );
    expect(await one.heard()).toEqual({ requests: [], complaints: [] });
  });

  it("shows bytes that look like nothing else, and text that would turn around", async () => {
    const bytes = new TextEncoder().encode('{"a\u202eb":"c\\u0000\u200bd"}\n');
    const one = await opened("lines+json", bytes);
    await until(() => status(one)).toMatch(/^1 frame/);
    const text = [...(await rows(one)), await one.page.locator("#json").innerText()].join("\n");
    expect(text).toContain("a\\u202eb");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there
    expect(text).not.toMatch(/[\u0000-\u0009\u200b\u202e]/);
  });

  it.each(["file", "http"] as const)("asks nobody for anything, opened from %s", async (from) => {
    const one = await inspector({ from });
    const { page } = one;
    await until(() => status(one)).toMatch(/^3 frames/);
    await page.locator("#protocol").selectOption("bilibili");
    await until(() => status(one)).toMatch(/^3 frames in 133 bytes/);
    await page.locator("#link").click();
    expect(await page.locator("#link-text").inputValue()).toContain("#protocol=bilibili&bytes=");
    expect(await one.heard()).toEqual({ requests: [], complaints: [] });

    // And could not: what a script in it would try is refused.
    const refused: string[] = await page.evaluate(`(async () => {
      const refused = [];
      document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => refused.push(effectiveDirective));
      const url = "http://127.0.0.1:9/";
      await fetch(url).catch(() => {});
      try { new WebSocket("ws://127.0.0.1:9/"); } catch {}
      navigator.sendBeacon(url, "bytes");
      const image = new Image();
      image.src = url;
      const frame = document.createElement("iframe");
      frame.src = url;
      const form = document.createElement("form");
      form.action = url;
      const link = document.createElement("link");
      link.rel = "stylesheet";
      link.href = url;
      document.body.append(frame, form, link);
      form.submit();
      for (const run of [() => setTimeout("window.hacked = 1"), () => { document.body.innerHTML = "<b>"; }]) {
        try { run(); } catch {}
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
      return [...new Set(refused)].sort();
    })()`);
    expect(refused).toEqual(
      expect.arrayContaining([
        "connect-src",
        ...(from === "http" ? ["form-action"] : []),
        "frame-src",
        "img-src",
        "require-trusted-types-for",
        "style-src-elem",
      ]),
    );
    expect(await page.evaluate(`typeof window.hacked`)).toBe("undefined");
    const { requests } = await one.heard();
    expect(requests.filter((url) => url.startsWith("server:"))).toEqual([]);
  });
});
