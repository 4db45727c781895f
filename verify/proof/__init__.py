"""Proof of modified equations by evaluation over random prime fields.

    update text, claimed field --statement--> trees
      --field, loss, sample--> a random prime p = -1 mod 8, parameters in their ranges, a point, all derivatives of a loss there
      --series, program, orbit--> the slow orbit as power series in gamma, its memory solved for order by order
      --claim--> the claimed field at the same point: equal or not, for every variable, power and component
      --degrees, bounds--> how many zeros a difference could have, and in how many dimensions it could hide
      --reflections, classes--> how many classes of signs there are      --real, balls--> a real point for a refutation
      --repeats, step_degrees--> how many numbers of repetitions stand for all, where they are symbols
    --deciding--> proved for all parameter values in their ranges, every smooth loss, every dimension, with an error bound

`certificate` writes a statement down, and `checker`, one file without dependencies, proves it again.  Why equality at random
points of prime fields proves the statement, what it assumes and where it could fail: docs/proof.md.
"""

from __future__ import annotations

from verify.proof.deciding import Proof, prove

__all__ = ["Proof", "prove"]
