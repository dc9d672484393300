"""Record what Keras 3 computes in float64: optimizers, schedules, the plateau callback.

    .venv-parity/bin/python tests/parity/record_keras.py            writes tests/parity/keras.json
    .venv-parity/bin/python tests/parity/record_keras.py other.json

Every number comes out of `keras.optimizers`, `keras.optimizers.schedules` and `keras.callbacks` as
installed; nothing of Keras is patched or replaced. Three settings make its arithmetic float64 all
the way through:

1. `set_floatx("float64")`, or the variable that holds a constant learning rate is float32.
2. The TensorFlow backend. On JAX, PyTorch and numpy, Keras' type promotion knows no 64-bit float:
`ops.cos`, `ops.power` and others return float32 there for a float64 argument
(`keras/src/backend/common/dtypes.py`, BIT64_TO_BIT32_DTYPE), and paths agree with float64
arithmetic only to 1e-7 or so.
3. Hyper-parameters as `numpy.float64`, not as Python floats. On TensorFlow, `ops.cast(0.9,
"float64")` first makes a float32 tensor of a Python float and then widens it: momentum 0.9 becomes
0.8999999761581421. An `np.float64` keeps its type. `make` does this to Keras' own defaults too,
read from the signature.

Whether that is enough is not taken on trust: `watch_for_narrow_floats` looks at every tensor that a
TensorFlow operation takes or makes while a path is computed, and the recording stops at the first
one narrower than float64.
"""

import contextlib
import inspect
import json
import os
import platform
import runpy
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import op_callbacks

HERE = Path(__file__).parent
RULES = runpy.run_path(str(HERE.parent / "rules.py"))["RULES"]
STEPS = 40
KEPT = [*range(11), *range(15, STEPS + 1, 5)]  # the rows of a path that are written down


# --- the problems: where a path starts, and the gradient it sees ----------------------------------


def problems():
    """Where each path starts, and what gives its gradient, by name.

    That is either `gradients`, a row a step, or `hessian` and `minimum`: hessian @ (w - minimum).

    noise     four weights: a drift with noise; signs that alternate; a gradient one step in five;
              never any gradient
    tiny      the same gradients times 1e-8, from 0, so that the path is as small as its steps
    scales    a column each of size 1e-8, 1e-4, 1 and 1e4, with steps at which all are zero, from 0
    bowl      a quadratic of condition number 50, turned against the axes: here the gradient depends
              on the path
    """
    rng = np.random.default_rng(2026)
    t = np.arange(STEPS)
    noise = np.zeros((STEPS, 4))
    noise[:, 0] = 0.5 + rng.normal(size=STEPS)
    noise[:, 1] = (-1.0) ** t * (1 + 0.3 * rng.normal(size=STEPS))
    noise[:, 2] = np.where(t % 5 == 2, 2 * rng.normal(size=STEPS), 0)
    noise = noise.round(3)
    scales = rng.normal(size=(STEPS, 4)).round(3) * (t % 7 != 3)[:, None]
    q, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    hessian = (q * np.geomspace(0.1, 5, 4)) @ q.T
    start = [1.0, -1.0, 0.5, 2.0]
    return {
        "noise": {"start": start, "gradients": noise.tolist()},
        "tiny": {"start": [0.0] * 4, "gradients": (noise * 1e-8).tolist()},
        "scales": {"start": [0.0] * 4, "gradients": (scales * [1e-8, 1e-4, 1, 1e4]).tolist()},
        "bowl": {
            "start": start,
            "hessian": ((hessian + hessian.T) / 2).round(6).tolist(),
            "minimum": [0.3, 0.7, -0.2, 0.1],
        },
    }


def gradient(problem, step, w):
    if "gradients" in problem:
        return np.array(problem["gradients"][step])
    return np.array(problem["hessian"]) @ (w - np.array(problem["minimum"]))


# --- the cases ------------------------------------------------------------------------------------


