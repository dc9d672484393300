"""The reference pages: what they say of the code and of what was measured is so."""

import inspect
import re

import numpy as np
import pytest

from optimlib import newer, optimizers
from optimlib.data import load_digits, load_recording
from optimlib.figures import scoreboard
from optimlib.mlp import MLP
from optimlib.training import sweep
from tools.book import BOOK, pages

PAGES = ("guide", "when-the-loss-goes-wrong", "one-page")
NAMES = {"beta_1": "betas", "weight_decay": "decay", "initial_accumulator_value": "s from"}
SHOWN = {  # rule: (class, what of its defaults the page shows after the rate)
    "SGD": (optimizers.SGD, ()),
    "momentum": (optimizers.SGD, ("momentum",)),
    "Nesterov": (optimizers.SGD, ("momentum",)),
    "Adagrad": (optimizers.Adagrad, ("initial_accumulator_value", "epsilon")),
    "RMSprop": (optimizers.RMSprop, ("rho", "epsilon")),
    "Adam": (optimizers.Adam, ("beta_1", "epsilon")),
    "AdamW": (optimizers.AdamW, ("weight_decay", "beta_1")),
    "Lion": (newer.Lion, ("beta_1",)),
    "Muon": (newer.Muon, ("momentum", "weight_decay")),
    "SOAP": (newer.SOAP, ("beta_1", "weight_decay")),
}
KEPT = {  # rule: a new optimizer that is as the page means it
    "SGD": lambda: optimizers.SGD(),
    "momentum": lambda: optimizers.SGD(0.01, 0.9),
    "Nesterov": lambda: optimizers.SGD(0.01, 0.9, True),
    "Adagrad": lambda: optimizers.Adagrad(),
    "RMSprop": lambda: optimizers.RMSprop(),
    "Adam": lambda: optimizers.Adam(),
    "AMSGrad": lambda: optimizers.Adam(amsgrad=True),
    "AdamW": lambda: optimizers.AdamW(),
    "Lion": lambda: newer.Lion(),
}


