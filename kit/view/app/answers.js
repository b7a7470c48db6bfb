// Answers: what was asked, what was said, what was read of it, what was right, and why it failed; beside those of other runs.

const WHY = {
  none: "right",
  format: "not in the form it is read by",
  answer: "a wrong answer",
  first_hop: "the first hop is wrong",
  later_hop: "a later hop is wrong",
  recall: "a fact is not recalled, asked by itself",
  composition: "every hop is right by itself, the whole is not",
  arithmetic: "an equation is wrong",
  step: "a step is wrong",
  wrong_result: "the program returns something else",
  exception: "the program fails",
  limits: "the program took too long, or too much",
  unjudged: "it returns what cannot leave the sandbox",
  instruction: "an instruction is not followed",
  truncated: "cut off before the answer",
  refused: "the model, or its server, would not answer",
  too_long: "the prompt is longer than the model reads",
};
const VERDICT = { right: "✓", wrong: "✗", "partly right": "◐" };

/** names: the constants that tell runs apart, such as ["arm", "D", "replicate"]. others: sections that may hold the question. */
function answersView(section, names, others, order = {}) {
  const table = section.tables.answers;
  const called = (row) => names.map((name) => constant(row, name)).join(" · ");
  return {
    first: names.includes("run") ? "agree" : "",
    order: { agree: ["differ", "the same", "only one"], ...order },
    row: (row) => [
      el(
        "span",
        { class: "main" },
        el("span", { class: `verdict ${row.verdict}`, title: row.verdict }, VERDICT[row.verdict]),
        " ",
        word(tail(row.prompt)),
      ),
      el(
        "span",
        { class: "note" },
        word(`${row.extracted ?? "nothing read"}${row.error === "none" ? "" : ` · ${row.error.replaceAll("_", " ")}`}`),
        ` · ${called(row)}`,
      ),
    ],
    detail: async (row) => {
      const [beside, graph] = await Promise.all([table.find("group", [row.group], 400), questionOf(row, others)]);
      const all = beside.length ? beside : [row];
      const shown = pinned(all, row);
      return el(
        "article",
        {},
        el("h2", {}, word(tail(row.prompt))),
        el(
          "p",
          { class: "answer" },
          "Gold: ",
          row.answers.map((answer, i) => [i ? " or " : "", word(answer)]),
        ),
        el(
          "div",
          { class: "beside" },
          shown.map((each) => one(each, called(each), each._row === row._row)),
        ),
        all.length > shown.length ? across(all, row, names) : null,
        graph,
        part("Prompt", said(row.prompt)),
        part("Tags", terms(Object.entries(row.tags))),
        terms([
          ["question", row.question_id],
          ["task", row.task],
        ]),
      );
    },
  };
}

/** What tells a run apart, in words: an arm's or a run's own name, a number with what it numbers. */
function constant(row, name) {
  return { D: `D = ${row.D}`, replicate: `replicate ${row.replicate}` }[name] ?? row[name];
}

/** The end of a prompt, which is what is asked. */
function tail(prompt) {
  const lines = prompt
    .trim()
    .split("\n")
    .filter((line) => line.trim());
  const last = lines.at(-1) ?? "";
  return last.length < 30 && lines.length > 1 ? lines.slice(-2).join(" ") : last.slice(0, 300);
}

/** Of few answers all; of many the one that was chosen, and those that were pinned beside it. */
function pinned(all, row) {
  if (all.length <= 4) return all;
  const kept = (state().more.beside ?? "").split(",").filter(Boolean).map(Number);
  return [row, ...all.filter((each) => each._row !== row._row && kept.includes(each._row))];
}

