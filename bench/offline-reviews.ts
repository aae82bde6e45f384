interface LabelledReview {
  readonly text: string;
  readonly labels: readonly string[];
  readonly stars: readonly [number, number];
  readonly recommendations: readonly string[];
  readonly pros: readonly string[];
  readonly cons: readonly string[];
}

/** Texts for the evaluation only: written and labelled before the model was run on them; no word list was made from them. */
export const reviews: readonly LabelledReview[] = [
  {
    text: "My old mower was a brute, so I wanted something lighter. This one is a joy to push and starts every time. The grass bag fills up in minutes, though, and emptying it is awkward. I would still buy it again tomorrow.",
    labels: ["positive"],
    stars: [4, 5],
    recommendations: ["yes", "reservations"],
    pros: ["a joy to push", "starts every time", "buy it again"],
    cons: ["fills up in minutes", "awkward"],
  },
  {
    text: "The brochure promised sea views. Our window faced a car park. The staff shrugged when we asked for another room, and the shower ran cold on three mornings out of five. At least the bed was comfortable.",
    labels: ["negative", "mixed"],
    stars: [1, 2],
    recommendations: ["no"],
    pros: ["bed was comfortable"],
    cons: ["car park", "shrugged", "ran cold"],
  },
  {
    text: "Setup took two minutes and the picture is stunning. Then the remote died. Support sent a new one within two days without asking questions. Two weeks later the second remote died as well. Lovely television, shame about the remotes.",
    labels: ["mixed"],
    stars: [3, 4],
    recommendations: ["reservations"],
    pros: ["picture is stunning", "sent a new one", "Lovely television"],
    cons: ["remote died", "shame about the remotes"],
  },
  {
    text: "I wanted to hate this book because everyone raves about it. I could not put it down. The ending is a bit rushed, but the characters are wonderfully drawn and the dialogue sparkles.",
    labels: ["positive"],
    stars: [4, 5],
    recommendations: ["yes", "reservations"],
    pros: ["not put it down", "wonderfully drawn", "dialogue sparkles"],
    cons: ["bit rushed"],
  },
  {
    text: "Great, another update that moves every button. The new search never finds anything, syncing fails daily, and my notes from March are gone. The dark theme looks nice. I have gone back to paper.",
    labels: ["negative"],
    stars: [1, 2],
    recommendations: ["no"],
    pros: ["dark theme looks nice"],
    cons: ["never finds anything", "syncing fails daily", "notes from March are gone"],
  },
  {
    text: "Two stars. The coffee grinder is quiet and looks elegant on the counter. It grinds unevenly, and the hopper cracked after a month. For this price I expected better.",
    labels: ["negative", "mixed"],
    stars: [2, 2],
    recommendations: ["no"],
    pros: ["quiet", "elegant"],
    cons: ["grinds unevenly", "hopper cracked", "expected better"],
  },
  {
    text: "These boots are waterproof, warm and hard-wearing. I have walked four hundred miles in them and they still look new. No blisters, no leaks. Worth the money.",
    labels: ["positive"],
    stars: [5, 5],
    recommendations: ["yes"],
    pros: ["waterproof, warm", "still look new", "Worth the money"],
    cons: [],
  },
  {
    text: "The course is well structured and the tutor answers questions patiently. The recordings are barely audible, and half the exercises link to pages that no longer exist. If you can live with that, the material itself is solid.",
    labels: ["mixed"],
    stars: [3, 3],
    recommendations: ["reservations"],
    pros: ["well structured", "patiently", "material itself is solid"],
    cons: ["barely audible", "no longer exist"],
  },
  {
    text: "Delivery was late, the box was crushed and one shelf was missing. The shop refused to replace it. Avoid.",
    labels: ["negative"],
    stars: [1, 1],
    recommendations: ["no"],
    pros: [],
    cons: ["was late", "crushed", "missing", "refused to replace"],
  },
  {
    text: "The location could not be more convenient and the heating bill fell by a third. Compared with our previous landlord, who was rude and unreliable, the agency is a pleasure to deal with. The walls are paper-thin.",
    labels: ["positive", "mixed"],
    stars: [3, 5],
    recommendations: ["yes", "reservations"],
    pros: ["more convenient", "heating bill fell", "a pleasure to deal with"],
    cons: ["paper-thin"],
  },
];

