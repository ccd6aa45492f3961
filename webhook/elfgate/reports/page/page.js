"use strict";
// Everything that is shown comes from the data, and is written as text: names of images are strangers'.
const data = JSON.parse(document.getElementById("data").textContent);
const AT_ONCE = 200; // rows that are drawn at a time
const REASONS_AT_ONCE = 5;
const at = (id) => document.getElementById(id);

// Makes an element with properties and children.
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// A line of the data, with what is searched of it.
const lines = data.lines.map(([name, more, facets, cells]) => {
  const values = facets.map((value, facet) => data.facets[facet].values[value]);
  const text = [name, more, ...values].join("\n").toLowerCase();
  return { name, more, facets, cells, text };
});

function stateOf(sort, tag = "span") {
  const { word, tone } = data.sorts[sort];
  return make(tag, { className: `state ${tone}`, textContent: word });
}

function reasonText(reason) {
  const { code, title, message, remedy, link: page } = data.reasons[reason];
  const head = make("strong", { textContent: title || code });
  const link = page ? make("a", { href: page, textContent: code, rel: "noreferrer" }) : code;
  const text = make("div", { className: "reason" }, head, " (", link, ")\n", message);
  if (remedy) text.append(make("p", { className: "remedy", textContent: `What to do: ${remedy}` }));
  return text;
}

// Shares: for each column, how many lines are in each state.
function drawShares() {
  const names = data.sorts.map(({ word }) => make("th", { scope: "col", textContent: word }));
  const first = make("th", { scope: "col", textContent: data.things });
  const second = make("th", { scope: "col", textContent: "share" });
  const body = make("tbody", {}, ...data.columns.map(shareRow));
  at("shares").append(make("thead", {}, make("tr", {}, first, second, ...names)), body);
}

function shareRow(column, index) {
  const counts = data.sorts.map(() => 0);
  for (const { cells } of lines) if (cells[index].length) counts[cells[index][0]] += 1;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const bar = make("div", { className: "bar", ariaHidden: "true" });
  const shares = counts.map((count, sort) => {
    const share = make("span", { className: data.sorts[sort].tone });
    share.style.flexGrow = count;
    if (count) bar.append(share);
    const percent = total ? Math.floor((100 * count) / total) : 0;
    return make("td", { textContent: `${count.toLocaleString("en")} (${percent} %)` });
  });
  const name = make("th", { scope: "row", textContent: column });
  return make("tr", {}, name, make("td", {}, bar), ...shares);
}

// Reasons: each once, that of most lines first.
const concerned = data.reasons.map(() => new Set());
lines.forEach((line, index) => {
  for (const [, ...reasons] of line.cells) for (const reason of reasons) concerned[reason].add(index);
});
const ranked = data.reasons.map((_, reason) => reason);
ranked.sort((one, other) => concerned[other].size - concerned[one].size);
let reasonsShown = 0;

function drawReasons() {
  const next = ranked.slice(reasonsShown, reasonsShown + REASONS_AT_ONCE);
  reasonsShown += next.length;
  at("reasons").append(...next.map(reasonItem));
  at("more-reasons").hidden = reasonsShown >= ranked.length;
  at("reasons-section").hidden = ranked.length === 0;
}

function reasonItem(reason) {
  const count = concerned[reason].size.toLocaleString("en");
  const pick = make("button", { type: "button", className: "pick", textContent: `Show the ${count}` });
  pick.setAttribute("aria-label", `Show the ${count} ${data.things} of this reason`);
  pick.addEventListener("click", () => {
    picked = reason;
    draw();
    at("found").scrollIntoView();
    at("found").closest(".wide").focus({ preventScroll: true });
  });
  return make("li", {}, reasonText(reason), pick);
}

// Filters.
let picked = null; // the reason that is filtered by
const selects = [];

function addSelect(name, values, matches) {
  const select = make("select", {}, make("option", { value: "", textContent: "all" }));
  values.forEach((text, value) => select.append(make("option", { value, textContent: text || "(none)" })));
  select.addEventListener("change", draw);
  at("filters").lastElementChild.before(make("label", {}, name, select));
  selects.push({ select, matches });
}

