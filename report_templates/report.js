// Search, filters and open-on-link: the page is whole without them.
"use strict";
(() => {
  const claims = [...document.querySelectorAll("article.claim")];
  const words = [...new Set(claims.map((one) => one.dataset.word.trim()))].sort();
  const works = [...new Set(claims.map((one) => one.dataset.work))].sort();
  const make = (name, attributes, text) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text) made.textContent = text;
    return made;
  };
  const choice = (label, options) => {
    const select = make("select", { "aria-label": label });
    select.append(make("option", { value: "" }, label));
    for (const one of options) select.append(make("option", { value: one }, one));
    return select;
  };
  const bar = make("form", { class: "filter", role: "search", "aria-label": "Filter the claims" });
  const box = make("input", { type: "search", placeholder: "Search the claims", "aria-label": "Search the claims" });
  const verdict = choice("Any verdict", words);
  const source = choice("Any source", works);
  const count = make("output", {});
  bar.append(box, verdict, source, count);
  bar.addEventListener("submit", (event) => event.preventDefault());
  const apply = () => {
    const text = box.value.trim().toLowerCase();
    let shown = 0;
    for (const one of claims) {
      const fits = (!verdict.value || one.dataset.word.trim() === verdict.value)
        && (!source.value || one.dataset.work === source.value)
        && (!text || one.textContent.toLowerCase().includes(text));
      one.hidden = !fits;
      shown += fits ? 1 : 0;
      const row = document.querySelector(`tr[data-claim="${CSS.escape(one.id)}"]`);
      if (row) row.hidden = !fits;
    }
    count.textContent = `${shown} of ${claims.length}`;
  };
  bar.addEventListener("input", apply);
  document.querySelector("#verdicts h2").after(bar);
  apply();
  const open = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.hidden) { box.value = verdict.value = source.value = ""; apply(); }
    target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();
})();
