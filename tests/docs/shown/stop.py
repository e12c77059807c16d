"""Ends a program in the middle of a loop, so that its screen can be looked at."""

import os
import signal


def stop(bar):
    """Draw the bars as they are now and let the process die on the spot: nothing is drawn after that."""
    bar.refresh()
    os.kill(os.getpid(), signal.SIGKILL)
