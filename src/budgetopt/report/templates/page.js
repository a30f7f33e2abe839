"use strict";
/* Sorting and the budget slider; without this script the page shows the same figures in full. */
for (const table of document.querySelectorAll("table.sortable:not(.splits)")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  if (body.rows.length < 2) continue;
  heads.forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "descending" || head.matches(".words") &&
        head.getAttribute("aria-sort") === "none";
      heads.forEach(other => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", down ? "ascending" : "descending");
      const rows = [...body.rows].map(row => [key(row.cells[at].textContent), row]);
      rows.sort(([a], [b]) => (down ? 1 : -1) * compare(a, b));
      body.append(...rows.map(([, row]) => row));
    });
  });
}
function key(text) {
  const plain = text.trim().replace(/,/g, "").replace(/%$/, "").replace(/^=$/, "0");
  return /^[+-]?\d/.test(plain) && isFinite(plain) ? Number(plain) : text.trim();
}
function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "number") return 1;
  if (typeof b === "number") return -1;
  return a.localeCompare(b, document.documentElement.lang);
}
for (const box of document.querySelectorAll(".slider")) {
  const input = box.querySelector("input"), output = box.querySelector("output");
  const budgets = box.querySelector(".budgets"), splits = box.querySelectorAll(".splits");
  const rows = [...budgets.tBodies[0].rows], columns = [...box.querySelectorAll(".hover")];
  const heads = [...budgets.tHead.rows[0].cells].map(cell => cell.textContent);
  const show = () => {
    const at = Number(input.value);
    rows.forEach((row, other) => row.classList.toggle("chosen", other === at));
    columns.forEach((column, other) => column.classList.toggle("chosen", other === at));
    let first = 0;
    for (const table of splits) {
      const count = table.rows[0].cells.length - 1;
      table.closest(".scroll").hidden = at < first || at >= first + count;
      for (const row of table.rows)
        [...row.cells].forEach((cell, n) => cell.hidden = n > 0 && first + n - 1 !== at);
      first += count;
    }
    const said = [...rows[at].cells].map((cell, n) => `${heads[n]} ${cell.textContent}`);
    output.textContent = said.join(" · ");
    input.setAttribute("aria-valuetext", said[0]);
  };
  box.querySelector(".control").hidden = false;
  input.addEventListener("input", show);
  show();
}
