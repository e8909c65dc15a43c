"""The design library: one family a file, one line here."""

from doseopt.designs.accelerated_titration import AcceleratedTitration
from doseopt.designs.boin import BOIN
from doseopt.designs.crm import CRM
from doseopt.designs.three_plus_three import ThreePlusThree

DESIGNS = {
    "three_plus_three": ThreePlusThree,
    "accelerated_titration": AcceleratedTitration,
    "crm": CRM,
    "boin": BOIN,
}
"""Kinds of design, by their name in a study file."""