def path_cases():
    """Every rule on every kind of rate and trouble; each is an id, a class, its arguments and a
    problem.
    """
    for rule, (name, kind, rate, other, *_) in RULES.items():
        exponential = {
            "schedule": "ExponentialDecay",
            "initial_learning_rate": rate,
            "decay_steps": 10,
            "decay_rate": 0.5,
        }
        warmup = {
            "schedule": "CosineDecay",
            "initial_learning_rate": rate / 10,
            "decay_steps": 25,
            "alpha": 0.05,
            "warmup_target": rate,
            "warmup_steps": 8,
        }
        steps = {
            "schedule": "PiecewiseConstantDecay",
            "boundaries": [9, 24],
            "values": [rate, rate / 4, rate / 20],
        }
        situations = {
            "defaults": ("noise", {}),
            "constant": ("bowl", {"learning_rate": rate}),
            "other-settings": ("bowl", {"learning_rate": rate, **other}),
            "exponential": ("noise", {"learning_rate": exponential}),
            "warmup-cosine": ("bowl", {"learning_rate": warmup}),
            "piecewise": ("noise", {"learning_rate": steps}),
            "weight-decay": ("noise", {"learning_rate": rate, "weight_decay": 0.1}),
            "weight-decay-warmup-cosine": ("bowl", {"learning_rate": warmup, "weight_decay": 0.2}),
            "large-rate-times-decay": ("noise", {"learning_rate": 0.5, "weight_decay": 1.5}),
            "tiny-gradients": ("tiny", {"learning_rate": rate}),
            "tiny-gradients-exponential": ("tiny", {"learning_rate": exponential}),
            "scales": ("scales", {"learning_rate": rate}),
            "clipped": ("noise", {"learning_rate": rate, "global_clipnorm": 1.0}),
            "clipped-weight-decay": (
                "bowl",
                {"learning_rate": rate, "global_clipnorm": 0.5, "weight_decay": 0.1},
            ),
        }
        for situation, (problem, arguments) in situations.items():
            yield {
                "id": f"{rule}-{situation}",
                "class": name,
                "arguments": {**kind, **arguments},
                "problem": problem,
            }
        shared = {
            "clipnorm": ("noise", {"learning_rate": rate, "clipnorm": 1.0}),
            "clipvalue": ("noise", {"learning_rate": rate, "clipvalue": 0.6}),
            "ema": ("noise", {"learning_rate": rate, "use_ema": True, "ema_momentum": 0.8}),
            "ema-overwrite": (
                "bowl",
                {
                    "learning_rate": rate,
                    "use_ema": True,
                    "ema_momentum": 0.9,
                    "ema_overwrite_frequency": 6,
                },
            ),
            "accumulation": ("noise", {"learning_rate": rate, "gradient_accumulation_steps": 3}),
            "accumulation-exponential-weight-decay": (
                "bowl",
                {
                    "learning_rate": exponential,
                    "weight_decay": 0.1,
                    "gradient_accumulation_steps": 4,
                },
            ),
            "accumulation-ema-overwrite-clipped": (
                "noise",
                {
                    "learning_rate": rate,
                    "global_clipnorm": 0.7,
                    "use_ema": True,
                    "ema_momentum": 0.7,
                    "ema_overwrite_frequency": 2,
                    "gradient_accumulation_steps": 3,
                },
            ),
        }
        for situation, (problem, arguments) in shared.items():
            yield {
                "id": f"{rule}-{situation}",
                "class": name,
                "arguments": {**kind, **arguments},
                "problem": problem,
                "shapes": [[1], [3]] if situation == "clipnorm" else [[4]],
            }
    restarts = {
        "schedule": "CosineDecayRestarts",
        "initial_learning_rate": 0.05,
        "first_decay_steps": 6,
        "m_mul": 0.8,
        "alpha": 0.1,
    }
    polynomial = {
        "schedule": "PolynomialDecay",
        "initial_learning_rate": 0.05,
        "decay_steps": 30,
        "power": 2.0,
    }
    inverse = {
        "schedule": "InverseTimeDecay",
        "initial_learning_rate": 0.05,
        "decay_steps": 5,
        "decay_rate": 0.7,
    }
    for rule in ("SGD-momentum", "Adam"):
        name, kind, *_ = RULES[rule]
        for label, schedule in {
            "restarts": restarts,
            "polynomial": polynomial,
            "inverse-time": inverse,
        }.items():
            yield {
                "id": f"{rule}-{label}",
                "class": name,
                "arguments": {**kind, "learning_rate": schedule},
                "problem": "bowl",
            }


