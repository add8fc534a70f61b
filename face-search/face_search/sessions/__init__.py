"""Runtimes of what only face search runs: SFace in torch. OpenVINO runs it as it is published."""
