"""Record Lion, Muon, SOAP and Schedule-Free as other libraries have them, in float64.

    PYTHONPATH=. .venv-parity/bin/python tests/parity/record_newer.py [other.json]

It writes tests/parity/newer.json. A case holds the line of code that was run, the line of optimlib
that should take the same path, and the path. The libraries are Keras, PyTorch, optax, schedulefree
and pytorch_optimizer, as pip installs them.

Three of them do something inside that hides the rule. A case says in `instead` what was put in its
place while it was recorded; the same line without that word is the library as it ships.

1. PyTorch's Muon orthogonalizes in bfloat16, whatever the parameters are.
2. pytorch_optimizer's SOAP takes its QR decompositions in float32.
3. Keras' ScheduleFreeAdamW remembers the old z by another name for the array that it then changes.
   On JAX, whose arrays do not change, it is the published rule. On TensorFlow and PyTorch it finds
   the old x with the new z; beta_1 cancels, and what is left is the rule with beta_1 = 1.

Two rules need problems of their own. The Muons add their epsilon to the norm of a sum (optimlib,
Keras), of a mean (optax) or not at all (PyTorch): where gradients are near 1e8 ("-steep"), that
makes no difference. And a second gradient equal to the first, which set the axes, leaves SOAP
nothing but rounding off the diagonal, which Adam magnifies: hence "square-noise". Its axes keep
their order, since where it changes the authors' code sorts them, and so does pytorch_optimizer,
which the paper's algorithm does not.

A case with `differs` follows another rule than the published one, and says in what.
"""

import contextlib
import json
import sys
from importlib import metadata
from pathlib import Path
from unittest import mock

import record_keras  # first: it chooses the backend of Keras

# isort: split
import jax
import keras
import numpy as np
import optax
import pytorch_optimizer
import record_frameworks
import schedulefree
import tensorflow as tf
import torch

HERE = Path(__file__).parent
STEPS = 40
ROWS = [0, 1, 2, 3, 5, 10, 11, 20, 21, 30, 40]  # of a path that are written down
SHAPES = {
    "vector": [[4]],
    "layers": [[4, 3], [3], [3, 5], [5], [4, 4]],
    "square": [[4, 4], [3, 3], [3]],
    "matrices": [[4, 4], [3, 5], [5, 2]],
}
NAMES = {"layers": ["first", "first_bias", "middle", "middle_bias", "output"]}


def uneven(shape):
    """A size for each entry, largest on the diagonal and falling along it."""
    place = np.indices(shape)
    return 4.0 ** -place.max(axis=0) * np.where(place.min(axis=0) == place.max(axis=0), 1, 0.1)


def problems():
    """Name -> shapes, start, and `gradients`, or `hessian` and `minimum`, as in record_keras.py.

    Its four are the first here.
    """
    every = {
        name: {"shapes": SHAPES["vector"], **problem}
        for name, problem in record_keras.problems().items()
    }
    rng = np.random.default_rng(2027)
    for kind in ("layers", "square", "matrices"):
        shapes = SHAPES[kind]
        size = sum(int(np.prod(shape)) for shape in shapes)
        start = rng.normal(size=size).round(3)
        noise = rng.normal(size=(STEPS, size)) + rng.normal(size=size) / 2
        if kind == "square":
            noise = (1 + 0.2 * noise.round(3)) * join([uneven(shape) for shape in shapes])
        every[f"{kind}-noise"] = {
            "shapes": shapes,
            "start": start.tolist(),
            "gradients": noise.round(7 if kind == "square" else 3).tolist(),
        }
        q, _ = np.linalg.qr(rng.normal(size=(size, size)))
        hessian = (q * np.geomspace(0.1, 5, size)) @ q.T
        hessian = ((hessian + hessian.T) / 2).round(6)
        minimum = rng.normal(size=size).round(3)
        for name, scale in ((f"{kind}-bowl", 1.0), (f"{kind}-steep", 1e8)):
            every[name] = {
                "shapes": shapes,
                "start": start.tolist(),
                "hessian": hessian.tolist(),
                "minimum": minimum.tolist(),
                "scale": scale,
            }
    return every