def schedule_cases():
    """Every schedule in each of its forms, at steps 0..40 and some far beyond; boundaries of each
    lie among them.
    """
    near, far = list(range(41)), [99, 100, 101, 1000, 123456]
    exponential = {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.9}
    inverse = {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.9}
    polynomial = {"initial_learning_rate": 0.1, "decay_steps": 13, "end_learning_rate": 0.003}
    cosine = {"initial_learning_rate": 0.1, "decay_steps": 17}
    for name, arguments in {
        "ExponentialDecay": exponential,
        "ExponentialDecay-staircase": {**exponential, "staircase": True},
        "ExponentialDecay-growing": {**exponential, "decay_rate": 1.01},
        "PiecewiseConstantDecay": {"boundaries": [5, 10, 30], "values": [0.1, 0.03, 0.3, 0.001]},
        "PiecewiseConstantDecay-one-boundary": {"boundaries": [1], "values": [0.1, 0.03]},
        "PiecewiseConstantDecay-at-zero": {"boundaries": [0, 1], "values": [0.1, 0.03, 0.7]},
        "PolynomialDecay-defaults": {"initial_learning_rate": 0.1, "decay_steps": 13},
        "PolynomialDecay-square": {**polynomial, "power": 2.0},
        "PolynomialDecay-root": {**polynomial, "power": 0.5},
        "PolynomialDecay-rising": {**polynomial, "end_learning_rate": 0.2, "power": 1.5},
        "PolynomialDecay-cycle": {**polynomial, "cycle": True},
        "PolynomialDecay-cycle-square": {**polynomial, "power": 2.0, "cycle": True},
        "InverseTimeDecay": inverse,
        "InverseTimeDecay-staircase": {**inverse, "staircase": True},
        "CosineDecay": cosine,
        "CosineDecay-alpha": {**cosine, "alpha": 0.07},
        "CosineDecay-warmup": {
            **cosine,
            "initial_learning_rate": 0.0,
            "warmup_target": 0.1,
            "warmup_steps": 10,
        },
        "CosineDecay-warmup-alpha": {
            **cosine,
            "alpha": 0.3,
            "warmup_target": 0.7,
            "warmup_steps": 3,
        },
        "CosineDecay-warmup-downwards": {**cosine, "warmup_target": 0.01, "warmup_steps": 5},
        "CosineDecay-target-without-steps": {**cosine, "warmup_target": 0.3},
        "CosineDecay-steps-without-target": {**cosine, "warmup_steps": 5},
        "CosineDecayRestarts-defaults": {"initial_learning_rate": 0.1, "first_decay_steps": 5},
        "CosineDecayRestarts-even": {
            "initial_learning_rate": 0.1,
            "first_decay_steps": 7,
            "t_mul": 1.0,
        },
        "CosineDecayRestarts-even-m-mul": {
            "initial_learning_rate": 0.1,
            "first_decay_steps": 7,
            "t_mul": 1.0,
            "m_mul": 0.6,
        },
        "CosineDecayRestarts-alpha": {
            "initial_learning_rate": 0.1,
            "first_decay_steps": 5,
            "m_mul": 0.6,
            "alpha": 0.2,
        },
        "CosineDecayRestarts-triple": {
            "initial_learning_rate": 0.1,
            "first_decay_steps": 4,
            "t_mul": 3.0,
            "m_mul": 0.9,
        },
        "CosineDecayRestarts-half-more": {
            "initial_learning_rate": 0.1,
            "first_decay_steps": 8,
            "t_mul": 1.5,
            "alpha": 0.01,
        },
    }.items():
        yield {"id": name, "class": name.split("-")[0], "arguments": arguments, "steps": near + far}


