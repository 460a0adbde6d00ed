// Elements without a framework: everything that comes from outside becomes text, never markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. `props` are attributes; `on` maps event names to listeners, `vars` CSS properties to values. */
export function el(name, props = {}, ...children) {
  return filled(document.createElement(name), props, children);
}

/** An SVG element. */
export function svg(name, props = {}, ...children) {
  return filled(document.createElementNS(SVG, name), props, children);
}

/** The element of this id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Shows these children in place of what was there. */
export function fill(parent, ...children) {
  parent.replaceChildren(...shown(children));
  return parent;
}

function shown(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

function filled(element, { on = {}, vars = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  for (const [name, value] of Object.entries(vars)) element.style.setProperty(name, value); // the policy allows no style=""
  element.append(...shown(children));
  return element;
}