def gradient(problem, step, w):
    return problem.get("scale", 1.0) * record_keras.gradient(problem, step, w)


# --- the cases --------------------------------------------------------------------------------


def cases():
    """Each: id, library, problem, its line and optimlib's; `instead` and `differs` as above."""
    cosine = (
        "schedules.CosineDecay(0.001, decay_steps=25, alpha=0.05, warmup_target=0.02, "
        "warmup_steps=8)"
    )
    for name, problem, line in [
        ("Lion-defaults", "noise", "optimizers.Lion()"),
        ("Lion-constant", "bowl", "optimizers.Lion(learning_rate=0.01)"),
        ("Lion-scales", "scales", "optimizers.Lion(learning_rate=0.01)"),
        ("Lion-tiny-gradients", "tiny", "optimizers.Lion(learning_rate=0.01)"),
        ("Lion-betas", "bowl", "optimizers.Lion(learning_rate=0.01, beta_1=0.95, beta_2=0.6)"),
        ("Lion-weight-decay", "bowl", "optimizers.Lion(learning_rate=0.01, weight_decay=0.3)"),
        ("Lion-warmup-cosine", "bowl", f"optimizers.Lion({cosine}, weight_decay=0.1)"),
        ("Lion-clipped", "noise", "optimizers.Lion(learning_rate=0.01, global_clipnorm=0.7)"),
        ("Muon-defaults", "layers-noise", "optimizers.Muon()"),
        ("Muon-constant", "layers-bowl", "optimizers.Muon(learning_rate=0.02)"),
        ("Muon-steep", "layers-steep", "optimizers.Muon(learning_rate=0.02)"),
        ("Muon-warmup-cosine", "layers-bowl", f"optimizers.Muon({cosine})"),
        (
            "Muon-other-settings",
            "layers-bowl",
            "optimizers.Muon(learning_rate=0.02, adam_beta_1=0.7, adam_beta_2=0.9, epsilon=1e-3, "
            "adam_lr_ratio=0.5, momentum=0.8, ns_steps=3, rms_rate=0.3)",
        ),
        ("Muon-not-Nesterov", "layers-bowl", "optimizers.Muon(learning_rate=0.02, nesterov=False)"),
        ("Muon-no-scale", "layers-bowl", "optimizers.Muon(learning_rate=0.02, rms_rate=None)"),
        (
            "Muon-cubic",
            "layers-noise",
            "optimizers.Muon(learning_rate=0.02, muon_a=1.5, muon_b=-0.5, muon_c=0.0, ns_steps=8)",
        ),
        (
            "Muon-weight-decays",
            "layers-bowl",
            "optimizers.Muon(learning_rate=0.02, weight_decay=0.5, adam_weight_decay=0.1)",
        ),
        (
            "Muon-no-decay",
            "layers-bowl",
            "optimizers.Muon(learning_rate=0.02, weight_decay=None, adam_weight_decay=None)",
        ),
        (
            "Muon-clipped",
            "layers-noise",
            "optimizers.Muon(learning_rate=0.02, global_clipnorm=1.0)",
        ),
        (
            "Muon-output-by-Adam",
            "layers-bowl",
            'optimizers.Muon(learning_rate=0.02, exclude_layers=["output"])',
        ),
    ]:
        ours = line.replace('["output"]', "[4]")
        yield case(f"keras-{name}", "keras", problem, line, ours)
    free, replaced_z = "optimizers.ScheduleFreeAdamW", "a new array for z, not the old one changed"
    for name, problem, arguments in [
        ("defaults", "noise", ""),
        ("constant", "bowl", "learning_rate=0.05"),
        ("scales", "scales", "learning_rate=0.05"),
        (
            "other-settings",
            "bowl",
            "learning_rate=0.05, beta_1=0.6, beta_2=0.9, epsilon=1e-2, global_clipnorm=0.5",
        ),
    ]:
        line = f"{free}({arguments})"
        yield case(
            f"keras-ScheduleFreeAdamW-{name}", "keras", problem, line, line, instead=replaced_z
        )
    line = f"{free}(learning_rate=0.05)"
    yield case(
        "keras-ScheduleFreeAdamW-as-shipped", "keras", "bowl", line, f"{free}(0.05, beta_1=1.0)"
    )
    for name, settings, differs in [
        (
            "warmup",
            "warmup_steps=10",
            "its average gives the small steps of the warmup full weight",
        ),
        ("weight-decay", "weight_decay=0.1", "its decay moves y, and never reaches z"),
    ]:
        line = f"{free}(learning_rate=0.05, {settings})"
        yield case(
            f"keras-ScheduleFreeAdamW-{name}",
            "keras",
            "bowl",
            line,
            line,
            instead=replaced_z,
            differs=differs,
        )

    for name, theirs, ours in [
        ("defaults", "AdamWScheduleFree(w)", "ScheduleFreeAdamW()"),
        ("constant", "AdamWScheduleFree(w, lr=0.05)", "ScheduleFreeAdamW(0.05)"),
        (
            "other-settings",
            "AdamWScheduleFree(w, lr=0.05, betas=(0.6, 0.9), eps=1e-2)",
            "ScheduleFreeAdamW(0.05, beta_1=0.6, beta_2=0.9, epsilon=1e-2)",
        ),
        (
            "warmup",
            "AdamWScheduleFree(w, lr=0.05, warmup_steps=10)",
            "ScheduleFreeAdamW(0.05, warmup_steps=10)",
        ),
        (
            "weight-decay",
            "AdamWScheduleFree(w, lr=0.05, weight_decay=0.1)",
            "ScheduleFreeAdamW(0.05, weight_decay=0.1)",
        ),
        (
            "warmup-weight-decay",
            "AdamWScheduleFree(w, lr=0.05, warmup_steps=10, weight_decay=0.3)",
            "ScheduleFreeAdamW(0.05, warmup_steps=10, weight_decay=0.3)",
        ),
        ("SGD-defaults", "SGDScheduleFree(w)", "ScheduleFreeSGD()"),
        ("SGD-constant", "SGDScheduleFree(w, lr=0.2)", "ScheduleFreeSGD(0.2)"),
        (
            "SGD-other-settings",
            "SGDScheduleFree(w, lr=0.2, momentum=0.5, warmup_steps=7, weight_decay=0.2)",
            "ScheduleFreeSGD(0.2, beta_1=0.5, warmup_steps=7, weight_decay=0.2)",
        ),
    ]:
        problem = "noise" if name.endswith("defaults") else "bowl"
        yield case(f"schedulefree-{name}", "schedulefree", problem, theirs, f"optimizers.{ours}")

    lion = "optax.lion(0.01, weight_decay=0.3)"
    yield case("optax-Lion", "optax", "bowl", lion, "optimizers.Lion(0.01, weight_decay=0.3)")
    yield case(
        "optax-Lion-default-decay",
        "optax",
        "bowl",
        "optax.lion(0.01)",
        "optimizers.Lion(0.01, weight_decay=1e-3)",
    )
    yield case(
        "optax-ScheduleFreeAdamW",
        "optax",
        "bowl",
        "optax.contrib.schedule_free_adamw(0.05, weight_decay=0.1)",
        "optimizers.ScheduleFreeAdamW(0.05, weight_decay=0.1)",
    )
    yield case(
        "optax-ScheduleFreeSGD",
        "optax",
        "bowl",
        "optax.contrib.schedule_free_sgd(0.2)",
        "optimizers.ScheduleFreeSGD(0.2)",
    )
    yield case(
        "optax-ScheduleFreeAdamW-warmup",
        "optax",
        "bowl",
        "optax.contrib.schedule_free_adamw(0.05, warmup_steps=10)",
        "optimizers.ScheduleFreeAdamW(0.05, warmup_steps=10)",
        differs="step k moves by the rate of k, and is weighted by that of k + 1",
    )
    rest = "weight_decay=None, adam_weight_decay=None"
    yield case(
        "optax-Muon",
        "optax",
        "layers-steep",
        "optax.contrib.muon(0.02, consistent_rms=0.2)",
        f"optimizers.Muon(0.02, {rest})",
        differs="the two parts of U are corrected for their bias, each by its own step, and its "
        "Adam is NAdam",
    )
    yield case(
        "optax-Muon-not-Nesterov",
        "optax",
        "layers-steep",
        "optax.contrib.muon(0.02, consistent_rms=0.2, nesterov=False, weight_decay=0.3)",
        "optimizers.Muon(0.02, nesterov=False, weight_decay=0.3, adam_weight_decay=None)",
    )

    for name, theirs, ours in [
        (
            "Muon",
            'torch.optim.Muon(w, lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")',
            "optimizers.Muon(0.02, weight_decay=0.1)",
        ),
        (
            "Muon-not-Nesterov",
            "torch.optim.Muon(w, lr=0.02, momentum=0.8, weight_decay=0.0, nesterov=False, "
            'ns_steps=3, adjust_lr_fn="match_rms_adamw")',
            "optimizers.Muon(0.02, momentum=0.8, weight_decay=None, nesterov=False, ns_steps=3)",
        ),
    ]:
        problem = "matrices-steep"
        yield case(
            f"torch-{name}", "torch", problem, theirs, ours, instead="float64 for its bfloat16"
        )
        yield case(
            f"torch-{name}-as-shipped",
            "torch",
            problem,
            theirs,
            ours,
            differs="it orthogonalizes in bfloat16",
        )

    for name, problem, theirs, ours in [
        ("SOAP", "square-noise", "lr=0.01, weight_decay=0.0", "0.01, weight_decay=None"),
        (
            "SOAP-every-step",
            "square-noise",
            "lr=0.01, weight_decay=0.0, precondition_frequency=1",
            "0.01, weight_decay=None, precondition_frequency=1",
        ),
        (
            "SOAP-other-settings",
            "square-bowl",
            "lr=0.02, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.0, precondition_frequency=3",
            "0.02, 0.8, 0.9, 1e-3, weight_decay=None, precondition_frequency=3",
        ),
    ]:
        line, mine = f"SOAP(w, {theirs})", f"optimizers.SOAP({ours})"
        yield case(
            f"pytorch_optimizer-{name}",
            "pytorch_optimizer",
            problem,
            line,
            mine,
            instead="float64 for the float32 of its QR",
        )
    yield case(
        "pytorch_optimizer-SOAP-as-shipped",
        "pytorch_optimizer",
        "square-noise",
        "SOAP(w, lr=0.01, weight_decay=0.0)",
        "optimizers.SOAP(0.01, weight_decay=None)",
        differs="its QR is taken in float32",
    )


