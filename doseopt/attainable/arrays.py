"""Steps of backward induction in NumPy; `loops` does the same in compiled code, to the last bit."""

from __future__ import annotations

import numpy as np

from doseopt.core.state import NONE, BoolArray, FloatArray, IntArray
from doseopt.designs.policy_table import STOP, TOO_TOXIC, TREAT, Codes


def ended(
    masses: FloatArray,
    reward: FloatArray,
    may_low: BoolArray,
    may_high: BoolArray,
    forced: BoolArray,
    above_low: FloatArray,
    above_high: FloatArray,
) -> tuple[FloatArray, IntArray, FloatArray, FloatArray]:
    """Return what trials are worth that end with a tally, rows by columns of a matrix of tallies.

    Parameters
    ----------
    masses : float array [G, A, B]
        Of `endings.Masses`.
    reward : float array [G, 1 + D]
        For selecting none, and each dose.
    may_low, may_high : bool array [doses of the part, A], [doses of the part, B]
        Which doses may be selected.
    forced : bool array [A]
        Where none has to be.
    above_low, above_high : float array [G, A], [G, B]
        Patients above the MTD in each part.

    Returns
    -------
    worth : float array [A, B]
    selected : int array [A, B]
    mass, above : float array [A, B]
    """

    def worth(rewards: FloatArray) -> FloatArray:
        return sum((r * g for r, g in zip(rewards, masses, strict=True) if r), np.zeros(masses.shape[1:]))

    value = worth(reward[:, 0])
    selected = np.full(value.shape, NONE)
    may = (*may_low[:, :, None], *may_high[:, None, :])
    for dose, allowed in enumerate(may):
        own = worth(reward[:, 1 + dose])
        better = (own > value) & ~forced[:, None] & allowed
        value, selected = np.where(better, own, value), np.where(better, dose, selected)
    above = np.zeros(value.shape)
    for mass, low, high in zip(masses, above_low, above_high, strict=True):
        above += np.add.outer(low, high) * mass
    return value, selected, sum(masses[1:], masses[0]), above


def go_on(
    worth: FloatArray,
    selected: IntArray,
    mass: FloatArray,
    above: FloatArray,
    dlts_low: IntArray,
    dlts_high: IntArray,
    prices: tuple[float, float, float],
    tie: float,
    forced: BoolArray,
    may_stop: bool,
    may_low: BoolArray,
    may_high: BoolArray,
    rows: IntArray,
    columns: IntArray,
    which: IntArray,
    orders: FloatArray,
    low: FloatArray,
    high: FloatArray,
    values: FloatArray,
    codes: Codes,
    first: int,
    begin: int,
) -> None:
    """Fill values and codes of the best of stopping and of each next dose, some rows of a matrix of tallies.

    Parameters
    ----------
    worth, mass, above : float array [H, B]
        Of `endings.Ending`, in H rows.
    selected : int array [H, B]
        By trials that stop.
    dlts_low, dlts_high : int array [H], [B]
        DLTs in each part.
    prices : float, float, float
        Of the patients together, a DLT and a patient above the MTD.
    tie : float
        How much more a move has to be worth, relative to the mass.
    forced : bool array [H]
        Where trials have to stop.
    may_stop : bool
        Whether they may elsewhere.
    may_low, may_high : bool array [D, A], [D, B]
        Doses that may be given, where both say so.
    rows, columns : int array [doses of the lower part, K, A], [doses of the upper part, K, B]
        Row, or column, after a cohort of K - 1 with each number of DLTs at each dose; of use where it may be given.
    which : int array [D, K]
        Variant of the values that a trial goes on with.
    orders : float array [K]
        Orders of the patients of a cohort.
    low, high : float array [V, rows, B], [V, A, columns]
        Values after a cohort at a dose of the lower part, and of the upper one.
    values, codes : float array [V, A, B], int array [V, tallies]
        To be filled.
    first, begin : int
        The first of the rows, and the number of its first tally.
    """
    value, (patients, dlts, exposed) = worth, prices
    if patients:
        value = value - patients * mass
    if dlts:
        value = value - dlts * np.add.outer(dlts_low, dlts_high) * mass
    if exposed:
        value = value - exposed * above
    best = value if may_stop else np.where(forced[:, None], value, -np.inf)
    move = np.broadcast_to(np.where(forced[:, None], TOO_TOXIC, STOP), value.shape).copy()
    doses, lower, here = len(may_low), len(rows), slice(first, first + len(value))
    for dose in range(doses):
        allowed = may_low[dose, here, None] & may_high[dose] & ~forced[:, None]
        if allowed.any():
            q = np.zeros(value.shape)
            for y, number in enumerate(orders):
                if dose < lower:
                    child = low[which[dose, y], rows[dose, y, here]]
                else:
                    child = high[which[dose, y], here][:, columns[dose - lower, y]]
                q = number * child if y == 0 else q + number * child
            better = (q > best + tie * mass) & allowed
            best = np.where(better, q, best)
            move[better] = TREAT + dose
        if len(values) > 1 or dose == doses - 1:
            variant = dose if len(values) > 1 else 0
            values[variant, here] = best
            codes[variant, begin : begin + best.size] = (selected + 1 + (doses + 1) * move).ravel()
