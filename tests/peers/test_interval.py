"""mTPI-2 against R's Keyboard 0.1.3: with the same margins the two decide alike."""

import pytest

from doseopt import MTPI2
from doseopt.verify import CHECKS
from doseopt.verify.boin import boundaries

CASES = CHECKS["keyboard-boundaries"].cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_boundaries(case):
    """`get.boundary.kb`, every row: n = 1 to 36."""
    given = case.given
    margins = {"margin_left": given["marginL"], "margin_right": given["marginR"]}
    found = boundaries(MTPI2(doses=3, target=given["target"], cutoff=given["cutoff_eli"], **margins), given["n"])
    wanted = {name: int(texts[0]) if texts[0] else None for name, texts in case.printed.items()}
    assert found == wanted
