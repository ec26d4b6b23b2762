"""What can be said of a case on a leg, and which of it is a failure."""

import enum
from dataclasses import dataclass
from typing import Optional


class Verdict(str, enum.Enum):
    """The words of every report. Only `CONFORMS` is a pass."""

    CONFORMS = "conforms"
    KNOWN = "diverges (known)"  # as the ledger says
    DIVERGES = "diverges"
    REFUSES_AS_DOCUMENTED = "refuses (documented)"  # its own documentation says that it does
    REFUSES = "refuses (undocumented)"
    CRASHED = "crashed"  # the process died
    HUNG = "hung"  # the process had to be killed
    NOT_AVAILABLE = "not available"  # the subject has no way to be asked
    OUTDATED = "outdated ledger"  # an entry of the ledger no longer says what is seen
    VACUOUS = "vacuous"  # the comparison could not have failed: a fault of the suite

    @property
    def is_failure(self):
        return self not in (Verdict.CONFORMS, Verdict.REFUSES_AS_DOCUMENTED, Verdict.NOT_AVAILABLE)


@dataclass(frozen=True)
class Outcome:
    """A verdict with its reason in one line, the clauses that are broken, and how near to the bound the result came."""

    verdict: Verdict
    detail: str = ""
    broken: tuple = ()
    ulp: Optional[float] = None
    fraction: Optional[float] = None  # of the bound
    ledger: Optional[str] = None  # the entry that foresaw it
