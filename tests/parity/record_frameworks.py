"""Record how Keras, PyTorch and optax differ under one name: the same nominal settings, the paths
that each really takes.

    PYTHONPATH=. .venv-parity/bin/python tests/parity/record_frameworks.py [other.json]

It writes optimlib/data_files/recordings/frameworks.json, which chapter 12 draws. Every case has a
line of code for each framework; the line as printed is the line that is run. All minimise the same
function of two weights, scale * (a w_1^2 + b w_2^2) / 2 with curvature (a, b), in float64: Keras as
in record_keras.py, PyTorch with a float64 parameter, optax with JAX's `jax_enable_x64` and a 64-bit
step counter. `groups` says who agrees with whom; the tests hold it against the numbers, and hold
the numbers against the rules written out in numpy. The last part of the file are the accuracies
that the programs of train_frameworks.py reach, with the programs' text.
"""

import inspect
import json
import sys
from pathlib import Path

import record_keras  # first: it chooses the backend of Keras

# isort: split
import jax
import keras
import numpy as np
import optax
import tensorflow as tf
import torch
import train_frameworks

from optimlib.data import RECORDINGS

STEPS = 30
START = [1.0, 1.0]
ALL, ONE_EACH, KERAS_APART = (
    [["keras", "torch", "optax"]],
    [["keras"], ["torch"], ["optax"]],
    [["keras"], ["torch", "optax"]],
)
TORCH_APART = [["keras", "optax"], ["torch"]]


