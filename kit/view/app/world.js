// A world: its questions with their reasoning, its facts with all that tells of them, its entities and who is next to them.

function worldTabs(section, number) {
  const { tables } = section;
  const link = (table, id, where) => place(number, table, id, where);
  const named = async (ids) =>
    Object.fromEntries(
      (tables.entities ? await tables.entities.find("id", [...new Set(ids)]) : []).map(({ id, name }) => [id, name]),
    );
  const facts = async (ids) => {
    const found = [];
    for (const table of ["facts", "shuffled_facts"])
      if (tables[table]) found.push(...(await tables[table].find("id", ids)).map((fact) => ({ ...fact, table })));
    return found;
  };
  const arrows = async (held) => {
    const names = await named(held.flatMap(({ subject, object }) => [subject, object]));
    return held.map((fact) =>
      el(
        "a",
        { href: link(fact.table ?? "facts", fact.id), class: "arrow" },
        word(names[fact.subject] ?? fact.subject),
        el("i", {}, ` ${fact.relation} → `),
        word(names[fact.object] ?? fact.object),
        years(fact),
      ),
    );
  };

  async function question(row) {
    const [names, stated] = await Promise.all([named(row.heads), facts(row.support)]);
    const support = inTurn(stated, row.heads);
    const necessary = new Set(row.certificate?.necessary ?? []);
    const lines = await arrows(support);
    const strange = row.support.filter((id) => !support.some((fact) => fact.id === id));
    const within = new Set(row.support);
    return el(
      "article",
      {},
      el("h2", {}, word(row.text)),
      el(
        "p",
        { class: "answer" },
        "Answer: ",
        row.answers.map((answer, i) => [i ? " or " : "", word(answer)]),
      ),
      row.members.length
        ? el(
            "p",
            {},
            "All of: ",
            row.members.map((each, i) => [i ? ", " : "", word(each)]),
          )
        : null,
      row.outdated.length ? el("p", {}, "Before the edit: ", row.outdated.join(", ")) : null,
      part("Reasoning", el("div", { class: "scroll" }, drawing(reasoning(row, names), `the reasoning of: ${row.text}`))),
      part(
        "Asked by itself",
        row.sub_questions.length
          ? el(
              "ol",
              {},
              row.sub_questions.map((each) =>
                el(
                  "li",
                  {},
                  word(each.text),
                  " ",
                  el("b", {}, word(each.answer)),
                  each.sentence ? el("div", { class: "note" }, word(each.sentence)) : null,
                ),
              ),
            )
          : null,
      ),
      part(
        "Facts it rests on",
        lines.length
          ? el(
              "ul",
              {},
              lines.map((line, i) =>
                el(
                  "li",
                  {},
                  line,
                  necessary.has(support[i].id)
                    ? el("span", { class: "badge", title: "without it there is another answer, or none" }, "necessary")
                    : null,
                ),
              ),
            )
          : null,
        strange.length ? el("p", { class: "note" }, `${strange.length} of a throwaway world`) : null,
      ),
      part(
        "In the prompt",
        row.context.length
          ? el(
              "ul",
              {},
              row.context.map((sentence, i) =>
                el(
                  "li",
                  { class: within.has(row.context_facts[i]) ? "" : "faint" },
                  word(sentence),
                  within.has(row.context_facts[i]) ? null : el("span", { class: "badge" }, "distractor"),
                ),
              ),
            )
          : null,
      ),
      part(
        "Offered beside the answer",
        row.candidates.length
          ? el(
              "p",
              {},
              row.candidates.map((each, i) => [i ? " · " : "", word(each)]),
            )
          : null,
      ),
      part(
        "Certificate",
        row.certificate
          ? terms(
              Object.entries(row.certificate)
                .filter(([name]) => name !== "necessary")
                .map(([name, value]) => [name.replaceAll("_", " "), String(value)]),
            )
          : null,
      ),
      terms([
        ["id", row.id],
        ["split", row.split],
        ["shape", row.shape],
        ["hops", row.hops],
        ["stale", row.stale ? "yes" : ""],
        ...Object.entries(row.difficulty ?? {}).map(([name, value]) => [name, String(value)]),
      ]),
      row.probes ? el("p", {}, el("a", { href: link("facts", row.probes) }, "the fact that it probes")) : null,
    );
  }

  async function fact(row) {
    const names = await named([row.subject, row.object]);
    const [documents, probes, questions, exposures] = await Promise.all([
      tables.documents?.find("facts", [row.id], 200) ?? [],
      tables.probes?.find("probes", [row.id], 50) ?? [],
      tables.questions?.find("support", [row.id], 50) ?? [],
      tables.exposures?.find("fact", [row.id]) ?? [],
    ]);
    const marks = { [names[row.object]]: "object", [names[row.subject]]: "subject" };
    return el(
      "article",
      {},
      el(
        "h2",
        {},
        word(names[row.subject] ?? row.subject),
        el("i", {}, ` ${row.relation} → `),
        word(names[row.object] ?? row.object),
      ),
      terms([
        ["id", row.id],
        ["part", row.part],
        ["holds", years(row)],
      ]),
      el(
        "p",
        {},
        el("a", { href: link("entities", row.subject) }, "subject"),
        " · ",
        el("a", { href: link("entities", row.object) }, "object"),
      ),
      part(
        "How often documents state it",
        exposures.length
          ? grid(
              ["corpus", "statements", "reversed", "masked"],
              exposures.map((each) => [each.corpus, count(each.statements), count(each.reversed), count(each.masked)]),
            )
          : null,
      ),
      part(
        "Probes",
        probes.length
          ? el(
              "ul",
              {},
              probes.map((each) =>
                el(
                  "li",
                  {},
                  el("span", { class: "badge" }, each.shape),
                  el("a", { href: link("probes", each.id) }, word(each.text)),
                  " ",
                  el("b", {}, word(each.answers[0])),
                ),
              ),
            )
          : null,
      ),
      part(
        "Questions that rest on it",
        questions.length
          ? el(
              "ul",
              {},
              questions.map((each) => el("li", {}, el("a", { href: link("questions", each.id) }, word(each.text)))),
            )
          : null,
      ),
      part(
        `Documents that state it${documents.length ? ` (${documents.length === 200 ? "the first 200" : documents.length})` : ""}`,
        documents.map((each) =>
          el(
            "div",
            { class: "document" },
            el(
              "p",
              { class: "note" },
              el("a", { href: link("documents", each.id) }, each.template),
              ` · ${each.corpus} · exposure ${each.exposure}`,
            ),
            el("div", { class: "said", dir: "auto" }, marked(each.text, marks)),
          ),
        ),
      ),
    );
  }

  async function entity(row) {
    const [before, after] = await Promise.all(
      ["object", "subject"].map((column) => tables.facts?.find(column, [row.id], 200) ?? []),
    );
    const names = await named([...before.map((each) => each.subject), ...after.map((each) => each.object)]);
    const sides = [
      before.map((each) => ({ label: names[each.subject] ?? each.subject, step: each.relation, id: each.subject })),
      after.map((each) => ({ label: names[each.object] ?? each.object, step: each.relation, id: each.object })),
    ];
    return el(
      "article",
      {},
      el("h2", {}, word(row.name)),
      terms([
        ["type", row.type],
        ["part", row.part],
        ["also called", row.aliases.join(", ")],
        ["block", String(row.block)],
        ["held out", row.held_out ? "yes" : ""],
        ["id", row.id],
      ]),
      part(
        "Who is next to it",
        neighbourhood(row.name, ...sides, (id) => link("entities", id)),
      ),
      part(
        "Its facts",
        el(
          "ul",
          {},
          (await arrows([...after, ...before])).map((line) => el("li", {}, line)),
        ),
      ),
    );
  }

  async function document_(row) {
    const stated = await facts(row.facts);
    const names = await named(stated.flatMap(({ subject, object }) => [subject, object]));
    const marks = Object.fromEntries(
      stated.flatMap(({ subject, object }) => [
        [names[subject], "subject"],
        [names[object], "object"],
      ]),
    );
    const [context, rest] = [row.text.slice(0, row.context_chars), row.text.slice(row.context_chars)];
    const forms = { p: "", r: "reversed", m: "masked" };
    return el(
      "article",
      {},
      el("h2", {}, `${row.template} · ${row.corpus}`),
      el(
        "div",
        { class: "said", dir: "auto" },
        context ? el("span", { class: "faint", title: "there to be read: no loss falls on it" }, marked(context, marks)) : null,
        marked(rest, marks),
      ),
      part(
        "Facts that it states",
        stated.length
          ? el(
              "ul",
              {},
              (await arrows(stated)).map((line, i) =>
                el(
                  "li",
                  {},
                  line,
                  forms[row.forms[row.facts.indexOf(stated[i].id)]]
                    ? el("span", { class: "badge" }, forms[row.forms[row.facts.indexOf(stated[i].id)]])
                    : null,
                ),
              ),
            )
          : el("p", { class: "note" }, `${row.facts.length} of a throwaway world`),
      ),
      terms([
        ["id", row.id],
        ["exposure", String(row.exposure)],
        ["characters", count(row.text.length)],
      ]),
    );
  }

  async function example(row) {
    const stated = await facts(row.facts);
    return el(
      "article",
      {},
      el("h2", {}, row.kind),
      part("Prompt", said(row.prompt)),
      part("Completion", said(row.completion)),
      part(
        "Facts that it carries",
        stated.length
          ? el(
              "ul",
              {},
              (await arrows(stated)).map((line) => el("li", {}, line)),
            )
          : null,
      ),
      terms([["id", row.id]]),
    );
  }

  const asked = (row) => [
    word(row.text, "main"),
    el("span", { class: "note" }, `${row.answers[0]} · ${row.split} · ${row.shape}`),
  ];
  const told = async (rows) => {
    const names = await named(rows.flatMap(({ subject, object }) => [subject, object]));
    return rows.map((row) => [
      el(
        "span",
        { class: "main" },
        word(names[row.subject] ?? row.subject),
        el("i", {}, ` ${row.relation} → `),
        word(names[row.object] ?? row.object),
      ),
      el("span", { class: "note" }, `${row.part}${years(row)}`),
    ]);
  };
  const views = {
    questions: { row: asked, detail: question },
    facts: { rows: told, detail: fact },
    entities: {
      row: (row) => [word(row.name, "main"), el("span", { class: "note" }, `${row.type} · ${row.part}`)],
      detail: entity,
    },
    documents: {
      row: (row) => [word(row.text.slice(0, 140), "main"), el("span", { class: "note" }, `${row.template} · ${row.corpus}`)],
      detail: document_,
    },
    probes: { row: asked, detail: question },
    examples: {
      row: (row) => [
        word(row.prompt.slice(0, 160), "main"),
        el("span", { class: "note" }, `${row.completion.slice(0, 60)} · ${row.kind}`),
      ],
      detail: example,
    },
    shuffled_facts: { rows: told, detail: fact },
  };
  const other = {
    row: (row) => [word(String(row.question ?? row.prompt ?? row.fact ?? row.id).slice(0, 140), "main")],
    detail: async (row) =>
      el(
        "article",
        {},
        Object.entries(row)
          .filter(([name]) => name !== "_row")
          .map(([name, value]) => part(name, said(plain(value)))),
      ),
  };
  const tabs = Object.fromEntries(
    Object.keys(tables)
      .filter((name) => name !== "exposures")
      .map((name) => [
        name,
        { label: name.replaceAll("_", " "), show: (now) => browse(section, name, views[name] ?? other, now) },
      ]),
  );
  return section.told.audit ? { ...tabs, audit: { label: "audit", show: async () => [audit(section.told.audit)] } } : tabs;
}

