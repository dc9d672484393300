"""Time optimlib against the least it must do, and against the frameworks installed: `make bench`.

    python -m tools.bench [--rounds 21] [--write]

All contenders of a table run in turn, round after round, on one thread. Counted is the time that
the processor spends on them, which a busy machine disturbs less than the clock on the wall. Printed
are the median, and the median over rounds of the ratio to the table's base. A framework that is not
installed is left out.
"""

import argparse
import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

os.environ.update(
    dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    TQDM_DISABLE="1",
    TF_CPP_MIN_LOG_LEVEL="3",
    KERAS_BACKEND="jax",
    JAX_ENABLE_X64="1",
    XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
)

import numpy as np

from optimlib import data, optimizers, training
from optimlib.mlp import MLP

RESULTS = Path(__file__).with_name("records") / "bench.json"
# layer sizes, samples, epochs of one timing; the first is the usual run of the chapters
DIGITS = (64, 32, 10), 1000, 20
MNIST = (784, 128, 10), 2000, 3


def samples(sizes, count):
    """The digits, or random pixels of MNIST's shape."""
    if sizes[0] == 64:
        return data.load_digits().train
    rng = np.random.default_rng(0)
    return rng.random((count, sizes[0])), rng.integers(0, sizes[-1], count)


def steps(count, epochs):
    return epochs * -(-count // 32)


def floor(sizes, count, epochs):
    """The five matrix products of a step and nothing else."""
    rng = np.random.default_rng(0)
    d, h, k = sizes
    x, W1, W2, a, delta = (
        rng.random((d, 32)),
        rng.random((d, h)),
        rng.random((h, k)),
        rng.random((h, 32)),
        rng.random((k, 32)),
    )

    def run():
        for _ in range(steps(count, epochs)):
            W1.T @ x, W2.T @ a, a @ delta.T, W2 @ delta, x @ a.T

    return run


def ours(sizes, count, epochs):
    x, y = samples(sizes, count)

    def run():
        model = MLP(list(sizes))
        model.compile(optimizers.Adam(1e-3), "categorical_crossentropy", ["accuracy"])
        model.fit(x, y, epochs=epochs, batch_size=32)

    return run


def sklearn(sizes, count, epochs):
    from sklearn.neural_network import MLPClassifier

    x, y = samples(sizes, count)
    settings = {
        "hidden_layer_sizes": sizes[1:-1],
        "batch_size": 32,
        "max_iter": epochs,
        "alpha": 0.0,
        "tol": 0.0,
    }

    def run():
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it has not converged, and should not
            MLPClassifier(**settings, n_iter_no_change=10**6).fit(x, y)

    return run


def torch(sizes, count, epochs):
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    x, y = (torch.tensor(a) for a in samples(sizes, count))
    d, h, k = sizes
    net = torch.nn.Sequential(torch.nn.Linear(d, h), torch.nn.ReLU(), torch.nn.Linear(h, k))
    opt, loss = torch.optim.Adam(net.parameters(), 1e-3), torch.nn.CrossEntropyLoss()

    def run():
        for _ in range(epochs):
            for batch in torch.randperm(len(x)).split(32):
                opt.zero_grad()
                loss(net(x[batch]), y[batch]).backward()
                opt.step()

    return run


def keras(sizes, count, epochs):
    import keras

    keras.config.set_floatx("float64")
    x, y = samples(sizes, count)
    net = keras.Sequential(
        [
            keras.Input((sizes[0],)),
            keras.layers.Dense(sizes[1], "relu"),
            keras.layers.Dense(sizes[2], "softmax"),
        ]
    )
    net.compile(
        keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return lambda: net.fit(x, y, batch_size=32, epochs=epochs, verbose=0)


def jitted_jax(sizes, count, epochs):
    """A jitted step of plain JAX, called once a batch."""
    step, state, x, y = _jax_step(sizes, count)
    import jax

    step = jax.jit(step)

    def run():
        nonlocal state
        for _ in range(epochs):
            order = np.random.default_rng(0).permutation(len(x))
            for start in range(0, len(x) - 31, 32):
                batch = order[start : start + 32]
                state = step(state, (x[batch], y[batch]))[0]
        jax.block_until_ready(state)

    return run


def whole_epoch_jax(sizes, count, epochs):
    """An epoch of plain JAX compiled as one loop."""
    step, state, x, y = _jax_step(sizes, count)
    import jax

    batches = len(x) // 32
    epoch = jax.jit(lambda s, xs, ys: jax.lax.scan(step, s, (xs, ys))[0])

    def run():
        nonlocal state
        for _ in range(epochs):
            order = np.random.default_rng(0).permutation(len(x))[: batches * 32]
            state = epoch(state, x[order].reshape(batches, 32, -1), y[order].reshape(batches, 32))
        jax.block_until_ready(state)

    return run


def _jax_step(sizes, count):
    import jax
    import jax.numpy as jnp

    x, y = samples(sizes, count)
    model = MLP(list(sizes))
    w = [jnp.asarray(part) for layer in model.layers for part in layer]

    def loss(w, batch):
        W1, b1, W2, b2 = w
        xs, ys = batch
        z = jnp.maximum(xs @ W1 + b1, 0) @ W2 + b2
        return -jnp.take_along_axis(jax.nn.log_softmax(z), ys[:, None], 1).mean()

    def step(state, batch):
        w, m, v, t = state
        g = jax.grad(loss)(w, batch)
        t = t + 1
        m = [0.9 * a + 0.1 * b for a, b in zip(m, g, strict=True)]
        v = [0.999 * a + 0.001 * b * b for a, b in zip(v, g, strict=True)]
        alpha = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        w = [p - alpha * a / (jnp.sqrt(b) + 1e-7) for p, a, b in zip(w, m, v, strict=True)]
        return (w, m, v, t), None

    zeros = [jnp.zeros_like(p) for p in w]
    return step, (w, zeros, zeros, 0.0), x, y


CONTENDERS = {
    "matrix products alone": floor,
    "optimlib": ours,
    "JAX, whole epoch jitted": whole_epoch_jax,
    "JAX, step jitted": jitted_jax,
    "scikit-learn": sklearn,
    "PyTorch, eager": torch,
    "Keras on JAX": keras,
}


def interleaved(runs, rounds, clock=time.process_time):
    """Times (contenders, rounds) of functions that run in turn, after one round for nothing."""
    for run in runs:
        run()
    times = np.empty((len(runs), rounds))
    for r in range(rounds):
        for i, run in enumerate(runs):
            start = clock()
            run()
            times[i, r] = clock() - start
    return times


def children():
    """The time that the processor has spent on processes that this one started, once they end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(title, names, times, unit, per, base):
    """Print and return rows: name, median time in `unit`s, median ratio to the row `base`."""
    print(f"\n{title}")
    rows = []
    for name, row in zip(names, times, strict=True):
        ratio = float(np.median(row / times[names.index(base)]))
        rows.append(
            {
                "title": title,
                "name": name,
                "time": float(np.median(row)) / per,
                "unit": unit,
                "ratio": ratio,
            }
        )
        print(f"  {name:28}{rows[-1]['time']:12.4g} {unit:10}{ratio:9.2f} x {base}")
    return rows


def fits(shape, rounds):
    sizes, count, epochs = shape
    runs = {}
    for name, make in CONTENDERS.items():
        with contextlib.suppress(ImportError):
            runs[name] = make(sizes, count, epochs)
    times = interleaved(list(runs.values()), rounds)
    title = f"fit, {'-'.join(map(str, sizes))}, batch 32, Adam, float64: a step"
    return table(
        title, list(runs), times * 1e6, "us", steps(count, epochs), "matrix products alone"
    )


def sweeps(rounds, replicas):
    """Many runs along the replica axis against the same runs one by one."""
    split = data.load_digits()
    rates = np.geomspace(1e-4, 1e-1, replicas // 5)

    def together():
        training.sweep(
            lambda seed: MLP([64, 32, 10], seed=seed), optimizers.Adam, rates, split, epochs=4
        )

    def alone():
        for rate in rates:
            for seed in range(5):
                model = MLP([64, 32, 10], seed=seed)
                model.compile(
                    optimizers.Adam(float(rate)), "categorical_crossentropy", ["accuracy"]
                )
                model.fit(*split.train, epochs=4, validation_data=split.validation)
                model.evaluate(*split.test)

    times = interleaved([together, alone], rounds)
    title = f"{replicas} runs of 4 epochs on the digits: a run of 20 epochs"
    return table(
        title,
        ["along the replica axis", "one by one"],
        times * 5e3,
        "ms",
        replicas,
        "along the replica axis",
    )


def pairs(rounds):
    """Two replicas in one loop against two runs."""
    x, y = data.load_digits().train

    def fit(rate, times):
        for _ in range(times):
            model = MLP([64, 32, 10])
            model.compile(optimizers.Adam(rate), "categorical_crossentropy", ["accuracy"])
            model.fit(x, y, epochs=4)

    runs = [lambda: fit(np.array([[1e-3], [1e-2]]), 1), lambda: fit(1e-3, 2)]
    return table(
        "two runs",
        ["as two replicas", "one by one"],
        interleaved(runs, rounds) * 1e3,
        "ms",
        1,
        "as two replicas",
    )


def adam_steps(rounds):
    """One Adam step on float32 vectors against plain copies of w, m and v, and one look at g."""
    rows = []
    for size in (10**3, 10**5, 10**7):
        rng = np.random.default_rng(0)
        w, g = rng.random((2, size), dtype=np.float32)
        opt, repeat = optimizers.Adam(1e-3), max(1, 10**6 // size)
        copies = [np.ones_like(w) for _ in range(3)]

        def traffic(copies=copies, w=w, g=g, repeat=repeat):
            for _ in range(repeat):
                for target in copies:
                    np.copyto(target, w)
                g.max()

        def step(opt=opt, w=w, g=g, repeat=repeat):
            for _ in range(repeat):
                opt.step(w, g, out=w)

        times = interleaved([traffic, step], rounds if size < 10**7 else max(5, rounds // 4))
        rows.append(
            table(
                f"one Adam step on {size:.0e} float32",
                ["its memory traffic", "optimlib"],
                times * 1e6,
                "us",
                repeat,
                "its memory traffic",
            )
        )
    return rows


def starts(rounds):
    """What a fresh process pays: for importing optimlib, and until it has trained on the digits."""
    trained = """
from optimlib import data, optimizers
from optimlib.mlp import MLP
split, model = data.load_digits(), MLP([64, 32, 10])
model.compile(optimizers.Adam(1e-2), "categorical_crossentropy", ["accuracy"])
model.fit(*split.train, epochs=5)
assert model.evaluate(*split.test)[1] > 0.9
"""
    names = ["numpy", "numpy and optimlib", "a trained model"]
    code = [
        "import numpy",
        "import numpy, optimlib.mlp, optimlib.optimizers, optimlib.surfaces, optimlib.data",
        trained,
    ]
    variables = os.environ.copy()
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # modules are compiled once, as on any machine
    runs = [
        lambda c=c: subprocess.run([sys.executable, "-c", c], check=True, env=variables)
        for c in code
    ]
    return table(
        "a fresh process", names, interleaved(runs, rounds, children) * 1e3, "ms", 1, "numpy"
    )


def memory():
    """The most that a process holds which sweeps a hundred runs on the digits, in MB."""
    code = """
import resource
from optimlib import data, optimizers, training
from optimlib.mlp import MLP
build = lambda seed: MLP([64, 32, 10], seed=seed)
training.sweep(build, optimizers.Adam, [0.01] * 20, data.load_digits(), epochs=2)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    print(f"\na process that sweeps a hundred runs holds at most {float(done.stdout):.0f} MB")
    return float(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument(
        "--write", action="store_true", help=f"record the results in {RESULTS.name}"
    )
    args = parser.parse_args()
    peak = memory()  # first: a process takes over the largest size of the one that started it
    results = {
        "digits": fits(DIGITS, args.rounds),
        "mnist": fits(MNIST, args.rounds),
        "sweep": sweeps(max(3, args.rounds // 7), 200),
        "pair": pairs(args.rounds),
        "adam": adam_steps(args.rounds),
        "start": starts(args.rounds),
    }
    if args.write:
        packages = ["numpy", "scikit-learn", "torch", "keras", "jax"]
        versions = {"python": platform.python_version()}
        for package in packages:
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                versions[package] = importlib.metadata.version(package)
        about = {
            "date": datetime.date.today().isoformat(),
            "versions": versions,
            "rounds": args.rounds,
            "megabytes of a sweep": peak,
        }
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(about | {"tables": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