def plateau_cases():
    """Sequences of a monitored value, an epoch each, with the learning rate that the callback
    leaves behind after each.
    """
    stall = [1.0, 0.8, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.69, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7]
    creep = [round(1 - 0.00007 * i, 6) for i in range(16)]
    rise = [0.1, 0.5, 0.6, 0.6, 0.59, 0.6, 0.61, 0.6, 0.6, 0.6, 0.6, 0.6, 0.9, 0.9, 0.9, 0.9]
    nans = [1.0, 0.5, float("nan"), float("nan"), 0.5, 0.4, float("inf"), 0.41, 0.42, 0.43]
    for name, monitor, values, arguments in [
        ("defaults", "val_loss", [1.0] * 25, {}),
        ("patience-2", "val_loss", stall, {"patience": 2}),
        ("patience-1-factor-half", "val_loss", stall, {"patience": 1, "factor": 0.5}),
        ("patience-0", "val_loss", stall[:8], {"patience": 0, "factor": 0.5}),
        ("cooldown", "val_loss", stall, {"patience": 2, "factor": 0.5, "cooldown": 3}),
        ("cooldown-1", "val_loss", stall, {"patience": 1, "factor": 0.5, "cooldown": 1}),
        ("min-delta-default", "val_loss", creep, {"patience": 3, "factor": 0.3}),
        ("min-delta-zero", "val_loss", creep, {"patience": 3, "factor": 0.3, "min_delta": 0.0}),
        ("min-delta-large", "val_loss", stall, {"patience": 2, "factor": 0.3, "min_delta": 0.15}),
        ("min-lr", "val_loss", stall, {"patience": 1, "factor": 0.3, "min_lr": 0.004}),
        ("min-lr-above", "val_loss", stall, {"patience": 1, "factor": 0.3, "min_lr": 0.2}),
        ("mode-max", "val_accuracy", rise, {"patience": 2, "factor": 0.5, "mode": "max"}),
        ("mode-auto-accuracy", "val_accuracy", rise, {"patience": 2, "factor": 0.5}),
        ("mode-min-accuracy", "val_accuracy", rise, {"patience": 2, "factor": 0.5, "mode": "min"}),
        ("training-loss", "loss", stall, {"monitor": "loss", "patience": 2, "factor": 0.2}),
        ("not-finite", "val_loss", nans, {"patience": 2, "factor": 0.5}),
    ]:
        yield {
            "id": name,
            "arguments": {"monitor": monitor, **arguments},
            "learning_rate": 0.1,
            "values": values,
        }


# --- the recording --------------------------------------------------------------------------------


@contextlib.contextmanager
def watch_for_narrow_floats():
    """Raise as soon as a TensorFlow operation takes or makes a floating-point tensor that is not
    float64.

    A lone whole number passes: the 1.0 that stands in Keras' own code becomes a float32 tensor, and
    is exact in it.
    """

    def look(op_type, inputs, attrs, outputs, op_name=None, graph=None):
        for tensor in (*inputs, *outputs):
            narrow = tensor.dtype.is_floating and tensor.dtype != tf.float64
            if narrow and not (tensor.shape.rank == 0 and float(tensor).is_integer()):
                raise AssertionError(f"{op_type} took or made a {tensor.dtype.name}: {tensor!r}")

    op_callbacks.add_op_callback(look)
    try:
        yield
    finally:
        op_callbacks.remove_op_callback(look)


def wide(value):
    """The same value with every Python float as an np.float64, and a described schedule as the
    Keras object.
    """
    if isinstance(value, dict):
        return make(
            getattr(keras.optimizers.schedules, value["schedule"]),
            {k: v for k, v in value.items() if k != "schedule"},
        )
    if isinstance(value, list):
        return [wide(v) for v in value]
    return np.float64(value) if isinstance(value, float) else value


def make(kind, arguments):
    """A Keras object from these arguments and, for all others, the defaults that its own signature
    names.
    """
    defaults = {
        name: p.default
        for name, p in inspect.signature(kind).parameters.items()
        if type(p.default) is float
    }
    return kind(**{name: wide(value) for name, value in {**defaults, **arguments}.items()})


