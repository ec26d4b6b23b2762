"""The suite's own tests: the oracle, the bounds, the verdicts, and the mutants."""
