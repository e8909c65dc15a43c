"""A made record of a trial at three doses, as tables in a folder, and how a test changes it."""

from doseopt.records.window import Window
from doseopt.scenarios.doses import Doses

DOSES = Doses(("0.15", "0.5", "1.5"), (0.15e9, 0.5e9, 1.5e9), "cells", tolerance=0.2)
WINDOW = Window(28)
ADSL = """
USUBJID,TRT01A,TRTSDT,SAFFL,ACTDOSE,AGE,SEX,POPULATION,EVALFL,DTHDT,TRANSDT,EOSDT,DCSREAS,COHORT
S-1,0.15,2024-03-01,Y,0.15e9,45,F,CLF,,,,2024-04-30,COMPLETED,1
S-2,0.5,2024-04-10,Y,0.41e9,50,M,ACLF,,,,,,2
S-3,0.5,2024-04-12,Y,,61,M,CLF,,,2024-04-30,,,2
S-4,0.5,2024-04-15,Y,,38,F,CLF,,,,,,2
S-5,0.5,2024-05-20,Y,,55,M,ACLF,,,,,,3
S-6,0.5,,N,,44,M,CLF,,,,,,
"""
ADAE = """
USUBJID,AEDECOD,AEBODSYS,ASTDT,AENDT,AETOXGR,AESER,AEREL,TRTEMFL,AEOUT,AESDTH,DLTFL
S-1,Fever,General disorders,2024-03-01,2024-03-03,2,N,POSSIBLE,Y,RECOVERED,N,N
S-1,Ascites,Gastrointestinal disorders,2024-02-20,,3,N,NOT RELATED,N,NOT RECOVERED,N,N
S-2,Fever,General disorders,2024-04-11,,1,N,Y,Y,RECOVERED,N,N
S-2,Abdominal pain,Gastrointestinal disorders,2024-04-20,2024-05-01,3,Y,PROBABLE,Y,RECOVERED,N,Y
S-3,Hepatic failure,Hepatobiliary disorders,2024-04-25,2024-04-30,4,Y,N,Y,NOT RECOVERED,N,N
"""
ADLB = """
USUBJID,ADT,AVISITN,PARAMCD,AVAL,AVALU
S-1,2024-03-01T08:00,0,BILI,205.2,umol/L
S-1,2024-03-01T08:00,0,CREAT,159.12,umol/L
S-1,2024-03-01T08:00,0,INR,2.5,
S-1,2024-03-01T08:00,0,SODIUM,128,mmol/L
S-1,2024-03-01T08:00,0,ALB,22,g/L
S-1,2024-03-08,7,BILI,5,mg/dL
"""
ADEFF = """
USUBJID,AVISITN,PARAMCD,AVALC
S-1,28,IMPROVED,Y
S-2,28,IMPROVED,N
"""
TABLES = {"adsl.csv": ADSL, "adae.csv": ADAE, "adlb.csv": ADLB, "adeff.csv": ADEFF}


def write(folder, tables=TABLES, **changes):
    """Write the tables; a change is a pair of texts, the first of which becomes the second in a table."""
    for name, text in tables.items():
        old, new = changes.get(name.removesuffix(".csv"), ("", ""))
        assert old in text
        (folder / name).write_text(text.lstrip().replace(old, new, 1) if old else text.lstrip(), encoding="utf-8")
    return folder
