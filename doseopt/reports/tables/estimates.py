"""What is known of the DLT rates after a trial, as text: under each design of a comparison, and from data in hand."""

from __future__ import annotations

import numpy as np
import xarray as xr
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from doseopt.display.labels import dose_labels, names, shortened
from doseopt.display.simulated import simulated, with_simulated_named
from doseopt.reports.render.layout import chunks, grid, heading, page_width, paragraph
from doseopt.reports.tables.measures import LETTERS, MOST_SCENARIOS

WIDTH = 100
SIMULATED = "~"
"""Mark of a simulated design among exact ones."""


def marked(ds: xr.Dataset) -> xr.Dataset:
    """Return a comparison with the simulated designs marked by their names, if others are exact."""
    return ds if simulated(ds).all() else with_simulated_named(ds, lambda _, name: f"{SIMULATED} {name}")


def estimate_lines(ds: xr.Dataset, width: int) -> list[Text]:
    """Show the posterior DLT rate at each dose under each design, averaged over all ways the trial can go.

    Empty if the Dataset holds no posterior.
    """
    if "posterior_mean" not in ds:
        return []
    lines = heading("What is known of the DLT rates after the trial", width)
    lines += paragraph(
        f"Judged by the same posterior under every design: {ds.attrs.get('posterior_model', '')}.", width
    )
    if "prior_mean" in ds:
        each = zip(
            names(ds, "dose"), *(100 * ds[f"prior_{m}"].to_numpy() for m in ("mean", "lower", "upper")), strict=True
        )
        prior = ", ".join(f"{dose}: {_estimate(mean, low, high)}" for dose, mean, low, high in each)
        lines += paragraph(f"Before any patient it says, in % with 90% interval, {prior}.", width)
    lines += paragraph(_left_out(ds), width)
    lines += _accuracy(ds, width)
    return [*lines, *_by_scenario(ds, width)] if ds.sizes["scenario"] <= MOST_SCENARIOS else lines


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


