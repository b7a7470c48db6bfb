// What is looked at stands in the address, so that it can be sent and is there again when the page is loaded anew.

/** {section, tab, where, search, item, start, …} from `#0/questions?split=novel&search=…`. */
function state() {
  const [path, query] = location.hash.slice(1).split("?");
  const [section, tab] = path.split("/");
  const found = {
    section: Number(section) || 0,
    tab: decodeURIComponent(tab ?? ""),
    where: {},
    search: "",
    start: 0,
    item: null,
    more: {},
  };
  for (const [name, value] of new URLSearchParams(query ?? "")) {
    if (name.startsWith("where.")) found.where[name.slice(6)] = value;
    else if (name.startsWith("more.")) found.more[name.slice(5)] = value;
    else if (name === "start") found.start = Number(value) || 0;
    else if (name === "search" || name === "item") found[name] = value;
  }
  return found;
}

/** The address of a state; changes: what is another than now. */
function address(changes, from = state()) {
  const to = { ...from, ...changes };
  const query = new URLSearchParams();
  for (const [facet, value] of Object.entries(to.where)) if (value !== "") query.set(`where.${facet}`, value);
  for (const [name, value] of Object.entries(to.more ?? {})) if (value !== "") query.set(`more.${name}`, value);
  if (to.search) query.set("search", to.search);
  if (to.start) query.set("start", to.start);
  if (to.item !== null && to.item !== undefined) query.set("item", to.item);
  const asked = query.toString();
  return `#${to.section}/${encodeURIComponent(to.tab)}${asked ? `?${asked}` : ""}`;
}

/** Where an item of a table is shown. */
function place(section, tab, item, where = {}) {
  return address({ section, tab, item, where, search: "", start: 0, more: {} });
}

/** Go there; the page is drawn anew by the change of the address. */
function go(changes, replace = false) {
  const to = address(changes);
  if (replace) {
    history.replaceState(null, "", to);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else location.hash = to;
}
