"""The stream doctor: what an address gives, stage by stage, in plain words. `examine` is its story.

`findings` are the values, `judge` says what is good and what is not, `advice` has the sentences.
"""

from stream_service.doctor.advice import Remark, Words
from stream_service.doctor.examine import examine
from stream_service.doctor.findings import Finding, Report

__all__ = ["Finding", "Remark", "Report", "Words", "examine"]
