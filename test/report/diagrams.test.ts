import { describe, expect, it } from "@jest/globals";
import { renderMermaid } from "../../src/report/mermaid.js";
import { renderSvg } from "../../src/report/svg.js";
import fc from "../support/drawn.js";
import { node, projection } from "./record-builder.js";
import { parseXml } from "./xml-check.js";

const specialists = ["features", "prosCons"];
const review = projection({
  ...Object.fromEntries(specialists.map((name) => [name, node()])),
  meta: node({ needs: specialists, join: { atLeast: 1, deadlineMs: 500 } }),
});
const nested = projection({
  load: node({ kind: "function" }),
  sub: node({
    kind: "graph",
    needs: ["load"],
    dag: projection({ end: node(), y: node({ needs: ["end"] }) }),
  }),
  ask: node({ kind: "approval", needs: ["sub"], conditional: true }),
  each: node({ kind: "tool", needs: ["load"], mapped: true }),
});
const hostile =
  'a "quoted" <script>alert(1)</script> & `code` ]]> --> end\n%%{init}%% \u001b[31m\u0000 [x] {y} #quot;';

describe("renderMermaid", () => {
  it("draws START to END with joins", () => {
    expect(renderMermaid(review)).toMatchInlineSnapshot(`
"flowchart TD
  START([START])
  n_features["features<br/>agent"]
  n_prosCons["prosCons<br/>agent"]
  n_meta["meta<br/>agent<br/>join: at least 1 within 500 ms"]
  END_([END])
  START --> n_features
  START --> n_prosCons
  n_features --> n_meta
  n_prosCons --> n_meta
  n_meta --> END_
"
`);
  });

  it("draws nested graphs as subgraphs and conditions as dotted edges, and survives a node named end", () => {
    expect(renderMermaid(nested)).toMatchInlineSnapshot(`
"flowchart TD
  START([START])
  n_load("load<br/>function")
  subgraph n_sub["sub<br/>graph"]
    n_sub_end["end<br/>agent"]
    n_sub_y["y<br/>agent"]
    n_sub_end --> n_sub_y
  end
  n_ask{{"ask<br/>approval · when"}}
  n_each[["each<br/>tool · for each"]]
  END_([END])
  START --> n_load
  n_load --> n_sub
  n_sub -.-> n_ask
  n_load --> n_each
  n_ask --> END_
  n_each --> END_
"
`);
  });

  it("lets no description break out of its label", () => {
    const mermaid = renderMermaid(projection({ a: node({ description: hostile }) }));
    expect(mermaid).toMatchInlineSnapshot(`
"flowchart TD
  START([START])
  n_a["a<br/>agent<br/>a #34;quoted#34; #60;script#62;alert(1)#60;/script#62; #38; #96;code#96; #93;#93;#62; --#62; end #37;…"]
  END_([END])
  START --> n_a
  n_a --> END_
"
`);
    const label = /\["(.*)"\]/.exec(mermaid)?.[1] ?? "";
    expect(label.replaceAll("<br/>", "")).not.toMatch(/["<>`[\]{}&%\\\p{Cc}]/u);
  });

  it("keeps nodes apart whose names differ in punctuation alone", () => {
    const mermaid = renderMermaid(projection({ "a-b": node(), a_b: node({ needs: ["a-b"] }) }));
    expect(mermaid).toContain("n_a_b --> n_a_b_2");
  });
});

describe("renderSvg", () => {
  it("is well-formed XML that shows every node, kind and join", () => {
    const { texts } = parseXml(renderSvg(nested));
    for (const text of [
      "START",
      "END",
      "load",
      "sub",
      "y",
      "ask",
      "each",
      "tool · for each",
      "approval · when",
    ]) {
      expect(texts).toContain(text);
    }
    expect(parseXml(renderSvg(review)).texts).toContain("join: at least 1 within 500 ms");
  });

  it("holds neither script nor anything loaded from elsewhere", () => {
    const svg = renderSvg(nested);
    expect(parseXml(svg).elements).not.toContain("script");
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(/https?:|@import|href/);
  });

  it("draws siblings in the spec's order from left to right", () => {
    const svg = renderSvg(review);
    const leftOf = (name: string) => Number(new RegExp(`x="([\\d.]+)" y="[\\d.]+">${name}<`).exec(svg)?.[1]);
    expect(leftOf("features")).toBeLessThan(leftOf("prosCons"));
  });

  it("draws chains deeper than calls can nest, each box below its needs and none upon another", () => {
    const names = Array.from({ length: 6_000 }, (_, n) => `n${n}`);
    const chain = names.map(
      (name, n) => [name, node({ needs: names.slice(Math.max(0, n - 1), n) })] as const,
    );
    const beside = ["left", "right"].map((name) => [name, node({ needs: ["n7"] })] as const);
    const svg = renderSvg(projection(Object.fromEntries([...chain, ...beside]), ["n5999"]));
    const places = new Map(
      [...svg.matchAll(/x="([\d.]+)" y="([\d.]+)">(\w+)</g)].map(([, x, y, name]) => [
        name,
        [Number(x), Number(y)],
      ]),
    );
    const placeOf = (name: string) => places.get(name) ?? [];
    const heights = names.map((name) => placeOf(name)[1] ?? Number.NaN);
    expect(heights.every((y, n) => n === 0 || y > (heights[n - 1] as number))).toBe(true);
    const row = ["n8", "left", "right"].map(placeOf);
    expect(new Set(row.map(([, y]) => y)).size).toBe(1);
    expect(new Set(row.map(([x]) => x)).size).toBe(3);
    expect(svg.match(/<path [^>]*d="M/g)?.length).toBeGreaterThanOrEqual(6_000);
  });

  it("draws a spec without nodes", () => {
    expect(parseXml(renderSvg(projection({}))).texts).toContain("START");
  });

  it("stays well-formed for any description", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.constant(hostile)), (description) => {
        const dag = { ...projection({ a: node({ description }) }), name: description };
        expect(parseXml(renderSvg(dag)).texts).toContain("a");
      }),
    );
  });
});
