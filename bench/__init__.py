"""Measured figures. `python -m bench NAME…` or `xunshi bench NAME`; the table in `README.md` says what is compared.

Nothing here is asserted: a shared machine would make it lie. Each figure is printed with its baseline from the same run
or, where there is nothing to run against, with the number that DESIGN promises.
"""
