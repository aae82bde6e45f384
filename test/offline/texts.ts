/** Whole texts with what a person would say of them: fragments that stand among the pros or the cons, and the verdict. */
export interface LabelledText {
  readonly name: string;
  readonly text: string;
  /** Fragments that stand in some pro, and in no con. */
  readonly pros: readonly string[];
  /** Fragments that stand in some con, and in no pro. */
  readonly cons: readonly string[];
  readonly verdict: "positive" | "mixed" | "negative" | "neutral";
}

export const labelledTexts: readonly LabelledText[] = [
  {
    name: "headphones",
    text: "I have been using the Aurora X2 headphones for about three months now. The sound is warm and detailed, with deep bass that never drowns the vocals. Battery life is excellent: I get around 38 hours from one charge. The ear cushions are soft, but the headband feels cheap and started to creak after a week. Noise cancelling works well on trains, although it struggles with wind. The app is a mess: it crashed twice and lost my settings. For commuters who want long battery life I would recommend them without hesitation.",
    pros: ["warm and detailed", "Battery life is excellent", "works well on trains", "recommend them"],
    cons: ["feels cheap", "struggles with wind", "The app is a mess"],
    verdict: "mixed",
  },
  {
    name: "happy headphones",
    text: "These are not flimsy at all. The hinges are solid, the pads are comfortable for hours, and calls are crystal clear. I had no problems pairing them with two phones. They could not be easier to use. I love them and have already bought a second pair for my sister.",
    pros: ["not flimsy", "solid", "no problems", "could not be easier"],
    cons: [],
    verdict: "positive",
  },
  {
    name: "restaurant",
    text: "We finally tried Casa Lume last Friday. The lamb was tender and full of flavour, and our waiter knew the wine list inside out. The starters took 50 minutes to arrive, though, and nobody offered more bread. The dining room is lovely but painfully loud. Dessert saved the evening: the lemon tart is the best I have had in years.",
    pros: ["tender and full of flavour", "dining room is lovely", "Dessert saved the evening"],
    cons: ["50 minutes", "painfully loud"],
    verdict: "mixed",
  },
  {
    name: "hotel",
    text: "Check-in was quick, and the receptionist was helpful. Our room had a huge bed and a spotless bathroom. Unfortunately the air conditioning rattled all night and the walls are thin. Breakfast costs 24 euros, which is steep for cold eggs. The pool was closed for repairs. The location could not be better. I would stay again for the location.",
    pros: ["Check-in was quick", "spotless", "location could not be better", "stay again"],
    cons: ["rattled", "steep for cold eggs"],
    verdict: "mixed",
  },
  {
    name: "laptop",
    text: "The Tern 14 boots in seconds and stays cool. The keyboard is comfortable and the screen is bright and sharp. It weighs 1.1 kg, so it disappears in my bag. The speakers are tinny and the webcam is grainy. I wish it had an HDMI port. Overall I am very happy with it and would buy it again.",
    pros: ["boots in seconds", "keyboard is comfortable", "very happy"],
    cons: ["tinny", "grainy"],
    verdict: "positive",
  },
  {
    name: "sarcastic",
    text: 'Oh great, another "smart" lamp that needs an account before it lights up. The app demanded my location, then crashed. I love how it forgets the wifi password every night. Brilliant. After two weeks the dimmer stopped working altogether. Makes a lovely paperweight.',
    pros: [],
    cons: ["crashed", "stopped working"],
    verdict: "negative",
  },
  {
    name: "all negative",
    text: "The blender leaked on the first day. It is far too loud and the blades are dull. The lid never fits properly. Customer service ignored three emails. I returned it and want my money back. Do not buy this piece of junk.",
    pros: [],
    cons: ["leaked", "too loud", "never fits properly", "ignored", "junk"],
    verdict: "negative",
  },
  {
    name: "no opinion",
    text: "The train leaves platform 4 at 9:15 and reaches the coast at 11:40. It has six carriages. Bicycles travel in the last one. Tickets are sold at the counter and online.",
    pros: [],
    cons: [],
    verdict: "neutral",
  },
];

export const germanText =
  "Der Kopfhörer klingt sehr gut und der Akku hält lange. Leider ist das Kabel zu kurz und die App stürzt oft ab. Insgesamt bin ich aber zufrieden.";
export const japaneseText =
  "このヘッドホンは音がとても良くて、バッテリーも長持ちします。しかし、ケーブルが短いです。";
