"""A figure's time in the browser, and what a hand, a finger and the keys do to it."""

import re

import numpy as np
import pytest
from in_node import ask

from optimlib import surfaces
from optimlib.figures import explore, measured, momentum_map, parabola, paths, step_sizes

VALLEY = surfaces.valley(10)
FIGURES = {
    "race": lambda: explore(
        VALLEY, ["momentum", "Adam"], {"momentum": (1e-3, 1), "Adam": (0.01, 1)}
    ),
    "noise": lambda: explore(surfaces.bowl(), ["Nesterov"], noise=1.0, steps=50),
    "diverging": lambda: explore(VALLEY, ["SGD"], initial={"SGD rate": 0.5}, step=40),
    "at once": lambda: explore(
        surfaces.rosenbrock(), ["SGD"], (1e3, 1e7), start=(2, 2), initial={"SGD rate": 1e7}
    ),
    "map": lambda: momentum_map(10),
    "parabola": lambda: parabola(0.436, (0.1, 6), minimum=0.93, lowest=0.08, start=3.0),
    "parabola, diverging": lambda: parabola(2.0, (0.1, 1e10), initial={"rate": 1e10}),
}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def figures():
    """Every figure with a time, made once."""
    return {name: make() for name, make in FIGURES.items()}


@pytest.mark.parametrize("name", FIGURES)
def test_every_step_is_drawn_where_optimlib_is(figures, name):
    figure = figures[name]
    state, last = figure.spec["state"], figure.spec["data"]["steps"]
    requests = [["picture", figure.spec | {"state": state | {"t": t}}] for t in range(1, last + 1)]
    pictures = ask(requests, figure.script())
    assert len({picture["said"] for picture in pictures}) >= min(last, pictures[0]["last"])
    for picture in pictures:
        assert not re.search("NaN|undefined|null,", str(picture["marks"])), picture["said"]
    if name not in ("race", "noise", "diverging"):
        return
    for racer in figure.spec["data"]["optimizers"]:
        own = state | {"rate": state[f"{racer} rate"]}
        surface = surfaces.bowl() if name == "noise" else VALLEY
        draws = np.array(figure.spec["data"]["draws"])
        path = paths.descend(racer, own, surface, surface.start, last, draws)
        path = path[np.isfinite(path[:, 0])]
        for t, picture in enumerate(pictures, 1):
            expected = figure.panels[0].place(*path[min(t, len(path) - 1)])
            mark = picture["marks"][f"{racer} now"]["transform"]
            drawn = np.array(re.findall(r"-?[\d.]+", mark), dtype=float)
            np.testing.assert_allclose(drawn, np.clip(expected, -5000, 5000), atol=0.11)


def step(page):
    """The step that is shown."""
    return int(page.locator("[data-name=t]").input_value())


def numbers(page):
    """The rule in sight, as text."""
    return page.locator(".x-rule:not([hidden])").inner_text()


def test_play_pause_and_single_steps(opened, figures):
    page, errors = opened(figures["race"])
    assert step(page) == 6
    page.get_by_role("button", name="One step on").click()
    assert step(page) == 7
    page.get_by_role("button", name="One step back").click()
    page.get_by_role("button", name="One step back").click()
    assert step(page) == 5
    before = numbers(page)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('[data-name=t]').value >= 8")
    page.get_by_role("button", name="Pause").click()
    stopped = step(page)
    page.wait_for_timeout(700)
    assert step(page) == stopped and numbers(page) != before
    page.locator("[data-name=t]").press("End")
    assert step(page) == 60
    page.get_by_role("button", name="Play").click()  # from the end it begins anew
    page.wait_for_function("document.querySelector('[data-name=t]').value < 10")
    page.locator("[data-name=t]").press("ArrowRight")
    page.get_by_role("button", name="Play").wait_for()
    assert errors == []


def test_time_ends_where_the_path_does(opened, figures):
    page, errors = opened(figures["diverging"])
    last = ask([["picture", figures["diverging"].spec]], figures["diverging"].script())[0]["last"]
    assert last < 40 and step(page) == last
    page.locator("[data-name=t]").press("End")
    assert page.locator("[data-out='= t']").inner_text() == f"{last} / 60"
    assert f"diverged at step {last + 1}" in page.locator(".x-out").inner_text()
    assert errors == []


def test_nothing_plays_unasked_and_reduced_motion_steps_slowly(opened, figures):
    page, _ = opened(figures["race"], reduced_motion="reduce")
    page.wait_for_timeout(500)
    assert step(page) == 6
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(1000)
    assert step(page) <= 7


def test_the_rule_shows_what_the_reader_chooses(opened, figures):
    page, errors = opened(figures["race"])
    assert "velocity" in numbers(page) and "beta_1" not in numbers(page)
    page.get_by_role("button", name="Adam", exact=True).click()
    assert "beta_1" in numbers(page) and "velocity" not in numbers(page)
    rows = page.locator(".x-rule:not([hidden]) .x-both i:visible")
    both = rows.count()
    page.get_by_role("button", name="x", exact=True).click()
    assert rows.count() == both // 2
    x = numbers(page)
    page.get_by_role("button", name="y", exact=True).click()
    assert rows.count() == both // 2 and numbers(page) != x
    assert errors == []


