"""The names on the maps over truth space."""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from doseopt.plots.limit_maps import _winners


def test_a_name_stands_where_its_design_is_best():
    # one is best at the left edge, where its name has no room, and in a narrow strip further in
    x, y = np.arange(0.0, 8.01, 0.1), np.geomspace(1.2, 12, 20)
    one = np.broadcast_to((x < 0.7) | (np.abs(x - 1.35) < 0.15), (len(y), len(x)))
    ds = xr.Dataset(
        {"map_mtd": (("odds_ratio", "location"), np.broadcast_to(np.clip(x.round() - 1, -1, 6), one.shape))},
        coords={"location": x, "odds_ratio": y},
    )
    figure, ax = plt.subplots()
    _winners(ax, ds, np.stack([np.where(one, 0.6, 0.4), np.where(one, 0.4, 0.6)]), ["one", "two"], [0, 1], "best")
    for text in ax.texts:
        across, up = (
            int(np.abs(grid - place).argmin()) for grid, place in zip((x, y), text.get_position(), strict=True)
        )
        assert one[up, across] == (text.get_text() == "one")
    assert len(ax.texts) == 2
    plt.close(figure)
