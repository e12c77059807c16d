"""How a loop over a bar was left: by an exception, or by the user's own choice.

A bar that is counted in C learns only that its iterator was dropped. Which instruction dropped it tells the rest: after
a ``break`` or ``return`` the compiler pops the iterator; an exception unwinds it at the instruction that raised.
"""

from __future__ import annotations

import sys
from opcode import opmap
from types import CodeType, FrameType
from typing import TypeAlias

LoopSite: TypeAlias = tuple[CodeType, int]  # which code asked for the iterator, and at which of its instructions

_CHOSEN = {opmap[name] for name in ("POP_TOP", "POP_ITER", "YIELD_VALUE", "RESUME", "SEND") if name in opmap}


def loop_site() -> LoopSite | None:
    """Return where the caller's caller is now; None where that is no Python code."""
    frame = _frame(3)
    return None if frame is None else (frame.f_code, frame.f_lasti)


def raised_in(site: LoopSite | None) -> bool:
    """Return whether the caller's caller dropped the iterator of ``site`` because its loop raised; no when in doubt."""
    frame = _frame(3)
    if site is None or frame is None or frame.f_code is not site[0] or frame.f_lasti <= site[1]:
        return False
    text, at = frame.f_code.co_code, site[1]
    dropped_by = text[frame.f_lasti]
    if dropped_by in _CHOSEN:
        return False
    if text[at] == opmap["GET_ITER"]:
        return True
    # the bar is wrapped, as in enumerate(bar): FOR_ITER drops it too when the wrapper ends first, as zip does
    after = next((code for code in text[at + 2 :: 2] if code != opmap["CACHE"]), None)
    return after == opmap["GET_ITER"] and dropped_by != opmap["FOR_ITER"]


def _frame(above: int) -> FrameType | None:
    try:
        return sys._getframe(above)
    except ValueError:  # called from C at the top of a thread
        return None
