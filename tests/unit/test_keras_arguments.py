"""Each argument of Keras' functions is here with its default and its place, or is refused.

tests/parity/keras.json has the signatures. `python tests/unit/test_keras_arguments.py`
prints the table.
"""

import inspect
import json
import sys
from pathlib import Path

import pytest

from optimlib import callbacks, checks, optimizers, schedules
from optimlib.mlp import MLP
from optimlib.training import Model

RECORDED = json.loads((Path(__file__).parents[1] / "parity/keras.json").read_text())
SIGNATURES = RECORDED["signatures"]
ROOMS = {"optimizers": optimizers, "schedules": schedules, "callbacks": callbacks}
# where the default is not Keras', and why that is no trap
OTHER_DEFAULTS = {
    ("Model.fit", "x"): "must be given",
    ("Model.fit", "y"): "must be given",
    ("Model.evaluate", "x"): "must be given",
    ("Model.evaluate", "y"): "must be given",
}
# the name of a schedule is only shown; here it is the class
OTHER_DEFAULTS |= {(name, "name"): "the class" for name in SIGNATURES if "schedules." in name}


def function(name):
    """What optimlib has under Keras' name."""
    room, _, part = name.partition(".")
    return getattr(Model, part) if room == "Model" else getattr(ROOMS[room], part)


def parameters(name):
    """Our parameters in their order, those that all optimizers share included."""
    found = dict(inspect.signature(function(name)).parameters)
    if name.startswith("optimizers."):
        shared = dict(inspect.signature(optimizers.Optimizer).parameters)
        found = {k: v for k, v in found.items() if k not in ("shared", "named")}
        found = found | {k: v for k, v in shared.items() if k not in found}
    found.pop("self", None)
    return {k: v for k, v in found.items() if v.kind is not v.VAR_KEYWORD}


def rows():
    """Function, argument, Keras' default, and what becomes of it here."""
    for name, arguments in SIGNATURES.items():
        ours = parameters(name)
        for argument, *default in arguments:
            if argument in checks.ABSENT and (
                argument not in ours or argument == "loss_scale_factor"
            ):
                verdict = f"refused: {checks.ABSENT[argument][1]}"
            elif argument in ours:
                verdict = OTHER_DEFAULTS.get((name, argument), "same")
            else:
                verdict = "missing"
            yield name, argument, default, verdict


@pytest.mark.parametrize(("name", "argument", "default", "verdict"), list(rows()))
def test_the_same_or_refused(name, argument, default, verdict):
    assert verdict != "missing"
    if verdict == "same":
        ours = parameters(name)[argument].default
        assert ours == default[0] if default else ours is inspect.Parameter.empty
    elif verdict.startswith("refused"):
        neutral, reason = checks.ABSENT[argument]
        assert [neutral] == default and reason


@pytest.mark.parametrize("name", SIGNATURES)
def test_positional_arguments_stand_in_the_order_of_keras(name):
    positional = [k for k, v in parameters(name).items() if v.kind is v.POSITIONAL_OR_KEYWORD]
    theirs = [argument for argument, *_ in SIGNATURES[name]]
    if name == "Model.compile":  # a list of metrics may stand third, where Keras has loss_weights
        theirs.remove("loss_weights")
    assert positional == theirs[: len(positional)]


@pytest.mark.parametrize(
    ("name", "argument"), [(n, a) for n, a, _, verdict in rows() if verdict.startswith("refused")]
)
def test_what_is_refused_says_why(name, argument):
    room, _, part = name.partition(".")
    call = getattr(MLP([2, 3]), part) if room == "Model" else function(name)
    given = {"fit": ([], []), "evaluate": ([], []), "predict": ([],)}.get(part, ())
    with pytest.raises(ValueError, match=f"takes no {argument}: {checks.ABSENT[argument][1]}"):
        call(*given, **{argument: object()})


def test_nothing_is_refused_that_keras_does_not_have():
    arguments = {argument for signature in SIGNATURES.values() for argument, *_ in signature}
    assert set(checks.ABSENT) <= arguments


if __name__ == "__main__":
    for name, argument, default, verdict in rows():
        sys.stdout.write(f"| {name} | {argument} | {default[0] if default else ''} | {verdict} |\n")
