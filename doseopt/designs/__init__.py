"""The design library: one family a file, one line here."""

from typing import Any

from doseopt.core.later import Kinds

DESIGNS = Kinds(
    __name__,
    {
        "three_plus_three": "three_plus_three.ThreePlusThree",
        "a_plus_b": "a_plus_b.APlusB",
        "accelerated_titration": "accelerated_titration.AcceleratedTitration",
        "crm": "crm.CRM",
        "bma_crm": "bma_crm.BMACRM",
        "two_parameter_crm": "two_parameter_crm.TwoParameterCRM",
        "blrm": "blrm.BLRM",
        "boin": "boin.BOIN",
        "boin12": "boin12.BOIN12",
        "bf_boin": "bf_boin.BFBOIN",
        "keyboard": "keyboard.Keyboard",
        "mtpi": "mtpi.MTPI",
        "mtpi2": "mtpi2.MTPI2",
        "tpi": "tpi.TPI",
        "ccd": "ccd.CCD",
        "i3p3": "i3p3.I3Plus3",
        "table": "decision_table.DecisionTable",
        "policy": "policy.Policy",
        "tite_crm": "tite_crm.TITECRM",
        "tite_boin": "tite_boin.TITEBOIN",
        "rolling_six": "rolling_six.RollingSix",
    },
)
"""Kinds of design, by their name in a study file; of each, the file and the class."""


def __getattr__(name: str) -> type[Any]:
    """Return a design's class by its own name, loaded when it is asked for."""
    return DESIGNS.named(name)
