"""Run a module as a stage that hears requests to stop from its first moment.

    python -m dlvae.stage MODULE ...

is ``python -m MODULE ...``, which hears them only when it has imported PyTorch. The rules of the
workflow start every module like this.
"""

import atexit
import gc
import runpy
import sys

from dlvae.stage.process.stopping import stoppable

if __name__ == "__main__":
    del sys.argv[0]
    # Else the last collection walks through all of PyTorch: half a second.
    atexit.register(gc.freeze)
    with stoppable():
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
