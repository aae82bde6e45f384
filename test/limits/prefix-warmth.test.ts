import { expect, it } from "@jest/globals";
import { createPrefixWarmth, type WarmLead, type WarmWait } from "../../src/limits/prefix-warmth.js";

const fiveMinutes = 300_000;

function setUp() {
  let nowMs = 0;
  const warmth = createPrefixWarmth(() => nowMs);
  return {
    advance: (ms: number) => {
      nowMs += ms;
    },
    lead: (key = "k") => {
      const claim = warmth.claim(key);
      if (claim === "warm" || !("warmed" in claim)) throw new Error("Somebody else goes ahead.");
      return claim as WarmLead;
    },
    wait: (key = "k") => {
      const claim = warmth.claim(key);
      if (claim === "warm" || !("whenOver" in claim)) throw new Error("Nobody else goes ahead.");
      return claim as WarmWait;
    },
    claim: (key = "k") => warmth.claim(key),
  };
}

it("lets one go ahead of those that begin alike, until its first token", () => {
  const { lead, wait, claim } = setUp();
  const first = lead();
  const over: string[] = [];
  wait().whenOver(() => over.push("a"));
  wait().whenOver(() => over.push("b"));
  lead("another beginning");
  expect(over).toEqual([]);
  first.warmed();
  expect(over).toEqual(["a", "b"]);
  expect(claim()).toBe("warm");
});

it("lets another go ahead where the first ended without a token", () => {
  const { lead, wait } = setUp();
  const first = lead();
  let again = 0;
  wait().whenOver(() => again++);
  first.ended();
  expect(again).toBe(1);
  lead();
  first.ended();
  wait();
  expect(again).toBe(1);
});

it("ends once, although a request ends after its first token", () => {
  const { lead, wait, claim } = setUp();
  const first = lead();
  let again = 0;
  wait().whenOver(() => again++);
  first.warmed();
  first.ended();
  expect(again).toBe(1);
  expect(claim()).toBe("warm");
});

it("stays warm for five minutes after it was last used", () => {
  const { lead, claim, advance } = setUp();
  lead().warmed();
  advance(fiveMinutes - 1);
  expect(claim()).toBe("warm");
  advance(fiveMinutes - 1);
  expect(claim()).toBe("warm");
  advance(fiveMinutes);
  lead();
});

it("is on the machine's clock where none is given", () => {
  const warmth = createPrefixWarmth();
  (warmth.claim("k") as WarmLead).warmed();
  expect(warmth.claim("k")).toBe("warm");
});
