"""Posterior DLT rates under each design of a comparison, as part of a document."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.display.labels import names
from doseopt.plots import drawings
from doseopt.reports.render.document import Block, Figure, Heading, Paragraph, Table
from doseopt.reports.sections.measures import LETTERS, MOST_SCENARIOS

CAPTION = (
    "Expected posterior mean and interval of the DLT rate at each dose after each design, beside the true rate.",
    "Points with intervals, a panel a scenario; the numbers stand in the tables of posterior DLT rates.",
)


def estimates(ds: xr.Dataset) -> list[Block]:
    """Show the posterior DLT rate at each dose under each design, averaged over all ways the trial can go.

    Empty if the Dataset holds no posterior.
    """
    if "posterior_mean" not in ds:
        return []
    texts = [f"Judged by the same posterior under every design: {ds.attrs.get('posterior_model', '')}."]
    if "prior_mean" in ds:
        each = zip(
            names(ds, "dose"), *(100 * ds[f"prior_{m}"].to_numpy() for m in ("mean", "lower", "upper")), strict=True
        )
        prior = ", ".join(f"{dose}: {_estimate(mean, low, high)}" for dose, mean, low, high in each)
        texts.append(f"Before any patient it says, in % with 90% interval, {prior}.")
    blocks: list[Block] = [Heading("What is known of the DLT rates after the trial")]
    blocks += [*map(Paragraph, [*texts, _left_out(ds)]), _accuracy(ds)]
    if ds.sizes["scenario"] <= MOST_SCENARIOS:
        blocks.append(_by_scenario(ds))
    drawn = drawings(ds).get("estimates")
    return [*blocks, Figure.of(drawn, *CAPTION, "estimates")] if drawn else blocks


def announced(ds: xr.Dataset) -> list[Block]:
    """Say that there are posterior DLT rates, what they leave out, and how to see them; empty if there are none."""
    if "posterior_mean" not in ds:
        return []
    return [
        Paragraph(f"Posterior DLT rates at each dose after each design: --posterior, or the files. {_left_out(ds)}")
    ]


def _left_out(ds: xr.Dataset) -> str:
    """Say how much of what can happen the posteriors leave out."""
    share = ds["posterior_left_out"].transpose("design", "scenario").to_numpy()
    if not (share > 0).any():
        return "Probability of the endings that are left out: 0."
    d, s = np.unravel_index(share.argmax(), share.shape)
    where = f"{names(ds, 'design')[d]}, {names(ds, 'scenario')[s]}"
    return (
        "Computed for the endings that carry most weight; the probability of those left out is "
        f"{100 * share.mean():.2g}% on average and at most {100 * share.max():.2g}% ({where}), and what is said is "
        "given the others."
    )


def _accuracy(ds: xr.Dataset) -> Table:
    """Show root mean squared error and coverage at each dose, mean over the scenarios."""
    doses = names(ds, "dose")
    error, covers = (100 * ds[f"posterior_{m}"].mean("scenario").to_numpy() for m in ("rmse", "coverage"))
    rows = [
        (name, *(f"{v:.1f}" for v in error[d]), *(f"{v:.1f}" for v in covers[d]))
        for d, name in enumerate(names(ds, "design"))
    ]
    groups = (("error", len(doses)), ("coverage", len(doses)))
    title = "Root mean squared error of the posterior mean (% points), then coverage of the 90% interval (%): means"
    caption = f"{title} over {ds.sizes['scenario']} scenarios, at each dose"
    return Table(caption, ("", *doses, *doses), tuple(rows), labels=True, groups=groups)


def _by_scenario(ds: xr.Dataset) -> Table:
    """Show expected posterior mean and interval at each dose, scenarios side by side."""
    mean, lower, upper = (100 * ds[f"posterior_{m}"].to_numpy() for m in ("mean", "lower", "upper"))
    true, doses = 100 * ds["p_dlt"].to_numpy(), names(ds, "dose")
    scenarios = names(ds, "scenario")
    rows = [
        (
            name,
            *(
                _estimate(mean[d, s, j], lower[d, s, j], upper[d, s, j])
                for s in range(len(scenarios))
                for j in range(len(doses))
            ),
        )
        for d, name in enumerate(names(ds, "design"))
    ]
    title = "Posterior DLT rate (%) at each dose: mean (90% interval), averaged over all ways the trial can go"
    return Table(
        f"{title}; in the head the dose and its true rate",
        ("", *(f"{dose}: {p:.0f}" for s in range(len(scenarios)) for dose, p in zip(doses, true[s], strict=True))),
        tuple(rows),
        labels=True,
        groups=tuple((f"{LETTERS[s]} {name}", len(doses)) for s, name in enumerate(scenarios)),
    )


def _estimate(mean: float, lower: float, upper: float) -> str:
    return f"{mean:.0f} ({lower:.0f}-{upper:.0f})"
