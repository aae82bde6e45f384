import { describe, expect, it } from "@jest/globals";
import { createGate } from "../../src/limits/gate.js";
import type { RateLimit } from "../../src/limits/rate-limit.js";

const minuteMs = 60_000;
const untold: RateLimit = {
  limitRequests: null,
  limitTokens: null,
  remainingRequests: null,
  remainingTokens: null,
  resetRequestsMs: null,
  resetTokensMs: null,
  retryAfterMs: null,
};

describe("our own limits", () => {
  it("are none where none is stated", () => {
    const gate = createGate({}, minuteMs);
    for (let n = 0; n < 100; n++) gate.pass(1e9, 0);
    expect(gate.waitMs(1e9, 0)).toBe(0);
    expect(gate.providerWaitMs(1e9, 0)).toBe(0);
  });

  it("let a request wait without end for a slot, until one is left", () => {
    const gate = createGate({ maxConcurrency: 2 }, minuteMs);
    const first = gate.pass(1, 0);
    expect(gate.waitMs(1, 0)).toBe(0);
    gate.pass(1, 0);
    expect(gate.waitMs(1, 0)).toBe(Infinity);
    first.leave(1);
    expect(gate.waitMs(1, 0)).toBe(0);
  });

  it("of requests last a minute and a hundredth part of it", () => {
    const gate = createGate({ requestsPerMinute: 1 }, minuteMs);
    gate.pass(500, 0).leave(500);
    expect(gate.waitMs(1, 600)).toBe(60_000);
    expect(gate.waitMs(1, 60_600)).toBe(0);
  });

  it("of tokens count the estimate, then what was used", () => {
    const gate = createGate({ tokensPerMinute: 100 }, minuteMs);
    const passage = gate.pass(80, 0);
    expect(gate.waitMs(20, 0)).toBe(0);
    expect(gate.waitMs(21, 0)).toBe(60_600);
    passage.leave(50);
    expect(gate.waitMs(50, 0)).toBe(0);
    expect(gate.waitMs(51, 0)).toBe(60_600);
  });

  it("wait for the slower of both rates", () => {
    const gate = createGate({ requestsPerMinute: 2, tokensPerMinute: 100 }, minuteMs);
    gate.pass(10, 0);
    gate.pass(90, 600);
    expect(gate.waitMs(1, 600)).toBe(60_000);
    expect(gate.waitMs(50, 600)).toBe(60_600);
  });

  it("go with the minute that they are given", () => {
    const gate = createGate({ requestsPerMinute: 1 }, 1000);
    gate.pass(1, 0);
    expect(gate.waitMs(1, 10)).toBe(1000);
  });
});

describe("a provider's refusal", () => {
  it("holds back for as long as it asks, apart from our own limits", () => {
    const gate = createGate({}, minuteMs);
    gate.pass(1, 0).refuse(2000, 100);
    expect(gate.providerWaitMs(1, 100)).toBe(2000);
    expect(gate.providerWaitMs(1, 1100)).toBe(1000);
    expect(gate.providerWaitMs(1, 5000)).toBe(0);
    expect(gate.waitMs(1, 100)).toBe(0);
  });

  it("holds back for a minute at most", () => {
    const gate = createGate({}, minuteMs);
    gate.pass(1, 0).refuse(3_600_000, 0);
    expect(gate.providerWaitMs(1, 0)).toBe(60_000);
  });

  it("that asks for less does not shorten an earlier pause", () => {
    const gate = createGate({}, minuteMs);
    const [first, second] = [gate.pass(1, 0), gate.pass(1, 0)];
    first.refuse(5000, 0);
    second.refuse(10, 0);
    expect(gate.providerWaitMs(1, 0)).toBe(5000);
  });

  it("without a time holds back twice as long each time, in parts of the given minute, up to 1024 times", () => {
    const gate = createGate({}, 600);
    const waits: number[] = [];
    let nowMs = 0;
    for (let n = 0; n < 13; n++) {
      const passage = gate.pass(1, nowMs);
      passage.refuse(null, nowMs);
      passage.leave(0);
      waits.push(gate.providerWaitMs(1, nowMs));
      nowMs += 10_000;
    }
    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 5120, 5120]);
  });

  it("begins at the first pause again after a request that went through", () => {
    const gate = createGate({}, minuteMs);
    const refused = gate.pass(1, 0);
    refused.refuse(null, 0);
    refused.leave(0);
    gate.pass(1, 1000).leave(1);
    gate.pass(1, 2000).refuse(null, 2000);
    expect(gate.providerWaitMs(1, 2000)).toBe(500);
  });

  it("of requests that were under way together counts once, unless it says for how long", () => {
    const gate = createGate({}, minuteMs);
    const [first, second, third] = [gate.pass(1, 0), gate.pass(1, 0), gate.pass(1, 0)];
    first.refuse(null, 10);
    second.refuse(null, 20);
    expect(gate.providerWaitMs(1, 20)).toBe(490);
    third.refuse(3000, 20);
    expect(gate.providerWaitMs(1, 20)).toBe(3000);
  });

  it("of a request that was sent at the moment of the last refusal counts again", () => {
    const gate = createGate({}, minuteMs);
    gate.pass(1, 0).refuse(null, 10);
    gate.pass(1, 10).refuse(null, 10);
    expect(gate.providerWaitMs(1, 10)).toBe(1000);
  });
});

describe("a provider's headers", () => {
  it("of requests and of tokens count apart, with what was sent after their request", () => {
    const gate = createGate({}, minuteMs);
    const first = gate.pass(100, 0);
    gate.pass(30, 0);
    first.tell({ ...untold, remainingRequests: 2, resetRequestsMs: 1000 }, 0);
    expect(gate.providerWaitMs(1, 0)).toBe(0);
    gate.pass(1, 0);
    expect(gate.providerWaitMs(1, 0)).toBe(1000);
    first.tell({ ...untold, remainingRequests: 9, resetRequestsMs: 1 }, 0);
    first.tell({ ...untold, remainingTokens: 50, resetTokensMs: 4000 }, 0);
    expect(gate.providerWaitMs(19, 1)).toBe(0);
    expect(gate.providerWaitMs(20, 1)).toBe(3999);
  });

  it("with a limit are read as a steady return", () => {
    const gate = createGate({}, minuteMs);
    const passage = gate.pass(1, 0);
    passage.tell({ ...untold, limitRequests: 10, remainingRequests: 0, resetRequestsMs: 10_000 }, 0);
    expect(gate.providerWaitMs(1, 0)).toBe(1000);
    passage.tell({ ...untold, limitTokens: 100, remainingTokens: 0, resetTokensMs: 10_000 }, 0);
    expect(gate.providerWaitMs(50, 0)).toBe(5000);
  });
});
