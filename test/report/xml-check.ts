/** The texts of an XML document's elements, entities resolved. @throws Error where the document is not well formed */
export function parseXml(xml: string): { elements: string[]; texts: string[] } {
  const open: string[] = [];
  const elements: string[] = [];
  const texts: string[] = [];
  const token = /<(\/?)([A-Za-z][\w:-]*)((?:\s+[A-Za-z][\w:-]*="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;
  let at = 0;
  while (at < xml.length) {
    token.lastIndex = at;
    const match = token.exec(xml);
    if (match === null) throw new Error(`not well formed at: ${xml.slice(at, at + 60)}`);
    at = token.lastIndex;
    const [, close, name = "", attributes = "", empty, text] = match;
    for (const part of [attributes, text ?? ""]) {
      if (/&(?!(?:amp|lt|gt|quot|#39);)/.test(part)) throw new Error(`bare ampersand in: ${part}`);
      if (/(?![\t\n\r])\p{Cc}|\p{Cs}|[\uFFFE\uFFFF]/u.test(part)) throw new Error("a character XML forbids");
    }
    if (text !== undefined) {
      texts.push(resolve(text));
    } else if (close === "/") {
      const expected = open.pop();
      if (expected !== name) throw new Error(`</${name}> closes <${expected}>`);
    } else {
      elements.push(name);
      if (empty === "") open.push(name);
    }
  }
  if (open.length > 0) throw new Error(`never closed: ${open.join(", ")}`);
  return { elements, texts };
}

function resolve(text: string): string {
  const named: Record<string, string> = {
    "&amp;": "&",
    "&lt;": "<",
    "&gt;": ">",
    "&quot;": '"',
    "&#39;": "'",
  };
  return text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => named[entity] ?? entity);
}