def case(id, library, problem, line, ours, instead=None, differs=None):
    notes = {"instead": instead, "differs": differs}
    return {
        "id": id,
        "library": library,
        "problem": problem,
        "line": line,
        "ours": ours,
        **{name: text for name, text in notes.items() if text},
    }


# --- the recording ----------------------------------------------------------------------------


def split(problem, flat):
    """The arrays of the problem's shapes, out of one flat vector."""
    ends = np.cumsum([np.prod(shape) for shape in problem["shapes"]])[:-1]
    parts = np.split(np.asarray(flat, dtype=float), ends)
    return [part.reshape(shape) for part, shape in zip(parts, problem["shapes"], strict=True)]


def join(arrays):
    return np.concatenate([np.asarray(a).ravel() for a in arrays])


def keras_path(case, problem):
    optimizer = eval(case["line"], record_frameworks.keras_namespace())
    names = NAMES.get(case["problem"].split("-")[0], [None] * len(problem["shapes"]))
    variables = [
        keras.Variable(part, dtype="float64", name=name)
        for part, name in zip(split(problem, problem["start"]), names, strict=True)
    ]
    rows = [join(v.numpy() for v in variables)]
    with record_keras.watch_for_narrow_floats():
        for step in range(STEPS):
            parts = split(problem, gradient(problem, step, rows[-1]))
            optimizer.apply([tf.constant(part, tf.float64) for part in parts], variables)
            rows.append(join(v.numpy() for v in variables))
    return {"path": rows}


