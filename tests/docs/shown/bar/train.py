import time

from stop import stop

from tipi.helpers import progress_bar

bar = progress_bar(range(400), desc="Training")
for step in bar:
    time.sleep(0.005)
    bar.set_postfix(loss=2.3 * 0.99**step)
    if step == 260:
        stop(bar)
