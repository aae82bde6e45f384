/** Notes on made-up companies: what a researcher would find in its own files. */
export const companyNotes: Readonly<Record<string, string>> = {
  "Arbor Cycles":
    "Arbor Cycles builds electric cargo bikes in Leeds. Revenue: 6.3 million euros in 2025, after 4.1 million in 2023. Customers praise the frame and the quick repairs. The company depends on one supplier for its batteries, and deliveries were late twice last year.",
  "Norrland Freight":
    "Norrland Freight runs 42 lorries between Sweden and Finland. Revenue: 18 million euros in 2025, unchanged from the year before. Drivers like the modern cabins. Fuel costs rose by 11 percent, and the firm lost its largest customer in March.",
  "Pelican Foods":
    "Pelican Foods sells frozen fish to 310 supermarkets. Revenue: 27 million euros in 2025, an increase of 9 percent. Its cold store in Porto is excellent and fully automated. A recall of two batches in May damaged its name.",
};