def torch_path(case, problem):
    """Of PyTorch, schedulefree and pytorch_optimizer; Schedule-Free also says what its x is."""
    w = [
        torch.nn.Parameter(torch.from_numpy(part.copy()))
        for part in split(problem, problem["start"])
    ]
    namespace = {**vars(schedulefree), "SOAP": pytorch_optimizer.SOAP, "torch": torch}
    optimizer = eval(case["line"], {**namespace, "w": w})
    free = case["library"] == "schedulefree"
    values = lambda: join(p.detach().numpy() for p in w)  # noqa: E731
    rows, averages = [values()], [values()]
    for step in range(STEPS):
        for p, part in zip(w, split(problem, gradient(problem, step, rows[-1])), strict=True):
            p.grad = torch.from_numpy(part)
        if free:
            optimizer.train()
        optimizer.step()
        rows.append(values())
        if free:
            optimizer.eval()
            averages.append(values())
    return {"path": rows, "x": averages} if free else {"path": rows}


def optax_path(case, problem):
    optimizer = eval(case["line"], {"optax": optax})
    w = [jax.numpy.array(part) for part in split(problem, problem["start"])]
    # the step counter as int64: see record_frameworks.py
    state = jax.tree.map(
        lambda s: s.astype("int64") if s.dtype == "int32" else s, optimizer.init(w)
    )
    rows, averages = [join(w)], [join(w)]
    free, update = "ScheduleFree" in case["id"], jax.jit(optimizer.update)
    for step in range(STEPS):
        parts = split(problem, gradient(problem, step, rows[-1]))
        updates, state = update([jax.numpy.array(part) for part in parts], state, w)
        w = optax.apply_updates(w, updates)
        assert all(part.dtype == jax.numpy.float64 for part in w)
        rows.append(join(w))
        if free:
            averages.append(join(optax.contrib.schedule_free_eval_params(state, w)))
    return {"path": rows, "x": averages} if free else {"path": rows}


