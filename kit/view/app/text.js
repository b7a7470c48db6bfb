"use strict";
// Elements, and text as it is: whatever a model wrote is put into text nodes, and what could not be seen is shown by its number.

const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** An element. properties: attributes, `class` among them, and functions `on…`; null ones are left out. */
function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

/** Text with controls, marks of direction and lone surrogates shown by their numbers. */
function visible(text) {
  const made = document.createDocumentFragment();
  let end = 0;
  for (const found of String(text).matchAll(UNSEEN)) {
    made.append(text.slice(end, found.index));
    const number = found[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    made.append(el("span", { class: "unseen", title: `character U+${number}` }, `U+${number}`));
    end = found.index + found[0].length;
  }
  made.append(String(text).slice(end));
  return made;
}

/** What a model or a document says: its lines as they are, its direction by its own letters. */
function said(text, kind = "") {
  return el("div", { class: `said ${kind}`, dir: "auto" }, visible(text));
}

/** A short text in a line of others: its direction stays its own. */
function word(text, kind = "") {
  return el("bdi", { class: kind }, visible(text));
}

/** Names in a text marked: names -> class. */
function marked(text, names) {
  const all = Object.keys(names)
    .filter(Boolean)
    .sort((a, b) => b.length - a.length);
  if (!all.length) return visible(text);
  const pattern = new RegExp(all.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "gu");
  const made = document.createDocumentFragment();
  let end = 0;
  for (const found of text.matchAll(pattern)) {
    made.append(visible(text.slice(end, found.index)), el("mark", { class: names[found[0]] }, visible(found[0])));
    end = found.index + found[0].length;
  }
  made.append(visible(text.slice(end)));
  return made;
}

/** 12,345 */
function count(number) {
  return number.toLocaleString("en");
}

/** Terms and what they are; those without anything are left out. */
function terms(pairs) {
  const there = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "" && value?.length !== 0);
  return el(
    "dl",
    { class: "terms" },
    there.map(([term, value]) => [el("dt", {}, term), el("dd", {}, value instanceof Node ? value : visible(value))]),
  );
}

/** A value as text: a string as it is, another as JSON. */
function plain(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The settings of a stage. */
function settings(config) {
  return terms(Object.entries(config).map(([name, value]) => [name, plain(value)]));
}

/** A table: cells are texts or nodes. */
function grid(header, rows, caption = null) {
  const head = el(
    "thead",
    {},
    el(
      "tr",
      {},
      header.map((cell) => el("th", { scope: "col" }, cell)),
    ),
  );
  const body = el(
    "tbody",
    {},
    rows.map((row) =>
      el(
        "tr",
        {},
        row.map((cell) => el("td", {}, cell instanceof Node ? cell : visible(cell ?? "–"))),
      ),
    ),
  );
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption ?? "table" },
    el("table", {}, head, body),
  );
}

/** A heading with what stands under it; nothing where there is nothing. */
function part(title, ...content) {
  const there = content.flat().filter((each) => each !== null && each !== undefined);
  return there.length ? el("section", {}, el("h3", {}, title), there) : null;
}
