"use strict";
// Draws one cloud: dots, and for every law a cross at its mean and the ellipse of two standard deviations.
const DATA = JSON.parse(document.getElementById("data").textContent), SVG = "http://www.w3.org/2000/svg";
const at = id => document.getElementById(id), show = x => (Math.abs(x) < 5e-7 ? "0" : x.toPrecision(3));

function element(name, attributes, inside) {
  const e = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  inside.append(e);
  return e;
}

// (x, y) at the angle a of the ellipse is mean + 2 R (cos a, sin a), R the root of Cholesky; none of a matrix that is not positive
function ellipse(law) {
  const [x, y] = law.mean, [xx, xy, yy] = law.covariance, a = Math.sqrt(Math.max(xx, 0)), b = a > 0 ? xy / a : 0;
  const rest = yy - b * b;
  if (!(a > 0) || rest < 0) return null;
  const c = Math.sqrt(rest), points = [];
  for (let k = 0; k <= 72; k++) {
    const u = 2 * Math.cos(k * Math.PI / 36), v = 2 * Math.sin(k * Math.PI / 36);
    points.push([x + a * u, y + b * u + c * v]);
  }
  return points;
}

function frame(cloud) {
  const all = [...cloud.points, ...cloud.laws.flatMap(law => [law.mean, ...(ellipse(law) ?? [])])];
  const [xs, ys] = [0, 1].map(k => all.map(p => p[k])), middle = v => (Math.min(...v) + Math.max(...v)) / 2;
  const span = 1.08 * Math.max(...[xs, ys].map(v => Math.max(...v) - Math.min(...v)), 1e-6);
  const scale = 300 / span, x0 = middle(xs), y0 = middle(ys);
  return { span, place: p => [225 + scale * (p[0] - x0), 165 - scale * (p[1] - y0)], x0, y0, scale };
}

function axes(svg, f) {
  element("rect", { x: 75, y: 15, width: 300, height: 300, class: "grid" }, svg);
  for (const k of [-.4, 0, .4]) {
    const [x] = f.place([f.x0 + k * f.span, f.y0]), [, y] = f.place([f.x0, f.y0 + k * f.span]);
    element("text", { x, y: 334, "text-anchor": "middle" }, svg).textContent = (f.x0 + k * f.span).toFixed(2);
    element("text", { x: 68, y: y + 4, "text-anchor": "end" }, svg).textContent = (f.y0 + k * f.span).toFixed(2);
  }
  element("text", { x: 225, y: 354, "text-anchor": "middle", class: "name" }, svg).textContent = "x";
  element("text", { x: 12, y: 168, class: "name" }, svg).textContent = "y";
}

function draw() {
  const gamma = DATA.gammas[at("gamma").value], batch = at("batch") ? DATA.batches[at("batch").value] : DATA.batches[0];
  const cloud = DATA.clouds.find(c => c.gamma === gamma && c.batch === batch), svg = at("cloud");
  at("gamma-value").value = gamma;
  if (at("batch")) at("batch-value").value = batch;
  svg.replaceChildren();
  const body = at("laws").tBodies[0];
  body.replaceChildren();
  if (!cloud) {
    at("status").textContent = "At this step the paths leave every bound.";
    return;
  }
  const f = frame(cloud), d = points => points.map((p, k) => (k ? "L" : "M") + f.place(p).map(z => z.toFixed(1)).join(" ")).join("");
  axes(svg, f);
  for (const p of cloud.points) {
    const [cx, cy] = f.place(p);
    element("circle", { cx: cx.toFixed(1), cy: cy.toFixed(1), r: 2 }, svg);
  }
  for (const law of cloud.laws) {
    const g = element("g", { class: law.mark }, svg), [x, y] = f.place(law.mean), points = ellipse(law);
    if (points) element("path", { d: d(points) + "Z" }, g); // first, as the style dashes the first
    element("path", { d: `M${x - 5} ${y}H${x + 5}M${x} ${y - 5}V${y + 5}`, class: "cross" }, g);
    const row = body.insertRow();
    row.innerHTML = `<th scope="row"><svg class="sample ${law.mark}" viewBox="0 0 48 16" aria-hidden="true"><path d="M0 8H48" ` +
      `stroke="currentColor" stroke-width="2.4"/></svg>${law.name}</th>`;
    for (const value of [...law.mean, ...law.covariance]) row.insertCell().textContent = show(value);
  }
  at("status").textContent = cloud.said;
  document.documentElement.dataset.drawn = Number(document.documentElement.dataset.drawn ?? 0) + 1;
}

for (const id of ["gamma", "batch"]) at(id)?.addEventListener("input", draw);
draw();
