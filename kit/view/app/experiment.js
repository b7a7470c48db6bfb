// An experiment: what it found, every measure by D and arm, and the answers behind each point.

const SERIES = 6;

function experimentTabs(section, number, all) {
  const { report, arms, measures, replicates } = section.told;
  const order = { arm: Object.values(arms), measure: Object.values(measures), replicate: replicates };
  const view = answersView(section, ["arm", "D", "replicate"], worldsOf(all), order);
  const shown = { ...view, detail: async (row) => el("div", {}, await view.detail(row), await told(row)) };

  /** What each arm was shown of the facts that a question rests on. */
  async function told(row) {
    for (const { section: world } of worldsOf(all)) {
      for (const name of ["questions", "probes"]) {
        const [question] = world.tables[name] ? await world.tables[name].find("id", [row.question_id], 1) : [];
        if (!question || !section.tables.shown) continue;
        const rows = (await section.tables.shown.find("fact", question.support, 1000)).filter(
          (each) => each.replicate === row.replicate && each.D === row.D,
        );
        const sums = new Map();
        for (const { arm, source, exposures, dose } of rows) {
          const key = `${arm}\t${source}`;
          const [before, dosed] = sums.get(key) ?? [0, 0];
          sums.set(key, [before + exposures, dosed + dose]);
        }
        const lines = [...sums].map(([key, [exposures, dose]]) => [...key.split("\t"), String(exposures), dose.toPrecision(3)]);
        return part(
          `What each arm was shown of its ${question.support.length === 1 ? "fact" : `${question.support.length} facts`}, D = ${row.D}`,
          lines.length ? grid(["arm", "in rows of", "exposures", "dose"], lines) : null,
        );
      }
    }
    return null;
  }

  const behind = (point) =>
    place(number, "answers", null, {
      arm: arms[point.arm],
      D: String(point.D),
      measure: measures[point.measure],
      part: "question",
    });

  async function points(now) {
    const asked = Object.keys(measures).filter((name) => report.points.some((point) => point.measure === name));
    const measure = asked.includes(now.more.measure) ? now.more.measure : asked[0];
    const here = report.points.filter((point) => point.measure === measure);
    const named = (point) => ({
      x: point.D,
      y: point.value,
      low: point.low,
      high: point.high,
      n: point.n,
      href: behind(point),
      name: arms[point.arm],
      title: `${arms[point.arm]}, D = ${point.D}: ${figure({ ...point, y: point.value })}`,
    });
    const curves = Object.keys(arms)
      .map((arm) => ({ name: arms[arm], points: here.filter((point) => point.arm === arm).map(named) }))
      .filter((each) => each.points.length > 1);
    const most = Math.max(...here.map((point) => point.D));
    const rows = Object.keys(arms).flatMap((arm) =>
      here
        .filter((point) => point.arm === arm)
        .slice(-1)
        .map((point) => ({ ...named(point), name: `${arms[arm]}${point.D === most ? "" : `, D = ${point.D}`}` })),
    );
    return [
      el(
        "article",
        { class: "whole" },
        el(
          "form",
          { class: "filters", onsubmit: (event) => event.preventDefault() },
          el(
            "label",
            {},
            el("span", {}, "measure"),
            el(
              "select",
              { name: "measure", onchange: (event) => go({ more: { measure: event.target.value } }) },
              asked.map((name) => el("option", { value: name, selected: name === measure }, measures[name])),
            ),
          ),
        ),
        el("h2", {}, measures[measure]),
        el(
          "p",
          { class: "note" },
          "Every point, and every figure, leads to the answers behind it. Intervals are those of the report.",
        ),
        curves.length
          ? lines(curves.slice(0, SERIES), { x: "D, finetuning examples", y: measures[measure], log: true, within: [0, 1] })
          : null,
        curves.length > SERIES
          ? el(
              "p",
              { class: "note" },
              `The first ${SERIES} of ${curves.length} arms that have a curve; the table has all of them.`,
            )
          : null,
        part("By arm, at the largest D of each", dots(rows, measures[measure])),
      ),
    ];
  }

  function findings() {
    const families = [...new Set(report.verdict.map((line) => line.family))];
    return [
      el(
        "article",
        { class: "whole" },
        el("h2", {}, section.title),
        families.map((family) =>
          part(
            family,
            el(
              "ul",
              { class: "verdicts" },
              report.verdict
                .filter((line) => line.family === family)
                .map((line) =>
                  el(
                    "li",
                    {},
                    el("span", { class: `status ${line.status.replaceAll(" ", "-")}` }, line.status),
                    " ",
                    word(line.text),
                  ),
                ),
            ),
          ),
        ),
        report.tables.map((table) =>
          el(
            "details",
            {},
            el("summary", {}, table.title),
            table.note ? el("p", { class: "note" }, word(table.note)) : null,
            grid(table.header, table.rows, table.title),
          ),
        ),
      ),
    ];
  }

  const missing = async () => [
    el(
      "article",
      { class: "whole" },
      el("p", {}, "There is no report yet: kit report writes it, and this page shows it then. The answers are here."),
    ),
  ];
  return {
    report: { label: "report", show: async () => (report ? findings() : missing()) },
    points: { label: "points", show: (now) => (report ? points(now) : missing()) },
    answers: { label: "answers", show: (now) => browse(section, "answers", shown, now) },
  };
}
