import { describe, expect, it } from "vitest";
import { encodeFrame, json, lengthPrefixed } from "../../../src/index.ts";
import { difference, lengthOf, MAX_FRAME, planOf } from "../../soak/support/plan.ts";

const protocol = lengthPrefixed({ width: 4, maxFrame: MAX_FRAME }).wrap(json());
const places = Array.from({ length: 60 }, (_, id) => id);

describe("plan", () => {
  it("follows from its seed, whatever was asked before", () => {
    const [one, other] = [planOf(7), planOf(7)];
    const forwards = places.map((id) => [one.life(id, 1), one.request(id, 1, 3)]);
    const backwards = [...places]
      .reverse()
      .map((id) => [other.life(id, 1), other.request(id, 1, 3)]);
    expect(backwards.reverse()).toEqual(forwards);
    expect(one.upTo(1000, "think", 3, 4)).toBe(other.upTo(1000, "think", 3, 4));
    const third = planOf(8);
    expect(places.map((id) => third.request(id, 1, 3))).not.toEqual(forwards.map(([, r]) => r));
  });

  it("has peers of every kind within six lives", () => {
    const plan = planOf(1);
    const kinds = new Set(
      places.flatMap((id) => [0, 1, 2, 3, 4, 5].map((n) => plan.life(id, n).kind)),
    );
    expect([...kinds].sort()).toEqual([
      "cutOff",
      "garbage",
      "gigabyte",
      "glutton",
      "good",
      "never",
      "notJson",
      "reset",
      "silent",
      "slowReader",
      "slowWriter",
      "uploader",
    ]);
  });

  it("asks for less where it is to be brief", () => {
    const count = (isBrief: boolean): number =>
      places.reduce((sum, id) => sum + planOf(1, isBrief).life(id, 0).bursts.length, 0);
    expect(count(true)).toBeLessThan(count(false) / 2);
    for (const id of places) {
      const { bursts, kind } = planOf(1, true).life(id, 0);
      if (id % 20 < 17) expect(bursts.length, kind).toBeGreaterThan(0);
    }
  });

  it("knows how long its frames are, and no two texts are alike", () => {
    const plan = planOf(3);
    const texts = new Set<string>();
    for (const id of places) {
      for (let n = 0; n < 50; n++) {
        const request = plan.request(id, 0, n);
        const answer = plan.answer(request);
        expect(lengthOf(request)).toBe(encodeFrame(protocol, request).length);
        expect(lengthOf(answer)).toBe(encodeFrame(protocol, answer).length);
        expect(answer.pad.length).toBe(request.want);
        if (request.want > 8) texts.add(answer.pad.slice(0, 8));
      }
    }
    expect(texts.size).toBeGreaterThan(2000);
  });

  it("tells what differs", () => {
    const plan = planOf(3);
    const request = plan.request(2, 0, 5);
    expect(difference({ ...request }, request)).toBeUndefined();
    expect(difference(plan.request(2, 0, 6), request)).toBe("n is 6, not 5");
    expect(difference({ ...request, pad: "xyz" }, request)).toMatch(/^pad is xyz, not /);
    const { want, ...rest } = request;
    expect(difference(rest as typeof request, request)).toBe(`want is undefined, not ${want}`);
    expect(difference({ ...request, more: 1 } as typeof request, request)).toMatch(/^more is 1/);
  });
});