def test_pointing_at_a_curve_reads_it_and_gives_the_step_back(opened, figures):
    page, errors = opened(figures["race"])
    box = page.locator(".x-second .x-plot").bounding_box()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 60)
    there = step(page)
    assert there > 20
    tip = page.locator(".x-tip").inner_text()
    assert tip.startswith(f"step {there}: momentum ") and "Adam" in tip
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 400)
    assert step(page) == 6 and page.locator(".x-tip").count() == 0
    page.mouse.click(box["x"] + 0.6 * box["width"], box["y"] + 60)
    page.mouse.move(5, 5)
    assert step(page) == there
    assert errors == []


def test_pointing_at_a_dot_shows_its_step_and_a_click_beside_it_moves_the_start(opened, figures):
    page, errors = opened(figures["race"])
    (there,) = ask([["picture", figures["race"].spec]], figures["race"].script())
    panel = figures["race"].panels[0]
    box = page.locator(".x-first .x-plot").bounding_box()
    scale = box["width"] / panel.width
    x, y = (
        box[side] + scale * (edge + there["dots"]["points"][2][i])
        for i, (side, edge) in enumerate((("x", panel.left), ("y", panel.TOP)))
    )
    page.mouse.move(x, y)
    assert step(page) == 2
    page.mouse.click(box["x"] + scale * (panel.left + 250), box["y"] + scale * (panel.TOP + 250))
    told = page.locator(".x-handle").get_attribute("aria-valuetext").replace("−", "-")
    place = [float(number) for number in re.findall(r"-?[\d.]+", told)]
    assert place == pytest.approx([4 * 250 / panel.w - 2, 2 - 4 * 250 / panel.h], abs=0.02)
    assert errors == []


def test_the_ring_stays_in_hand(opened, figures):
    page, _ = opened(figures["race"], viewport={"width": 1280, "height": 500})
    ring = page.locator(".x-handle")
    box, said = ring.bounding_box(), ring.get_attribute("aria-valuetext")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x + 14, y + 10)
    page.mouse.down(button="right")
    page.mouse.move(x + 60, y + 60)
    page.mouse.up(button="right")
    assert ring.get_attribute("aria-valuetext") == said
    page.mouse.move(x + 14, y + 10)
    page.mouse.down()
    page.mouse.move(x + 15, y + 10)
    moved = ring.bounding_box()
    assert abs(moved["x"] - box["x"]) < 4 and abs(moved["y"] - box["y"]) < 3
    page.mouse.up()
    top = page.evaluate("scrollY")
    for key in ("Home", "End", "PageUp", "PageDown"):
        before = ring.get_attribute("aria-valuetext")
        ring.press(key)
        assert ring.get_attribute("aria-valuetext") != before, key
    assert page.evaluate("scrollY") == top
    ring.press("Home")
    edge = page.locator("[data-mark=start]").first.bounding_box()
    assert edge["width"] == pytest.approx(edge["height"], abs=0.1) and edge["width"] > 12  # not cut


def test_a_finger_that_scrolls_sets_no_slider(opened, figures):
    page, errors = opened(figures["race"], figures["race"], **PHONE)
    touch = page.context.new_cdp_session(page)
    slider = page.locator("[data-name='Adam rate']").first
    box = slider.bounding_box()

    def swipe(x, y, dx, dy):
        point = {"x": x, "y": y}
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
        for share in (0.2, 0.4, 0.6, 0.8, 1):
            point = {"x": x + share * dx, "y": y + share * dy}
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    said = slider.get_attribute("aria-valuetext")
    x, y = box["x"] + 0.2 * box["width"], box["y"] + box["height"] / 2
    swipe(x, y, 0, -200)
    page.wait_for_function("scrollY > 50")
    assert slider.get_attribute("aria-valuetext") == said
    page.evaluate(
        "new Promise((rests) => { let y = -1; const look = setInterval(() => {"
        " if (y === scrollY) { clearInterval(look); rests(); } y = scrollY; }, 150); })"
    )
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    x, y = box["x"] + 0.2 * box["width"], box["y"] + box["height"] / 2
    swipe(x, y, 0.7 * box["width"], 2)
    dragged = slider.get_attribute("aria-valuetext")
    assert dragged != said
    touch.send(
        "Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]}
    )
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert slider.get_attribute("aria-valuetext") != dragged  # a tap sets it
    assert errors == []


def test_back_from_another_page_finds_sliders_and_figure_alike(opened, figures):
    page, _ = opened(figures["race"])
    slider = page.locator("[data-name='Adam rate']")
    for _ in range(5):
        slider.press("ArrowRight")
    page.goto("about:blank")
    page.go_back()
    page.wait_for_function("document.querySelector('.explorable[data-on]')")
    shown = slider.evaluate("s => [s.value, s.defaultValue, s.getAttribute('aria-valuetext')]")
    output = page.locator("[data-out='= Adam rate']").inner_text()
    assert shown[2] == output and (shown[0] == shown[1]) == (output == "0.1")
    assert (
        page.locator("input:not([autocomplete=off]), select:not([autocomplete=off])").count() == 0
    )