def rows(page, heads):
    """The rows of the tables with that many columns, {plain text of the first: the others}."""
    text = (BOOK / f"{page}.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    plain = [[re.sub(r"\[(.+?)\]\(.*?\)", r"\1", row[0]).strip(), *row[1:]] for row in cells]
    return {row[0]: row[1:] for row in plain if len(row) == heads}


def defaults(kind, shown):
    """The defaults of an optimizer as the page has them."""
    values = {n: p.default for n, p in inspect.signature(kind).parameters.items()}
    parts = [f"{values['learning_rate']}"]
    for name in shown:
        second = f" {values['beta_2']}" if name == "beta_1" else ""
        parts.append(f"{NAMES.get(name, name)} {values[name]}{second}")
    return ", ".join(parts)


def needed(optimizer):
    """How many of its states a rule needs: without them, set to zero, the next step is another."""

    def path(forgotten):
        opt, rng, w = optimizer(), np.random.default_rng(0), np.ones(3)
        for g in rng.normal(size=(30, 3)):
            w = opt.step(w, g)
            if forgotten:
                setattr(opt, forgotten, 0.0)
        return w

    return sum(not np.array_equal(path(name), path(None)) for name in optimizer().state)


@pytest.mark.parametrize("rule", SHOWN)
def test_one_page_has_the_defaults_of_the_code(rule):
    assert rows("one-page", 5)[rule][2] == defaults(*SHOWN[rule])


@pytest.mark.parametrize("rule", KEPT)
def test_one_page_has_the_memory_of_the_code(rule):
    assert rows("one-page", 5)[rule][1] == str(needed(KEPT[rule]))


def test_one_page_has_all_rules_of_the_package():
    listed = set(rows("one-page", 5))
    names = {kind.__name__ for kind in optimizers.BY_NAME.values()}
    assert {name for name in names if "ScheduleFree" not in name} <= listed  # in words there
    assert {"Lion", "Muon", "SOAP", "Schedule-Free AdamW"} <= listed
    used = set(rows("one-page", 4)) - {"", "---"}
    assert used <= listed and listed - used <= {"Rule", "---", "SOAP"}


def test_one_page_has_the_lines_of_keras():
    for rule, lines in rows("one-page", 4).items():
        line = lines[0].strip("`")
        name = line.partition("(")[0]
        kind = getattr(optimizers, name, None) or getattr(newer, name, None)
        if kind is not None and kind is not optimizers.Optimizer:
            made = eval(line, {name: kind})
            tried = float(re.search(r"\((0\.\d+)", line)[1])
            assert made.learning_rate == tried, rule


def test_the_guide_says_what_was_measured():
    text = (BOOK / "guide.md").read_text(encoding="utf-8")

    def chosen(run, key):
        loss = np.nan_to_num(np.array(run["val_loss"], dtype=float), nan=np.inf)
        best = np.median(loss, axis=2).argmin(axis=1)
        return np.array(run[key], dtype=float)[np.arange(len(best)), best].mean(axis=1)

    cnn = load_recording("cnn")["runs"]
    gap = 100 * (chosen(cnn["momentum"], "test_accuracy") - chosen(cnn["Adam"], "test_accuracy"))
    error = gap.std(ddof=1) / len(gap) ** 0.5
    assert f"{gap.mean():.1f} ± {error:.1f} points over eight splits".replace("-", "−") in text

    nats = {
        name: chosen(run, "test_loss").mean()
        for name, run in load_recording("transformer")["runs"].items()
    }
    least = {name: min(nats[name], nats[f"{name}, warmup"]) for name in ("Adam", "momentum")}
    assert f"{least['Adam']:.2f} nats a character with Adam" in text
    assert f"{least['momentum']:.2f} with momentum" in text
    assert abs(min(nats["AdamW"], nats["AdamW, warmup"]) - least["Adam"]) < 0.02

    board = scoreboard.recorded()
    read = {
        (row, task): 100 * np.mean([entry.accuracy for entry in splits])
        for row, tasks in board.items()
        for task, splits in tasks.items()
    }
    clean, loud = "clean digits", "loud pixels"
    assert 45 < read["SGD", clean] - read["SGD", loud] < 55
    assert 6 < read["Adam", clean] - read["Adam", loud] < 7.5
    assert round(read["SGD, data and start mended", loud]) == 97


def test_the_guide_says_what_adam_reads_at_its_default():
    text = (BOOK / "guide.md").read_text(encoding="utf-8")
    runs = sweep(
        lambda s: MLP([64, 32, 10], seed=s),
        optimizers.Adam,
        [0.001, 0.01],
        load_digits(0),
        range(5),
        epochs=20,
    )
    low, high = 100 * np.median(runs["val_accuracy"], axis=1)[:, [2, 19]]
    assert f"{low[0]:.0f} % after 3 epochs and {low[1]:.0f} % after 20" in text
    assert f"at 0.01 it reads {high[0]:.0f} % and {high[1]:.0f} %" in text


def test_every_row_of_the_guide_leads_somewhere():
    text = (BOOK / "guide.md").read_text(encoding="utf-8")
    found = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    heads = ("| The advice", "| You train", "| What happens", "| Number")
    assert len(found) > 25
    for line in found:
        assert line.startswith(heads) or re.search(r"\]\(|\{cite:t\}", line), line


def test_the_pages_stand_first_in_the_reference():
    order = pages()
    places = [order.index(f"book/{page}") for page in PAGES]
    assert places == list(range(places[0], places[0] + 3))
    assert order[places[-1] + 1] == "book/claims"


def test_the_projects_of_the_guide_add_up():
    text = (BOOK / "guide.md").read_text(encoding="utf-8")
    for words, value, low, high in (
        ("3125 updates", 20_000 / 64 * 10, 3125, 3125),
        ("200,000 updates", 1 / (0.0001 * 0.05), 199_999, 200_001),
        ("product of peak rate and updates is 0.3", 0.0001 * 3125, 0.3, 0.32),
        ("156 of them warmup", 0.05 * 3125, 156, 156.5),
        ("become 0.0011 and 0.23", 0.8 / (8**0.5 * 4000 / 3200), 0.22, 0.23),
        ("or 0.0006 and 0.44", 0.8 / (8**0.5 / 2 * 4000 / 3200), 0.44, 0.46),
        ("and 112 GB for 7 billion", 16 * 7, 112, 112),
        ("0.5 GB for 30 million", 16 * 0.03, 0.45, 0.5),
        ("from 64 to 0.00005, and 0.0005", 0.0001 * (16 / 64) ** 0.5, 0.00005, 0.00005),
        ("from 256 to 0.00025", 0.001 * (16 / 256) ** 0.5, 0.00025, 0.00025),
        ("(36 GB for 3 billion: 10, and up to 2", 12 * 3, 36, 36),
        (r"$1.2 \cdot 10^{18}$, some three hours", 6 * 100e6 * 2e9 / 1e14 / 3600, 3, 3.5),
        ("0.0007 at 512 wide", (512 * 4000) ** -0.5, 0.00065, 0.00075),
        (r"$0.99^{500}$ is left, under a hundredth", 0.99**500, 0, 0.01),
        ("50 updates an epoch, 1500 in all", 1600 / 32 * 30, 1450, 1550),
        ("2 billion tokens, 4000 updates", 20 * 100e6 / 0.5e6, 3999, 4001),
        (r"\text{updates})$ is 0.4", 1 / (0.0006 * 4000), 0.4, 0.43),
        (r"$0.0006/\sqrt 8 \approx 0.0002$", 0.0006 / 8**0.5, 0.0002, 0.00022),
        ("16 bytes a weight are 1.6 GB", 16 * 100e6 / 1e9, 1.59, 1.61),
        ("a quarter of the steps so far, which is the last fifth", 0.25 / 1.25, 0.19, 0.21),
        ("a quarter of the photos the same epochs in batches of 32: 1560", 5000 / 320, 15.6, 15.7),
        ("With 16,000 rows to train on", 16_000 / 128, 125, 125),
        ("batch 128, 125 updates an epoch", 16_000 / 128, 125, 125),
        ("takes two minutes, and some thousand others validate: 60 epochs", 120 / 2, 60, 60),
        ("390 updates an epoch", 50_000 / 128, 390, 391),
        ("three epochs each with its own cosine to 0: 18 epochs", 6 * 3, 18, 18),
        ("six epochs each: 12", 2 * 6, 12, 12),
        ("at 0.003 and 9400 updates it is 0.035", 1 / (0.003 * 24 * 390), 0.0345, 0.0358),
        ("In shares: three tenths, two, four and one", (18 + 12 + 24 + 6) / 60, 1, 1),
        ("3200 updates", 0.2e9 / (0.5e6 / 8), 3200, 3200),
        ("a product of 0.64", 0.0002 * 3200, 0.63, 0.65),
        ("middle one by the same rule, 0.8", 1 / (0.0004 * 3200), 0.75, 0.85),
        ("grows, 3.5 and 1.8 times", 8**0.5 * 4000 / 3200, 3.5, 3.6),
        ("the same tokens in 32,000 updates", 2e9 / (0.5e6 / 8), 32_000, 32_000),
        ("a fifth of the decay", 0.5 * 32_000 / 3200, 5, 5),
        ("625 updates (batch 64) of the last layer", 20_000 / 64 * 2, 625, 625),
        ("then 2500 of all", 20_000 / 64 * 8, 2500, 2500),
        ("After 10 GB and 7 GB that is 6 and 4", 2 * (10 - 7), 6, 6),
    ):
        assert words in text and low <= value <= high, words
