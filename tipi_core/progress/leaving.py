"""How a loop over a bar was left: by an exception, or by the user's own choice.

A bar that is counted in C learns only that its iterator was dropped. Which instruction dropped it tells the rest: after
a ``break`` or ``return`` the compiler pops the iterator; an exception unwinds it at the instruction that raised.
"""

from __future__ import annotations

from opcode import opmap
from types import CodeType, FrameType

_CACHE = opmap["CACHE"]
_FOR, _GET = opmap["FOR_ITER"], opmap["GET_ITER"]
_CHOSEN = {opmap[name] for name in ("POP_TOP", "POP_ITER", "YIELD_VALUE", "RESUME", "SEND") if name in opmap}


def raised_in(frame: FrameType | None, code: CodeType, at: int) -> bool:
    """Return whether ``frame`` dropped an iterator because its loop raised; False when in doubt.

    Args:
        frame: What was running when the iterator was dropped.
        code: The code that called ``iter``.
        at: Which of its instructions did, as ``f_lasti`` gives it.
    """
    if frame is None or frame.f_code is not code or frame.f_lasti <= at:
        return False
    text = code.co_code
    dropped_by = text[frame.f_lasti]
    if text[at] == _GET:
        return dropped_by not in _CHOSEN
    return _heads_a_loop(text, at) and dropped_by not in _CHOSEN and dropped_by != _FOR


def _heads_a_loop(text: bytes, at: int) -> bool:
    """Return whether the result of the call at ``at`` is looped over, as in ``for item in enumerate(bar)``."""
    after = next((op for op in text[at + 2 :: 2] if op != _CACHE), None)
    return after == _GET