def path_cases():
    """id, what it shows, the problem, who agrees with whom, and a line for each framework (PyTorch:

    optimizer, scheduler).
    """
    bowl, faint, fainter = (
        {"curvature": [1.0, 10.0]},
        {"curvature": [1.0, 10.0], "scale": 1e-4},
        {"curvature": [1.0, 10.0], "scale": 1e-8},
    )
    flat = {"curvature": [0.0, 1.0]}

    yield case(
        "momentum-constant", "at a constant rate the three momenta are the same", bowl, ALL,
        "optimizers.SGD(learning_rate=0.02, momentum=0.9)",
        "torch.optim.SGD([w], lr=0.02, momentum=0.9)",
        "optax.sgd(learning_rate=0.02, momentum=0.9)",
    )  # fmt: skip
    yield case(
        "momentum-step", "the rate is cut to a tenth at step 10: Keras coasts on at the old speed, the others brake", bowl, KERAS_APART,
        "optimizers.SGD(learning_rate=schedules.PiecewiseConstantDecay([9], [0.02, 0.002]), momentum=0.9)",
        "torch.optim.SGD([w], lr=0.02, momentum=0.9)",
        "optax.sgd(learning_rate=optax.piecewise_constant_schedule(0.02, {10: 0.1}), momentum=0.9)",
        "torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[10], gamma=0.1)",
    )  # fmt: skip
    yield case(
        "momentum-exponential", "the rate falls by a tenth every step", bowl, KERAS_APART,
        "optimizers.SGD(learning_rate=schedules.ExponentialDecay(0.02, decay_steps=1, decay_rate=0.9), momentum=0.9)",
        "torch.optim.SGD([w], lr=0.02, momentum=0.9)",
        "optax.sgd(learning_rate=optax.exponential_decay(0.02, transition_steps=1, decay_rate=0.9), momentum=0.9)",
        "torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)",
    )  # fmt: skip
    yield case(
        "nesterov-constant", "at a constant rate the three forms of Nesterov's momentum are the same", bowl, ALL,
        "optimizers.SGD(learning_rate=0.02, momentum=0.9, nesterov=True)",
        "torch.optim.SGD([w], lr=0.02, momentum=0.9, nesterov=True)",
        "optax.sgd(learning_rate=0.02, momentum=0.9, nesterov=True)",
    )  # fmt: skip
    yield case(
        "nesterov-step", "the rate is cut to a tenth at step 10", bowl, KERAS_APART,
        "optimizers.SGD(learning_rate=schedules.PiecewiseConstantDecay([9], [0.02, 0.002]), momentum=0.9, nesterov=True)",
        "torch.optim.SGD([w], lr=0.02, momentum=0.9, nesterov=True)",
        "optax.sgd(learning_rate=optax.piecewise_constant_schedule(0.02, {10: 0.1}), momentum=0.9, nesterov=True)",
        "torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[10], gamma=0.1)",
    )  # fmt: skip
    yield case(
        "sgd-defaults", "the default rate: 0.01, 0.001, and none", bowl, [["keras"], ["torch"]],
        "optimizers.SGD()",
        "torch.optim.SGD([w])",
    )  # fmt: skip
    yield case(
        "rmsprop-defaults", "the defaults: rate 0.001 and rho 0.9 against rate 0.01 and alpha 0.99", bowl, [["keras"], ["torch"]],
        "optimizers.RMSprop()",
        "torch.optim.RMSprop([w])",
    )  # fmt: skip
    yield case(
        "rmsprop-ordinary", "the same numbers for all, ordinary gradients: epsilon's place cannot be seen in a figure",
        bowl, TORCH_APART,
        "optimizers.RMSprop(learning_rate=0.01, rho=0.9, epsilon=1e-8)",
        "torch.optim.RMSprop([w], lr=0.01, alpha=0.9, eps=1e-8)",
        "optax.rmsprop(learning_rate=0.01, decay=0.9, eps=1e-8)",
    )  # fmt: skip
    yield case(
        "rmsprop-faint", "the loss times 1e-4: epsilon = 1e-8 inside the root is like 1e-4 outside it", faint, TORCH_APART,
        "optimizers.RMSprop(learning_rate=0.01, rho=0.9, epsilon=1e-8)",
        "torch.optim.RMSprop([w], lr=0.01, alpha=0.9, eps=1e-8)",
        "optax.rmsprop(learning_rate=0.01, decay=0.9, eps=1e-8)",
    )  # fmt: skip
    yield case(
        "rmsprop-faint-eps-outside", "the same, with optax told to put epsilon where PyTorch has it", faint, KERAS_APART,
        "optimizers.RMSprop(learning_rate=0.01, rho=0.9, epsilon=1e-8)",
        "torch.optim.RMSprop([w], lr=0.01, alpha=0.9, eps=1e-8)",
        "optax.rmsprop(learning_rate=0.01, decay=0.9, eps=1e-8, eps_in_sqrt=False)",
    )  # fmt: skip
    yield case(
        "rmsprop-momentum-step", "RMSprop with momentum, the rate cut to a tenth at step 10: optax has the rate inside, as Keras",
        bowl, TORCH_APART,
        "optimizers.RMSprop(learning_rate=schedules.PiecewiseConstantDecay([9], [0.01, 0.001]), momentum=0.9, epsilon=1e-8)",
        "torch.optim.RMSprop([w], lr=0.01, alpha=0.9, momentum=0.9, eps=1e-8)",
        "optax.rmsprop(learning_rate=optax.piecewise_constant_schedule(0.01, {10: 0.1}), momentum=0.9, eps=1e-8)",
        "torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[10], gamma=0.1)",
    )  # fmt: skip
    yield case(
        "adam-ordinary", "Adam with its defaults, ordinary gradients: the epsilons cannot be seen in a figure", bowl, KERAS_APART,
        "optimizers.Adam(learning_rate=0.05)",
        "torch.optim.Adam([w], lr=0.05)",
        "optax.adam(learning_rate=0.05)",
    )  # fmt: skip
    yield case(
        "adam-fainter", "Adam with its defaults, the loss times 1e-8: Keras hardly moves", fainter, KERAS_APART,
        "optimizers.Adam(learning_rate=0.05)",
        "torch.optim.Adam([w], lr=0.05)",
        "optax.adam(learning_rate=0.05)",
    )  # fmt: skip
    yield case(
        "adam-fainter-same-epsilon", "the same with epsilon = 1e-8 for all: its place alone, before or after the correction",
        fainter, KERAS_APART,
        "optimizers.Adam(learning_rate=0.05, epsilon=1e-8)",
        "torch.optim.Adam([w], lr=0.05, eps=1e-8)",
        "optax.adam(learning_rate=0.05, eps=1e-8)",
    )  # fmt: skip
    yield case(
        "amsgrad", "optax takes the maximum of the corrected v, Keras and PyTorch of v itself (epsilon 0, to show that alone)",
        bowl, [["keras", "torch"], ["optax"]],
        "optimizers.Adam(learning_rate=0.05, amsgrad=True, epsilon=0.0)",
        "torch.optim.Adam([w], lr=0.05, amsgrad=True, eps=0.0)",
        "optax.amsgrad(learning_rate=0.05, eps=0.0)",
    )  # fmt: skip
    yield case(
        "adam-weight-decay", "weight_decay on Adam: decoupled in Keras, L2 in PyTorch; the first weight has no gradient",
        flat, KERAS_APART,
        "optimizers.Adam(learning_rate=0.05, weight_decay=0.1)",
        "torch.optim.Adam([w], lr=0.05, weight_decay=0.1)",
        "optax.chain(optax.add_decayed_weights(0.1), optax.adam(learning_rate=0.05))",
    )  # fmt: skip
    yield case(
        "sgd-weight-decay", "weight_decay on SGD: at a constant rate and without momentum, decoupled and L2 are one", bowl, ALL,
        "optimizers.SGD(learning_rate=0.02, weight_decay=0.1)",
        "torch.optim.SGD([w], lr=0.02, weight_decay=0.1)",
        "optax.chain(optax.add_decayed_weights(0.1), optax.sgd(learning_rate=0.02))",
    )  # fmt: skip
    yield case(
        "momentum-weight-decay", "with momentum they are not: L2 enters the velocity, decoupled decay does not", bowl, KERAS_APART,
        "optimizers.SGD(learning_rate=0.02, momentum=0.9, weight_decay=0.1)",
        "torch.optim.SGD([w], lr=0.02, momentum=0.9, weight_decay=0.1)",
        "optax.chain(optax.add_decayed_weights(0.1), optax.sgd(learning_rate=0.02, momentum=0.9))",
    )  # fmt: skip
    yield case(
        "adamw", "AdamW with the same decay (epsilon 0, to show that alone): the three are the same", bowl, ALL,
        "optimizers.AdamW(learning_rate=0.05, weight_decay=0.1, epsilon=0.0)",
        "torch.optim.AdamW([w], lr=0.05, weight_decay=0.1, eps=0.0)",
        "optax.adamw(learning_rate=0.05, weight_decay=0.1, eps=0.0)",
    )  # fmt: skip
    yield case(
        "adamw-defaults", "AdamW with its default decay: 0.004, 0.01, 0.0001; the first weight has no gradient", flat, ONE_EACH,
        "optimizers.AdamW(learning_rate=0.05)",
        "torch.optim.AdamW([w], lr=0.05)",
        "optax.adamw(learning_rate=0.05)",
    )  # fmt: skip
    yield case(
        "adagrad-defaults", "Adagrad at one rate: the sum starts at 0.1 in Keras and optax, at 0 in PyTorch", bowl, TORCH_APART,
        "optimizers.Adagrad(learning_rate=0.1)",
        "torch.optim.Adagrad([w], lr=0.1)",
        "optax.adagrad(learning_rate=0.1)",
    )  # fmt: skip
    yield case(
        "adagrad-default-rate", "the default rate: 0.001 and 0.01", bowl, [["keras"], ["torch"]],
        "optimizers.Adagrad()",
        "torch.optim.Adagrad([w])",
    )  # fmt: skip
    yield case(
        "rmsprop-centered", "v less the square of the mean gradient; epsilon stands where it does without", bowl, TORCH_APART,
        "optimizers.RMSprop(learning_rate=0.01, rho=0.9, centered=True, epsilon=1e-8)",
        "torch.optim.RMSprop([w], lr=0.01, alpha=0.9, centered=True, eps=1e-8)",
        "optax.rmsprop(learning_rate=0.01, decay=0.9, centered=True, eps=1e-8)",
    )  # fmt: skip
    yield case(
        "clipped", "a gradient longer than 1 is shortened to 1; PyTorch does that outside the optimizer", bowl, [["keras", "optax"]],
        "optimizers.SGD(learning_rate=0.02, momentum=0.9, global_clipnorm=1.0)",
        None,
        "optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(learning_rate=0.02, momentum=0.9))",
    )  # fmt: skip


