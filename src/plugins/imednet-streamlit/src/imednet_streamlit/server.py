"""Streamlit's server in a process of its own, which ends together with the program that started it.

`python -m imednet_streamlit.server --server.port 8501` takes the options of `streamlit run`. Its standard input is a
pipe from the starter, which the system closes when that ends, however it ends.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Final

from streamlit.web import cli

APP: Final = Path(__file__).with_name("app.py")


def _end_with_starter() -> None:
    while os.read(0, 4096):  # without Python's buffer, whose lock this thread would hold while the program ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_end_with_starter, daemon=True).start()
    cli.main(["run", str(APP), *sys.argv[1:]])
