import { encodeAll, json, lines } from "framewright";
import { describe, expect, it } from "vitest";
import {
  type Analysis,
  analyse,
  decoded,
  MOST_SPANS,
  MOST_STEPS,
} from "../../../docs/inspector/analysis.ts";
import { cutsFrom, edgesOf, toggled } from "../../../docs/inspector/cuts.ts";
import { protocolFrom } from "../../../docs/inspector/protocol.ts";

const NONE = { schema: "", remote: "" };

function analysed(
  name: string,
  bytes: Uint8Array,
  edges: readonly number[] = [],
  ends = false,
): Analysis {
  const steps = analyse(protocolFrom(name, NONE), bytes, edges, ends);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

const says = ({ steps }: Analysis): readonly string[] => steps.map((step) => step.says);
const spans = (analysis: Analysis): unknown[] =>
  analysis.spans.map(({ kind, start, end }) => [kind, start, end]);
const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

describe("analyse", () => {
  const two = Uint8Array.of(0, 2, 0x68, 0x69, 0, 1, 0x2e);

  it("says what the splitter waits for after each chunk", () => {
    const result = analysed("length:width=2+raw", two, [1, 3, 6]);
    expect(says(result)).toEqual([
      "Waits: 1 byte is here, which is not enough to tell how long the frame is.",
      "Waits: 3 bytes are here of a frame of 4 bytes, 1 to come.",
      "1 frame. Waits: 2 bytes are here of a frame of 3 bytes, 1 to come.",
      "1 frame. Nothing is left over.",
    ]);
    expect(spans(result)).toEqual([
      ["frame", 0, 4],
      ["frame", 4, 7],
    ]);
    expect(result).toMatchObject({
      frames: 2,
      unlisted: 0,
      last: "Nothing is left over.",
      isCut: false,
    });
  });

  it("shows what is not whole yet, and refuses it if the stream ends", () => {
    const cut = two.subarray(0, 6);
    expect(spans(analysed("length:width=2+raw", cut)).at(-1)).toEqual(["waiting", 4, 6]);
    const ended = analysed("length:width=2+raw", cut, [], true);
    expect(spans(ended).at(-1)).toEqual(["refused", 4, 6]);
    expect(ended.error?.code).toBe("truncated");
    expect(says(ended)).toEqual([
      "1 frame. Waits: 2 bytes are here of a frame of 3 bytes, 1 to come.",
      `Error truncated: ${ended.error?.message} (at byte 4).`,
    ]);
    expect(says(analysed("length:width=2+raw", two, [], true)).at(-1)).toBe(
      "The stream ends between two frames.",
    );
  });

  it("ends at an error of the framing, whatever the cuts", () => {
    const bytes = ascii("3:abc,x:");
    for (const edges of [[], [6], [1, 2, 3, 4, 5, 6, 7]]) {
      const result = analysed("netstring+utf8", bytes, edges);
      expect(spans(result)).toEqual([
        ["frame", 0, 6],
        ["refused", 6, 8],
      ]);
      expect(result.error?.code).toBe("malformed");
      expect(result.steps.at(-1)?.isError).toBe(true);
    }
  });

  it("shows bytes that are skipped, before frames and at the end", () => {
    const result = analysed("lines:skipEmpty=true+utf8", ascii("\n\nab\n\n"), [], true);
    expect(spans(result)).toEqual([
      ["skipped", 0, 2],
      ["frame", 2, 5],
      ["skipped", 5, 6],
    ]);
    expect(result.error).toBeUndefined();
    expect(says(result)).toEqual([
      "1 frame. Skips 1 byte without a frame.",
      "1 byte is skipped at the end.",
    ]);
    expect(spans(analysed("slip+raw", Uint8Array.of(0xc0, 0xc0, 1, 0xc0)))).toEqual([
      ["skipped", 0, 1],
      ["frame", 1, 4],
    ]);
  });

  it("takes each chunk for a message if there is no framing", () => {
    const result = analysed("json", ascii("[1]{}"), [3]);
    expect(spans(result)).toEqual([
      ["frame", 0, 3],
      ["frame", 3, 5],
    ]);
    expect(says(result)[0]).toContain("no splitter");
  });

  it("gives the same frames byte by byte, and lists the first chunks", () => {
    const bytes = encodeAll(
      lines().wrap(json()),
      Array.from({ length: 60 }, (_, i) => [i]),
    );
    const whole = analysed("lines+json", bytes);
    const dripped = analysed("lines+json", bytes, edgesOf([], 1, bytes.length));
    expect(dripped.spans).toEqual(whole.spans);
    expect(dripped.steps.length).toBe(MOST_STEPS);
    expect(dripped.unlisted).toBe(bytes.length - MOST_STEPS);
  });

  it("stops at more frames than can be shown", () => {
    const result = analysed("varint+raw", new Uint8Array(MOST_SPANS + 5));
    expect([result.frames, result.isCut, result.last]).toEqual([MOST_SPANS, true, ""]);
    const messages = analysed(
      "raw",
      new Uint8Array(MOST_SPANS + 5),
      edgesOf([], 1, MOST_SPANS + 5),
    );
    expect([messages.frames, messages.isCut]).toEqual([MOST_SPANS, true]);
  });

  it("decodes frames one by one: a wrong one does not hide the others", () => {
    const bytes = ascii("1\n{\n3\n");
    const all = analysed("lines+json", bytes);
    const results = all.spans.map((span) => decoded(protocolFrom("lines+json", NONE), bytes, span));
    expect(results.map(({ values, error }) => error?.code ?? values)).toEqual([
      [1],
      "malformed",
      [3],
    ]);
  });
});

describe("cuts", () => {
  it("are numbers in any order, decimal or hex", () => {
    expect(cutsFrom(" 12, 0x5 3;3 ")).toEqual([3, 5, 12]);
    expect(cutsFrom("")).toEqual([]);
    expect(() => cutsFrom("5, -1")).toThrow('"-1" is not a place to cut');
    expect(() => cutsFrom("1e9")).toThrow(RangeError);
  });

  it("lie within the bytes, also those at regular places", () => {
    expect(edgesOf([0, 4, 9, 10], 0, 10)).toEqual([4, 9]);
    expect(edgesOf([4], 3, 10)).toEqual([3, 4, 6, 9]);
  });

  it("are added and removed one by one", () => {
    expect(toggled([2, 9], 5)).toEqual([2, 5, 9]);
    expect(toggled([2, 5, 9], 5)).toEqual([2, 9]);
  });
});
