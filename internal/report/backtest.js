
"use strict";
(() => {
  const all = (what, within = document) => [...within.querySelectorAll(what)];
  const words = document.getElementById("words").dataset;

  // One view at a time; without a script all stand below each other.
  const choice = document.getElementById("choice");
  if (choice) {
    const show = (id) => all(".view").forEach((v) => { v.hidden = v.id !== id; });
    choice.hidden = false;
    choice.addEventListener("change", (e) => show(e.target.value));
    show(choice.querySelector("input:checked").value);
  }

  // A rule that was picked stands out wherever it occurs.
  let picked = "";
  const pick = (key) => {
    picked = picked === key ? "" : key;
    document.body.classList.toggle("picking", picked !== "");
    all("[data-key]").forEach((e) => {
      const on = e.dataset.key === picked;
      e.classList.toggle("picked", on);
      (e.querySelector("button") || e).setAttribute("aria-pressed", String(on));
    });
  };

  all("figure.plot").forEach((figure) => {
    const marks = all(".mark[data-key]", figure);
    const panel = figure.querySelector(".panel");
    const tell = (mark) => {
      figure.querySelector(".ask").hidden = true;
      panel.hidden = false;
      all("[data-of]", panel).forEach((e) => { e.textContent = mark.dataset[e.dataset.of]; });
      marks.forEach((m) => m.classList.toggle("told", m === mark));
    };
    const go = (i) => {
      const next = marks[(i + marks.length) % marks.length];
      marks.forEach((m) => m.setAttribute("tabindex", m === next ? "0" : "-1"));
      next.focus();
    };
    marks.forEach((mark, i) => {
      mark.setAttribute("tabindex", i ? "-1" : "0");
      mark.setAttribute("aria-pressed", "false");
      mark.addEventListener("mouseenter", () => tell(mark));
      mark.addEventListener("focus", () => tell(mark));
      mark.addEventListener("click", () => pick(mark.dataset.key));
      mark.addEventListener("keydown", (e) => {
        const to = { ArrowRight: i + 1, ArrowDown: i + 1, ArrowLeft: i - 1, ArrowUp: i - 1, Home: 0, End: -1 }[e.key];
        if (to !== undefined) {
          go(to);
        } else if (e.key === "Enter" || e.key === " ") {
          pick(mark.dataset.key);
        } else {
          return;
        }
        e.preventDefault();
      });
    });
  });

  const button = (within, label) => {
    const b = document.createElement("button");
    b.type = "button";
    b.title = label;
    b.append(...within.childNodes);
    within.append(b);
    return b;
  };

  all("table").forEach((table) => {
    const body = table.tBodies[0];
    all("thead th", table).forEach((th, column) => {
      button(th, words.sort).addEventListener("click", () => {
        const number = th.classList.contains("num");
        const before = th.getAttribute("aria-sort");
        const down = before ? before === "ascending" : number; // numbers: the greatest first
        all("thead th", table).forEach((x) => x.removeAttribute("aria-sort"));
        th.setAttribute("aria-sort", down ? "descending" : "ascending");
        const value = (row) => row.cells[column].dataset.v;
        const order = (a, b) => {
          const x = value(a), y = value(b);
          if (x === "" || y === "") { // what is not known comes last
            return (x === "") - (y === "");
          }
          const by = number ? x - y : x.localeCompare(y);
          return down ? -by : by;
        };
        body.append(...[...body.rows].sort(order));
      });
    });
    all("tbody tr[data-key]", table).forEach((row) => {
      const b = button(row.cells[0], words.pick);
      b.setAttribute("aria-pressed", "false");
      row.addEventListener("click", () => pick(row.dataset.key));
    });
  });
  document.documentElement.classList.add("live");
})();