function drawFilters() {
  addSelect("state", data.sorts.map(({ word }) => word), (line, value) =>
    shownCells(line).some((cell) => cell[0] === value));
  if (data.columns.length > 1) addSelect("platform", data.columns, (line, value) => line.cells[value].length > 0);
  data.facets.forEach(({ name, values }, facet) =>
    addSelect(name, values, (line, value) => line.facets[facet] === value));
  at("search").addEventListener("input", draw);
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  at("filters").addEventListener("reset", () => {
    picked = null;
    setTimeout(draw); // when the fields are empty
  });
}

// The cells of the platform that is chosen, or all.
function shownCells(line) {
  const chosen = data.columns.length > 1 ? selects[1].select.value : "";
  return chosen === "" ? line.cells : [line.cells[Number(chosen)]];
}

function isShown(line, words) {
  const isPicked = picked === null || line.cells.some((cell) => cell.indexOf(picked, 1) > 0);
  return isPicked && words.every((word) => line.text.includes(word)) &&
    selects.every(({ select, matches }) => select.value === "" || matches(line, Number(select.value)));
}

// The table.
let shown = [];
let drawn = 0;

function drawHead() {
  const names = ["name", ...data.facets.map(({ name }) => name), ...data.columns];
  const cells = names.map((name) => make("th", { scope: "col", textContent: name }));
  const caption = make("caption", { className: "skip", textContent: `${data.things} and their states` });
  at("found").append(caption, make("thead", {}, make("tr", {}, ...cells)), make("tbody"));
}

function draw() {
  const words = at("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  shown = lines.filter((line) => isShown(line, words));
  drawn = 0;
  at("found").tBodies[0].replaceChildren();
  drawMore();
  const counts = [shown, lines].map(({ length }) => length.toLocaleString("en"));
  at("count").textContent = `${counts[0]} of ${counts[1]} ${data.things}`;
}

function drawMore(count = AT_ONCE) {
  const next = shown.slice(drawn, drawn + count);
  at("found").tBodies[0].append(...next.map(row));
  drawn += next.length;
  at("more").hidden = drawn >= shown.length;
}

function row(line) {
  const name = make("th", { scope: "row" }, make("div", { className: "name", textContent: line.name }));
  if (line.more) name.append(make("div", { className: "more", textContent: line.more }));
  const facets = line.facets.map((value, facet) =>
    make("td", { textContent: data.facets[facet].values[value] }));
  return make("tr", {}, name, ...facets, ...line.cells.map((cell, column) => cellOf(line, cell, column)));
}

function cellOf(line, [sort, ...reasons], column) {
  if (sort === undefined) return make("td", { textContent: "–" });
  if (!reasons.length) return make("td", {}, stateOf(sort));
  const button = stateOf(sort, "button");
  button.type = "button";
  button.ariaExpanded = "false";
  button.setAttribute("aria-label", `${button.textContent}: why ${line.name} on ${data.columns[column]}`);
  button.addEventListener("click", () => toggle(button, reasons));
  return make("td", {}, button);
}

// Shows or hides a cell's reasons, in a row below its own.
function toggle(button, reasons) {
  const own = button.closest("tr");
  const open = own.querySelector('[aria-expanded="true"]');
  if (open) {
    open.ariaExpanded = "false";
    own.nextElementSibling.remove();
  }
  if (open === button) return;
  button.ariaExpanded = "true";
  const cell = make("td", { colSpan: own.cells.length }, ...reasons.map(reasonText));
  own.after(make("tr", { className: "why" }, cell));
}

at("made").textContent = `Made by elfgate ${data.version}, ${data.made}`;
drawShares();
drawReasons();
drawFilters();
drawHead();
draw();
at("more").addEventListener("click", () => drawMore());
at("more-reasons").addEventListener("click", drawReasons);
new IntersectionObserver((entries) => {
  if (entries.some(({ isIntersecting }) => isIntersecting)) drawMore();
}, { rootMargin: "400px" }).observe(at("more"));
addEventListener("beforeprint", () => drawMore(shown.length));
addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.activeElement?.closest("tr")?.querySelector('[aria-expanded="true"]');
  if (open) open.click();
});
