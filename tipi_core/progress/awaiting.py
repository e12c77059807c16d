"""Bars over asynchronous work: ``async for``, ``as_completed`` and ``gather``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Awaitable:
    """What tqdm's class for asyncio adds to a bar."""

    iterable: Any
    _next: Any = None
    _awaits = False

    def __aiter__(self) -> Any:
        source = self.iterable
        self._awaits = hasattr(source, "__anext__") or hasattr(source, "__aiter__")
        if self._awaits:
            self._next = (source if hasattr(source, "__anext__") else source.__aiter__()).__anext__
        else:
            self._next = iter(source).__next__
        return self

    async def __anext__(self) -> Any:
        bar: Any = self
        if self._next is None:
            self.__aiter__()
        try:
            item = await self._next() if self._awaits else self._next()
        except (StopIteration, StopAsyncIteration):
            bar._end("finished")
            raise StopAsyncIteration from None
        except BaseException:
            bar._end("failed")
            raise
        bar.update()
        return item

    def send(self, *args: Any, **kwargs: Any) -> Any:
        """Send a value to the generator that the bar is around."""
        return self.iterable.send(*args, **kwargs)

    @classmethod
    def as_completed(
        cls, fs: Any, *, loop: Any = None, timeout: float | None = None, total: float | None = None, **tqdm_kwargs: Any
    ) -> Iterator[Any]:
        """Yield as :func:`asyncio.as_completed` does, with a bar."""
        import asyncio

        del loop  # a parameter of tqdm from before Python 3.10
        made: Any = cls
        total = len(fs) if total is None else total
        yield from made(asyncio.as_completed(fs, timeout=timeout), total=total, **tqdm_kwargs)

    @classmethod
    async def gather(
        cls,
        *fs: Any,
        loop: Any = None,
        timeout: float | None = None,
        total: float | None = None,
        return_exceptions: bool = False,
        **tqdm_kwargs: Any,
    ) -> list[Any]:
        """Return the results of all awaitables in order, as :func:`asyncio.gather` does, with a bar."""

        async def numbered(number: int, awaitable: Any) -> tuple[int, Any]:
            try:
                return number, await awaitable
            except Exception as error:
                if return_exceptions:
                    return number, error
                raise

        waiting = [numbered(number, awaitable) for number, awaitable in enumerate(fs)]
        done = cls.as_completed(waiting, loop=loop, timeout=timeout, total=total, **tqdm_kwargs)
        results = [await finished for finished in done]
        return [value for _, value in sorted(results, key=lambda result: result[0])]
