"""Rules translated from the optimizers' source: each line, and a word for what has none."""

import numpy as np
import pytest

from optimlib import newer, optimizers
from optimlib.figures.paths import RACERS, RULES
from optimlib.figures.rules import Rule


def test_the_lines_are_those_of_the_source():
    assert Rule(optimizers.SGD(momentum=0.9)).lines == [
        ("self.velocity", ("-", ("*", "self.momentum", "self.velocity"), ("*", "lr", "g"))),
        ("w", ("+", "w", "self.velocity")),
    ]
    nesterov = Rule(optimizers.SGD(nesterov=True), free=("momentum",))
    look_ahead = ("+", "w", ("*", "self.momentum", "self.velocity"))
    assert nesterov.lines[-1] == ("w", ("-", look_ahead, ("*", "lr", "g")))
    assert nesterov.memory == {"velocity": 0.0} and nesterov.hyper == {"momentum": 0.0}


def test_flags_choose_the_lines_and_names_of_names_are_folded():
    plain, largest = (Rule(optimizers.Adam(amsgrad=flag)) for flag in (False, True))
    assert [name for name, _ in plain.lines] == ["self.m", "self.v", "alpha", "w"]
    assert [name for name, _ in largest.lines] == ["self.m", "self.v", "self.v_max", "alpha", "w"]
    assert largest.lines[2][1] == ("maximum", "self.v_max", "self.v")
    assert "self.v_max" in str(largest.lines[-1]) and "self.v_max" not in str(plain.lines[-1])


def test_what_is_switched_off_is_left_out():
    plain = [("w", ("-", "w", ("*", "lr", "g")))]
    assert Rule(optimizers.SGD()).lines == Rule(optimizers.SGD(nesterov=True)).lines == plain
    assert Rule(optimizers.SGD()).memory == {}
    rmsprop = Rule(optimizers.RMSprop())
    assert rmsprop.memory == {"v": 0.0} and "self.velocity" not in dict(rmsprop.lines)
    assert set(Rule(optimizers.RMSprop(momentum=0.5)).memory) == {"v", "velocity"}
    assert set(Rule(optimizers.RMSprop(centered=True)).memory) == {"v", "m"}


def test_the_terms_of_a_step_are_found():
    found = {name: (rule.split, list(rule.terms)) for name, rule in RULES.items()}
    assert found["SGD"] == found["Adagrad"] == found["RMSprop"] == (None, ["push"])
    assert found["momentum"] == ("self.velocity", ["kept", "push"])
    assert found["Nesterov"] == (None, ["kept", "push"])
    assert found["Adam"] == ("self.m", ["kept", "push"])
    assert found["AdamW"] == ("self.m", ["decay", "kept", "push"])


def test_weight_decay_comes_first():
    name, shrunk = Rule(optimizers.AdamW(weight_decay=0.1)).lines[0]
    assert name == "w" and shrunk == ("-", "w", ("*", ("*", "lr", "self.weight_decay"), "w"))
    assert Rule(optimizers.SGD(weight_decay=0.1)).lines[0] == (name, shrunk)


def test_every_optimizer_of_the_figures_has_a_rule():
    assert set(RULES) == set(RACERS)
    for name, rule in RULES.items():
        assert rule.lines[-1][0] == "w" and set(RACERS[name].sliders) <= set(rule.hyper), name


class Mine(optimizers.Optimizer):
    """Whatever `update` a test gives it."""

    state = ("m",)

    def __init__(self, flag=False):
        self.flag, self.names = flag, ["a"]
        super().__init__(0.1)


def test_old_values_stay_what_they_were():
    class Swap(Mine):
        def update(self, w, g, lr):
            old = self.m
            self.m = self.m + np.sign(g)
            self.m += -g if False else 0.5
            return np.where(old > 0, w - old, w)

    with pytest.raises(TypeError, match=r"no translation of '-g if False else 0\.5'"):
        Rule(Swap())

    class Keep(Mine):
        def update(self, w, g, lr):
            old = self.m
            self.m += np.sign(g) * 2 ** (1 - 0.5)
            return np.where(old > 0, w - (old - g), -w)

    assert (
        Rule(Keep())
        .javascript()
        .endswith(
            "let old = s.m; s.m = s.m + Math.sign(g) * 2 ** (1 - 0.5); "
            "w = (old > 0 ? w - (old - g) : (-w)); return w; }}"
        )
    )


def test_what_has_no_translation_is_named():
    class Loop(Mine):
        def update(self, w, g, lr):
            for _ in range(2):
                w = w - lr * g
            return w

    class Unknown(Mine):
        def update(self, w, g, lr):
            return w - lr * np.cbrt(g)

    class Text(Mine):
        def update(self, w, g, lr):
            return w - self.names

    class Number(Mine):
        def update(self, w, g, lr):
            if self.iterations > 1:
                return w
            return w - g

    class Nothing(Mine):
        def update(self, w, g, lr):
            if self.flag:
                return w - lr * g

    for optimizer, words in (
        (Loop(), "Loop.update: there is no translation of 'for _ in range"),
        (Unknown(), r"'np.cbrt\(g\)'"),
        (Text(), "'self.names'"),
        (Number(), "'return w'"),
        (Nothing(), "not every way through it returns"),
        (optimizers.SGD(global_clipnorm=1.0), "clips the norm of all weights"),
    ):
        with pytest.raises(TypeError, match=words):
            Rule(optimizer)
    assert Rule(Nothing(flag=True)).lines == [("w", ("-", "w", ("*", "lr", "g")))]


def test_methods_are_read_where_they_are_called():
    lion, free = Rule(newer.Lion()), Rule(newer.ScheduleFreeAdamW())
    assert lion.lines[-1] == ("w", ("-", "w", ("*", "lr", ("sign", "d"))))
    names = [name for name, _ in free.lines]
    assert names[:2] == ["self.x", "self.z"] and free.lines[0][1][:2] == ("where", ("==", "t", 1))
    assert "self.v" in names and names[-1] == "w" and free.terms == {}
    with pytest.raises(TypeError, match="Muon"):
        Rule(newer.Muon())
    with pytest.raises(TypeError, match="SOAP"):
        Rule(newer.SOAP())
