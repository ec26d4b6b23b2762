"""The tests of the suite itself: the oracle, the bounds, the verdicts, and that every mutant dies."""