def case(id, shows, problem, groups, keras_line, torch_line, optax_line=None, scheduler=None):
    lines = {
        "keras": keras_line,
        "torch": torch_line,
        "optax": optax_line,
        "torch_scheduler": scheduler,
    }
    lines = {framework: line for framework, line in lines.items() if line}
    return {
        "id": id,
        "shows": shows,
        "problem": {"scale": 1.0, **problem},
        "groups": groups,
        "lines": lines,
    }


def schedule_cases():
    """The rate that each step of training really sees, step 0 first."""
    for id, shows, groups, keras_line, torch_line, optax_line in [
        (
            "exponential", "the first step has the initial rate, every later one a tenth less than the one before", ALL,
            "schedules.ExponentialDecay(0.1, decay_steps=1, decay_rate=0.9)",
            "torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)",
            "optax.exponential_decay(0.1, transition_steps=1, decay_rate=0.9)",
        ),
        (
            "step-same-boundary", "the boundary 10 belongs to the old rate in Keras, to the new one in PyTorch and optax", KERAS_APART,
            "schedules.PiecewiseConstantDecay([10], [0.1, 0.01])",
            "torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[10], gamma=0.1)",
            "optax.piecewise_constant_schedule(0.1, {10: 0.1})",
        ),
        (
            "step", "so that the same steps see the same rates, Keras' boundary is one lower", ALL,
            "schedules.PiecewiseConstantDecay([9], [0.1, 0.01])",
            "torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[10], gamma=0.1)",
            "optax.piecewise_constant_schedule(0.1, {10: 0.1})",
        ),
        (
            "cosine", "the rate 0 comes after the last of 20 steps, and PyTorch's then rises again", TORCH_APART,
            "schedules.CosineDecay(0.1, decay_steps=20)",
            "torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)",
            "optax.cosine_decay_schedule(0.1, decay_steps=20)",
        ),
        (
            "warmup-cosine", "5 steps of warmup and 25 of cosine; optax counts the warmup among its decay_steps", ALL,
            "schedules.CosineDecay(0.01, decay_steps=25, warmup_target=0.1, warmup_steps=5)",
            "torch.optim.lr_scheduler.SequentialLR(optimizer, ["
            "torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=5), "
            "torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=25)], milestones=[5])",
            "optax.warmup_cosine_decay_schedule(0.01, 0.1, warmup_steps=5, decay_steps=30)",
        ),
        (
            "warmup-cosine-same-arguments", "the same arguments to Keras and optax: optax is done five steps earlier",
            [["keras"], ["optax"]],
            "schedules.CosineDecay(0.01, decay_steps=25, warmup_target=0.1, warmup_steps=5)",
            None,
            "optax.warmup_cosine_decay_schedule(0.01, 0.1, warmup_steps=5, decay_steps=25)",
        ),
        (
            "warmup-of-one-step", "the first step has the first rate, the second the highest", [["keras", "optax"]],
            "schedules.CosineDecay(0.01, decay_steps=20, warmup_target=0.1, warmup_steps=1)",
            None,
            "optax.warmup_cosine_decay_schedule(0.01, 0.1, warmup_steps=1, decay_steps=21)",
        ),
        (
            "target-without-warmup", "no step of warmup: Keras starts at the target", TORCH_APART,
            "schedules.CosineDecay(0.01, decay_steps=20, warmup_target=0.1)",
            "torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)",
            "optax.cosine_decay_schedule(0.1, decay_steps=20)",
        ),
        (
            "restarts", "Keras doubles the period by default, PyTorch keeps it unless told", [["keras", "torch"]],
            "schedules.CosineDecayRestarts(0.1, first_decay_steps=4)",
            "torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=4, T_mult=2)",
            None,
        ),
        (
            "inverse-time-in-steps", "by whole parts of five steps", [["keras", "torch"]],
            "schedules.InverseTimeDecay(0.1, decay_steps=5, decay_rate=0.5, staircase=True)",
            "torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + 0.5 * (step // 5)))",
            None,
        ),
    ]:  # fmt: skip
        lines = {"keras": keras_line, "torch": torch_line, "optax": optax_line}
        yield {
            "id": id,
            "shows": shows,
            "groups": groups,
            "lines": {k: v for k, v in lines.items() if v},
        }