/** As `reviews`, written later: comparisons, wishes, conditions and irony in more domains. */
export const laterReviews: readonly LabelledReview[] = [
  {
    text: "I have had three vacuum cleaners and this is the first that does not choke on dog hair. It could not be simpler to empty. The cord is shorter than I would like, but that is my only complaint.",
    labels: ["positive"],
    stars: [4, 5],
    recommendations: ["yes", "reservations"],
    pros: ["does not choke", "could not be simpler"],
    cons: ["shorter than I would like"],
  },
  {
    text: "If the kitchen had been clean I would have given it another chance. It was not. Sticky counters, a fridge that smelled of fish, and a host who stopped answering once we had paid.",
    labels: ["negative"],
    stars: [1, 2],
    recommendations: ["no"],
    pros: [],
    cons: ["Sticky counters", "smelled of fish", "stopped answering"],
  },
  {
    text: "The dentist explained every step and nothing hurt. The receptionist could learn some manners, and we waited fifty minutes past our appointment. My tooth is fine now, so I will go back.",
    labels: ["positive", "mixed"],
    stars: [3, 4],
    recommendations: ["yes", "reservations"],
    pros: ["explained every step", "nothing hurt", "will go back"],
    cons: ["could learn some manners", "waited fifty minutes"],
  },
  {
    text: "My neighbour swears by the other brand, which is quieter and cheaper. I wish I had listened. This heater rattles, it smells of hot plastic and the thermostat is off by four degrees.",
    labels: ["negative"],
    stars: [1, 2],
    recommendations: ["no"],
    pros: [],
    cons: ["rattles", "hot plastic", "off by four degrees"],
  },
  {
    text: "A decent first album. Two songs are gorgeous, the singer has real presence, and the drums are never in the way. The lyrics are clumsy and the second half drags.",
    labels: ["mixed", "positive"],
    stars: [3, 4],
    recommendations: ["reservations"],
    pros: ["Two songs are gorgeous", "real presence"],
    cons: ["lyrics are clumsy", "second half drags"],
  },
  {
    text: "Wonderful, a phone that needs charging at lunchtime. The camera is good in daylight and the speakers are clear. Calls drop in my own kitchen and the screen ignores every third tap.",
    labels: ["negative", "mixed"],
    stars: [2, 3],
    recommendations: ["no", "reservations"],
    pros: ["camera is good", "speakers are clear"],
    cons: ["needs charging", "Calls drop", "ignores every third tap"],
  },
  {
    text: "We switched our payroll to this service in March. Nobody has complained since, month-end takes an hour instead of two days, and their support picks up on the first ring. The export to our bank needed a workaround.",
    labels: ["positive"],
    stars: [4, 5],
    recommendations: ["yes", "reservations"],
    pros: ["Nobody has complained", "an hour instead of two days", "picks up on the first ring"],
    cons: ["needed a workaround"],
  },
  {
    text: "The trail is well marked and the view from the ridge is worth every step. Do not expect shade or water. The hut was closed without notice, which was annoying but hardly the trail's fault.",
    labels: ["positive"],
    stars: [4, 5],
    recommendations: ["yes", "reservations"],
    pros: ["well marked", "worth every step"],
    cons: ["closed without notice"],
  },
  {
    text: "It is not that the tent leaks. It is that the poles bend in a light breeze, the zips jam, and the bag is too small for the tent that came in it. My old one was half the price and lasted ten years.",
    labels: ["negative"],
    stars: [1, 2],
    recommendations: ["no"],
    pros: [],
    cons: ["poles bend", "zips jam", "too small"],
  },
  {
    text: "3.5 out of 5. Friendly bakers, excellent rye, mediocre croissants. Queues on Saturdays are long but move quickly. Card payments only from ten euros, which is a nuisance.",
    labels: ["mixed", "positive"],
    stars: [3, 4],
    recommendations: ["yes", "reservations"],
    pros: ["Friendly bakers", "excellent rye"],
    cons: ["mediocre croissants", "nuisance"],
  },
];

const nullable = (...names: string[]) => ({
  type: "object",
  properties: Object.fromEntries(names.map((name) => [name, { type: ["string", "null"] }])),
  required: names,
});

/** Texts with the fields that they state; what they do not state is `null`. */
export const fieldTexts: readonly {
  readonly text: string;
  readonly schema: Readonly<Record<string, unknown>>;
  readonly value: Readonly<Record<string, unknown>>;
}[] = [
  {
    text: "Order reference: QX-19\nOrdered on: 4 July 2025\nDelivery date: 9 July 2025\nSubtotal: 40.00\nTotal: 47.60 EUR",
    schema: nullable("orderReference", "deliveryDate", "total"),
    value: { orderReference: "QX-19", deliveryDate: "9 July 2025", total: "47.60 EUR" },
  },
  {
    text: "Dear team, see you on 8 August. Best, Ingrid",
    schema: nullable("name", "dueDate", "company"),
    value: { name: null, dueDate: null, company: null },
  },
  {
    text: "The meeting moved from Tuesday to Friday because Paul is ill.",
    schema: nullable("date", "attendee", "title"),
    value: { date: null, attendee: null, title: null },
  },
  {
    text: "Payment is due by 30 September 2025. Invoice number 8812 was sent on 1 September.",
    schema: nullable("invoiceNumber", "dueDate", "total"),
    value: { invoiceNumber: "8812", dueDate: "30 September 2025", total: null },
  },
  {
    text: "Name: Ada Osei\nPhone: not given\nColours: red, green and blue",
    schema: {
      type: "object",
      properties: {
        name: { type: "string" },
        phone: { type: ["string", "null"] },
        colours: { type: "array", items: { type: "string" } },
      },
      required: ["name", "phone", "colours"],
    },
    value: { name: "Ada Osei", phone: null, colours: ["red", "green", "blue"] },
  },
];
