"use strict";
/* Draws MODEL (generated from the exact field) with the values of the controls.  Double precision throughout. */
(() => {
  const at = id => document.getElementById(id);
  const data = JSON.parse(at("data").textContent);
  const W = 400, H = 360, LEFT = 46, RIGHT = 8, TOP = 8, BOTTOM = 30, GRID = 72, LEVELS = 14, PARTS = 4;
  const controls = [...document.querySelectorAll("#controls input")];
  const ends = { limit: at("end-limit"), modified: at("end-modified") };

  /* ---------------------------------------------------------------- the scheme and the flows */
  const finite = z => z.every(x => Number.isFinite(x) && Math.abs(x) < 1e6);
  const own = id => Number(at(id).value);

  function choices() {
    return {
      g: own("gamma"), n: own("steps"), k: own("power"), p: data.parameters.map((_, i) => own("p" + i)),
      start: [own("x0"), own("x1"), ...data.others], rest: at("rest") !== null && at("rest").checked,
    };
  }

  function step(z, g, p) {
    if (!MODEL.implicit) return MODEL.step(z, g, p);
    let ahead = z.slice(0, 2);
    for (let i = 0; i < 400; i++) {
      const next = MODEL.step(z, g, p, ahead);
      const moved = Math.max(Math.abs(next[0] - ahead[0]), Math.abs(next[1] - ahead[1]));
      ahead = next.slice(0, 2);
      if (!(moved > 1e-15 * (1 + Math.abs(ahead[0]) + Math.abs(ahead[1])))) return next;
    }
    return z.map(() => NaN);
  }

  function iterates(c) {
    let z = [...c.start, ...(c.rest ? MODEL.rest : MODEL.memory)(c.start, c.g, c.p)];
    const path = [c.start];
    for (let i = 0; i < c.n && finite(z); i++) {
      z = step(z, c.g, c.p);
      if (finite(z)) path.push(z.slice(0, MODEL.slow));
    }
    return path;
  }

  /* x' = f_0 + g f_1 + ... + g^k f_k by the pair of Dormand and Prince, error below 1e-9 a piece */
  const A = [[], [1 / 5], [3 / 40, 9 / 40], [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729], [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84]];
  const E = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40];

  function slope(s, c, k) {
    const rows = MODEL.field(s, c.p), total = rows[0].slice();
    for (let j = 1, w = c.g; j <= k; j++, w *= c.g) rows[j].forEach((x, i) => { total[i] += w * x; });
    return total;
  }

  function advance(s, time, c, k) {
    let left = time, h = time;
    for (let tries = 0; tries < 400 && left > 0; tries++) {
      h = Math.min(h, left);
      const stages = A.map(() => null);
      let x = s;
      A.forEach((row, i) => {
        x = s.map((y, m) => y + h * row.reduce((sum, a, j) => sum + a * stages[j][m], 0));
        stages[i] = slope(x, c, k);
      });
      const error = Math.max(...s.map((y, m) =>
        Math.abs(h * E.reduce((sum, e, j) => sum + e * stages[j][m], 0)) / (1e-9 * (1 + Math.abs(y)))));
      if (error <= 1) { left -= h; s = x; if (left < 1e-12 * time) return s; }
      h *= Number.isFinite(error) ? Math.min(4, Math.max(0.2, 0.9 * (error + 1e-12) ** -0.2)) : 0.2;
    }
    return left > 0 ? s.map(() => NaN) : s;
  }

  function flow(c, k) {
    const path = [c.start];
    for (let s = c.start, i = 0; i < c.n * PARTS; i++) {
      s = advance(s, c.g / PARTS, c, k);
      if (!finite(s)) break;
      path.push(s);
    }
    return path;
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
    for (const name of ["limit", "modified"]) found[name] = paths.iterates.map((z, i) => gap(z, paths[name][i * PARTS]));
    const logs = Object.values(found).flat().filter(d => d > 1e-13).map(Math.log10);
    const svg = at("distances"), xs = [0, Math.max(1, paths.iterates.length - 1)];
    const ys = logs.length ? [Math.floor(Math.min(...logs)), Math.ceil(Math.max(...logs) + 0.01)] : [-1, 0];
    axes(svg.querySelector(".axes"), xs, ys, ["step n", "distance"], y => Number.isInteger(y) ? "1e" + y : "");
    for (const name of ["limit", "modified"]) {
      const points = found[name].map((d, i) => [across(i, xs), down(Math.log10(d), ys)]).filter((_, i) => found[name][i] > 1e-13);
      svg.querySelector("." + name).setAttribute("d", line(points));
    }
    return found;
  }

  /* the comparison in words, at the last step that all three have reached */
  function say(c, paths, found) {
    const reached = found.limit.map((d, i) => Number.isFinite(d + found.modified[i]) ? i : 0);
    const n = Math.max(...reached), limit = found.limit[n], modified = found.modified[n], status = at("status");
    const power = "γ" + [...String(c.k)].map(d => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]).join("");
    let text = `After ${n} steps of size ${short(c.g)} the iterates are ${short(limit)} away from the limit flow and ` +
      `${short(modified)} from the modified flow through ${power}`;
    if (limit > modified && modified > 0) text += `: ${short(limit / modified)} times closer`;
    text += limit === modified && n > 0 ? ". Both flows are the same here." : ".";
    if (paths.iterates.length <= c.n) text += " The iterates leave every bound: the step is too large.";
    for (const [name, path] of [["limit", paths.limit], ["modified", paths.modified]])
      if (path.length <= c.n * PARTS) text += ` The ${name} flow ends early, where its field is singular or it leaves every bound.`;
    if (status.textContent !== text) status.textContent = text;
    Object.assign(status.dataset, { limit, modified });
    ends.limit.textContent = short(limit);
    ends.modified.textContent = short(modified);
  }

  function draw() {
    for (const input of controls)
      if (input.type === "range") at(input.id + "-value").textContent = short(Number(input.value));
    const c = choices();
    const paths = { limit: flow(c, 0), modified: flow(c, c.k), iterates: iterates(c) };
    const area = box([paths.iterates, paths.limit], paths.limit);
    const point = (x, y) => [x, y, ...data.others];
    panel("panel-loss", MODEL.loss && ((x, y) => MODEL.loss(point(x, y))[0]), area, paths);
    panel("panel-modified", (x, y) => MODEL.potential(point(x, y), c.p).reduce((sum, v, j) => j <= c.k ? sum + v * c.g ** j : sum, 0),
      area, paths);
    say(c, paths, distances(paths));
    document.documentElement.dataset.drawn = Number(document.documentElement.dataset.drawn || 0) + 1;
  }

  let waiting = false;
  function redraw() {
    if (waiting) return;
    waiting = true;
    setTimeout(() => { waiting = false; draw(); }, 16);
  }

  /* one step after the other; at once for people who asked for less motion */
  let playing = false;
  function play() {
    const slider = at("steps"), last = Number(slider.value);
    if (playing) return;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return redraw();
    let n = 1;
    playing = true;
    const tick = () => {
      slider.value = n;
      draw();
      playing = n++ < last;
      if (playing) setTimeout(tick, 90);
    };
    tick();
  }

  for (const input of controls) input.addEventListener("input", redraw);
  at("again").addEventListener("click", () => { at("controls").reset(); redraw(); });
  at("play").addEventListener("click", play);
  draw();
})();