# --- the recording --------------------------------------------------------------------------------
# ----------------------------


class Wide:
    """A module of Keras whose classes get their floats as np.float64, for the reasons that
    record_keras.py gives.
    """

    def __init__(self, module):
        self.module = module

    def __getattr__(self, name):
        kind = getattr(self.module, name)
        return lambda *a, **k: record_keras.make(
            kind, inspect.signature(kind).bind_partial(*a, **k).arguments
        )


def gradient(problem, w):
    return problem["scale"] * np.array(problem["curvature"]) * w


def keras_namespace():
    return {"optimizers": Wide(keras.optimizers), "schedules": Wide(keras.optimizers.schedules)}


def keras_path(case):
    optimizer = eval(case["lines"]["keras"], keras_namespace())
    w = keras.Variable(np.array(START), dtype="float64")
    rows = [w.numpy()]
    with record_keras.watch_for_narrow_floats():
        for _ in range(STEPS):
            optimizer.apply([tf.constant(gradient(case["problem"], rows[-1]), tf.float64)], [w])
            rows.append(w.numpy())
    return np.array(rows)


def torch_path(case):
    w = torch.nn.Parameter(torch.tensor(START, dtype=torch.float64))
    optimizer = eval(case["lines"]["torch"], {"torch": torch, "w": w})
    scheduler = eval(
        case["lines"].get("torch_scheduler", "None"), {"torch": torch, "optimizer": optimizer}
    )
    rows = [w.detach().numpy().copy()]
    for _ in range(STEPS):
        w.grad = torch.from_numpy(gradient(case["problem"], rows[-1]))
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        rows.append(w.detach().numpy().copy())
    return np.array(rows)


