"""The training of judges imports no compiler; see also the tests of `dlvae.fast`."""

import subprocess
import sys


def test_a_training_imports_no_compiler():
    code = (
        "import sys, torch\n"
        "from types import SimpleNamespace\n"
        "from eval.judge.training import Learner, Recipe\n"
        "net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))\n"
        "learner = Learner(net, torch.nn.functional.cross_entropy, Recipe(), 10)\n"
        "batch = SimpleNamespace(images=torch.zeros(1, 4, 3, 2, 2), generator=torch.Generator(),\n"
        "                        labels=torch.zeros(1, 4, dtype=torch.int64))\n"
        "learner.step(batch, 0)\n"
        "learner.load_training_state(learner.training_state())\n"
        "assert 'torch._dynamo' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
