// The rows of a table, from the page itself or from the server, by the same three questions.

/** A table that the page holds. */
class Held {
  constructor(packed) {
    this.size = packed.rows;
    this.facets = packed.facets;
    this.searched = packed.searched;
    this.readers = Object.fromEntries(Object.entries(packed.columns).map(([name, column]) => [name, reader(column)]));
    this.coded = {};
  }

  /** Every row's value of a facet, as text. */
  values(facet) {
    const [name, key] = (this.facets[facet] ?? facet).split(".");
    return (this.coded[facet] ??= Array.from({ length: this.size }, (_, row) => {
      const value = this.readers[name](row);
      return String((key ? value?.[key] : value) ?? "");
    }));
  }

  row(row) {
    return { ...Object.fromEntries(Object.entries(this.readers).map(([name, at]) => [name, at(row)])), _row: row };
  }

  /** Each facet's values, and how many rows have them. */
  async counts() {
    return Object.fromEntries(
      Object.keys(this.facets).map((facet) => {
        const counts = new Map();
        for (const value of this.values(facet)) counts.set(value, (counts.get(value) ?? 0) + 1);
        return [facet, Object.fromEntries([...counts].sort(([a], [b]) => natural(a, b)))];
      }),
    );
  }

  /** Rows with the values of `where` and with `search` in their text; see `Table.select`. */
  async rows({ where = {}, search = "", start = 0, limit = 100, first = "" }) {
    const asked = Object.entries(where).map(([facet, value]) => [this.values(facet), value]);
    const wanted = search.toLowerCase();
    const readers = this.searched.map((name) => this.readers[name]);
    let hits = [];
    for (let row = 0; row < this.size; row++) {
      if (!asked.every(([values, value]) => values[row] === value)) continue;
      if (wanted && !readers.some((at) => [at(row) ?? ""].flat().some((text) => text.toLowerCase().includes(wanted)))) continue;
      hits.push(row);
    }
    if (first) {
      const values = this.values(first);
      hits.sort((a, b) => natural(values[a], values[b]) || a - b);
    }
    return { rows: hits.slice(start, start + limit).map((row) => this.row(row)), total: hits.length, then: null };
  }

  /** Rows with one of some values in a column, or among those of a list. */
  async find(column, values, limit = 1000) {
    if (column === "_row")
      return values
        .map(Number)
        .filter((row) => row < this.size)
        .map((row) => this.row(row));
    const wanted = new Set(values),
      found = [],
      at = this.readers[column];
    for (let row = 0; row < this.size && found.length < limit; row++) {
      if ([at(row)].flat().some((value) => wanted.has(value))) found.push(this.row(row));
    }
    return found;
  }
}

/** A table that the server reads. */
class Served {
  constructor(section, name, { rows, facets }) {
    this.place = { section, table: name };
    this.size = rows;
    this.facets = facets;
  }

  async counts() {
    return (this.counted ??= await asked("counts", this.place));
  }

  async rows({ where = {}, search = "", start = 0, limit = 100, first = "" }) {
    return asked("rows", { ...this.place, where: JSON.stringify(where), search, start, limit, first });
  }

  async find(column, values, limit = 1000) {
    if (!values.length) return [];
    return asked("find", { ...this.place, column, values: JSON.stringify(values), limit });
  }
}

/** The server's answer. */
async function asked(what, parameters) {
  const response = await fetch(`${what}?${new URLSearchParams(parameters)}`);
  const answer = await response.json().catch(() => ({ error: `the server answered ${response.status}` }));
  if (!response.ok) throw new Error(answer.error ?? `the server answered ${response.status}`);
  return answer;
}

/** Numbers by their size, before texts; texts letter by letter. */
function natural(a, b) {
  const [x, y] = [a, b].map((value) => (value.trim() === "" || Number.isNaN(Number(value)) ? Infinity : Number(value)));
  if (x !== y) return x - y;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The page's sections, each with its tables. */
async function sections(data) {
  if (!data.served) {
    return data.sections.map((section) => ({
      ...section,
      tables: Object.fromEntries(Object.entries(section.tables).map(([name, packed]) => [name, new Held(packed)])),
    }));
  }
  return (await asked("told", {})).map((section, number) => ({
    ...section,
    tables: Object.fromEntries(Object.entries(section.tables).map(([name, told]) => [name, new Served(number, name, told)])),
  }));
}