def optax_path(case):
    optimizer = eval(case["lines"]["optax"], {"optax": optax})
    w = jax.numpy.array(START)
    # the step counter as int64: JAX divides an int32 in float32, so that optax's schedules would be
    # right to 1e-7 only
    state = jax.tree.map(
        lambda s: s.astype("int64") if s.dtype == "int32" else s, optimizer.init(w)
    )
    rows = [np.array(w)]
    for _ in range(STEPS):
        updates, state = optimizer.update(
            jax.numpy.array(gradient(case["problem"], rows[-1])), state, w
        )
        w = optax.apply_updates(w, updates)
        assert w.dtype == jax.numpy.float64
        rows.append(np.array(w))
    return np.array(rows)


def keras_rates(line):
    schedule = eval(line, keras_namespace())
    with record_keras.watch_for_narrow_floats():
        return [float(schedule(step)) for step in range(STEPS + 1)]


def torch_rates(line):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = eval(line, {"torch": torch, "optimizer": optimizer})
    rates = []
    for _ in range(STEPS + 1):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def optax_rates(line):
    schedule = eval(line, {"optax": optax})
    return [float(schedule(jax.numpy.array(step))) for step in range(STEPS + 1)]


def as_a_user():
    """The frameworks' own defaults: float32."""
    keras.config.set_floatx("float32")
    jax.config.update("jax_enable_x64", False)
    torch.set_num_threads(1)


def training():
    """The digits, as a user of each framework would train on them."""
    as_a_user()
    recorded = []
    for name, lines in train_frameworks.LINES.items():
        accuracies = {}
        for framework in train_frameworks.PROGRAMS:
            accuracies[framework] = [
                train_frameworks.accuracy(framework, name, seed) for seed in train_frameworks.SEEDS
            ]
            keras.backend.clear_session()
        recorded.append({"id": name, "lines": lines, "test_accuracy": accuracies})
    return recorded


def record_versions():
    others = {"torch": torch.__version__, "jax": jax.__version__, "optax": optax.__version__}
    return {**record_keras.versions(), **others, "script": "tests/parity/record_frameworks.py"}


def record():
    return {**record_paths(), "programs": train_frameworks.PROGRAMS, "training": training()}


def record_paths():
    keras.config.set_floatx("float64")
    jax.config.update("jax_enable_x64", True)
    paths, rates = (
        {"keras": keras_path, "torch": torch_path, "optax": optax_path},
        {"keras": keras_rates, "torch": torch_rates, "optax": optax_rates},
    )
    return {
        "versions": record_versions(),
        "start": START,
        "paths": [
            {**c, "paths": {f: paths[f](c).tolist() for f in paths if f in c["lines"]}}
            for c in path_cases()
        ],
        "schedules": [
            {**c, "rates": {f: rates[f](c["lines"][f]) for f in rates if f in c["lines"]}}
            for c in schedule_cases()
        ],
    }


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else RECORDINGS / "frameworks.json"
    recorded = record()
    text = record_keras.dumps(recorded) + "\n"
    assert json.loads(text) == recorded, "the file must read back to the same numbers"
    target.write_text(text)
    print(
        f"{target}: {len(recorded['paths'])} paths, {len(recorded['schedules'])} schedules, {len(text) / 1e3:.0f} kB"
    )
