"""The benchmark: suites of cases on disk, methods that restore them, scores of what was mended and of the harm done, one table.

`build` (`synthetic`, `real`, `labelled`) writes a suite; `running` runs methods over its cases, each in a process of its own, and keeps a
result a case and method; `report` makes the table. A suite's films serve scoring only: nothing is trained on them, no threshold is chosen
there.
"""
