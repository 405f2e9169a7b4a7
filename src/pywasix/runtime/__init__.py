"""The composition root: options in, a running program out."""

from pywasix.runtime.process import Process
from pywasix.runtime.start import run, start

__all__ = ["Process", "run", "start"]
