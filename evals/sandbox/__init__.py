"""A sandbox for generated code: strangers' solutions judged by strangers' tests, without root and without containers.

A solution and its test run in a process each (child.py), locked down (lockdown.py, policy.py) before they are loaded, by what
was tried here and held (trial.py); the broker (broker.py) passes values between them (codec.py, kinds.py) and takes the verdict
from the test's process alone.
"""

from evals.sandbox.broker import judge
from evals.sandbox.pool import judge_all
from evals.sandbox.protection import Protection
from evals.sandbox.trial import require
from evals.sandbox.verdict import Job, Limits, Status, Verdict

__all__ = ["Job", "Limits", "Protection", "Status", "Verdict", "judge", "judge_all", "require"]
