"""Modules that are loaded when they are first used."""

import importlib
import subprocess
import sys

import pytest

TRY = """
import sys
from doseopt.core.later import later
later("xarray")
import xarray as xr
assert "pandas" not in sys.modules
{use}
assert "pandas" in sys.modules
assert xr.Dataset is sys.modules["xarray"].Dataset
import xarray
assert type(xarray).__name__ == "module"
"""


@pytest.mark.parametrize(
    "use",
    [
        "assert isinstance(xr.Dataset({'a': ('x', [1])}), xr.Dataset)",
        "from xarray import Dataset; assert Dataset is xr.Dataset",
    ],
)
def test_a_module_is_loaded_by_its_first_use(use):
    subprocess.run([sys.executable, "-c", TRY.format(use=use)], check=True)


def test_what_it_would_load_only_to_know_that_it_is_there_is_hidden_from_it():
    code = (
        "import sys\nfrom doseopt.core.later import later\nlater('xarray', ['pyarrow'])\n"
        "import xarray\nassert xarray.Dataset({'a': ('x', ['b'])})['a'].item() == 'b'\n"
        "assert 'pandas' in sys.modules and 'pyarrow' not in sys.modules\n"
        "import pyarrow\nassert pyarrow.array([1]).to_pylist() == [1]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_part_of_a_package_is_loaded_by_its_first_use():
    code = (
        "import sys, numpy\nfrom doseopt.core.later import later\nlater('numpy.testing')\n"
        "from numpy import testing\nassert testing is numpy.testing and 'unittest' not in sys.modules\n"
        "numpy.testing.assert_allclose(1, 1)\nassert 'unittest' in sys.modules\n"
        "assert numpy.testing is sys.modules['numpy.testing'] is not testing"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_part_that_stands_alone_is_loaded_without_the_rest():
    code = (
        "import sys, scipy\nfrom doseopt.core.later import later\nlater('scipy.linalg', alone=True)\n"
        "from scipy.special import ellip_harm, expit\nassert expit(0) == 0.5\n"
        "assert 'scipy.linalg.cython_lapack' in sys.modules and 'scipy.linalg._basic' not in sys.modules\n"
        "from scipy import linalg\nassert linalg.inv([[2.0]]) == 0.5\n"
        "import scipy.linalg, scipy.stats\nassert type(scipy.linalg).__name__ == 'module'\n"
        "assert scipy.linalg.cython_lapack is sys.modules['scipy.linalg.cython_lapack']\n"
        "assert round(ellip_harm(5, 8, 1, 1, 2.5), 3) == 2.5"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("words", ["check small.toml", "next small.toml --outcomes 1NNN"])
def test_commands_that_make_no_table_of_scenarios_load_no_xarray(words, tmp_path):
    (tmp_path / "small.toml").write_text(
        'title = "s"\ntarget = 0.25\ndoses = { labels = ["1", "2", "3"] }\nscenarios = { a = [0.1, 0.2, 0.3] }\n'
        '[designs.BOIN]\nkind = "boin"\nmodifiers = [{ kind = "max_patients", n = 12 }]\n',
        encoding="utf-8",
    )
    code = (
        "import sys\nfrom doseopt.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, *words.split()], check=True, cwd=tmp_path, capture_output=True)


def test_a_kind_is_loaded_when_it_is_asked_for_and_every_home_is_right():
    code = (
        "import sys\nfrom doseopt.designs import DESIGNS\n"
        "assert 'crm' in list(DESIGNS) and not any(name.startswith('doseopt.designs.') for name in sys.modules)\n"
        "assert DESIGNS['ccd'].__name__ == 'CCD' and 'doseopt.designs.blrm' not in sys.modules\n"
        "assert 'unheard of' not in DESIGNS\n"
        "assert all(DESIGNS.kind(cls) == kind for kind, cls in DESIGNS.items())"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


THREADS = """
import sys, threading
from doseopt.core.later import later
sys.setswitchinterval(1e-6)
names = ["bz2", "calendar", "colorsys", "configparser", "csv", "filecmp", "fileinput", "fractions", "gzip", "imaplib",
    "mailbox", "mimetypes", "netrc", "pickletools", "plistlib", "poplib", "pprint", "quopri", "sched", "secrets",
    "shlex", "smtplib", "socketserver", "sqlite3", "statistics", "tarfile", "uuid", "wave", "zipfile"]
found = {}
def use(name, module, gate):
    gate.wait()
    module.__file__
    found.setdefault(name, []).append(sys.modules[name])
for name in {*names} - {*sys.modules}:
    later(name)
    gate = threading.Barrier(8)
    threads = [threading.Thread(target=use, args=(name, sys.modules[name], gate)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
assert len(found) > 10 and all(len(each) == 8 and len({*map(id, each)}) == 1 for each in found.values())
"""


def test_threads_that_use_a_module_first_load_it_once():
    subprocess.run([sys.executable, "-W", "ignore", "-c", THREADS], check=True)


def test_a_class_is_found_by_its_own_name():
    """As `from doseopt.designs import BOIN` asks; a part of the package is no class, and is imported as ever."""
    designs = importlib.import_module("doseopt.designs")
    assert designs.BOIN is designs.DESIGNS["boin"]
    assert importlib.import_module("doseopt.designs.boin").BOIN is designs.BOIN
    with pytest.raises(AttributeError, match="'boni'"):
        _ = designs.boni
