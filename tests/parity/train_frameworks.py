"""Train one network on the digits in Keras, tensorflow.keras, PyTorch and optax: each file of
programs/ is one program.

A program is run as its text stands, with two things exchanged: the line that makes the optimizer,
    and the seed. The recording keeps the text of each program, so that what chapter 12 prints is
    what ran.
"""

from pathlib import Path

PROGRAMS = {
    path.stem: path.read_text()
    for path in sorted((Path(__file__).parent / "programs").glob("*.py"))
}
SEEDS = range(5)

LINES = {
    "SGD with momentum": {
        "keras": "optimizers.SGD(learning_rate=0.01, momentum=0.9)",
        "torch": "torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)",
        "optax": "optax.sgd(learning_rate=0.01, momentum=0.9)",
    },
    "RMSprop": {
        "keras": "optimizers.RMSprop(learning_rate=1e-3)",
        "torch": "torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9)",
        "optax": "optax.rmsprop(learning_rate=1e-3)",
    },
    "Adam": {
        "keras": "optimizers.Adam(learning_rate=1e-3)",
        "torch": "torch.optim.Adam(model.parameters(), lr=1e-3)",
        "optax": "optax.adam(learning_rate=1e-3)",
    },
    "AdamW": {
        "keras": "optimizers.AdamW(learning_rate=1e-3, weight_decay=1e-2)",
        "torch": "torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)",
        "optax": "optax.adamw(learning_rate=1e-3, weight_decay=1e-2)",
    },
}
for lines in LINES.values():
    lines["tensorflow_keras"] = lines["keras"]

SEEDED = {
    "keras": ["set_random_seed(0)"],
    "tensorflow_keras": ["set_random_seed(0)"],
    "torch": ["manual_seed(0)"],
    "optax": ["default_rng(0)", "jax.random.key(0)"],
}


def program(framework, name, seed):
    """The text of a framework's program with another optimizer and another seed."""
    text = PROGRAMS[framework]
    changes = {f"opt = {LINES['Adam'][framework]}\n": f"opt = {LINES[name][framework]}\n"}
    changes |= {old: old.replace("0", str(seed)) for old in SEEDED[framework]}
    for old, new in changes.items():
        assert text.count(old) == 1, (
            f"the program for {framework} has {old!r} {text.count(old)} times"
        )
        text = text.replace(old, new)
    return text


def accuracy(framework, name, seed):
    """The test accuracy that the program of a framework reaches."""
    names = {"__name__": framework}
    exec(compile(program(framework, name, seed), f"{framework} {name} {seed}", "exec"), names)
    return float(names["accuracy"])
