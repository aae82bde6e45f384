/** Markup as a tagged template. Everything in `${…}` is a text node or a property: never parsed. */
export { html } from "htm/preact";

/** A key that acts on the focused thing as a click does. */
export function onEnter(act: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    act();
  };
}
