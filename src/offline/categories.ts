import { notStated } from "./field.js";
import { sentimentOf } from "./skills/sentiment.js";
import { materialOf, type Task } from "./task.js";
import { contentStems } from "./words.js";

/** Words that speak for common categories; the category's own words count too. */
const evidence: readonly (readonly [RegExp, string])[] = [
  [
    /billing|payment|invoice|finance/,
    "bill billing invoice charge charged refund payment pay paid card subscription price plan receipt money bank fee overcharge twice discount coupon renewal",
  ],
  [
    /technical|bug|tech|incident|defect|engineering/,
    "error crash bug broken freeze login log install update server page load screen app fail failed timeout exception connect sync slow work restart reproduce version browser",
  ],
  [
    /account|access|login/,
    "account password login sign email profile username delete verify locked reset two-factor",
  ],
  [
    /shipping|delivery|order|logistics/,
    "ship shipping delivery deliver package parcel tracking arrive late courier order address warehouse",
  ],
  [/return|refund/, "return refund exchange money back send"],
  [
    /sales|pricing|pre-?sales/,
    "buy purchase demo quote pricing trial upgrade seats license enterprise offer",
  ],
  [
    /feature|request|suggestion|idea/,
    "wish add feature suggest would like could support option please idea improvement",
  ],
  [/complaint|negative/, "disappointed angry terrible unacceptable worst complain rude never"],
  [/praise|compliment|thanks/, "thank thanks great love excellent happy wonderful"],
  [/question|how-?to|inquiry/, "how what where when can question wonder possible"],
  [
    /security|abuse|fraud/,
    "hack hacked breach fraud phishing suspicious stolen unauthorized security vulnerability",
  ],
  [
    /urgent|high|critical|p1|severe/,
    "urgent urgently immediately asap critical emergency outage down blocked production today deadline everyone unable stopped",
  ],
  [/low|minor|p3|p4/, "minor whenever eventually small cosmetic typo hurry curious"],
];
const rest = /^(other|unknown|none|general|misc|n\/a|unclear|not[ _-]?stated|unspecified)/i;
const signs: readonly (readonly [RegExp, "positive" | "mixed" | "negative" | "neutral"])[] = [
  [/^(very[ _-])?(positive|pos|favou?rable|good|happy|satisfied)$/i, "positive"],
  [/^(very[ _-])?(negative|neg|unfavou?rable|bad|unhappy|dissatisfied)$/i, "negative"],
  [/^(mixed|ambivalent)$/i, "mixed"],
  [/^(neutral|none|objective)$/i, "neutral"],
];

/** One of the options by the evidence of the text; {@link notStated} where nothing speaks for any and none means "other". */
export function chooseOption(options: readonly unknown[], task: Task): unknown {
  const named = options.filter((option): option is string => typeof option === "string");
  if (named.length === 0)
    return options.includes(null) ? null : options.length === 1 ? options[0] : notStated;
  const kinds = named.map((option) => signs.find(([sign]) => sign.test(option))?.[1]);
  if (kinds.includes("positive") && kinds.includes("negative")) return chooseSentiment(named, kinds, task);
  if (named.length === 2 && named.some((option) => /^y(es)?$/i.test(option))) {
    const { score } = sentimentOf(materialOf(task).remarks);
    const wanted = score > 0.1 ? /^y/i : /^n/i;
    return materialOf(task).remarks.length === 0
      ? notStated
      : (named.find((option) => wanted.test(option)) ?? notStated);
  }
  const best = scoreOptions(named, materialOf(task).text)[0];
  if (best !== undefined && best.score > 0) return best.option;
  return named.find((option) => rest.test(option)) ?? (options.includes(null) ? null : notStated);
}

/** Options with how much of the text speaks for each, most first. */
export function scoreOptions(
  options: readonly string[],
  text: string,
): { option: string; score: number; words: string }[] {
  const counts = new Map<string, number>();
  for (const word of text.toLowerCase().match(/[\p{L}\d'-]+/gu) ?? []) {
    const [stem] = contentStems(word);
    if (stem !== undefined) counts.set(stem, (counts.get(stem) ?? 0) + 1);
  }
  const count = (words: string, weight: number) =>
    [...contentStems(words)].reduce((sum, stem) => sum + weight * Math.min(3, counts.get(stem) ?? 0), 0);
  return options
    .map((option, i) => {
      const known = evidence
        .filter(([name]) => name.test(option.toLowerCase()))
        .map(([, words]) => words)
        .join(" ");
      return {
        option,
        i,
        words: `${option} ${known}`,
        score: rest.test(option) ? 0 : count(option, 2) + count(known, 1),
      };
    })
    .sort((a, b) => b.score - a.score || a.i - b.i);
}

function chooseSentiment(
  options: readonly string[],
  kinds: readonly (string | undefined)[],
  task: Task,
): unknown {
  const { label, score } = sentimentOf(materialOf(task).remarks);
  const very = options.find((option) => /^very/i.test(option) && kinds[options.indexOf(option)] === label);
  if (very !== undefined && Math.abs(score) >= 0.75) return very;
  const at = (wanted: string) => options.find((option, i) => kinds[i] === wanted && !/^very/i.test(option));
  if (label === "mixed" || label === "neutral")
    return (
      at(label) ??
      at(label === "mixed" ? "neutral" : "mixed") ??
      (label === "mixed" ? at(score >= 0 ? "positive" : "negative") : notStated) ??
      notStated
    );
  return at(label) ?? notStated;
}
