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


def is_loop(site: LoopSite | None) -> bool:
    """Return whether Python code loops there, over the bar or over what is made of it, as ``enumerate(bar)``."""
    return site is not None and opmap["GET_ITER"] in _getting(site)


def raised_in(site: LoopSite | None) -> bool:
    """Return whether the caller's caller dropped the iterator of ``site`` because its loop raised; no when in doubt."""
    frame = _frame(3)
    if site is None or frame is None or frame.f_code is not site[0] or frame.f_lasti <= site[1]:
        return False
    dropped_by = frame.f_code.co_code[frame.f_lasti]
    here, after = _getting(site)
    if dropped_by in _CHOSEN or opmap["GET_ITER"] not in (here, after):
        return False
    return here == opmap["GET_ITER"] or dropped_by != opmap["FOR_ITER"]  # which drops a bar too when zip ends first


def _getting(site: LoopSite) -> tuple[int, int | None]:
    """Return the opcodes of the instruction at ``site`` and of the one behind it."""
    code, at = site
    text = code.co_code
    return text[at], next((opcode for opcode in text[at + 2 :: 2] if opcode != opmap["CACHE"]), None)


def _frame(above: int) -> FrameType | None:
    try:
        return sys._getframe(above)
    except ValueError:  # called from C at the top of a thread
        return None
