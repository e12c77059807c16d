"""What tqdm's class for asyncio adds, each with a program that runs the same on tqdm and on ours."""

import asyncio

from tests.progress.rows_keywords import row


@row("`async for item in bar`", asynchronous=True)
def asynchronous(bar):
    async def ticks():
        for i in range(3):
            await asyncio.sleep(0)
            yield i

    async def main():
        opened = bar(ticks(), total=3)
        seen = [i async for i in opened]
        return seen, opened.n, [i async for i in bar([7, 8])]

    return asyncio.run(main())


@row("`gather()`", asynchronous=True)
def gather(bar):
    async def double(i):
        if i == 3:
            raise ValueError
        return 2 * i

    async def main():
        good = await bar.gather(*(double(i) for i in range(3)))
        both = await bar.gather(double(3), double(1), return_exceptions=True)
        return good, [type(one).__name__ for one in both]

    return asyncio.run(main())


@row("`as_completed()`", asynchronous=True)
def as_completed(bar):
    async def double(i):
        return 2 * i

    async def main():
        return sorted([await one for one in bar.as_completed([double(1), double(2)])])

    return asyncio.run(main())


@row("`send()`", asynchronous=True)
def send(bar):
    def echo():
        said = yield "first"
        yield said

    made = echo()
    opened = bar(made, disable=True)
    return next(made), opened.send("hello")
