"""One project: open, restore, render, decide, report, verify; the only place where media, ledger and mending meet.

A project is a folder, by default `OUT.frdm/` beside the output: `ledger.sqlite` (all records), `patches/` (the pixels of repairs,
a file a span) and `report.json`. Jobs are generators of `Progress`; nothing is kept between calls but what lies in the project.

The way through: `restoring.restore` → `analysis.analyse` (reads, mends; in a thread) → `rendering.composite` → the film's writer.
"""

from frdm.jobs.deciding import decide as decide
from frdm.jobs.detecting import detect as detect
from frdm.jobs.estimating import Estimate as Estimate
from frdm.jobs.estimating import estimate as estimate
from frdm.jobs.progress import Phase as Phase
from frdm.jobs.progress import Progress as Progress
from frdm.jobs.progress import Summary as Summary
from frdm.jobs.reports import crops as crops
from frdm.jobs.reports import report_data as report_data
from frdm.jobs.restoring import render as render
from frdm.jobs.restoring import restore as restore
from frdm.jobs.verifying import Difference as Difference
from frdm.jobs.verifying import VerifyResult as VerifyResult
from frdm.jobs.verifying import verify as verify
