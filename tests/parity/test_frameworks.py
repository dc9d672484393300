"""`make parity`: the recordings are what the pinned frameworks give today, and training in them
ends where optimlib ends.

It runs in .venv-parity, made from requirements.txt beside this file. `make test` needs none of
these frameworks: it holds optimlib against the recordings.
"""

import json
import math
import re
from pathlib import Path

import record_frameworks  # first: it chooses the backend of Keras

# isort: split
import keras
import numpy as np
import pytest
import record_keras
import record_newer
import record_recipes
import torch
import train_frameworks

from optimlib import optimizers
from optimlib.data import load_digits, load_recording
from optimlib.mlp import MLP

ROOT = Path(__file__).parents[2]
TOLERANCE = 1e-12  # of the largest number of a column, as in tests/test_parity.py
RECORDED = {
    "keras": json.loads((ROOT / "tests" / "parity" / "keras.json").read_text()),
    "frameworks": load_recording("frameworks"),
    "newer": json.loads((ROOT / "tests" / "parity" / "newer.json").read_text()),
}


def numbers(value):
    """A row or a table of numbers as an array of rows; None for any other list."""
    rows = value if value and all(isinstance(row, list) for row in value) else [value]
    if len({len(row) for row in rows}) > 1:
        return None
    if all(isinstance(x, float | int) and not isinstance(x, bool) for row in rows for x in row):
        return np.array(value, dtype=float)
    return None


def assert_same(new, old, where=""):
    """Equal words, and numbers equal to TOLERANCE, through nested dicts and lists."""
    assert type(new) is type(old), where
    if isinstance(new, dict):
        assert list(new) == list(old), where
        for key in new:
            assert_same(new[key], old[key], f"{where}/{key}")
    elif isinstance(new, list):
        assert len(new) == len(old), where
        if numbers(old) is not None:
            a, b = numbers(new), numbers(old)
            assert np.array_equal(np.isfinite(a), np.isfinite(b)), where
            a, b = np.nan_to_num(a), np.nan_to_num(b)
            assert np.all(np.abs(a - b) <= TOLERANCE * np.abs(b).max(axis=0, initial=0)), where
        else:
            for i, (a, b) in enumerate(zip(new, old)):
                assert_same(a, b, f"{where}/{a['id'] if isinstance(a, dict) else i}")
    else:
        assert new == old, where


def test_keras_gives_the_recorded_numbers():
    new, old = record_keras.record(), RECORDED["keras"]
    assert_same({**new, "versions": ""}, {**old, "versions": ""})


def test_the_frameworks_give_the_recorded_numbers():
    new, old = record_frameworks.record_paths(), RECORDED["frameworks"]
    assert_same({**new, "versions": ""}, {k: "" if k == "versions" else old[k] for k in new})


def test_the_newer_rules_give_the_recorded_numbers():
    """All but what PyTorch and pytorch_optimizer round inside: that differs by processor."""

    def exact(recording):
        paths = recording["paths"]
        rounded = ("torch", "pytorch_optimizer")
        paths = [c for c in paths if "differs" not in c or c["library"] not in rounded]
        return {**recording, "versions": "", "paths": paths}

    assert_same(exact(record_newer.record()), exact(RECORDED["newer"]))


@pytest.mark.parametrize("name", RECORDED)
def test_the_recorded_versions_are_the_pinned_ones(name):
    """All but Python's, and without the mark of a CPU build."""
    now = {
        "keras": record_keras.versions,
        "frameworks": record_frameworks.record_versions,
        "newer": record_newer.versions,
    }[name]()

    def short(versions):
        return {k: v.split("+")[0] for k, v in versions.items() if k != "python"}

    assert short(now) == short(RECORDED[name]["versions"])


def test_the_recorded_programs_are_those_of_the_folder():
    assert RECORDED["frameworks"]["programs"] == train_frameworks.PROGRAMS
    assert {
        case["id"]: case["lines"] for case in RECORDED["frameworks"]["training"]
    } == train_frameworks.LINES


