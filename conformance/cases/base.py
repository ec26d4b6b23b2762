"""What a case is: calls to put to a subject, and a judgement of what came back.

The calls are made in the subject's process, the judgement in the suite's. A case crosses between them, so it is plain
data and draws its arrays anew on either side.
"""

from dataclasses import replace
from typing import NamedTuple, Optional

from conformance.judge import PRECISION
from conformance.verdict import Outcome, Verdict

TIERS = ("quick", "full", "huge")


class Call(NamedTuple):
    """One call of a subject: `operation` is 'loss' or 'gradient', `arguments` are those of the page, in NumPy."""

    operation: str
    arguments: dict
    dout: Optional[object] = None
    pick: int = 0  # of a gradient: 0 that of input, 1 that of weight
    view: Optional[str] = None  # 'strided' or 'transposed': how input lies in memory


class Answer(NamedTuple):
    """What came of a call: an array, or an error by the names of its classes, and what else was noticed."""

    array: Optional[object] = None
    error: tuple = ()  # the class of the exception and its bases
    message: str = ""
    wrote: str = ""  # to what a call wrote that it should not have
    same: bool = True  # as the same call gave before

    def text(self):
        says = next((line for line in self.message.splitlines() if any(map(str.isalnum, line))), "")
        return f"{self.error[0]}: {says}"


class Leg(NamedTuple):
    """A subject on a device target in a mode, and what it says of itself."""

    subject: str
    target: str
    mode: str
    claims: dict
    lacks: dict
    limits: dict
    guarded: bool
    environment: dict = {}  # noqa: RUF012

    @property
    def id(self):
        return "-".join(part for part in (self.subject, self.target, self.mode) if part)


GENERAL = ("output-dtype", "accuracy", "same-twice", "inputs-kept", "inside-buffers")


class Case:
    """A case has an `id`, the `tier` from which on it runs, the clauses in its `focus`, and what it `needs`."""

    id: str
    tier: str
    focus: tuple
    needs: frozenset
    seconds = 60  # after which the subject is taken to hang

    @property
    def clauses(self):
        return self.focus + GENERAL

    def clauses_on(self, leg):
        """What a leg was asked of the clauses: only guarded memory can tell whether a call stays inside its buffers."""
        return tuple(c for c in self.clauses if c != "inside-buffers" or leg.guarded)

    def calls(self):
        raise NotImplementedError

    def disturbance(self):
        """Calls to make before the same calls are made again."""
        return []

    def fold(self, array):
        """What of a result goes back to the suite's process."""
        return array

    def judge(self, answers, leg):
        """The outcome of answers, none of which is an error."""
        raise NotImplementedError

    def judge_error(self, answer, leg):
        for need in sorted(self.needs & set(leg.limits)):
            return Outcome(Verdict.REFUSES_AS_DOCUMENTED, f"{answer.text()} ({need}: {leg.limits[need]})")
        return Outcome(Verdict.REFUSES, answer.text(), self.focus)

    def outcome(self, answers, leg):
        """The outcome of all answers: what holds for every case first."""
        for answer in answers:
            if answer.wrote:
                broken = "inputs-kept" if answer.wrote in ("input", "target", "weight", "dout") else "inside-buffers"
                return Outcome(Verdict.DIVERGES, f"wrote to {answer.wrote}", (broken,))
        errors = [answer for answer in answers if answer.error]
        outcome = self.judge_error(errors[0], leg) if errors else self.judge(answers, leg)
        if "accuracy" in leg.limits and outcome.broken and set(outcome.broken) <= {"accuracy", *PRECISION}:
            detail = f"{outcome.detail} (accuracy: {leg.limits['accuracy']})"
            return replace(outcome, verdict=Verdict.REFUSES_AS_DOCUMENTED, detail=detail, broken=())
        if outcome.verdict is Verdict.CONFORMS and not all(answer.same for answer in answers):
            return Outcome(Verdict.DIVERGES, "the same call gave another result the second time", ("same-twice",))
        return outcome
