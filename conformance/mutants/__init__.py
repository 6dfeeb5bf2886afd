"""Switchable defects of the reference SDK, which the suite must notice.

Each defect is one that has been seen in the wild. It is planted from outside, before any run, by
the Python driver when `ISOLOOP_MUTANT` names it; `catalogue.yaml` says which requirement it breaks
and which cases must turn red at an assertion that names that requirement.
"""