class Float64Torch:
    """The module torch, but `float32` is float64."""

    float32 = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


def _replace_array(optimizer, variable, difference):
    variable._value = tf.Variable(variable.value - difference)


@contextlib.contextmanager
def replaced(case):
    """What the case's `instead` says, for as long as it is recorded."""
    match case.get("instead"):
        case None:
            yield
        case "float64 for its bfloat16":
            with mock.patch.object(torch.Tensor, "bfloat16", torch.Tensor.clone):
                yield
        case "a new array for z, not the old one changed":
            rule = keras.optimizers.ScheduleFreeAdamW
            with mock.patch.object(rule, "assign_sub", _replace_array):
                yield
        case "float64 for the float32 of its QR":
            with mock.patch.object(pytorch_optimizer.optimizer.soap, "torch", Float64Torch()):
                yield


PATHS = {
    "keras": keras_path,
    "schedulefree": torch_path,
    "torch": torch_path,
    "pytorch_optimizer": torch_path,
    "optax": optax_path,
}


def versions():
    others = ("schedulefree", "pytorch_optimizer")
    return {
        **record_frameworks.record_versions(),
        **{name: metadata.version(name) for name in others},
        "script": "tests/parity/record_newer.py",
    }


def record():
    keras.config.set_floatx("float64")
    jax.config.update("jax_enable_x64", True)
    shared, recorded = problems(), []
    for case in cases():
        with replaced(case):
            paths = PATHS[case["library"]](case, shared[case["problem"]])
        rows = {name: [path[row].tolist() for row in ROWS] for name, path in paths.items()}
        recorded.append({**case, **rows})
    return {"versions": versions(), "problems": shared, "rows": ROWS, "paths": recorded}


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "newer.json"
    recorded = record()
    text = record_keras.dumps(recorded) + "\n"
    assert json.loads(text) == recorded, "the file must read back to the same numbers"
    target.write_text(text)
    print(f"{target}: {len(recorded['paths'])} paths, {len(text) / 1e3:.0f} kB")
