// A table's rows: filters, search, what was found, and the row that is looked at beside them.

const PAGE = 100;

/**
 * view: {row: a row's line as nodes (or rows: async, of all of them), detail: async (row) => what is shown of it, first: the facet whose first values come first,
 * order: facet -> values in their order, named: facet -> its label}.
 */
async function browse(section, name, view, now) {
  const table = section.tables[name];
  const [counts, found] = await Promise.all([
    table.counts(),
    table.rows({
      where: now.where,
      search: now.search,
      start: now.start,
      limit: PAGE,
      first: now.search ? "" : (view.first ?? ""),
    }),
  ]);
  const filters = el(
    "form",
    { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
    el(
      "label",
      {},
      el("span", {}, "search"),
      el("input", {
        type: "search",
        id: "search",
        value: now.search,
        placeholder: "text of any row  ( / )",
        oninput: later((event) => go({ search: event.target.value, start: 0 }, true)),
      }),
    ),
    Object.entries(counts)
      .filter(([, values]) => Object.keys(values).length > 1)
      .map(([facet, values]) => choice(facet, values, view, now)),
  );
  const lines = view.rows ? await view.rows(found.rows) : found.rows.map(view.row);
  const rows = found.rows.map((row, i) => {
    const item = String(row.id ?? row._row);
    return el(
      "li",
      {},
      el("a", { href: address({ item }, now), class: "row", "aria-current": item === now.item ? "true" : null }, lines[i]),
    );
  });
  const told =
    found.total !== null
      ? `${count(found.total)} of ${count(table.size)} ${name}${now.start ? `, from the ${count(now.start + 1)}th` : ""}`
      : found.then !== null
        ? `${count(found.rows.length)} so far, of ${count(table.size)} ${name}`
        : `the last ${count(found.rows.length)}, of ${count(table.size)} ${name}`;
  const after = found.then ?? (found.total !== null && now.start + PAGE < found.total ? now.start + PAGE : null);
  const list = el(
    "section",
    { class: "list", "aria-label": `${name} found` },
    filters,
    el("p", { class: "note", role: "status", id: "found" }, told),
    found.rows.length
      ? el("ol", { start: now.start + 1 }, rows)
      : el("p", { class: "note" }, "Nothing has all of this: take a filter away."),
    el(
      "p",
      { class: "pages" },
      now.start ? el("a", { href: address({ start: Math.max(0, now.start - PAGE) }, now) }, "← before") : null,
      after !== null ? el("a", { href: address({ start: after }, now), id: "after" }, "further →") : null,
    ),
  );
  return [list, await detail(table, view, now)];
}

async function detail(table, view, now) {
  if (now.item === null)
    return el(
      "section",
      { class: "detail empty", "aria-label": "nothing chosen" },
      el("p", { class: "note" }, "Choose a row: j and k go through them."),
    );
  const [row] = await table.find(/^\d{1,9}$/.test(now.item) ? "_row" : "id", [now.item], 1);
  if (!row) return el("section", { class: "detail" }, el("p", { class: "note" }, `There is no ${now.item} here.`));
  return el(
    "section",
    { class: "detail", tabindex: "-1", id: "detail", "aria-label": "the row that is looked at" },
    el("p", { class: "back" }, el("a", { href: address({ item: null }, now) }, "← all rows")),
    await view.detail(row),
  );
}

/** A facet as a choice of its values. */
function choice(facet, values, view, now) {
  const order = view.order?.[facet] ?? Object.keys(values).sort(natural);
  const options = order
    .filter((value) => value in values)
    .map((value) =>
      el("option", { value, selected: now.where[facet] === value }, `${value || "none"} (${count(values[value])})`),
    );
  return el(
    "label",
    {},
    el("span", {}, view.named?.[facet] ?? facet),
    el(
      "select",
      { name: facet, onchange: (event) => go({ where: { ...state().where, [facet]: event.target.value }, start: 0 }) },
      el("option", { value: "" }, "all"),
      options,
    ),
  );
}

/** A function that waits until nothing was typed for a while. */
function later(act, milliseconds = 200) {
  let waiting;
  return (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(act, milliseconds, event);
  };
}