@pytest.mark.parametrize("name", FIGURES)
def test_sliders_and_map_fit_one_screen(opened, figures, name):
    page, _ = opened(figures[name], viewport={"width": 1280, "height": 800})
    first, controls = (page.locator(f".x-{part}").bounding_box() for part in ("first", "controls"))
    assert controls["y"] + controls["height"] - first["y"] < 480
    page, _ = opened(figures[name], **PHONE)
    boxes = [page.locator(f".x-{part}").bounding_box() for part in ("first", "second", "controls")]
    tops = [box["y"] for box in boxes]
    assert tops == sorted(tops)
    assert boxes[2]["y"] + boxes[2]["height"] - tops[0] < 844


def test_without_a_script_a_full_step_stands_drawn(opened, figures):
    page, _ = opened(figures["race"], java_script_enabled=False)
    for name in ("map step", "map kept", "map push"):
        assert page.locator(f"[data-mark='{name}']").get_attribute("d")
    assert page.locator(".x-working-head").is_hidden() and page.locator("button").first.is_hidden()
    assert re.search(r"velocity\s*−?0\.\d+", numbers(page))


def test_where_the_rates_do_not_do_the_best_says_so(opened):
    plateau = {
        "surface": surfaces.plateau(),
        "optimizers": ["SGD"],
        "learning_rate": (0.01, 1),
        "reached": "SGD steps <= 20",
    }
    page, _ = opened(explore(**plateau), explore(**plateau, best={"x": 2.0, "y": 0.1}))
    one, two = (page.locator(".explorable").nth(i) for i in range(2))
    for figure in (one, two):
        figure.get_by_role("button", name="Best setting").click()
    assert "not enough" in one.locator(".x-note").inner_text()
    assert one.locator(".x-done").is_hidden()
    assert two.locator(".x-handle").get_attribute("aria-valuetext") == "x 2, y 0.1"
    one.get_by_role("button", name="Reset").click()
    assert one.locator(".x-note").inner_text() == ""


def test_the_hint_goes_once_the_figure_was_touched(opened):
    page, _ = opened(explore(VALLEY, hint=True))
    shown = "getComputedStyle(document.querySelector('.x-handle'), '::after').content"
    assert "drag" in page.evaluate(shown)
    page.locator(".x-handle").press("ArrowRight")
    assert page.evaluate(shown) == "none"


def test_measured_curves_and_step_sizes_answer(opened):
    rng = np.random.default_rng(0)
    runs = {
        rate: {"SGD": np.exp(-rate * np.arange(9)), "Adam": rng.random((3, 9))}
        for rate in (0.1, 1.0)
    }
    runs[1.0]["Adam"] = np.full((3, 9), np.nan)
    sizes = {"SGD": rng.lognormal(-7, 1.5, (3, 400)), "Adam": rng.lognormal(-6, 0.3, (3, 400))}
    figures = [measured(runs, "rate", best=1.0), step_sizes(sizes, [1, 10, 100])]
    for figure in figures:
        (picture,) = ask([["picture", figure.spec]], figure.script())
        assert picture["said"] == figure.said
        assert picture["facts"] == {key: figure.facts[key] for key in picture["facts"]}
    page, errors = opened(*figures)
    for figure in page.locator(".explorable").all():
        figure.locator("input").press("Home")
        before = figure.locator("[data-mark='SGD curve'], [data-mark='SGD']").get_attribute("d")
        figure.locator("input").press("End")
        after = figure.locator("[data-mark='SGD curve'], [data-mark='SGD']").get_attribute("d")
        assert before != after
    assert page.locator("[data-mark='Adam curve']").get_attribute("d") == ""  # it diverged
    assert errors == []


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: explore(VALLEY, initial={"t": 99}), "1 to 60"),
        (lambda: explore(VALLEY, ["SGD", "Adam"], rule="Adm"), "did you mean 'Adam'"),
        (lambda: parabola(0), "curvature"),
        (lambda: parabola(start=9), "start"),
        (lambda: measured({0.1: {"SGD": [1, 2]}}), "at least two"),
        (lambda: measured({1: {"SGD": [1, 2]}, 2: {"Adam": [1, 2]}}), "differ in their names"),
        (lambda: measured({1: {"SGD": [1, 2]}, 2: {"SGD": [1]}}), "one length"),
        (lambda: step_sizes({"SGD": np.ones((2, 5))}, [1]), "at least two"),
        (lambda: step_sizes({"SGD": np.ones((2, 5))}, [1, 2, 3]), r"expected \(3, weights\)"),
        (lambda: step_sizes({"SGD": np.zeros((2, 5))}, [1, 2]), "no weight moved"),
    ],
)
def test_bad_arguments_are_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()
