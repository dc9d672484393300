"""Record what one recipe reaches in PyTorch and in Keras, and what the usual slips cost.

    PYTHONPATH=. .venv-parity/bin/python tests/parity/record_recipes.py [other.json]

It writes optimlib/data_files/recordings/recipes.json, which chapter 12 prints and draws. The
programs are programs/recipes/torch.py and keras.py; each is run as its text stands, with the
seed exchanged, and for a slip one piece of it. The recording keeps the text of both.
"""

import sys
from pathlib import Path

import record_frameworks  # first: it chooses the backend of Keras

# isort: split
import keras
import record_keras

from optimlib.data import RECORDINGS

PROGRAMS = {
    name: (Path(__file__).parent / "programs" / "recipes" / f"{name}.py").read_text()
    for name in ("torch", "keras")
}
SEEDS = range(5)
SEEDED = {"torch": "manual_seed({})", "keras": "set_random_seed({})"}
STEP = "            opt.step()\n"
CLIP = "            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n"
SCHEDULE = "            scheduler.step()\n"
GROUPS = PROGRAMS["torch"][
    PROGRAMS["torch"].index("torch.optim.AdamW(") : PROGRAMS["torch"].index("scheduler = ")
]
SLIPS = [  # what it is called, the framework, what is exchanged for what
    ("the recipe", "torch", "", ""),
    ("the gradients are never set to zero", "torch", "            opt.zero_grad()\n", ""),
    (
        "never set to zero, and not clipped",
        "torch",
        CLIP + STEP + SCHEDULE + "            opt.zero_grad()\n",
        STEP + SCHEDULE,
    ),
    (
        "softmax before CrossEntropyLoss",
        "torch",
        "torch.nn.Linear(32, 10),\n",
        "torch.nn.Linear(32, 10),\n    torch.nn.Softmax(dim=1),\n",
    ),
    ("the loss is not divided by 2", "torch", " / 2\n", "\n"),
    ("clipped after the step", "torch", CLIP + STEP, STEP + CLIP),
    (
        "scheduler.step() once an epoch",
        "torch",
        SCHEDULE + "            opt.zero_grad()\n",
        "            opt.zero_grad()\n    scheduler.step()\n",
    ),
    (
        "scheduler.step() for every piece",
        "torch",
        SCHEDULE + "            opt.zero_grad()\n",
        "            opt.zero_grad()\n        scheduler.step()\n",
    ),
    ("no model.eval()", "torch", "model.eval()\n", ""),
    (
        "Adam with weight_decay",
        "torch",
        GROUPS,
        "torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=0.01)\n",
    ),
    ("the rate left out", "torch", "    lr=0.01,\n", ""),
    (
        "SGD, the rate left out",
        "torch",
        GROUPS,
        "torch.optim.SGD(model.parameters(), momentum=0.9)\n",
    ),
    (
        "SGD at 0.01",
        "torch",
        GROUPS,
        "torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)\n",
    ),
    ("not clipped", "torch", CLIP, ""),
    ("the recipe, in Keras", "keras", "", ""),
    (
        "the schedule counted in updates",
        "keras",
        "decay_steps=900, warmup_target=0.01, warmup_steps=100",
        "decay_steps=450, warmup_target=0.01, warmup_steps=50",
    ),
    ("from_logits left out", "keras", "from_logits=True", ""),
]


def program(framework, seed, old, new):
    """A program's text with another seed and a slip."""
    text = PROGRAMS[framework]
    start = SEEDED[framework]
    for before, after in ((old, new), (start.format(0), start.format(seed))):
        if before:
            assert text.count(before) == 1, f"{before!r} stands {text.count(before)} times"
            text = text.replace(before, after)
    return text


def accuracy(framework, seed, old="", new=""):
    """The test accuracy that a program reaches."""
    names = {"__name__": framework}
    exec(compile(program(framework, seed, old, new), f"{framework} {seed}", "exec"), names)
    return float(names["accuracy"])


def run(slip):
    """One entry of the recording."""
    name, framework, old, new = slip
    record_frameworks.as_a_user()
    scores = [accuracy(framework, seed, old, new) for seed in SEEDS]
    keras.backend.clear_session()
    entry = {"id": name, "framework": framework, "old": old, "new": new}
    return entry | {"test_accuracy": scores}


def versions():
    """Those of the frameworks, and the script's name."""
    found = record_frameworks.record_versions()
    return {**found, "script": "tests/parity/record_recipes.py"}


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else RECORDINGS / "recipes.json"
    recorded = {"versions": versions(), "programs": PROGRAMS, "runs": [run(s) for s in SLIPS]}
    target.write_text(record_keras.dumps(recorded) + "\n")
    for entry in recorded["runs"]:
        print(f"{entry['id']}: {[round(a, 3) for a in entry['test_accuracy']]}")