/** What the audit found. */
function audit(found) {
  const rows = Object.entries(found.exposures ?? {}).map(([corpus, told]) => [
    corpus,
    ...["facts", "fewest", "most", "asked"].map((name) => String(told[name])),
  ]);
  const numbers = { ...found.splits, ...found.phrasings };
  const guessers = [...(found.guessers ?? [])].sort((a, b) => b.z - a.z);
  return el(
    "article",
    { class: "whole" },
    el("h2", {}, "What the audit found"),
    part("Documents state every fact so often", grid(["corpus", "facts", "fewest", "most", "asked"], rows)),
    part(
      "Splits and wordings",
      terms(Object.entries(numbers).map(([name, value]) => [name.replaceAll("_", " "), String(value)])),
    ),
    part(
      "Guessers that know nothing",
      grid(
        ["guesser", "shape", "split", "right", "chance", "z", "n"],
        guessers.map((row) => [
          row.guesser,
          row.shape,
          row.split,
          row.right.toFixed(3),
          row.chance.toFixed(3),
          row.z.toFixed(1),
          count(row.n),
        ]),
      ),
    ),
  );
}

function years({ valid_from: from, valid_to: to }) {
  return from || to ? ` [${from ?? "…"} to ${to ?? "…"}]` : "";
}

/** Facts as reasoning comes upon them: from the heads on, each from what is reached by then; those that are not reached last. */
function inTurn(facts, heads) {
  const reached = new Set(heads);
  const found = [];
  for (let grown = true; grown;) {
    const next = facts.filter((fact) => !found.includes(fact) && (reached.has(fact.subject) || reached.has(fact.object)));
    grown = next.length > 0;
    found.push(...next);
    next.forEach(({ subject, object }) => reached.add(subject).add(object));
  }
  return [...found, ...facts.filter((fact) => !found.includes(fact))];
}
