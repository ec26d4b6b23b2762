"""`python -m ci.readme` generates the tables of a README; --check fails for an outdated one, and for unfit reports."""

import json
import pathlib

import pytest

from ci import readme
from custom_ops.tests.builds import CHECKOUT

REPORT = str(CHECKOUT / "ci" / "results" / "cpu-mindspore-2.8.0.json")


def test_generated_tables(tmp_path):
    file = tmp_path / "README.md"
    marks = "".join(f"<!-- {name}: generated -->\n<!-- {name}: end -->\n" for name in ("support", "against"))
    file.write_text("before\n" + marks + "after\n")
    arguments = [REPORT, str(file)]
    with pytest.raises(SystemExit, match="is outdated"):
        readme.main([*arguments, "--check"])
    readme.main(arguments)
    readme.main([*arguments, "--check"])
    assert file.read_text().startswith("before\n")
    assert file.read_text().endswith("after\n")
    assert "| library CPU |" in file.read_text()


@pytest.mark.parametrize(("problems", "verdict", "reason"), [
    (["outdated ledger: entry 'x'"], "conforms", "outdated ledger: entry 'x'"),
    ([], "outdated ledger", "library CPU: 2 with the verdict 'outdated ledger'"),
    ([], "vacuous", "library CPU: 2 with the verdict 'vacuous'"),
    ([], "diverges (known)", None),
])  # fmt: skip
def test_reports_with_problems_are_refused(problems, verdict, reason, tmp_path):
    report = json.loads(pathlib.Path(REPORT).read_text())
    report["problems"] = problems
    report["legs"] = [leg for leg in report["legs"] if leg["subject"] == "library"]
    report["legs"][0]["verdicts"] = {verdict: 2}
    file = tmp_path / "report.json"
    file.write_text(json.dumps(report))
    if reason is None:
        readme.main([str(file), "--check"])
        return
    with pytest.raises(SystemExit, match="must not be committed") as error:
        readme.main([str(file), "--check"])
    assert str(error.value) == f"{file} must not be committed: {reason}"