/** One answer in full. */
function one(row, called, chosen) {
  return el(
    "section",
    { class: `one${chosen ? " chosen" : ""}`, "aria-label": called },
    el("h3", {}, el("span", { class: `verdict ${row.verdict}` }, VERDICT[row.verdict]), " ", called),
    terms([
      ["read", row.extracted ?? "nothing"],
      ["why", WHY[row.error] ?? row.error],
      ["ended", { stop: "by itself", length: "cut off", refused: "withheld", too_long: "not begun", unknown: "" }[row.finish]],
    ]),
    row.thought
      ? el(
          "details",
          {},
          el("summary", {}, `thought aloud (${count(row.thought.length)} characters)`),
          said(row.thought, "thought"),
        )
      : null,
    said(row.output, row.finish === "length" ? "cut" : ""),
    row.finish === "length" ? el("p", { class: "note" }, "✂ cut off here") : null,
    el(
      "details",
      {},
      el("summary", {}, "scores"),
      terms(Object.entries(row.scores).map(([name, value]) => [name.replaceAll("_", " "), short(value)])),
    ),
  );
}

/** All runs that answer a question, as marks: by the first name in rows, by the others in columns. */
function across(all, row, names) {
  const [first, ...rest] = names;
  const columnOf = (each) => rest.map((name) => constant(each, name)).join(" · ");
  const columns = [...new Set(all.map(columnOf))].sort((a, b) => natural(a.replace("D = ", ""), b.replace("D = ", "")));
  const rows = [...new Set(all.map((each) => each[first]))];
  const now = state();
  const kept = (now.more.beside ?? "").split(",").filter(Boolean);
  const mark = (each) => {
    const held = kept.includes(String(each._row));
    const beside = (held ? kept.filter((one) => one !== String(each._row)) : [...kept, each._row]).slice(-3).join(",");
    return el(
      "a",
      {
        href: address({ more: { ...now.more, beside } }, now),
        class: `verdict ${each.verdict}`,
        title: `${each.verdict}: ${each.extracted ?? "nothing read"}`,
        "aria-label": `${each[first]}, ${columnOf(each)}: ${each.verdict}${held ? ", shown" : ""}`,
        "aria-current": held || each._row === row._row ? "true" : null,
      },
      VERDICT[each.verdict],
    );
  };
  return part(
    "All that answer it",
    el("p", { class: "note" }, "A mark puts an answer beside this one, or takes it away."),
    grid(
      [first, ...columns],
      rows.map((name) => [
        name,
        ...columns.map((column) => {
          const there = all.filter((each) => each[first] === name && columnOf(each) === column);
          return there.length ? el("span", {}, there.map(mark)) : "";
        }),
      ]),
      "answers by run",
    ),
  );
}

/** The reasoning of the question that was answered, where its world is open too. */
async function questionOf(row, others) {
  for (const { section, number } of others) {
    for (const name of ["questions", "probes"]) {
      const [found] = section.tables[name] ? await section.tables[name].find("id", [row.question_id], 1) : [];
      if (!found) continue;
      const entities = section.tables.entities ? await section.tables.entities.find("id", found.heads) : [];
      const names = Object.fromEntries(entities.map(({ id, name: called }) => [id, called]));
      return part(
        "Reasoning",
        el("div", { class: "scroll" }, drawing(reasoning(found, names), `the reasoning of: ${found.text}`)),
        el("p", {}, el("a", { href: place(number, name, found.id) }, "the question in its world")),
      );
    }
  }
  return null;
}

/** Evaluations side by side. */
function answersTabs(section, number, all) {
  const order = { run: section.told.runs.map(({ run }) => run) };
  const view = answersView(section, ["run"], worldsOf(all), order);
  return {
    answers: { label: "answers", show: (now) => browse(section, "answers", view, now) },
    settings: {
      label: "settings",
      show: async () => [
        el(
          "article",
          { class: "whole" },
          section.told.runs.map(({ run, config }) => part(run, settings(config))),
        ),
      ],
    },
  };
}

/** The worlds that are open, for what was asked of them. */
function worldsOf(all) {
  return all.map((section, number) => ({ section, number })).filter(({ section }) => section.kind === "world");
}
