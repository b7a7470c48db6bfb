// Columns as `kit/view/page.py` packs them.

/** A function from a row's number to its value. */
function reader(packed) {
  if (packed.among) return (row) => packed.among[packed.numbers[row]] ?? null;
  if (packed.of) return (row) => packed.of[row];
  const none = new Set(packed.none ?? []);
  if (packed.structs) {
    const fields = Object.entries(packed.structs).map(([name, column]) => [name, reader(column)]);
    return (row) => (none.has(row) ? null : Object.fromEntries(fields.map(([name, at]) => [name, at(row)])));
  }
  const lengths = packed.lists ?? packed.maps;
  const ends = new Uint32Array(lengths.length + 1);
  lengths.forEach((length, row) => (ends[row + 1] = ends[row] + length));
  const item = reader(packed.items);
  const list = (row) => Array.from({ length: lengths[row] }, (_, i) => item(ends[row] + i));
  if (packed.lists) return (row) => (none.has(row) ? null : list(row));
  return (row) => (none.has(row) ? null : Object.fromEntries(list(row).map(({ key, value }) => [key, value])));
}

/** What a page holds, unpacked: base64 of gzip of JSON. */
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}
