// Side bar, search, filters, sorting, what-ifs and saving as SVG: the page is whole without them.
"use strict";
(() => {
  const claims = [...document.querySelectorAll("article.claim")];
  const make = (name, attributes, ...inside) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...inside);
    return made;
  };

  // Search and filters above the table of verdicts.
  const choice = (label, options) => make("select", { "aria-label": label }, make("option", { value: "" }, label),
    ...options.map((one) => make("option", { value: one }, one)));
  const unique = (all) => [...new Set(all)].sort();
  const box = make("input", { type: "search", placeholder: "Search the claims", "aria-label": "Search the claims" });
  const verdict = choice("Any verdict", unique(claims.map((one) => one.dataset.word.trim())));
  const source = choice("Any source", unique(claims.map((one) => one.dataset.work)));
  const count = make("output", {});
  const bar = make("form", { class: "filter", role: "search", "aria-label": "Filter the claims" }, box, verdict, source, count);
  const apply = () => {
    const text = box.value.trim().toLowerCase();
    let shown = 0;
    for (const one of claims) {
      const fits = (!verdict.value || one.dataset.word.trim() === verdict.value)
        && (!source.value || one.dataset.work === source.value)
        && (!text || one.textContent.toLowerCase().includes(text));
      one.hidden = !fits;
      shown += fits ? 1 : 0;
      for (const row of document.querySelectorAll(`[data-claim="${CSS.escape(one.id)}"]`)) row.hidden = !fits;
    }
    count.textContent = `${shown} of ${claims.length}`;
  };

  // Contents at the side, or folded above the page where there is no room: sections, and claims with their verdicts.
  const contents = () => {
    const list = make("ol", {});
    for (const heading of document.querySelectorAll("main h2")) {
      const section = heading.closest("section");
      list.append(make("li", {}, make("a", { href: `#${section.id}` }, heading.textContent)));
      if (section.id !== "claims") continue;
      for (const one of claims) {
        const link = make("a", { href: `#${one.id}`, class: `mark ${one.dataset.shape}` }, one.querySelector(".id").textContent);
        link.append(make("span", { class: "unseen" }, ` ${one.dataset.word}`));
        list.append(make("li", { class: "claim-link", "data-claim": one.id }, link));
      }
    }
    const fold = make("details", {}, make("summary", {}, "Contents"), list);
    const side = make("nav", { class: "side", "aria-label": "Side bar" }, fold);
    const wide = matchMedia("(min-width: 84rem)");
    const unfold = () => { fold.open = wide.matches; };
    wide.addEventListener("change", unfold);
    unfold();
    list.addEventListener("click", (event) => { if (event.target.closest("a")) fold.open = wide.matches; });
    const targets = [...list.querySelectorAll("a")].map((link) => [link, document.getElementById(link.hash.slice(1))]);
    let current = null;
    const follow = () => {
      const passed = targets.filter(([, at]) => !at.hidden && at.getBoundingClientRect().top < 96);
      const [link] = passed.at(-1) ?? [null];
      if (link === current) return;
      current?.removeAttribute("aria-current");
      link?.setAttribute("aria-current", "true");
      current = link;
      if (link && wide.matches) side.scrollTop = link.offsetTop - side.clientHeight / 2;
    };
    let asked = false;
    addEventListener("scroll", () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => { asked = false; follow(); });
    }, { passive: true });
    document.body.prepend(side);
    document.body.classList.add("with-side");
    follow();
  };

  // A button in each heading of a longer table: up, down, and as it was; within each of the table's groups.
  const key = (cell) => {
    const text = (cell?.dataset.sort ?? cell?.textContent ?? "").trim();
    const number = /^[+−-]?[\d,]*\.?\d+(?:e[+-]?\d+)?/.exec(text);
    return [number ? parseFloat(number[0].replaceAll(",", "").replace("−", "-")) : NaN, text];
  };
  const compare = ([a, x], [b, y]) => {
    if (isNaN(a) !== isNaN(b)) return isNaN(a) ? 1 : -1;
    return (isNaN(a) ? 0 : a - b) || x.localeCompare(y, "en", { numeric: true });
  };
  const sortable = (table) => {
    const bodies = [...table.tBodies].map((body) => [body, [...body.rows]]);
    const headings = [...table.tHead.rows[0].cells].filter((one) => one.tagName === "TH");
    headings.forEach((heading) => {
      const button = make("button", { type: "button", class: "sort" }, ...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const order = { none: "ascending", ascending: "descending", descending: "none" }[heading.ariaSort ?? "none"];
        headings.forEach((one) => one.removeAttribute("aria-sort"));
        if (order !== "none") heading.setAttribute("aria-sort", order);
        const at = heading.cellIndex;
        for (const [body, rows] of bodies) {
          const fixed = rows.filter((row) => row.classList.contains("group"));
          const rest = rows.filter((row) => !row.classList.contains("group"));
          if (order !== "none") rest.sort((a, b) => compare(key(a.cells[at]), key(b.cells[at])) * (order === "ascending" ? 1 : -1));
          body.append(...fixed, ...rest);
        }
      });
    });
  };

  // A slider that says what another margin or gap would have met; the verdict stays.
  const whatIf = (claim) => {
    const { kind, factor, start, end, unit } = claim.dataset;
    const pairs = JSON.parse(claim.dataset.whatIf);
    const name = kind === "O" ? "gap" : "margin";
    const slider = make("input", { type: "range", min: 0, max: end, step: "any", value: start,
      "aria-label": `Another ${name} for ${claim.id}` });
    const said = make("output", {});
    const within = ([low, high], at) => (kind === "O" ? low > at : Math.max(Math.abs(low), Math.abs(high)) < at);
    const outside = ([low, high], at) => (kind === "O" ? high < at : low > at || high < -at);
    const tell = () => {
      const at = slider.valueAsNumber;
      const met = pairs.filter((one) => within(one, at)).length;
      const missed = pairs.filter((one) => outside(one, at)).length;
      const size = factor === "True" ? `${at.toFixed(2)} times as large` : `${+at.toPrecision(4)}${unit}`;
      const how = pairs.length === 1 ? "the whole interval would lie" : `of ${pairs.length} intervals`;
      const where = kind === "O" ? ["above it", "below it"] : ["within it", "outside it"];
      const what = pairs.length === 1
        ? `${how} ${met ? where[0] : missed ? where[1] : "on both sides of its edge"}`
        : `${how} ${met} would lie wholly ${where[0]}, ${missed} wholly ${where[1]}`;
      said.textContent = `What if the ${name} were ${size}: ${what}. Decided afterwards, not a verdict.`;
    };
    slider.addEventListener("input", tell);
    tell();
    claim.querySelector("details").before(make("details", { class: "what-if" },
      make("summary", {}, "What if?"), slider, said));
  };

  // A link for each drawing of a figure, beside the one for its numbers, which saves it as SVG.
  const saving = (save) => {
    const figure = save.closest("figure");
    const all = [...(figure ?? save.closest("article")).querySelectorAll("svg")]
      .filter((one) => figure || !one.closest("figure")?.querySelector(".save"));
    all.forEach((one, i) => {
      const [word, file] = all.length > 1 ? [`SVG ${i + 1}`, `${save.dataset.name}-${i + 1}.svg`] : ["SVG", `${save.dataset.name}.svg`];
      const link = make("a", { href: "#", download: file, "aria-label": `Save ${file}` }, word);
      link.addEventListener("click", () => { link.href = `data:image/svg+xml,${encodeURIComponent(one.outerHTML)}`; });
      save.lastElementChild.before(link, " ");
    });
  };

  document.querySelector("#verdicts h2").after(bar);
  bar.addEventListener("submit", (event) => event.preventDefault());
  bar.addEventListener("input", apply);
  contents();
  apply();
  for (const table of document.querySelectorAll("table:not(.beside, .coverage)")) {
    if (table.tHead && [...table.tBodies].some((body) => body.rows.length > 3)) sortable(table);
  }
  claims.filter((one) => one.dataset.whatIf).forEach(whatIf);
  document.querySelectorAll(".save").forEach(saving);
  const open = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.hidden) { box.value = verdict.value = source.value = ""; apply(); }
    target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();
})();