def path(case, problem):
    """The path of the weights, and of their running mean where there is one.

    The weights are one variable, or as many as the case has shapes.
    """
    optimizer = make(getattr(keras.optimizers, case["class"]), case["arguments"])
    ends = np.cumsum([np.prod(shape) for shape in case.get("shapes", [[4]])])[:-1]
    variables = [
        keras.Variable(part, dtype="float64") for part in np.split(np.array(problem["start"]), ends)
    ]
    rows, means = [np.array(problem["start"])], [np.zeros(4)]
    for step in range(STEPS):
        g = np.split(gradient(problem, step, rows[-1]), ends)
        optimizer.apply([tf.constant(part, tf.float64) for part in g], variables)
        rows.append(np.concatenate([variable.numpy() for variable in variables]))
        if optimizer.use_ema:
            averages = optimizer._model_variables_moving_average
            means.append(np.concatenate([variable.numpy() for variable in averages]))
    recorded = {"path": [rows[step].tolist() for step in KEPT]}
    if optimizer.use_ema:
        recorded["average"] = [means[step].tolist() for step in KEPT]
    return recorded


def rates(case):
    schedule = make(getattr(keras.optimizers.schedules, case["class"]), case["arguments"])
    return [float(schedule(step)) for step in case["steps"]]


def plateau(case):
    """Drive Keras' callback as `fit` does, on a model that `compile` has set up."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(
        optimizer=keras.optimizers.SGD(np.float64(case["learning_rate"])),
        loss="mse",
        metrics=["accuracy"],
        run_eagerly=True,
    )
    model.train_on_batch(
        np.zeros((1, 1)), np.zeros((1, 1))
    )  # metrics exist from here on; mode="auto" asks for them
    model.optimizer.learning_rate = case["learning_rate"]
    callback = keras.callbacks.ReduceLROnPlateau(**case["arguments"])
    callback.set_model(model)
    callback.on_train_begin()
    trace = []
    for epoch, value in enumerate(case["values"]):
        callback.on_epoch_end(epoch, {case["arguments"]["monitor"]: value})
        trace.append(float(model.optimizer.learning_rate.numpy()))
    return trace


def stop_cases():
    """Sequences of a monitored value, an epoch each, for the callback that ends training."""
    fall = [1.0, 0.8, 0.7, 0.75, 0.72, 0.69, 0.7, 0.71, 0.72, 0.73]
    rise = [0.1, 0.5, 0.6, 0.6, 0.59, 0.61, 0.6, 0.6, 0.6, 0.6]
    nans = [1.0, float("nan"), 0.9, float("nan"), float("nan"), 0.8, 0.8, 0.8, 0.8]
    for name, values, arguments in [
        ("defaults", fall, {}),
        ("defaults-worse-at-once", [1.0, 1.0, 0.5], {}),
        ("patience-2", fall, {"patience": 2}),
        ("patience-3", fall, {"patience": 3}),
        ("patience-4-best", fall, {"patience": 4, "restore_best_weights": True}),
        ("never-best", fall[:6], {"patience": 9, "restore_best_weights": True}),
        ("min-delta", fall, {"patience": 2, "min_delta": 0.15, "restore_best_weights": True}),
        ("negative-min-delta", fall, {"patience": 2, "min_delta": -0.15}),
        ("baseline", fall, {"patience": 3, "baseline": 0.75, "restore_best_weights": True}),
        ("baseline-missed", fall, {"patience": 3, "baseline": 0.1, "restore_best_weights": True}),
        ("start", fall, {"patience": 1, "start_from_epoch": 4, "restore_best_weights": True}),
        ("max", rise, {"patience": 2, "mode": "max", "restore_best_weights": True}),
        ("min-of-accuracy", rise, {"patience": 2, "mode": "min", "restore_best_weights": True}),
        ("not-finite", nans, {"patience": 2, "restore_best_weights": True}),
        ("not-finite-first", nans[1:], {"patience": 2, "restore_best_weights": True}),
    ]:
        yield {"id": name, "arguments": arguments, "values": values}


def stop(case):
    """How many epochs Keras' callback lets pass, and the epoch whose weights it ends with."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(optimizer="sgd", loss="mse", run_eagerly=True)
    callback = keras.callbacks.EarlyStopping(**case["arguments"])
    callback.set_model(model)
    model.stop_training = False
    callback.on_train_begin()
    for epoch, value in enumerate(case["values"]):
        model.set_weights([np.array([[float(epoch)]])])
        callback.on_epoch_end(epoch, {"val_loss": value})
        if model.stop_training:
            break
    callback.on_train_end()
    weights = int(model.get_weights()[0][0, 0])
    return {
        "epochs": epoch + 1,
        "stopped_epoch": callback.stopped_epoch,
        "best_epoch": callback.best_epoch,
        "weights": weights,
    }


