// The page: sections and their tabs, drawn anew whenever the address changes, and the keys.

const KINDS = { world: worldTabs, answers: answersTabs, experiment: experimentTabs, training: trainingTabs };
const EVERY = 5000;

async function start() {
  const app = document.getElementById("app");
  const data = await unpacked(document.getElementById("data").textContent);
  const all = await sections(data);
  const tabs = all.map((section, number) => KINDS[section.kind](section, number, all));
  let drawn = 0,
    was = null;

  async function draw() {
    const mine = ++drawn;
    const now = state();
    const own = tabs[now.section] ?? tabs[0];
    if (!own) return app.replaceChildren(el("p", {}, "There is nothing here."));
    const tab = now.tab in own ? now.tab : Object.keys(own)[0];
    const at = { ...now, section: tabs[now.section] ? now.section : 0, tab };
    let content;
    try {
      content = await own[tab].show(at);
    } catch (error) {
      content = [el("p", { class: "error", role: "alert" }, `This could not be shown: ${error.message}`)];
    }
    if (mine !== drawn) return;
    const focus = document.activeElement?.id === "search" ? document.getElementById("search").selectionStart : null;
    const list = document.querySelector(".list ol")?.scrollTop ?? 0;
    const nav = el(
      "nav",
      { "aria-label": "what is open" },
      all.map((section, number) => link(section.title, place(number, "", null), number === at.section)),
    );
    const inner = el(
      "nav",
      { "aria-label": "its parts", class: "tabs" },
      Object.entries(own).map(([name, { label }]) => link(label, place(at.section, name, null), name === tab)),
    );
    const left = (data.left ?? []).map((line) => el("p", { class: "note" }, line));
    app.replaceChildren(
      el(
        "header",
        {},
        el("strong", {}, "kit view"),
        all.length > 1 ? nav : el("span", { class: "title" }, all[0].title),
        inner,
        el("button", { type: "button", onclick: help, title: "keys" }, "?"),
      ),
      ...left,
      el("main", { class: at.item === null ? "" : "has-item" }, content),
    );
    document.title = `${all[at.section].title} · kit view`;
    if (focus !== null) {
      const search = document.getElementById("search");
      search?.focus();
      search?.setSelectionRange(focus, focus);
    }
    const same =
      was &&
      was.section === at.section &&
      was.tab === tab &&
      was.search === at.search &&
      was.start === at.start &&
      JSON.stringify(was.where) === JSON.stringify(at.where);
    const ol = document.querySelector(".list ol");
    if (ol && same) ol.scrollTop = list;
    document
      .querySelectorAll("nav [aria-current]")
      .forEach((each) => each.scrollIntoView({ block: "nearest", inline: "nearest" }));
    document.querySelector(".list [aria-current]")?.scrollIntoView({ block: "nearest" });
    if (same && was.item !== at.item) document.getElementById("detail")?.focus({ preventScroll: false });
    was = at;
    app.dataset.drawn = drawn;
  }

  addEventListener("hashchange", draw);
  addEventListener("keydown", (event) => keys(event, tabs));
  await draw();
  // What still runs is asked for again.
  const running = () => all.some((section) => section.kind === "training" && section.told.runs.some((run) => !run.finished));
  while (data.served && running()) {
    await new Promise((done) => setTimeout(done, EVERY));
    const fresh = await asked("told", { new: 1 });
    fresh.forEach((told, number) => Object.assign(all[number].told, told));
    if (all[state().section]?.kind === "training") await draw();
  }
}

function link(label, href, current) {
  return el("a", { href, "aria-current": current ? "page" : null }, word(label));
}

/** j, k: the next row, the one before; /: search; n, p: the next page, the one before; [ ]: tabs; { }: sections; Escape: out. */
function keys(event, tabs) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing =
    ["INPUT", "SELECT", "TEXTAREA"].includes(document.activeElement?.tagName) && document.activeElement.type !== "checkbox";
  if (event.key === "Escape") {
    const dialog = document.querySelector("dialog[open]");
    if (dialog) dialog.close();
    else if (typing) document.activeElement.blur();
    else if (state().item !== null) go({ item: null });
    return;
  }
  if (typing) return;
  const now = state();
  const own = Object.keys(tabs[now.section] ?? {});
  const move = (by) => {
    const rows = [...document.querySelectorAll(".list a.row")];
    const at = rows.findIndex((row) => row.getAttribute("aria-current"));
    const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by];
    if (next) location.hash = next.getAttribute("href");
  };
  const turn = (of, at, by) => of[(at + by + of.length) % of.length];
  const tab = (by) => (location.hash = place(now.section, turn(own, Math.max(own.indexOf(now.tab), 0), by), null));
  const opened = (by) => (location.hash = place(turn([...tabs.keys()], now.section, by), "", null));
  const act = {
    j: () => move(1),
    k: () => move(-1),
    "/": () => document.getElementById("search")?.focus(),
    "?": help,
    n: () => document.getElementById("after")?.click(),
    p: () => history.back(),
    "]": () => tab(1),
    "[": () => tab(-1),
    "}": () => opened(1),
    "{": () => opened(-1),
  }[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
}

function help() {
  const close = () => dialog.close();
  const dialog = el(
    "dialog",
    { "aria-label": "keys", onclose: () => dialog.remove() },
    el("h2", {}, "Keys"),
    terms([
      ["j, k", "the next row, the one before"],
      ["/", "search"],
      ["n, p", "further, back"],
      ["[, ]", "the tab before, the next"],
      ["{, }", "what is open: before, next"],
      ["Escape", "out of a field, back to all rows"],
      ["Tab, Enter", "everything else"],
    ]),
    el("p", {}, "The address holds what is looked at: send it, or keep it."),
    el("button", { type: "button", onclick: close }, "close"),
  );
  document.body.append(dialog);
  dialog.showModal();
}

start().catch((error) =>
  document
    .getElementById("app")
    .replaceChildren(el("p", { class: "error", role: "alert" }, `This page could not be read: ${error.message}`)),
);
