"""`python -m ci.readme` generates the tables of a README, and its --check fails for an outdated one."""

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
