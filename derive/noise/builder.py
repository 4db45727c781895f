"""From an update text to the lines of its step: slow and fast variables, and what a fast one follows.

    f = R s + u,  R = P + D R        at gamma = 0 a fast variable follows slow ones at the distance u, and u+ = D u + ...

Where gradients are means over large batches, fast variables fluctuate about their centres, sums of gradients and functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from derive.algebra.coefficients import Ratio
from derive.language import fresh_name
from derive.noise.constants import Roots
from derive.noise.forests import GRADIENT, NORMAL
from derive.noise.lines import Evaluation, StepForms
from derive.noise.series import Series, monomial
from derive.noise.steps import Gradient, Line, Step
from derive.scheme import Configuration
from derive.scheme.linear_forms import Form


def one_step(configuration: Configuration, order: int, batches: bool = False) -> Step:
    """The step of a configuration through gamma^order.  Raises ReductionError where its text is not linear in state variables,
    gradients and normal vectors, or where memory does not relax."""
    forms = StepForms(configuration, order, batches)
    after = forms.explicit(forms.run())
    for x in configuration.scheme.unknowns:
        forms.replace_ahead(x, after[x])
    return _Builder(forms, after).step()


class _Builder:
    """From the forms of a text to the lines of its step."""

    def __init__(self, forms: StepForms, after: Mapping[str, Form]) -> None:
        self.forms, self.ring, self.scheme = forms, forms.ring, forms.scheme
        symbol = forms.configuration.symbol
        self.after = {symbol(s): forms.scaled(f, forms.factor(s).inverse()) for s, f in after.items()}
        self.at_zero = {a: {b: self.zeroth(f, b, a) for b in self.after} for a, f in self.after.items()}
        self.slow = self._slow()
        self.fast = self._ordered([s for s in self.after if s not in self.slow])
        self.following = self._following()
        #: argument or memory that fluctuates -> label -> the factor with which it is part of what it fluctuates about
        self.centres: dict[str, dict[str, Ratio]] = {}
        if forms.batches:
            for u in self.fast:
                rest = {key: c for key, c in self.after[u].items() if key != u}
                own = self.ring.one - self.at_zero[u][u]
                self.centres[u] = {label: (c / own).reduced() for label, c in self.centre(rest).items()}

    def centre(self, form: Form) -> dict[str, Ratio]:
        """What a form is at gamma = 0 without fluctuations, but for slow variables: a sum of gradients and functions."""
        found: dict[str, Ratio] = {}
        for key in form:
            if key in self.centres:
                parts = self.centres[key]
            elif key.startswith(StepForms.GRADIENT):
                parts = {self.label_of(self.forms.part(key)): self.ring.one}
            else:
                continue
            limit = self.zeroth(form, key, "an argument")
            for label, b in parts.items():
                found[label] = (found[label] + limit * b if label in found else limit * b).reduced()
        return {label: c for label, c in found.items() if c}

    def expanded(self, c: Ratio) -> Series:
        """A coefficient as a power series in gamma."""
        try:
            return self.forms.expand(c)
        except ZeroDivisionError:
            raise self.forms.refuse(f"a factor {c} has no limit as gamma -> 0; a regime may rescale the memory") from None

    def zeroth(self, form: Form, state: str, target: str) -> Ratio:
        """The coefficient of a variable at gamma = 0."""
        c = form.get(state, self.ring.zero)
        try:
            return self.forms.expand(c).coefficients[0]
        except ZeroDivisionError:
            problem = f"{target} after the step has {state} with the factor {c}, which has no limit as gamma -> 0"
            raise self.forms.refuse(problem) from None

    def _slow(self) -> tuple[str, ...]:
        """Variables that stay where they are at gamma = 0, but for what fast ones bring."""
        slow = [a for a in self.after if a in self.scheme.unknowns or self.at_zero[a][a] == 1]
        for a in slow:
            for b in slow:
                if self.at_zero[a][b] != int(a == b):
                    problem = f"a step moves {a} even as gamma -> 0, by {b}; a regime may rescale it"
                    raise self.forms.refuse(problem)
        return tuple(slow)

    def _ordered(self, fast: list[str]) -> tuple[str, ...]:
        """Fast variables, each after those that it is fed by at gamma = 0: D is triangular."""
        rest, found = list(fast), list[str]()
        while rest:
            free = [u for u in rest if not any(v != u and self.at_zero[u][v] for v in rest)]
            if not free:
                names = ", ".join(rest)
                raise self.forms.refuse(f"the memory {names} does not relax one variable after the other as gamma -> 0")
            found += free
            rest = [u for u in rest if u not in free]
        return tuple(found)

    def _following(self) -> dict[str, dict[str, Ratio]]:
        """R = P + D R: fast variable -> slow variable -> the factor with which it follows at gamma = 0."""
        found: dict[str, dict[str, Ratio]] = {}
        for u in self.fast:
            row, own = self.at_zero[u], self.ring.one - self.at_zero[u][u]
            found[u] = {s: (sum((row[v] * found[v][s] for v in found), row[s]) / own).reduced() for s in self.slow}
        return found

    def distance(self, u: str) -> Form:
        """A fast variable after the step, less what it follows there."""
        form = self.after[u]
        for s, r in self.following[u].items():
            form = self.forms.total(form, self.forms.scaled(self.after[s], r), -1)
        return form

    def moved(self, form: Form) -> Form:
        """The form in slow variables and distances: f = u + R s."""
        for u in self.fast:
            if c := form.get(u):
                form = self.forms.total(form, {s: c * r for s, r in self.following[u].items() if r})
        return {key: c for key, c in form.items() if c}

    def line(self, form: Form, start: str = "", centre: Mapping[str, Ratio] | None = None) -> Line:
        """The form as a line; what it begins with is no increment: the slow variable `start`, or the `centre`."""
        states, gradients, normals = dict[str, Series](), dict[int, Series](), dict[tuple[int, Roots], Series]()
        for key, c in self.moved(form).items():
            if not key or key.startswith(StepForms.NUMBER):
                raise self.forms.refuse("a number is added to every component of a vector")
            for roots, part in self.forms.by_roots(c).items():
                series = self.expanded(part)
                if key.startswith(StepForms.NORMAL):
                    normals[int(key[1:]), roots] = series
                elif roots:
                    raise self.forms.refuse(f"the root of {self.forms.squares[roots[0]]} stands where no normal() does")
                elif key.startswith(StepForms.GRADIENT):
                    gradients[int(key[1:])] = series
                else:
                    states[key] = series
        one = monomial(self.ring, self.ring.one, 0, self.forms.order)
        zero = one - one
        values = {s: states.get(s, zero) - (one if s == start else zero) for s in self.slow}
        for u, series in states.items():
            for label, b in self.centres.get(u, {}).items():
                values[label] = values.get(label, zero) + series.scaled(b)
        for label, b in (centre or {}).items():
            values[label] = values.get(label, zero) - one.scaled(b)
        return Line(states, gradients, normals, {s: c for s, c in values.items() if c})

    def step(self) -> Step:
        forms, unknown = self.forms, next(iter(self.scheme.unknowns))
        if forms.normals and len(self.scheme.unknowns) > 1:
            raise forms.refuse("nothing says in whose space a normal() of a game lies")
        lines = {s: self.line(self.after[s], s) for s in self.slow} | {
            u: self.line(self.distance(u), centre=self.centres.get(u)) for u in self.fast
        }
        spaces = dict(forms.spaces)
        gradients = self.reached(lines.values())
        spaces |= {g.label: forms.evaluations[k].space for k, g in gradients.items()} | {NORMAL: unknown}
        self.require_one_root([*lines.values(), *(line for g in gradients.values() for line in g.point.values())])
        return Step(forms, self.slow, self.fast, lines, gradients, spaces, self.following, self.centres)

    def require_one_root(self, lines: Iterable[Line]) -> None:
        """A normal vector that stands with two roots would bring their product, which is no power series in gamma."""
        found: dict[int, Roots] = {}
        for z, roots in (key for line in lines for key in line.normals):
            if found.setdefault(z, roots) != roots:
                squares = " and ".join(f"sqrt({self.forms.squares[i]})" for i in sorted({*found[z], *roots}))
                raise self.forms.refuse(f"one normal vector stands with different roots ({squares}); give them one factor")

    def reached(self, lines: Iterable[Line]) -> dict[int, Gradient]:
        """The gradients that lines lead to, by their numbers."""
        found: dict[int, Gradient] = {}
        open_ = sorted({k for line in lines for k in line.gradients})
        while open_:
            k = open_.pop(0)
            if k not in found:
                found[k] = self.gradient(self.forms.evaluations[k])
                open_ += sorted(k for line in found[k].point.values() for k in line.gradients)
        return found

    def names(self, e: Evaluation) -> list[str]:
        """The variables to which the arguments of an evaluation tend, or those about which they fluctuate."""
        names: list[str] = []
        for k, slot in enumerate(e.slots):
            name = self.tends_to(slot.form, e.variables[k] if e.variables else "")
            if name in names:
                raise self.forms.refuse(f"a function of {name} at two points ({e.text.format(*'xyzuvw'[:len(e.slots)])})")
            if name in self.fast and not slot.linear and not self.forms.batches:
                text = e.text.format(*(name if j == k else "..." for j in range(len(e.slots))))
                raise self.forms.refuse(
                    f"{text} is not linear in the memory {name}, which fluctuates as gamma -> 0, so that its mean is no finite "
                    f"expression; a regime in which {name} is slow, 1 - beta = c gamma, has one, and so has every power of 1/B "
                    "(modified-sde --batch-order 1)"
                )
            names.append(name)
        return names

    def label_of(self, e: Evaluation) -> str:
        return e.label or self.label(e.text.format(*self.names(e)))

    def gradient(self, e: Evaluation) -> Gradient:
        """An evaluation with its arguments as lines."""
        names, point = self.names(e), dict[str, Line]()
        for name, slot in zip(names, e.slots, strict=True):
            about = {} if e.variables or not self.forms.batches else self.centre(slot.form)
            if about and name in self.slow:
                raise self.forms.refuse(f"an argument of a function, {name}, tends to more than itself")
            if about and self.centres.setdefault(name, about) != about:
                raise self.forms.refuse(f"{name} stands in a function with a factor of its own; name the product")
            point[name] = self.line(slot.form, name, about)
        linear = frozenset() if self.forms.batches else frozenset(names) & {*self.fast}
        return Gradient(e.label or self.label(e.text.format(*names)), e.sample, point, linear)

    def tends_to(self, form: Form, variable: str) -> str:
        """The slow variable to which a form tends as gamma -> 0; a fast one where it tends to none."""
        moved = self.moved(form)
        limits = {key: self.zeroth(moved, key, "the argument of a function") for key in moved if key in self.after}
        slow = {s: c for s, c in limits.items() if s in self.slow and c}
        if not slow and not variable and self.forms.batches and len(form) == 1:
            (key,) = form
            return self.label_of(self.forms.part(key)) if self.forms.fluctuates(key) else key
        if not slow and not variable:
            if found := next((u for u in self.fast if limits.get(u)), ""):
                return found
            raise self.forms.refuse("an argument of a function tends to no variable as gamma -> 0")
        if list(slow.items()) != [(name := variable or next(iter(slow)), self.ring.one)]:
            text = " + ".join(f"{c}*{s}" for s, c in slow.items()) or "0"
            raise self.forms.refuse(f"a gradient or function is taken at a point that tends to {text} as gamma -> 0")
        return name

    def label(self, text: str) -> str:
        """The letter of a function of gradients."""
        opaque = self.forms.opaque
        found = next((name for name, known in opaque.items() if known == text), "")
        if not found:
            found = fresh_name("u", {*self.scheme.names, *self.forms.configuration.free, *opaque, *self.after, GRADIENT})
            opaque[found] = text
        return found
