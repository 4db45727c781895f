"use strict";
/* Draws the runs of FLOWS with the values of the controls, and says in words what they show. */
(() => {
  const at = id => document.getElementById(id);
  const data = JSON.parse(at("data").textContent);
  const W = 400, H = 360, LEFT = 46, RIGHT = 8, TOP = 8, BOTTOM = 30, GRID = 72, LEVELS = 14, FRAMES = 40;
  const { FAR, flow, iterates, norm, numbers, ratio, slope } = FLOWS;
  const controls = [...document.querySelectorAll("#controls input")];
  const sliders = controls.filter(input => input.type === "range");
  const ends = { limit: at("end-limit"), modified: at("end-modified") };

  /* ---------------------------------------------------------------- sliders and what is typed */
  const values = {};

  /* "0.999", "1e-8", "2/3"; NaN for anything else */
  function read(text) {
    const found = /^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?:\s*\/\s*(\d+))?\s*$/i.exec(text.replace("\u2212", "-"));
    return found === null ? NaN : Number(found[1]) / Number(found[2] ?? 1);
  }

  function allowed(slider, x) {
    const { least, most, open, whole } = slider.dataset;
    const above = least === undefined || x > +least || (open[0] === "0" && x === +least);
    const below = most === undefined || x < +most || (open[1] === "0" && x === +most);
    return Number.isFinite(x) && Math.abs(x) < FAR && above && below && (whole !== "1" || Number.isInteger(x));
  }

  /* the text of the value at a notch: two digits that say it exactly */
  function text(slider) {
    const low = +slider.dataset.low, high = +slider.dataset.high, t = slider.value / slider.max;
    const { scale, gap, whole } = slider.dataset;
    if (scale === "linear") return String(+(low + (high - low) * t).toPrecision(12));
    if (scale === "zero" && t === 0) return "0";
    if (scale === "complement") {
      const top = high + +gap, e = +((top - low) * (gap / (top - low)) ** t).toPrecision(2);
      return String(+(top - e).toFixed(Math.max(0, 1 - Math.floor(Math.log10(e)))));
    }
    const x = +(low * (high / low) ** t).toPrecision(2);
    return String(whole === "1" ? Math.round(x) : x);
  }

  /* the notch nearest to a value */
  function place(slider, x) {
    const low = +slider.dataset.low, high = +slider.dataset.high, { scale, gap } = slider.dataset, top = high + +gap;
    const t = scale === "linear" ? (x - low) / (high - low)
      : scale === "complement" ? Math.log((top - x) / (top - low)) / Math.log(gap / (top - low))
      : x > 0 ? Math.log(x / low) / Math.log(high / low) : 0;
    slider.value = Number.isFinite(t) ? Math.round(Math.min(1, Math.max(0, t)) * slider.max) : 0;
    slider.setAttribute("aria-valuetext", at(slider.id + "-value").value);
  }

  /* takes what the field says, where it may be said */
  function take(slider) {
    const field = at(slider.id + "-value"), x = read(field.value), fine = allowed(slider, x);
    field.setAttribute("aria-invalid", String(!fine));
    if (!fine) return false;
    values[slider.id] = x;
    field.dataset.good = field.value;
    place(slider, x);
    return true;
  }

  function write(id, shown) {
    at(id + "-value").value = shown;
    take(at(id));
  }

  const own = id => values[id];

  function choices() {
    const n = own("steps");
    return {
      g: own("gamma"), n, k: own("power"), p: data.parameters.map((_, i) => own("p" + i)), parts: n > 400 ? 1 : 4,
      start: [own("x0"), own("x1"), ...data.others], rest: at("rest") !== null && at("rest").checked,
    };
  }

  /* ---------------------------------------------------------------- drawing */
  const short = x => x === 0 ? "0" : Math.abs(x) >= 1e4 || Math.abs(x) < 1e-3 ? x.toExponential(2) : String(+x.toPrecision(3));

  function box(paths, core) {
    const sides = [0, 1].map(axis => {
      const values = core.map(s => s[axis]);
      const low = Math.min(...values), high = Math.max(...values), size = Math.max(high - low, 1e-3);
      const all = paths.flat().map(s => s[axis]).filter(x => x > low - size && x < high + size);
      return [Math.min(...all), Math.max(...all)];
    });
    const longest = Math.max(...sides.map(([low, high]) => high - low)) || 1;
    return sides.map(([low, high]) => {
      const margin = Math.max(0.12 * longest, (longest / 2 - (high - low)) / 2);
      return [low - margin, high + margin];
    });
  }

  const across = (x, [low, high]) => LEFT + (W - LEFT - RIGHT) * (x - low) / (high - low);
  const down = (y, [low, high]) => H - BOTTOM - (H - TOP - BOTTOM) * (y - low) / (high - low);
  const line = points => points.length ? "M" + points.map(([x, y]) => x.toFixed(2) + " " + y.toFixed(2)).join("L") : "";

  function ticks([low, high], most) {
    const raw = (high - low) / most, base = 10 ** Math.floor(Math.log10(raw));
    const gap = base * [1, 2, 5, 10].find(m => m * base >= raw);
    const found = [];
    for (let i = Math.ceil(low / gap); i * gap <= high; i++) found.push(+(i * gap).toPrecision(12));
    return found;
  }

  function element(parent, tag, attributes, text) {
    const made = document.createElementNS(parent.namespaceURI, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
  }

  function axes(group, xs, ys, names, format = String) {
    group.replaceChildren();
    for (const x of ticks(xs, 5)) {
      const place = across(x, xs);
      element(group, "path", { d: line([[place, TOP], [place, H - BOTTOM]]), class: "grid" });
      element(group, "text", { x: place, y: H - BOTTOM + 15, "text-anchor": "middle" }, String(x));
    }
    for (const y of ticks(ys, 6)) {
      const place = down(y, ys);
      element(group, "path", { d: line([[LEFT, place], [W - RIGHT, place]]), class: "grid" });
      element(group, "text", { x: LEFT - 5, y: place + 4, "text-anchor": "end" }, format(y));
    }
    element(group, "text", { x: W - RIGHT - 4, y: H - BOTTOM - 6, "text-anchor": "end", class: "name" }, names[0]);
    element(group, "text", { x: LEFT + 6, y: TOP + 14, class: "name" }, names[1]);
  }

  /* level lines by marching squares on a grid of GRID x GRID cells */
  function contours(value, [xs, ys]) {
    const x = i => xs[0] + (xs[1] - xs[0]) * i / GRID, y = j => ys[0] + (ys[1] - ys[0]) * j / GRID;
    const table = Array.from({ length: GRID + 1 }, (_, j) => Array.from({ length: GRID + 1 }, (_, i) => value(x(i), y(j))));
    const seen = table.flat().filter(Number.isFinite).sort((a, b) => a - b);
    if (!seen.length) return "";
    const low = seen[0], high = seen[Math.floor(0.97 * (seen.length - 1))], pieces = [];
    for (let level = 1; level <= LEVELS; level++) {
      const c = low + (high - low) * (level / LEVELS) ** 2;
      for (let j = 0; j < GRID; j++) for (let i = 0; i < GRID; i++) {
        const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]], cut = [];
        for (let e = 0; e < 4; e++) {
          const [a, b] = [corners[e], corners[(e + 1) % 4]], u = table[a[1]][a[0]] - c, v = table[b[1]][b[0]] - c;
          if ((u < 0) !== (v < 0) && Number.isFinite(u - v)) {
            const w = u / (u - v);
            cut.push([across(x(a[0] + w * (b[0] - a[0])), xs), down(y(a[1] + w * (b[1] - a[1])), ys)]);
          }
        }
        for (let e = 0; e + 1 < cut.length; e += 2) pieces.push(line([cut[e], cut[e + 1]]));
      }
    }
    return pieces.join("");
  }

  function panel(id, value, area, paths) {
    const svg = at(id);
    if (svg === null) return;
    const [xs, ys] = area, place = s => [across(s[0], xs), down(s[1], ys)];
    axes(svg.querySelector(".axes"), xs, ys, data.names);
    svg.querySelector(".contours").setAttribute("d", value ? contours(value, area) : "");
    svg.querySelector(".limit").setAttribute("d", line(paths.limit.map(place)));
    svg.querySelector(".modified").setAttribute("d", line(paths.modified.map(place)));
    const dots = paths.iterates.map(place).map(([x, y]) => `M${(x - 2.6).toFixed(2)} ${y.toFixed(2)}a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0 -5.2 0`);
    svg.querySelector(".iterates").setAttribute("d", dots.join(""));
    const [x, y] = place(paths.iterates[0]);
    svg.querySelector(".start").setAttribute("d", `M${x} ${y - 7}l7 7l-7 7l-7 -7z`);
  }

  const gap = (a, b) => a && b ? Math.hypot(a[0] - b[0], a[1] - b[1]) : NaN;

  function distances(paths) {
    const found = {};
    for (const name of ["limit", "modified"]) found[name] = paths.iterates.map((z, i) => gap(z, paths[name][i * paths.parts]));
    const seen = Object.values(found).flat().filter(d => d > 1e-13), least = 1e-8 * Math.max(...seen);
    const logs = seen.filter(d => d > least).map(Math.log10);
    const svg = at("distances"), xs = [0, Math.max(1, paths.iterates.length - 1)];
    const ys = logs.length ? [Math.floor(Math.min(...logs)), Math.ceil(Math.max(...logs) + 0.01)] : [-1, 0];
    axes(svg.querySelector(".axes"), xs, ys, ["step n", "distance"], y => Number.isInteger(y) ? "1e" + y : "");
    for (const name of ["limit", "modified"]) {
      const points = found[name].map((d, i) => [across(i, xs), down(Math.log10(d), ys)]).filter((_, i) => found[name][i] > Math.max(1e-13, least));
      svg.querySelector("." + name).setAttribute("d", line(points));
    }
    return found;
  }

  /* ---------------------------------------------------------------- in words */
  const power = k => "γ" + [...String(k)].map(d => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]).join("");
  const below = k => [...String(k)].map(d => "₀₁₂₃₄₅₆₇₈₉"[d]).join("");
  const point = s => "(" + s.map(short).join(", ") + ")";
  const times = x => short(x) + (x === 1 ? " time" : " times");

  /* the comparison, at the last step that all three have reached */
  function compare(c, run, found) {
    const reached = found.limit.map((d, i) => Number.isFinite(d + found.modified[i]) ? i : 0);
    const n = Math.max(...reached), limit = found.limit[n], modified = found.modified[n];
    let text = `After ${n} steps of size ${at("gamma-value").dataset.good} the iterates are ${short(limit)} away from the limit flow and ` +
      `${short(modified)} from the modified flow through ${power(c.k)}`;
    if (limit > 1.05 * modified && modified > 0) text += `: ${short(limit / modified)} times closer`;
    text += limit === modified && n > 0 ? ". Both flows are the same here." : ".";
    Object.assign(at("status").dataset, { limit, modified, begin: run.iterates.begin.kind });
    ends.limit.textContent = short(limit);
    ends.modified.textContent = short(modified);
    return text + stops(c, run);
  }

  /* why iterates and flows end early: leaving every bound is one thing, a step or a field that does not exist another */
  function stops(c, { iterates: { path, end }, limit, modified }) {
    const last = path.length - 1, runaway = limit.end !== null && limit.end.kind === "far";
    let text = "";
    if (end === "far") text += ` The iterates leave every bound at step ${last + 1}, ` +
      (runaway ? "and the limit flow does so too." : "the limit flow does not: the step is too large here.");
    if (end === "none") text += ` Step ${last + 1} does not exist: at ${point(path[last].slice(0, 2))} the update gives no number (` +
      (MODEL.implicit ? "its equation was not solved" : "a negative number under a root, or a division by zero") + ").";
    for (const [name, flow] of [["limit", limit], ["modified", modified]])
      if (flow.end !== null && flow.end.kind === "far") text += ` The ${name} flow leaves every bound at time ${short(flow.end.time)}.`;
      else if (flow.end !== null) text += ` The ${name} flow ends early, at time ${short(flow.end.time)}: ` +
        `its field is singular or jumps near ${point(flow.end.point.slice(0, 2))}.`;
    return text;
  }

  /* whether the truncated series says anything here */
  function series(c, run) {
    const k = Math.max(c.k, Math.min(1, data.order)), parts = [], begin = run.iterates.begin;
    const what = k === 1 ? "|γ f₁|/|f₀|" : `|γ f₁ + ${k > 2 ? "… + " : ""}${power(k)} f${below(k)}|/|f₀|`;
    const first = ratio(c.start, c, k), path = run.modified.path.filter((_, i) => i % c.parts === 0);
    const later = path.findIndex(s => ratio(s, c, k) >= 1);
    let out = !(first < 1);
    if (k > 0 && !numbers(slope(c.start, c, k))) parts.push("At the start the field is not finite.");
    else if (k > 0 && Number.isFinite(first)) {
      parts.push(`At the start ${what} = ${short(first)}` + (out ? ": the corrections are as large as the limit field or larger, and the truncated series is of no use there."
        : first > 0.3 ? ": the series is near the end of its use." : "."));
      if (!out && later > 0) parts.push(`At step ${later} of the modified flow it is ${short(ratio(path[later], c, k))}: from there the series is of no use.`);
    } else out = false;
    const length = gap(run.iterates.path[0], run.iterates.path[1]), off = gap(run.iterates.path[1], run.modified.path[c.parts]) / length;
    if (!out && begin.kind === "manifold" && off > 0.5) {
      out = true;
      parts.push(`The first step alone ends ${times(off)} its own length away from the modified flow: the series is of no use here.`);
    }
    if (begin.truncated) { out = true; parts.push(manifold(c, begin)); }
    parts.push(transient(c, begin));
    return { text: parts.filter(Boolean).join(" "), out: out || later > 0 };
  }

  /* why the memory does not start on the truncated slow manifold, and where it starts instead */
  function manifold(c, { kind, truncated, ratio, flipped, memory, lowest = memory }) {
    const i = flipped, name = data.coordinates[MODEL.slow + i];
    const why = i >= 0 ? `would have ${name} = ${short(truncated[i])}, with which no step can be taken (its lowest power is ${short(lowest[i])})`
      : ratio >= 1 ? `has corrections ${times(ratio)} its lowest power` : "is no memory with which a step can be taken";
    return `The truncated slow manifold ${why}: the memory of the iterates starts ` +
      (kind === "lowest" ? "at its lowest power of γ instead." : "as users start it instead.");
  }

  /* how much of a start off the slow manifold is left */
  function transient(c, begin) {
    if (begin.kind === "manifold") return "";
    const a = Math.max(0, ...MODEL.factors(c.start, c.p).map(Math.abs)), left = a ** c.n;
    if (!(left > 0.01)) return "";
    return `What the memory starts with decays like ${+a.toPrecision(12)}ⁿ: after ${c.n} steps ${short(100 * left)} % of it ` +
      (a < 1 ? `is left, after ${Math.ceil(Math.log(0.01) / Math.log(a))} steps 1 %.` : "is left.");
  }

  function say(c, run, found) {
    const text = compare(c, run, found), status = at("status"), range = at("range"), about = series(c, run);
    if (status.textContent !== text) status.textContent = text;
    if (range.textContent !== about.text) range.textContent = about.text;
    range.classList.toggle("out", about.out);
    if (at("elsewhere") !== null) at("elsewhere").hidden = !about.out;
  }

  function draw() {
    const c = choices();
    const run = { limit: flow(c, 0), modified: flow(c, c.k), iterates: iterates(c) };
    const paths = { limit: run.limit.path, modified: run.modified.path, iterates: run.iterates.path, parts: c.parts };
    const area = box([paths.iterates, paths.limit], paths.limit.length > 1 ? paths.limit : paths.iterates);
    const point = (x, y) => [x, y, ...data.others];
    panel("panel-loss", MODEL.loss && ((x, y) => MODEL.loss(point(x, y))[0]), area, paths);
    panel("panel-modified", (x, y) => MODEL.potential(point(x, y), c.p).reduce((sum, v, j) => j <= c.k ? sum + v * c.g ** j : sum, 0),
      area, paths);
    say(c, run, distances(paths));
    document.documentElement.dataset.drawn = Number(document.documentElement.dataset.drawn || 0) + 1;
  }

  let waiting = false;
  function redraw() {
    if (waiting) return;
    waiting = true;
    setTimeout(() => { waiting = false; draw(); }, 16);
  }

  /* the steps one after the other, at most FRAMES pictures; at once for people who asked for less motion */
  let playing = false;
  function play() {
    const last = own("steps"), shown = at("steps-value").value, gap = Math.ceil(last / FRAMES);
    if (playing) return;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return redraw();
    let n = 1;
    playing = true;
    const tick = () => {
      write("steps", n < last ? String(n) : shown);
      draw();
      playing = n < last;
      n = Math.min(last, n + gap);
      if (playing) setTimeout(tick, 90);
    };
    tick();
  }

  for (const slider of sliders) {
    const field = at(slider.id + "-value");
    slider.addEventListener("input", () => { write(slider.id, text(slider)); redraw(); });
    field.addEventListener("input", () => { if (take(slider)) redraw(); });
    field.addEventListener("change", () => { if (field.getAttribute("aria-invalid") === "true") write(slider.id, field.dataset.good); });
    take(slider);
  }
  if (at("rest") !== null) at("rest").addEventListener("input", redraw);
  at("controls").addEventListener("submit", event => event.preventDefault());
  at("again").addEventListener("click", () => { at("controls").reset(); sliders.forEach(take); redraw(); });
  at("play").addEventListener("click", play);
  draw();
})();
