/** Sorts and filters the package table; without it the table stands complete, sorted by path. */
export const script = `
(() => {
  const table = document.getElementById("packages");
  const tools = document.getElementById("tools");
  if (!table || !tools) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const text = tools.querySelector("input");
  const policy = tools.querySelector("select");
  const shown = tools.querySelector("output");
  const haystacks = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const filter = () => {
    const wanted = text.value.trim().toLowerCase();
    let visible = 0;
    for (const row of rows) {
      const fits = haystacks.get(row).includes(wanted) && (policy.value === "" || row.dataset.policy === policy.value);
      row.hidden = !fits;
      if (fits) visible++;
    }
    shown.textContent = visible + " of " + rows.length;
  };
  const valueOf = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent;
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const numeric = head.classList.contains("number");
      const before = head.getAttribute("aria-sort");
      const descending = before === null ? numeric : before === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const compare = (a, b) => {
        const left = valueOf(a, head.cellIndex), right = valueOf(b, head.cellIndex);
        return numeric ? left - right : left < right ? -1 : left > right ? 1 : 0;
      };
      rows.sort((a, b) => (descending ? compare(b, a) : compare(a, b)));
      body.append(...rows);
    });
  }
  text.addEventListener("input", filter);
  policy.addEventListener("change", filter);
  tools.hidden = false;
  filter();
})();
`;
