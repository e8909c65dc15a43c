"""The design library: one family a file, one line here."""

from doseopt.designs.a_plus_b import APlusB
from doseopt.designs.accelerated_titration import AcceleratedTitration
from doseopt.designs.bf_boin import BFBOIN
from doseopt.designs.blrm import BLRM
from doseopt.designs.bma_crm import BMACRM
from doseopt.designs.boin import BOIN
from doseopt.designs.boin12 import BOIN12
from doseopt.designs.ccd import CCD
from doseopt.designs.crm import CRM
from doseopt.designs.decision_table import DecisionTable
from doseopt.designs.i3p3 import I3Plus3
from doseopt.designs.keyboard import Keyboard
from doseopt.designs.mtpi import MTPI
from doseopt.designs.mtpi2 import MTPI2
from doseopt.designs.policy import Policy
from doseopt.designs.rolling_six import RollingSix
from doseopt.designs.three_plus_three import ThreePlusThree
from doseopt.designs.tite_boin import TITEBOIN
from doseopt.designs.tite_crm import TITECRM
from doseopt.designs.tpi import TPI
from doseopt.designs.two_parameter_crm import TwoParameterCRM

DESIGNS = {
    "three_plus_three": ThreePlusThree,
    "a_plus_b": APlusB,
    "accelerated_titration": AcceleratedTitration,
    "crm": CRM,
    "bma_crm": BMACRM,
    "two_parameter_crm": TwoParameterCRM,
    "blrm": BLRM,
    "boin": BOIN,
    "boin12": BOIN12,
    "bf_boin": BFBOIN,
    "keyboard": Keyboard,
    "mtpi": MTPI,
    "mtpi2": MTPI2,
    "tpi": TPI,
    "ccd": CCD,
    "i3p3": I3Plus3,
    "table": DecisionTable,
    "policy": Policy,
    "tite_crm": TITECRM,
    "tite_boin": TITEBOIN,
    "rolling_six": RollingSix,
}
"""Kinds of design, by their name in a study file."""
