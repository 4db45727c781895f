"use strict";
/* The scheme of MODEL and its flows in double precision.  A run is described by c: step size g, number of steps n, parameters p,
   start (the slow coordinates), rest (whether the memory starts as users start it), parts (points of a flow a step). */
const FLOWS = (() => {
  const FAR = 1e6;  // what is larger counts as having left every bound
  const numbers = z => z.every(Number.isFinite);
  const near = z => z.every(x => Math.abs(x) < FAR);
  const finite = z => numbers(z) && near(z);
  const norm = v => Math.hypot(...v);

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

  /* Where the memory starts.  The truncated slow manifold is of use while its corrections are smaller than its lowest power and
     the scheme can take a step from it (a second moment under a root must not be negative). */
  function beginning(c) {
    if (MODEL.size === MODEL.slow) return { memory: [], kind: "manifold" };
    if (c.rest) return { memory: MODEL.rest(c.start, c.g, c.p), kind: "rest" };
    const memory = MODEL.memory(c.start, c.g, c.p), lowest = MODEL.first(c.start, c.g, c.p);
    const steps = m => numbers(m) && numbers(step([...c.start, ...m], c.g, c.p));
    const size = norm(lowest), ratio = norm(memory.map((x, i) => x - lowest[i])) / size;
    const flipped = lowest.findIndex((x, i) => x > 0 && memory[i] < 0 && !steps(memory));
    if (steps(memory) && !(ratio >= 1)) return { memory, kind: "manifold" };
    if (steps(lowest)) return { memory: lowest, kind: "lowest", truncated: memory, ratio, flipped };
    return { memory: MODEL.rest(c.start, c.g, c.p), kind: "fallback", truncated: memory, lowest, ratio, flipped };
  }

  function iterates(c) {
    const begin = beginning(c), path = [c.start];
    let z = [...c.start, ...begin.memory], end = "";
    for (let i = 0; i < c.n && !end; i++) {
      z = step(z, c.g, c.p);
      end = !near(z.filter(x => !Number.isNaN(x))) ? "far" : numbers(z) ? "" : "none";
      if (!end) path.push(z.slice(0, MODEL.slow));
    }
    return { path, begin, end };
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

  function advance(s, time, c, k, trail) {
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
      if (error <= 1) {
        trail.push([h, norm(stages[6]), x]);
        left -= h;
        trail.time += h;
        s = x;
        if (left < 1e-12 * time || !near(s)) return s;
      }
      h *= Number.isFinite(error) ? Math.min(4, Math.max(0.2, 0.9 * (error + 1e-12) ** -0.2)) : 0.2;
    }
    return left > 0 ? s.map(() => NaN) : s;
  }

  /* The end of a flow.  Near a singularity at distance d in time a solution that moves like d^b has a speed like d^(b-1), and steps
     like d: b > 0 ends at a finite point, where the field is singular or jumps; b <= 0 leaves every bound. */
  function ending(trail, c) {
    const [h, speed, s] = trail[trail.length - 1] ?? [0, 0, c.start];
    const before = trail.findLast(([step]) => step > 1e3 * h);
    const b = before ? 1 + Math.log(speed / before[1]) / Math.log(h / before[0]) : 1;
    return !near(s) || b < 0.04 ? { kind: "far" } : { kind: "singular", point: s };
  }

  function flow(c, k) {
    const path = [c.start], trail = Object.assign([], { time: 0 });
    let s = c.start, end = null;
    for (let i = 0; i < c.n * c.parts && !end; i++) {
      s = advance(s, c.g / c.parts, c, k, trail);
      if (finite(s)) path.push(s);
      else end = { ...ending(trail, c), time: trail.time };
      trail.splice(0, trail.length - 200);
    }
    return { path, end };
  }

  /* |g f_1 + ... + g^k f_k| / |f_0| */
  function ratio(s, c, k) {
    const rows = MODEL.field(s, c.p), total = slope(s, c, k);
    return norm(total.map((x, i) => x - rows[0][i])) / norm(rows[0]);
  }

  return { FAR, flow, iterates, norm, numbers, ratio, slope };
})();