def test_the_watch_sees_a_rounded_hyperparameter():
    """A Python float does become float32 on the way, and the guard of the recording catches it."""
    keras.config.set_floatx("float64")
    optimizer, w = (
        keras.optimizers.SGD(0.1, momentum=0.9),
        keras.Variable(np.ones(2), dtype="float64"),
    )
    with pytest.raises(AssertionError, match=r"0\.8999999"), record_keras.watch_for_narrow_floats():
        optimizer.apply([keras.ops.ones(2, dtype="float64")], [w])


@pytest.mark.parametrize("name", train_frameworks.LINES)
def test_the_same_network_from_the_same_start(name):
    """In float64, from equal weights, over equal batches: Keras' fit and optimlib's give equal
    weights, losses, accuracies.

    Two epochs are 64 updates; 1e-9 leaves room for sums over batches and layers in another order,
    and no more.
    """
    keras.config.set_floatx("float64")
    (x, y), (x_val, y_val), _ = load_digits()
    line = train_frameworks.LINES[name]["keras"]
    ours = MLP([64, 32, 10], seed=3)
    theirs = keras.Sequential(
        [keras.Input((64,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(10, "softmax")]
    )
    theirs.set_weights([part for layer in ours.layers for part in layer])
    start = ours.w.copy()
    ours.compile(
        eval(line, {"optimizers": optimizers}),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    theirs.compile(
        eval(line, record_frameworks.keras_namespace()),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    one_hot, one_hot_val = np.eye(10)[y], np.eye(10)[y_val]
    a = ours.fit(x, y, epochs=2, batch_size=32, validation_data=(x_val, y_val), shuffle=False)
    b = theirs.fit(
        x,
        one_hot,
        epochs=2,
        batch_size=32,
        validation_data=(x_val, one_hot_val),
        shuffle=False,
        verbose=0,
    )
    w = np.concatenate([part.ravel() for part in theirs.get_weights()])
    assert np.abs(ours.w - start).max() > 0.05
    np.testing.assert_allclose(ours.w, w, rtol=0, atol=1e-9)
    assert set(a.history) == set(b.history)
    for key in a.history:
        # Keras counts its metrics in float32, so an accuracy is exact to 1e-6 only
        np.testing.assert_allclose(
            a.history[key], b.history[key], rtol=0, atol=1e-6 if "accuracy" in key else 1e-9
        )


@pytest.fixture(scope="module")
def ours():
    """Test accuracies of optimlib over 80 seeds, by optimizer."""
    data, scores = load_digits(), {}
    for name, lines in train_frameworks.LINES.items():
        scores[name] = []
        for first in range(0, 80, 20):
            model = MLP([64, 32, 10], seed=np.arange(first, first + 20))
            opt = eval(lines["keras"], {"optimizers": optimizers})
            model.compile(optimizer=opt, loss="categorical_crossentropy", metrics=["accuracy"])
            model.fit(*data.train, epochs=20, batch_size=32)
            scores[name].extend(model.evaluate(*data.test)[1])
    return scores


@pytest.mark.parametrize("name", train_frameworks.LINES)
@pytest.mark.parametrize("framework", ["keras", "torch", "optax"])
def test_training_ends_where_optimlib_ends(framework, name, ours):
    """Mean test accuracies agree to 4 standard errors of their difference, by the spread over
    seeds that optimlib shows.
    """
    record_frameworks.as_a_user()
    theirs = [train_frameworks.accuracy(framework, name, seed) for seed in train_frameworks.SEEDS]
    error = np.std(ours[name], ddof=1) * np.sqrt(1 / len(theirs) + 1 / len(ours[name]))
    assert abs(np.mean(theirs) - np.mean(ours[name])) < 4 * error, (
        f"{np.mean(theirs)}, {np.mean(ours[name])} +- {error}"
    )


@pytest.mark.parametrize("name", train_frameworks.LINES)
def test_tensorflow_keras_is_keras(name):
    record_frameworks.as_a_user()
    one, other = (
        train_frameworks.accuracy(framework, name, 1) for framework in ("keras", "tensorflow_keras")
    )
    assert one == other


def test_the_recorded_recipes_are_those_of_the_folder():
    recorded = load_recording("recipes")
    assert recorded["programs"] == record_recipes.PROGRAMS
    slips = [(r["id"], r["framework"], r["old"], r["new"]) for r in recorded["runs"]]
    assert slips == [tuple(slip) for slip in record_recipes.SLIPS]


@pytest.mark.parametrize("slip", record_recipes.SLIPS, ids=lambda slip: slip[0])
def test_a_recipe_ends_where_it_was_recorded(slip):
    """One seed of each, as its text stands: single precision rounds by the processor, so within a
    point and a half; a run that has not learned, within ten.
    """
    name, framework, old, new = slip
    record_frameworks.as_a_user()
    run = next(r for r in load_recording("recipes")["runs"] if r["id"] == name)
    before = run["test_accuracy"][0]
    again = record_recipes.accuracy(framework, record_recipes.SEEDS[0], old, new)
    assert abs(again - before) <= (0.015 if before > 0.9 else 0.1)


def small_network():
    """A convolution, batch norm and the mean over all places; twice a batch of small images."""
    rng = np.random.default_rng(0)
    layers = [
        keras.Input((8, 8, 3)),
        keras.layers.Conv2D(4, 3),
        keras.layers.BatchNormalization(),
        keras.layers.GlobalAveragePooling2D(),
    ]
    images = rng.normal(size=(128, 8, 8, 3)).astype("float32")
    return keras.Sequential(layers), images, rng.integers(0, 3, 128)


def test_the_guide_s_fine_tuning_in_keras_runs_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where it keeps its best epoch
    page = (ROOT / "book" / "guide.md").read_text(encoding="utf-8")
    program, _ = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert "fit(photos" in program and "epochs=8" in program
    base, images, labels = small_network()
    norm = base.layers[1]
    before = [[w.numpy() for w in layer.weights] for layer in (base.layers[0], norm)]
    batches = [(images[i : i + 64], labels[i : i + 64]) for i in (0, 64)]

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, i):
            return batches[i]

    names = {"keras": keras, "base": base, "classes": 3}
    exec(program, names | {"photos": Batches(), "others": Batches()}, names)
    after = [[w.numpy() for w in layer.weights] for layer in (base.layers[0], norm)]
    assert np.abs(after[0][0] - before[0][0]).max() > 0, "the body learns"
    assert all((a == b).all() for a, b in zip(after[1], before[1])), "batch norm stays"
    rate = names["rate"]
    assert [round(float(rate(t)), 9) for t in (0, 125, 2500)] == [0, 0.0001, 0]
    assert names["opt"].iterations.numpy() == 16


def test_training_false_alone_does_not_hold_batch_norm_in_keras():
    """The guide says so; when this fails, Keras has changed, and the guide has to."""
    base, images, labels = small_network()
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.Dense(3)(base(inputs, training=False)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    before = base.layers[1].moving_variance.numpy()
    model.compile("sgd", loss)
    model.fit(images, labels, verbose=0)
    assert (base.layers[1].moving_variance.numpy() != before).any()


def test_the_guide_s_fine_tuning_in_pytorch_runs_as_it_stands():
    page = (ROOT / "book" / "guide.md").read_text(encoding="utf-8")
    _, program = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    torch.manual_seed(0)
    model = torch.nn.Sequential()
    model.add_module("body", torch.nn.Conv2d(3, 4, 3))
    model.add_module("norm", torch.nn.BatchNorm2d(4))
    model.add_module("pool", torch.nn.Flatten())
    model.add_module("head", torch.nn.Linear(4 * 36, 3))
    photos = [(torch.randn(64, 3, 8, 8), torch.randint(0, 3, (64,))) for _ in range(2)]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    names = {"torch": torch, "math": math, "model": model, "photos": photos}
    exec(program, names)
    moved = {name for name, value in model.state_dict().items() if (value != before[name]).any()}
    assert moved == {n for n in before if "running" not in n and "tracked" not in n}
    assert [len(group["params"]) for group in names["opt"].param_groups] == [1, 3, 1, 1]
    share = names["share"]
    assert (names["updates"], names["warmup"]) == (20, 1)
    assert (share(0), share(1), share(20), share(30)) == (1, 1, 0, 0)


def test_the_chapter_s_comparison_of_two_programs_runs_as_it_stands(capsys):
    chapter = json.loads((ROOT / "book/12-your-framework.ipynb").read_text(encoding="utf-8"))
    text = "\n".join("".join(cell["source"]) for cell in chapter["cells"])
    text = text.split("## Are they the same?")[1]
    program = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    layers = [keras.Input((6,)), keras.layers.Dense(5, "relu"), keras.layers.Dense(3)]
    ours = keras.Sequential([*layers[:2], keras.layers.Dropout(0.5), layers[2]])
    ours.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    parts = torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(5, 3)
    rng = np.random.default_rng(0)
    batch = rng.normal(size=(8, 6)).astype("float32"), rng.integers(0, 3, 8)
    exec(
        program,
        {
            "torch": torch,
            "keras_model": ours,
            "torch_model": torch.nn.Sequential(*parts),
            "batch": batch,
        },
    )
    one, other = map(float, capsys.readouterr().out.split())
    assert abs(one - other) <= 2e-6 and one > 0.1


def test_the_chapter_s_way_over_for_convolutions_and_batch_norm_runs_as_it_stands():
    """And what it says of flattening, of padding, and of Keras' regularizer."""
    chapter = json.loads((ROOT / "book/12-your-framework.ipynb").read_text(encoding="utf-8"))
    texts = ["".join(cell["source"]) for cell in chapter["cells"]]
    (text,) = [text for text in texts if text.startswith("### Deeper: convolutions and")]
    copying = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    layers = keras.layers
    stack = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(3)]
    ours = keras.Sequential([keras.Input((6, 6, 2)), *stack])
    rng = np.random.default_rng(0)
    ours.layers[1].set_weights(list(rng.uniform(0.5, 2, (4, 4))))

    class ChannelsLast(torch.nn.Module):
        def forward(self, z):
            return z.permute(0, 2, 3, 1)

    parts = [torch.nn.Conv2d(2, 4, 3), torch.nn.BatchNorm2d(4)]
    theirs = torch.nn.Sequential(*parts, ChannelsLast(), torch.nn.Flatten(), torch.nn.Linear(64, 3))
    torch_layers = [theirs[0], theirs[1], theirs[4]]
    keras_layers = [layer for layer in ours.layers if layer.get_weights()]
    exec(copying, {"torch": torch, "keras_layers": keras_layers, "torch_layers": torch_layers})
    x = rng.normal(size=(5, 6, 6, 2)).astype("float32")
    expected = keras.ops.convert_to_numpy(ours(x, training=False))
    with torch.no_grad():
        found = theirs.eval()(torch.tensor(x.transpose(0, 3, 1, 2))).numpy()
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()
    strided = layers.Conv2D(1, 3, 2, "same", kernel_initializer="ones")(x)
    evenly = torch.nn.Conv2d(2, 1, 3, 2, padding=1)
    evenly.weight.data, evenly.bias.data = torch.ones(1, 2, 3, 3), torch.zeros(1)
    with torch.no_grad():
        apart = evenly(torch.tensor(x.transpose(0, 3, 1, 2))).numpy().transpose(0, 2, 3, 1)
    assert np.abs(apart - keras.ops.convert_to_numpy(strided)).max() > 1
    w = rng.normal(size=3)
    assert np.isclose(float(keras.regularizers.L2(0.1)(w.astype("float32"))), 0.1 * (w * w).sum())
