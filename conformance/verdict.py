"""The verdicts, and which of them are failures."""

import enum
from dataclasses import dataclass
from typing import Optional


class Verdict(str, enum.Enum):
    """The verdicts as every report spells them. Only `CONFORMS` is a pass."""

    CONFORMS = "conforms"
    KNOWN = "diverges (known)"  # as an entry of the ledger expects
    DIVERGES = "diverges"
    REFUSES_AS_DOCUMENTED = "refuses (documented)"  # by the subject's own documentation
    REFUSES = "refuses (undocumented)"
    ADAPTER = "adapter error"  # the adapter failed, not the implementation
    CRASHED = "crashed"  # the process died
    HUNG = "hung"  # the process had to be killed
    NOT_AVAILABLE = "not available"  # the subject has no interface for what the case needs
    OUTDATED = "outdated ledger"  # an entry of the ledger expects something else
    VACUOUS = "vacuous"  # the comparison could not have failed: a bug of the suite

    @property
    def is_failure(self):
        return self not in (Verdict.CONFORMS, Verdict.REFUSES_AS_DOCUMENTED, Verdict.NOT_AVAILABLE)


@dataclass(frozen=True)
class Outcome:
    """A verdict, its reason in one line, the clauses that are broken, and the largest error."""

    verdict: Verdict
    detail: str = ""
    broken: tuple = ()
    ulp: Optional[float] = None
    fraction: Optional[float] = None  # of the bound
    ledger: Optional[str] = None  # the entry that expected the outcome
    traceback: str = ""  # of the error that the subject raised
    output: str = ""  # what the subject's process printed during the case
