// Score tables: the runs first, published rows below them; every column can order the rows.

/** Which table is ordered by which column, and how: of one table at a time. */
const tableOrder = () => {
  const [board, column, direction] = state.order.split(".");
  return { board: Number(board), column, direction: { a: "ascending", d: "descending" }[direction] ?? "" };
};

/** Numbers go down, up and back to the given order; names up, down and back. */
const nextOrder = (board, column) => {
  const { board: before, column: of, direction } = tableOrder();
  const turns = column === "name" ? ["a", "d"] : ["d", "a"];
  const now = state.order !== "" && before === board && of === column ? turns.indexOf(direction[0]) : -1;
  const next = turns[now + 1];
  go({ order: next ? `${board}.${column}.${next}` : "" });
};

const namesInOrder = new Intl.Collator("en", { numeric: true });

/** Rows without a value come last in either direction. */
const orderRows = (rows, column, direction) => {
  const sign = direction === "ascending" ? 1 : -1;
  if (column === "name") return rows.toSorted((a, b) => sign * namesInOrder.compare(a.name, b.name));
  const valueOf = (row) => row.cells[Number(column)]?.value ?? null;
  return rows.toSorted((a, b) => (valueOf(a) === null) - (valueOf(b) === null) || sign * ((valueOf(a) ?? 0) - (valueOf(b) ?? 0)));
};

const rankText = (rank) => (rank[0] === rank[1] ? `${rank[0]}` : `${rank[0]}-${rank[1]}`);

const cellText = (cell, decimals) => {
  if (cell.value === null) return h("td", { class: "number" }, h("span", { class: "soft" }, "–", h("span", { class: "unseen" }, " no score")));
  const value = fixed(cell.value, decimals);
  return h(
    "td",
    { class: "number" },
    cell.is_best ? h("strong", null, value, h("span", { class: "unseen" }, " best")) : value,
    cell.rank && h("span", { class: "rank" }, ` rank ${rankText(cell.rank)}`),
    state.intervals !== "" && cell.interval && h("span", { class: "interval" }, `${fixed(cell.interval.low, decimals)}–${fixed(cell.interval.high, decimals)}`),
    cell.n_missing > 0 && h("span", { class: "interval" }, `${cell.n_missing.toLocaleString("en")} missing`),
  );
};

const isOurs = (row) => row.source.kind === "run";

const boardTable = (board, number) => {
  const order = tableOrder();
  const isOrdered = state.order !== "" && order.board === number && order.direction !== "";
  const ordered = (rows) => (isOrdered ? orderRows(rows, order.column, order.direction) : rows);
  const [ours, published] = [board.rows.filter(isOurs), board.rows.filter((row) => !isOurs(row))];
  const width = board.columns.length + 1;
  const line = (row) =>
    h("tr", { class: isOurs(row) ? "ours" : null },
      h("th", { scope: "row" }, foreign("bdi", row.name), isOrdered && !isOurs(row) && row.group && h("span", { class: "interval" }, row.group), row.note && h("strong", { class: "warn" }, row.note),
        row.fingerprint && h("code", { class: "print", title: "Protocol" }, row.fingerprint)),
      row.cells.map((cell) => cellText(cell, board.decimals)));
  const heading = (text) => h("tr", { class: "group" }, h("th", { colspan: width, scope: "rowgroup" }, h("span", { class: "pinned" }, text)));
  const bodies = [h("tbody", null, published.length > 0 && ours.length > 0 && heading("This report"), ordered(ours).map(line))];
  if (published.length > 0) {
    const isOpen = state.published === "" || ours.length === 0;
    const fold = h("button", { type: "button", class: "fold", id: `published-${number}`, "aria-expanded": String(isOpen), onclick: () => go({ published: isOpen ? "no" : "" }) }, `${isOpen ? "▾" : "▸"} ${counted(published.length, "published row")}`);
    bodies.push(h("tbody", null, heading(ours.length > 0 ? fold : "Published")));
    if (isOpen && isOrdered) bodies.push(h("tbody", { class: "published" }, ordered(published).map(line)));
    else if (isOpen) {
      const groups = [];
      for (const row of published) {
        if (groups.at(-1)?.name !== row.group) groups.push({ name: row.group, rows: [] });
        groups.at(-1).rows.push(row);
      }
      bodies.push(...groups.map((group) => h("tbody", { class: "published" }, group.name && heading(group.name), group.rows.map(line))));
    }
  }
  const head = (text, column) => sortHead({ id: `order-${number}-${column}`, text, isNumber: column !== "name", direction: isOrdered && order.column === String(column) ? order.direction : "", act: () => nextOrder(number, String(column)) });
  return h("div", { class: "board" },
    h("h3", { id: `board-${number}` }, foreign("bdi", board.title)),
    scroller(`board-${number}`, h("table", { class: "pins" }, h("thead", null, h("tr", null, head("Model", "name"), board.columns.map(head))), bodies)),
    board.published_source && h("p", { class: "soft small" }, h("strong", null, "Published scores: "), foreign("bdi", sentenceEnd(board.published_source))),
    board.published_unknown && h("p", { class: "soft small" }, h("strong", null, "Not known of them: "), foreign("bdi", sentenceEnd(board.published_unknown))));
};

const renderTables = () => {
  const { boards } = store.report;
  byId("tables").hidden = boards.length === 0;
  const cells = boards.flatMap((board) => board.rows.flatMap((row) => row.cells));
  const toggle = cells.some((cell) => cell.interval) && h("input", { type: "checkbox", onchange: (event) => go({ intervals: event.target.checked ? "1" : "" }), id: "intervals" });
  if (toggle) toggle.checked = state.intervals !== "";
  rebuild(byId("tables"),
    h("h2", { id: "tables-heading" }, "Scores"),
    h("p", { class: "soft" }, "The largest score of a column among comparable rows is bold.", cells.some((cell) => cell.rank) && " A rank is a range where the order is within the noise.", " Column heads order the rows."),
    toggle && h("label", { class: "check" }, toggle, "95 % confidence intervals"),
    boards.map((board, number) => [leaderboard(board, number), boardTable(board, number)]));
};
