"""The base class of all cases: the calls a case makes, and how their answers become an outcome.

The calls are made in the subject's process; the outcome is determined in the suite's. A case is sent from one to the
other, so it is plain data, and each process draws the arrays from it.
"""

from dataclasses import replace
from typing import NamedTuple, Optional

from conformance.judge import PRECISION, bits
from conformance.verdict import Outcome, Verdict

TIERS = ("quick", "full", "huge")
# Clauses that every case tests, besides those in its focus.
GENERAL = ("output-dtype", "accuracy", "same-twice", "result-kept", "inputs-kept", "inside-buffers")
# The arguments that may be omitted, and all arguments, in the order of the signature.
DEFAULTS = {"p": 1, "margin": 1, "weight": None, "reduction": "mean"}
SIGNATURE = ("input", "target", *DEFAULTS)


class Call(NamedTuple):
    """One call of a subject. The arguments are those of the documented function, as NumPy arrays and Python values."""

    operation: str  # 'loss' or 'gradient'
    arguments: dict
    dout: Optional[object] = None
    pick: int = 0  # which gradient is the result: 0 for input, 1 for weight
    layouts: dict = {}  # noqa: RUF012 - argument -> its memory layout, if not simply contiguous (see `layouts.py`)
    by_position: bool = False  # whether the arguments are passed by position, in the order of the signature


class Answer(NamedTuple):
    """The result of a call, or the error it raised, and its side effects."""

    array: Optional[object] = None
    error: tuple = ()  # the names of the exception's class and its bases
    message: str = ""
    wrote: str = ""  # the input or the memory that the call must not write but did
    same: bool = True  # whether the second call gave the same bits
    kept: bool = True  # whether the result still had them after that
    case: int = 0  # of which case: 0 for the case itself, else the number of the case between its two runs
    fault: str = ""  # what the adapter did wrong, if the error is not the implementation's (see faults.py)
    traceback: str = ""

    def text(self):
        """The error's class and the first line of its message that has any text."""
        line = next((line for line in self.message.splitlines() if any(map(str.isalnum, line))), "")
        return f"{self.error[0]}: {line}"


class Case:
    """One test of a subject.

    Attributes:
        id: readable, unique, and the same on every leg; `--case ID` runs only this case.
        tier: the smallest tier that includes the case.
        focus: the clauses that a wrong result breaks.
        needs: what the subject must support; the keys of `Subject.lacks`.
        seconds: the time after which the subject is considered hung.
        expects_error: whether the documented result is an error that only a running kernel can raise.
        repeated: whether its calls are made twice.
        oversized: whether its arrays are too large to be copied: then it is called once, and inputs are not compared.
    """

    id: str
    tier: str
    focus: tuple
    needs: frozenset
    seconds = 60
    repeated = True
    oversized = False
    expects_error = False

    @property
    def clauses(self):
        return self.focus + GENERAL

    def clauses_on(self, leg):
        """The clauses that the case tests on a leg: without guarded memory, 'inside-buffers' is not tested."""
        return tuple(c for c in self.clauses if c != "inside-buffers" or leg.guarded)

    def calls(self):
        raise NotImplementedError

    def disturbances(self):
        """Other cases, whose calls are made before the case's calls are repeated."""
        return []

    def fold(self, array):
        """Reduce a result, in the subject's process, to the array that is sent back."""
        return array

    def outcome(self, answers, leg):
        """The outcome of all answers: of the case's own calls first, then of those between their two runs."""
        outcome = self._own_outcome([answer for answer in answers if answer.case == 0], leg)
        if outcome.verdict is not Verdict.CONFORMS:
            return outcome
        for i, case in enumerate(self.disturbances(), 1):
            other = case.outcome([answer._replace(case=0) for answer in answers if answer.case == i], leg)
            if other.verdict.is_failure and other.verdict is not Verdict.VACUOUS:
                return replace(other, detail=f"the call between its two runs: {other.detail}", broken=("same-twice",))
        return outcome

    def _own_outcome(self, answers, leg):
        """Side effects first, then errors, results, and repeatability."""
        for answer in answers:
            if answer.wrote:
                broken = "inputs-kept" if answer.wrote in ("input", "target", "weight", "dout") else "inside-buffers"
                return Outcome(Verdict.DIVERGES, f"wrote to {answer.wrote}", (broken,))
        errors = [answer for answer in answers if answer.error]
        outcome = self.outcome_of_error(errors[0], leg) if errors else self.outcome_of_results(answers, leg)
        if "accuracy" in leg.limits and outcome.broken and set(outcome.broken) <= {"accuracy", *PRECISION}:
            detail = f"{outcome.detail} (accuracy: {leg.limits['accuracy']})"
            return replace(outcome, verdict=Verdict.REFUSES_AS_DOCUMENTED, detail=detail, broken=())
        if outcome.verdict is Verdict.CONFORMS and not all(answer.same for answer in answers):
            return Outcome(Verdict.DIVERGES, "the same call gave another result the second time", ("same-twice",))
        if outcome.verdict is Verdict.CONFORMS and not all(answer.kept for answer in answers):
            return Outcome(Verdict.DIVERGES, "a later call changed its result", ("result-kept",))
        return outcome

    def outcome_of_results(self, answers, leg):
        """The outcome if no call raised an error."""
        raise NotImplementedError

    def outcome_of_error(self, answer, leg):
        """The outcome of the first error."""
        for need in sorted(self.needs & set(leg.limits)):
            return Outcome(Verdict.REFUSES_AS_DOCUMENTED, f"{answer.text()} ({need}: {leg.limits[need]})")
        return Outcome(Verdict.REFUSES, answer.text(), self.focus)


class ErrorCase(Case):
    """A case with one bad call among good ones. The first and last good calls are equal, and so must be their bits.

    Attributes:
        bad_call: the position of the bad call.
    """

    repeated = False
    bad_call = 2

    def outcome(self, answers, leg):
        good = [answer for i, answer in enumerate(answers) if i != self.bad_call]
        for answer in good:
            if answer.error:
                return super().outcome_of_error(answer, leg)
        outcome = super().outcome(answers, leg)
        if outcome.verdict is Verdict.CONFORMS and bits(good[0].array) != bits(good[-1].array):
            return Outcome(Verdict.DIVERGES, "the same good call gave another result after the error", ("same-twice",))
        return outcome