def signatures():
    """The arguments of what optimlib has too, with their defaults, in Keras' order."""
    functions = {
        f"Model.{name}": getattr(keras.Model, name)
        for name in ("compile", "fit", "evaluate", "predict", "get_weights", "set_weights")
    }
    functions |= {
        f"optimizers.{name}": getattr(keras.optimizers, name)
        for name in ("SGD", "Adagrad", "RMSprop", "Adam", "AdamW")
    }
    functions |= {
        f"schedules.{name}": getattr(keras.optimizers.schedules, name)
        for name in (
            "ExponentialDecay",
            "InverseTimeDecay",
            "PiecewiseConstantDecay",
            "PolynomialDecay",
            "CosineDecay",
            "CosineDecayRestarts",
        )
    }
    functions |= {
        f"callbacks.{name}": getattr(keras.callbacks, name)
        for name in ("EarlyStopping", "ReduceLROnPlateau")
    }
    kinds = inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL
    return {
        name: [
            [p.name] if p.default is p.empty else [p.name, p.default]
            for p in inspect.signature(function).parameters.values()
            if p.kind not in kinds and p.name != "self"
        ]
        for name, function in functions.items()
    }


def versions():
    return {
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "script": "tests/parity/record_keras.py",
    }


def record():
    keras.config.set_floatx("float64")
    shared = problems()
    with watch_for_narrow_floats():
        paths = [case | path(case, shared[case["problem"]]) for case in path_cases()]
        schedules = [{**case, "rates": rates(case)} for case in schedule_cases()]
    plateaus = [{**case, "rates": plateau(case)} for case in plateau_cases()]
    stops = [case | stop(case) for case in stop_cases()]
    return {
        "versions": versions(),
        "problems": shared,
        "kept": KEPT,
        "paths": paths,
        "schedules": schedules,
        "plateaus": plateaus,
        "stops": stops,
        "signatures": signatures(),
    }


def dumps(value, depth=0):
    """JSON with a line for every row of numbers and every simple entry, so that a changed number is
    a changed line.
    """
    nested = isinstance(value, dict | list) and any(
        isinstance(v, dict) or (isinstance(v, list) and v and isinstance(v[0], list | dict))
        for v in (value.values() if isinstance(value, dict) else value)
    )
    table = isinstance(value, list) and value and isinstance(value[0], list)
    if not (
        nested
        or table
        or (
            isinstance(value, dict)
            and depth < 3
            and any(isinstance(v, list) for v in value.values())
        )
    ):
        return json.dumps(value, ensure_ascii=False)
    pad, end = " " * (depth + 1), "\n" + " " * depth
    if isinstance(value, dict):
        return (
            "{\n"
            + ",\n".join(f"{pad}{json.dumps(k)}: {dumps(v, depth + 1)}" for k, v in value.items())
            + end
            + "}"
        )
    return "[\n" + ",\n".join(pad + dumps(v, depth + 1) for v in value) + end + "]"


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "keras.json"
    recorded = record()
    text = dumps(recorded) + "\n"
    assert repr(json.loads(text)) == repr(recorded), "the file must read back to the same numbers"
    target.write_text(text)
    counts = {k: len(recorded[k]) for k in ("paths", "schedules", "plateaus", "stops")}
    print(
        f"{target}: {counts}, {len(text) / 1e3:.0f} kB, "
        f"Keras {keras.__version__} on {keras.backend.backend()}"
    )
