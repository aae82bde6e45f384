import { describe, expect, it } from "@jest/globals";
import { DagError } from "../../../src/errors.js";
import type { Model, ModelMiddleware } from "../../../src/models/port.js";
import { scene, scripted, spec } from "../../support/model-scene.js";

describe("the model of a node", () => {
  it("is the run's, by node, for the planner, or for all", async () => {
    const [all, own, planner, named] = ["all", "own", "planner", "named"].map((id) => scripted(id));
    const { say, models } = scene({
      model: all as Model,
      models: { a: own as Model, $joiner: named as Model },
      planner: { model: planner as Model },
    });
    expect(await say("a")).toBe("own");
    expect(await say("a[2]", {})).toBe("own");
    expect(await say("g/in", { model: "openai:never" } as never)).toBe("all");
    expect([await say("$planner"), await say("$joiner")]).toEqual(["planner", "named"]);
    expect(await scene({ model: all as Model }).say("$planner")).toBe("all");
    expect(models.choiceFor({}, "a")).toBe(own);
    expect(models.idFor({}, "b")).toBe("all");
  });

  it("is else the node's, then that of the DAG it stands in, then the outermost one's", () => {
    const chat = (id: string) => Object.assign(scripted(id), { _llmType: () => id });
    const [inner, outer] = [chat("inner"), chat("outer")];
    const { models } = scene({}, {}, { ...spec, model: outer as never });
    const within = { ...spec, model: inner as never };
    expect(models.idFor({ model: scripted("node") as never }, "a", within)).toBe("node");
    expect(models.idFor({}, "a", within)).toBe("inner");
    expect(models.idFor({}, "a")).toBe("outer");
    expect(models.idFor({}, "a", spec)).toBe("outer");
    expect(models.choiceFor({}, "a")).toBe(outer);
  });

  it("is made once for all items and rounds of a node, and anew for another choice, policy or DAG", async () => {
    const { models } = scene({ model: scripted("m") });
    const node = { policy: { retry: { maxAttempts: 2 } } };
    const made = models.modelFor(node, "g/in");
    for (const path of ["g/in", "g[7]/in", "g#2/in[3]"]) expect(models.modelFor(node, path)).toBe(made);
    expect(models.modelFor({ ...node }, "g/in")).toBe(made);
    const others = [
      () => models.modelFor({ policy: { retry: { maxAttempts: 2 } } }, "g/in"),
      () => models.modelFor({ ...node, model: scripted("own") as never }, "g/in"),
      () => models.modelFor(node, "g/in", { ...spec }),
      () => models.modelFor(node, "g/on"),
    ];
    for (const other of others) {
      const one = models.modelFor(node, "g/in");
      expect(other()).not.toBe(one);
      await one;
    }
    await made;
  });

  it("is prepared once, however many nodes have it", async () => {
    let prepared = 0;
    const model = scripted("m", {
      prepare: async () => {
        prepared++;
      },
    });
    const { models } = scene({ model, planner: { model } });
    await models.resolveAll(true);
    await models.resolveAll(false);
    expect(prepared).toBe(1);
  });

  it("is resolved for every agent, those of graphs too, and for a planner where there is one", async () => {
    const asked: string[] = [];
    const model = (id: string) => scripted(id, { prepare: async () => void asked.push(id) });
    const options = {
      models: { a: model("a"), "g/in": model("in"), f: model("f") },
      planner: { model: model("planner") },
    };
    await scene(options, {}, spec).models.resolveAll(false);
    expect(asked.sort()).toEqual(["a", "in"]);
    asked.length = 0;
    await scene(options, {}, spec).models.resolveAll(true);
    expect(asked.sort()).toEqual(["a", "in", "planner"]);
    const frozen = Object.freeze({ ...spec });
    for (const _ of [1, 2]) {
      asked.length = 0;
      await scene(options, {}, frozen).models.resolveAll(false);
      expect(asked).toHaveLength(2);
    }
  });

  it("is the environment's, chosen when it is asked, under middleware that answers by itself", () => {
    const alone = Object.assign<ModelMiddleware, object>((model) => model, { answersAlone: true });
    expect(scene({ use: [alone] }).models.idFor({}, "a")).toBe("default");
    expect(scene({ use: [alone] }, {}, { ...spec, model: "openai:x" }).models.idFor({}, "a")).toBe(
      "openai:x",
    );
    expect(scene({ use: [alone] }).models.idFor({ model: "openai:y" }, "a")).toBe("openai:y");
  });

  it("is told of once where nobody chose it", async () => {
    const { AGENT_DAG_MODEL, OPENAI_API_KEY, ...others } = process.env;
    const before = process.env;
    process.env = others;
    try {
      const { models, notices } = scene();
      for (const path of ["a", "g/in"]) await models.modelFor({}, path);
      expect(notices()).toMatchObject([
        { code: "MODEL_CHOSEN", message: expect.stringMatching(/^No model was chosen: "offline"/) },
      ]);
    } finally {
      process.env = before;
    }
  });

  it("falls back as the node's policy says, or, where the run names the model, as the run's does", async () => {
    const failing = (id: string) =>
      scripted(id, {
        // biome-ignore lint/correctness/useYield: a request that fails before it brings anything
        async *call() {
          throw new DagError("MODEL_UNAUTHORIZED", "No.", { retryable: false });
        },
      });
    const fallback = (id: string) => ({ policy: { fallbackModels: [scripted(id)] } });
    const node = { instructions: "A", model: failing("n") as never, ...fallback("nodes") } as never;
    expect(await scene().say("a", node)).toBe("nodes");
    expect(await scene({ model: failing("m"), ...fallback("runs") } as never).say("a", node)).toBe("runs");
    await expect(scene({ model: failing("m") }).say("a", node)).rejects.toMatchObject({
      code: "MODEL_UNAUTHORIZED",
    });
  });
});
