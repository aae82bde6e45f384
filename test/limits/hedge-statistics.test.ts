import { describe, expect, it } from "@jest/globals";
import { createHedgeStatistics } from "../../src/limits/hedge-statistics.js";

describe("the 95th percentile", () => {
  const withSamples = (times: readonly number[]) => {
    const statistics = createHedgeStatistics();
    const enter = (ms: number) => statistics.request("m").waited(ms);
    times.forEach(enter);
    return { statistics, enter };
  };
  const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1);

  it("is not told from fewer than 50 times", () => {
    const { statistics, enter } = withSamples(upTo(49));
    expect(statistics.p95Ms("m")).toBeNull();
    enter(50);
    expect(statistics.p95Ms("m")).toBe(48);
  });

  it("is the nearest rank, whatever the order in which times come", () => {
    expect(withSamples(upTo(100).reverse()).statistics.p95Ms("m")).toBe(95);
    expect(withSamples([...upTo(50), ...upTo(50)]).statistics.p95Ms("m")).toBe(48);
    expect(withSamples([...upTo(60).map((n) => n * 100), 7]).statistics.p95Ms("m")).toBe(5700);
  });

  it("is worked out again after 32 more times", () => {
    const { statistics, enter } = withSamples(upTo(50));
    expect(statistics.p95Ms("m")).toBe(48);
    for (let n = 0; n < 31; n++) enter(1000);
    expect(statistics.p95Ms("m")).toBe(48);
    enter(1000);
    expect(statistics.p95Ms("m")).toBe(1000);
  });

  it("is of the last 4000 times", () => {
    const { statistics } = withSamples([...Array<number>(3000).fill(9), ...Array<number>(3800).fill(1)]);
    expect(statistics.p95Ms("m")).toBe(1);
    expect(
      withSamples([...Array<number>(3000).fill(9), ...Array<number>(3799).fill(1)]).statistics.p95Ms("m"),
    ).toBe(9);
  });

  it("is each model's own", () => {
    const { statistics } = withSamples(upTo(50));
    expect(statistics.p95Ms("other")).toBeNull();
  });
});

describe("extra requests", () => {
  const withRequests = (requests: number, slow = 0) => {
    const statistics = createHedgeStatistics();
    const sent = Array.from({ length: requests }, () => statistics.request("m"));
    for (const request of sent.slice(0, slow)) request.slow();
    const allowed: string[] = [];
    const ask = (name: string, share = 0.1) =>
      statistics.whenExtraAllowed("m", share, () => allowed.push(name));
    return { statistics, sent, allowed, ask };
  };

  it("are allowed one at once, however small their share", () => {
    const { ask, allowed, statistics } = withRequests(1);
    ask("a", 0);
    ask("b", 0);
    expect(allowed).toEqual(["a"]);
    expect(statistics.counts("m")).toEqual({ requests: 1, extra: 1 });
  });

  it("wait, in order of arrival, until their share of all requests has room for them", () => {
    const { ask, allowed, statistics } = withRequests(9);
    for (const name of ["a", "b", "c"]) ask(name);
    for (let n = 10; n < 20; n++) statistics.request("m");
    expect(allowed).toEqual(["a"]);
    statistics.request("m");
    expect(allowed).toEqual(["a", "b"]);
    expect(statistics.counts("m")).toEqual({ requests: 20, extra: 2 });
  });

  it("hold up those behind them, also one with a larger share", () => {
    const { ask, allowed } = withRequests(20);
    ask("first", 0.05);
    ask("second", 0.05);
    ask("third", 0.5);
    expect(allowed).toEqual(["first"]);
  });

  it("that were given up are passed over", () => {
    const { ask, allowed, statistics } = withRequests(19);
    ask("a");
    const giveUp = ask("b");
    ask("c");
    giveUp();
    statistics.request("m");
    expect(allowed).toEqual(["a", "c"]);
  });

  it("are none while more than three in ten of the recent requests are slow", () => {
    const common = withRequests(10, 4);
    common.ask("a");
    expect(common.allowed).toEqual([]);
    for (let n = 0; n < 4; n++) common.statistics.request("m");
    expect(common.allowed).toEqual(["a"]);
    const rare = withRequests(10, 3);
    rare.ask("a");
    expect(rare.allowed).toEqual(["a"]);
  });

  it("are allowed where too few requests are known to tell that slowness is common", () => {
    const { ask, allowed } = withRequests(9, 9);
    ask("a");
    expect(allowed).toEqual(["a"]);
  });

  it("look at the last 50 requests only", () => {
    const { ask, allowed, statistics } = withRequests(20, 20);
    for (let n = 0; n < 34; n++) statistics.request("m");
    ask("a");
    expect(allowed).toEqual([]);
    statistics.request("m");
    expect(allowed).toEqual(["a"]);
  });

  it("are counted for each model by itself", () => {
    const { ask, allowed, statistics } = withRequests(1);
    ask("a", 0);
    statistics.whenExtraAllowed("other", 0, () => allowed.push("other"));
    expect(allowed).toEqual(["a", "other"]);
    expect(statistics.counts("other")).toEqual({ requests: 0, extra: 1 });
  });
});