def _accuracy(ds: xr.Dataset, width: int) -> list[Text]:
    """Show root mean squared error and coverage at each dose, mean over the scenarios."""
    doses = shortened(names(ds, "dose"), 6)
    designs = shortened(names(ds, "design"), max(width - 2 * (7 * len(doses) + 2), width // 5, 12))
    error, covers = (100 * ds[f"posterior_{m}"].mean("scenario").to_numpy() for m in ("rmse", "coverage"))
    body = [[name, *(f"{v:.1f}" for v in error[d]), *(f"{v:.1f}" for v in covers[d])] for d, name in enumerate(designs)]
    title = "Root mean squared error of the posterior mean (% points), then coverage of the 90% interval (%): means"
    lines = heading(f"{title} over {ds.sizes['scenario']} scenarios, at each dose", width)
    return [*lines, *grid(["", *doses, *doses], body, gaps={1, 1 + len(doses)}, width=width)]


def _by_scenario(ds: xr.Dataset, width: int) -> list[Text]:
    """Show expected posterior mean and interval at each dose, scenarios side by side as far as they fit."""
    mean, lower, upper = (100 * ds[f"posterior_{m}"].to_numpy() for m in ("mean", "lower", "upper"))
    true, doses = 100 * ds["p_dlt"].to_numpy(), shortened(names(ds, "dose"), 5)
    one = 11 * len(doses) + 1
    spare = min(max(cell_len(n) for n in names(ds, "design")), max(width - 2 * one, width // 6, 12))
    designs = shortened(names(ds, "design"), spare)
    title = "Posterior DLT rate (%) at each dose: mean (90% interval), averaged over all ways the trial can go"
    lines = heading(f"{title}; in the head the dose and its true rate", width)
    labels = [f"{LETTERS[s]} {name}" for s, name in enumerate(names(ds, "scenario"))]
    for k, run in enumerate(chunks([one] * len(labels), width - spare)):
        above = " " * (spare + 2) + "".join(set_cell_size(shortened([labels[s]], one - 2)[0], one) for s in run)
        above = above.rstrip() if cell_len(above.rstrip()) <= width else " ".join(labels[s] for s in run)
        head = ["", *(f"{dose}: {p:.0f}".rjust(10) for s in run for dose, p in zip(doses, true[s], strict=True))]
        body = [
            [name, *(_estimate(mean[d, s, j], lower[d, s, j], upper[d, s, j]) for s in run for j in range(len(doses)))]
            for d, name in enumerate(designs)
        ]
        gaps = {1 + i * len(doses) for i in range(len(run))}
        lines += [*([Text("")] if k else []), Text(above, "bold"), *grid(head, body, gaps=gaps, width=width)]
    return lines


def _estimate(mean: float, lower: float, upper: float) -> str:
    return f"{mean:.0f} ({lower:.0f}-{upper:.0f})"


def print_estimates(ds: xr.Dataset, console: Console) -> None:
    """Print what is known of the DLT rates under each design of a comparison, if it has been computed."""
    lines = estimate_lines(marked(ds), page_width(console))
    if lines:
        console.print(Text("\n").join(lines), soft_wrap=True)


def posterior_text(ds: xr.Dataset, width: int = WIDTH) -> Text:
    """Return the analysis of data in hand as text.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.conduct.posterior.analyse`.
    width : int
        Columns that no line exceeds.
    """
    attrs = ds.attrs
    labels, unit = dose_labels(ds)
    sampled = f"NUTS ({attrs.get('sampler', '')}, seed {attrs.get('seed', '')})"
    rows = {
        "Doses": f"{', '.join(labels)} {unit}".strip(),
        "Model": attrs["prior"],
        "Method": "quadrature, deterministic" if attrs["method"] == "quadrature" else sampled,
        "Sampling": attrs.get("diagnostics", ""),
        "Target interval": f"{100 * attrs['interval_low']:g}% to {100 * attrs['interval_high']:g}%; over: above it",
        "Actual doses": "used as given" if attrs["actual_doses"] else "",
        "Left out": attrs["left_out"],
        "Pending": f"{attrs['pending']}: not counted" if attrs["pending"] else "",
        "Made by": f"doseopt {attrs['version']}, study {attrs['study']} (hash {attrs['study_hash']})",
    }
    margin = max(map(len, rows)) + 2
    lines = paragraph(str(attrs["title"]), width, style="bold")
    for name, text in rows.items():
        lines += paragraph(text, width, " " * margin, name.ljust(margin)) if text else []
    for warning in filter(None, attrs["warnings"].split("\n")):
        lines += [Text(""), *paragraph(f"Warning: {warning}.", width, "  ", style="bold")]
    lines += [*_posterior_table(ds, width), *_sensitivity(ds, width), *_conflict(ds, width)]
    return Text("\n").join(lines)


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _posterior_table(ds: xr.Dataset, width: int) -> list[Text]:
    target = f"{100 * ds.attrs['target']:g}%"
    head = ["dose", "n", "y", "mean", "sd", "90% interval", "under", "target", "over", f"> {target}"]
    body = []
    for j, label in enumerate(shortened(names(ds, "dose"), 20)):
        d = ds.isel(dose=j)
        interval = f"{_percent(d['lower'].item())} to {_percent(d['upper'].item())}"
        probabilities = [_percent(d[name].item()) for name in ("p_under", "p_target", "p_over", "p_above_target")]
        counts = [str(d["n"].item()), str(d["y"].item())]
        body.append([label, *counts, _percent(d["mean"].item()), _percent(d["sd"].item()), interval, *probabilities])
    title = "Posterior DLT rate (%), and the posterior probability (%) that it is under, in or over the target interval"
    return [*heading(f"{title}, and above the target rate", width), *grid(head, body, gaps={1, 3, 6, 9}, width=width)]


def _sensitivity(ds: xr.Dataset, width: int) -> list[Text]:
    scales = ds["prior_scale"].to_numpy()
    head = ["dose", *(f"prior sd x {scale:g}" for scale in scales), "prior alone", "worth"]
    body = []
    for j, label in enumerate(shortened(names(ds, "dose"), 20)):
        cells = [
            f"{_percent(m)} ({_percent(low)}-{_percent(high)})"
            for m, low, high in zip(
                *(ds[f"sensitivity_{v}"].to_numpy()[:, j] for v in ("mean", "lower", "upper")), strict=True
            )
        ]
        prior = [ds[f"prior_{v}"].to_numpy()[j] for v in ("mean", "lower", "upper")]
        cells.append(f"{_percent(prior[0])} ({_percent(prior[1])}-{_percent(prior[2])})")
        body.append([label, *cells, f"{ds['prior_ess'].to_numpy()[j]:.1f}"])
    title = (
        "Sensitivity to the prior: posterior mean (90% interval) in %, with the prior standard deviations halved and"
    )
    text = f"{title} doubled; the prior alone; and the patients that the prior is worth"
    return [*heading(text, width), *grid(head, body, gaps={1, 4, 5}, width=width)]


def _conflict(ds: xr.Dataset, width: int) -> list[Text]:
    """Say how surprising the data are to the prior."""
    total = float(ds.attrs["prior_tail_total"])
    if np.isnan(total):
        return []
    tail = ds["prior_tail"].to_numpy()
    tried = [j for j in range(len(tail)) if not np.isnan(tail[j])]
    each = ", ".join(f"{label} {tail[j]:.2f}" for j, label in enumerate(names(ds, "dose")) if j in tried)
    small = min([total, *(tail[j] for j in tried)]) < 0.05
    verdict = "Some of these are below 0.05: data and prior disagree." if small else "None is below 0.05."
    text = f"Two-sided prior-predictive tail probability of the number of DLTs: in all {total:.2f}; by dose {each}. "
    return [*heading("Prior and data", width), *paragraph(text + verdict, width)]


def print_posterior(ds: xr.Dataset, console: Console) -> None:
    """Print the analysis of data in hand, 100 columns wide or as wide as a narrower terminal."""
    width = page_width(console)
    console.print(posterior_text(ds, width), soft_wrap=True)
