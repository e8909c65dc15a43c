"""Published fixed sets of scenarios, each with where its numbers were confirmed.

The data say where the numbers were read. "Reproduced in" means that the paper itself was not at hand: the numbers are
those that the named public code gives and attributes to the paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from doseopt.core.parameters import Fault, Faults, nearest
from doseopt.scenarios.dataset import make_scenarios


class PublishedSet(NamedTuple):
    """A fixed set of scenarios.

    Parameters
    ----------
    source : str
        Where the numbers come from.
    target : float
        Target DLT rate that the set was made for.
    rates : dict of str to tuple of float
        Scenario name -> true DLT rate at each dose.
    """

    source: str
    target: float
    rates: dict[str, tuple[float, ...]]


_ACFO = "reproduced in GitHub JialuFang/aCFO_faCFO"

PUBLISHED: dict[str, PublishedSet] = {
    "peers": PublishedSet(
        "Reference numbers of this project, scenarios.csv: the curves on which R packages BOIN 2.7.2, dfcrm 0.2-2.1 "
        "and bcrm 0.5.4 were run (S: made by hand, R: drawn at random)",
        0.30,
        {
            "peers S1": (0.05, 0.10, 0.20, 0.30),
            "peers S2": (0.10, 0.25, 0.40, 0.55),
            "peers S3": (0.25, 0.40, 0.50, 0.60),
            "peers S4": (0.02, 0.05, 0.10, 0.25),
            "peers R1": (0.377, 0.437, 0.453, 0.691),
            "peers R2": (0.239, 0.293, 0.456, 0.539),
            "peers R3": (0.090, 0.100, 0.221, 0.507),
            "peers R4": (0.100, 0.463, 0.633, 0.653),
            "peers R5": (0.129, 0.323, 0.446, 0.628),
        },
    ),
    "boin_app": PublishedSet(
        "A public app of the BOIN design, target 0.27, cohorts of 3, N = 30; as quoted in the reference numbers of "
        "this project, published.md, section BOIN",
        0.27,
        {"app 1": (0.27, 0.44, 0.52, 0.61), "app 2": (0.11, 0.27, 0.42, 0.64)},
    ),
    "braun_2020": PublishedSet(
        "Braun 2020, complete enumeration with truth = skeleton (also Norris); as quoted in the reference numbers of "
        "this project, published.md, section CRM",
        0.25,
        {"Braun 2020": (0.03, 0.11, 0.25, 0.42, 0.58, 0.71)},
    ),
    "cheung_chappell_2000": PublishedSet(
        f"Cheung YK, Chappell R (2000), Biometrics 56:1177 (TITE-CRM); {_ACFO}, setting/Sce_6dose_phi20.R ('scenarios "
        "from TITE-CRM original paper'), and with the same numbers, as those of Ivanova and Kim 2009, in simulation "
        "code of T. A. Murray dated 09/12/2019",
        0.20,
        {
            "CC2000 1": (0.05, 0.10, 0.20, 0.30, 0.50, 0.70),
            "CC2000 2": (0.30, 0.40, 0.52, 0.61, 0.76, 0.87),
            "CC2000 3": (0.05, 0.06, 0.08, 0.11, 0.19, 0.34),
            "CC2000 4": (0.06, 0.08, 0.12, 0.18, 0.40, 0.71),
            "CC2000 5": (0.00, 0.00, 0.03, 0.05, 0.11, 0.22),
        },
    ),
    "yuan_2018_20": PublishedSet(
        "Yuan Y, Lin R, Li D, Nie L, Warren KE (2018), Clin Cancer Res 24:4921 (TITE-BOIN), target 0.20; "
        f"{_ACFO}, setting/Sce_7dose_phi20.R ('scenarios from TITE-Boin original paper')",
        0.20,
        {
            "Y2018/20 1": (0.05, 0.20, 0.46, 0.50, 0.60, 0.70, 0.80),
            "Y2018/20 2": (0.02, 0.05, 0.20, 0.28, 0.34, 0.40, 0.44),
            "Y2018/20 3": (0.01, 0.05, 0.10, 0.20, 0.32, 0.50, 0.70),
            "Y2018/20 4": (0.01, 0.04, 0.07, 0.10, 0.50, 0.70, 0.90),
            "Y2018/20 5": (0.01, 0.05, 0.10, 0.14, 0.20, 0.26, 0.34),
            "Y2018/20 6": (0.01, 0.02, 0.03, 0.05, 0.20, 0.40, 0.50),
            "Y2018/20 7": (0.01, 0.04, 0.07, 0.10, 0.15, 0.20, 0.25),
            "Y2018/20 8": (0.01, 0.02, 0.03, 0.04, 0.05, 0.20, 0.45),
        },
    ),
    "yuan_2018_30": PublishedSet(
        "Yuan Y, Lin R, Li D, Nie L, Warren KE (2018), Clin Cancer Res 24:4921 (TITE-BOIN), target 0.30; "
        f"{_ACFO}, setting/Sce_7dose_phi30.R ('scenarios from TITE-BOIN original paper')",
        0.30,
        {
            "Y2018/30 1": (0.30, 0.40, 0.50, 0.60, 0.70, 0.80, 0.90),
            "Y2018/30 2": (0.14, 0.30, 0.39, 0.48, 0.56, 0.64, 0.70),
            "Y2018/30 3": (0.07, 0.23, 0.41, 0.49, 0.62, 0.68, 0.73),
            "Y2018/30 4": (0.05, 0.15, 0.30, 0.40, 0.50, 0.60, 0.70),
            "Y2018/30 5": (0.05, 0.12, 0.20, 0.30, 0.38, 0.49, 0.56),
            "Y2018/30 6": (0.01, 0.04, 0.08, 0.15, 0.30, 0.36, 0.43),
            "Y2018/30 7": (0.02, 0.04, 0.08, 0.10, 0.20, 0.30, 0.40),
            "Y2018/30 8": (0.01, 0.03, 0.05, 0.07, 0.09, 0.30, 0.50),
        },
    ),
    "lin_yuan_2020": PublishedSet(
        "Lin R, Yuan Y (2020), Biostatistics 21:807 (time-to-event model-assisted designs); the authors' code, GitHub "
        f"ruitaolin/TITE-MAD ('Six fixed scenarios in the paper'); {_ACFO}, setting/Sce_6dose_phi30.R",
        0.30,
        {
            "LY2020 1": (0.13, 0.28, 0.41, 0.50, 0.60, 0.70),
            "LY2020 2": (0.08, 0.15, 0.29, 0.43, 0.50, 0.57),
            "LY2020 3": (0.28, 0.42, 0.49, 0.61, 0.76, 0.87),
            "LY2020 4": (0.05, 0.10, 0.20, 0.31, 0.50, 0.70),
            "LY2020 5": (0.06, 0.08, 0.12, 0.18, 0.30, 0.41),
            "LY2020 6": (0.05, 0.06, 0.08, 0.11, 0.19, 0.32),
        },
    ),
}
"""Name of the set -> its source, target and rates."""


def published(name: str | None = None, labels: Sequence[str] | None = None) -> xr.Dataset:
    """Return a published set of scenarios, or the list of the sets.

    Parameters
    ----------
    name : str, optional
        A key of :data:`PUBLISHED`. Left out: what sets there are.
    labels : sequence of str, optional
        Names for the doses, e.g. those of a study; the publications number them.

    Returns
    -------
    Dataset
        As :func:`~doseopt.scenarios.dataset.make_scenarios` makes it, with the target among the attributes; without
        `name`, variables ``target``, ``doses``, ``scenarios`` and ``source`` over the dimension ``set``, because sets
        with different numbers of doses do not fit into one.

    Raises
    ------
    Faults
        If there is no such set, or the labels do not fit it.

    Examples
    --------
    >>> published("braun_2020")["p_dlt"].sel(dose="3").item()
    0.25
    """
    if name is None:
        return _overview()
    if name not in PUBLISHED:
        raise Faults([Fault("published", f"no published set is called {name!r}{nearest(name, PUBLISHED)}")])
    entry = PUBLISHED[name]
    scenarios = make_scenarios(list(entry.rates.values()), list(entry.rates), labels, source=entry.source)
    return scenarios.assign_attrs(set=name, target=entry.target)


def _overview() -> xr.Dataset:
    sets = PUBLISHED.values()
    return xr.Dataset(
        {
            "target": ("set", np.array([s.target for s in sets]), {"long_name": "target DLT rate", "units": "1"}),
            "doses": ("set", np.array([len(next(iter(s.rates.values()))) for s in sets]), {"long_name": "doses"}),
            "scenarios": ("set", np.array([len(s.rates) for s in sets]), {"long_name": "scenarios"}),
            "source": ("set", np.array([s.source for s in sets]), {"long_name": "source"}),
        },
        {"set": ("set", np.array(list(PUBLISHED)), {"long_name": "published set of scenarios"})},
    )
