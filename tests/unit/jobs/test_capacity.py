"""The ladder: what is tried, in which order, what is left out, and the sentences that say why."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

import pytest

from frugal.cost.prices import price_table
from frugal.jobs.capacity import Demand, Ladder, NoRungLeft, Quote, Rung, choose

HOUR = Demand(seconds=3600, checkpoint_seconds=60)
HOME, AWAY = "us-east-1", "eu-west-1"
SPOT = Rung(0, "ml.m5.xlarge", spot=True, region=HOME, patience=600)
FAR = Rung(1, "ml.m5.xlarge", spot=True, region=AWAY, patience=600)
ON_DEMAND = Rung(2, "ml.m5.xlarge", spot=False, region=HOME)
RUNGS = (SPOT, FAR, ON_DEMAND)


def tried(ladder: Ladder) -> list[int]:
    return [rung.index for rung in ladder.rungs]


def test_as_written_keeps_the_order_whatever_the_prices() -> None:
    ladder = choose(RUNGS, [Quote(0.2), Quote(0.1), Quote(0.23)], HOUR, "as-written")
    assert tried(ladder) == [0, 1, 2]
    assert ladder.reason == "as written in model.yaml"
    assert "expected to cost 0.2000 USD" in ladder.first.reason


def test_cheapest_first_counts_the_transfer_in() -> None:
    near, far = Quote(0.08), Quote(0.07, transfer=0.005)
    assert tried(choose(RUNGS, [near, far, Quote(0.23)], HOUR, "cheapest")) == [1, 0, 2]
    dearer = Quote(0.07, transfer=0.02)
    assert tried(choose(RUNGS, [near, dearer, Quote(0.23)], HOUR, "cheapest")) == [0, 1, 2]


@pytest.mark.parametrize("order", ["as-written", "cheapest"])
def test_spot_that_is_expected_to_cost_more_than_on_demand_is_not_tried(order: str) -> None:
    quotes = [Quote(0.22), Quote(0.2, transfer=0.04), Quote(0.23)]
    ladder = choose(RUNGS, quotes, HOUR, order)  # type: ignore[arg-type]
    assert tried(ladder) == [0, 2]
    (left,) = ladder.left_out
    assert left.index == 1
    assert left.reason == (
        "not tried: expected to cost 0.2400 USD (1.00 h at about 0.2000 USD, 0.0400 USD of transfer), "
        "above the 0.2300 USD of ml.m5.xlarge on-demand in us-east-1"
    )


def test_interruptions_make_spot_dearer() -> None:
    often = Quote(0.225, interruptions_per_hour=1)
    ladder = choose([SPOT, ON_DEMAND], [often, Quote(0.23)], HOUR, "as-written")
    assert tried(ladder) == [2]  # 0.225 * (1 + (30 + 120) / 3600) = 0.2344
    assert "4.2% more for interruptions" in ladder.left_out[0].reason


def test_without_an_on_demand_rung_nothing_is_too_dear() -> None:
    assert tried(choose([SPOT, FAR], [Quote(9.0), Quote(8.0)], HOUR, "cheapest")) == [1, 0]


def test_an_unknown_price_is_never_free_and_keeps_its_place() -> None:
    quotes = [Quote(None), Quote(0.1), Quote(0.23)]
    ladder = choose(RUNGS, quotes, HOUR, "cheapest")
    assert tried(ladder) == [0, 1, 2]
    assert ladder.first.cost is None
    assert "unknown" in ladder.first.reason
    middle = choose(RUNGS, [Quote(0.3), Quote(0.1, transfer=None), Quote(0.05)], HOUR, "cheapest")
    assert tried(middle) == [1, 2]
    assert "transfer" in middle.first.reason


def test_a_faster_instance_costs_fewer_hours() -> None:
    big = Rung(1, "ml.m5.4xlarge", spot=True, region=HOME, speed=4)
    ladder = choose([SPOT, big], [Quote(0.1), Quote(0.32)], HOUR, "cheapest")
    assert tried(ladder) == [1, 0]
    assert ladder.first.cost == pytest.approx(0.08)


def test_refused_rungs_say_why_and_all_refused_is_an_error() -> None:
    no_bucket = Quote(0.01, refused="there is no bucket")
    ladder = choose(RUNGS, [Quote(0.1), no_bucket, Quote(0.23)], HOUR, "cheapest")
    assert tried(ladder) == [0, 2]
    assert ladder.left_out[0].reason == "not tried: there is no bucket"
    with pytest.raises(NoRungLeft, match=r"in eu-west-1: not tried: there is no bucket"):
        choose([FAR], [no_bucket], HOUR, "cheapest")


def test_a_low_score_counts_the_wait_and_the_transfer_that_it_may_waste() -> None:
    demand = Demand(3600, 60, waiting_hour=0.06)  # ten minutes of patience are worth 0.01
    likely, unlikely = Quote(0.08, score=9), Quote(0.07, transfer=0.005, score=2)
    quotes = [likely, unlikely, Quote(0.23)]
    ladder = choose(RUNGS, quotes, demand, "cheapest")
    # 0.07 + 0.005 + (0.005 + 0.01) * 0.8 / 0.2 = 0.135 against 0.08 + 0.01 * 0.1 / 0.9 = 0.0811
    assert tried(ladder) == [0, 1, 2]
    assert ladder.rungs[1].cost == pytest.approx(0.135)
    assert "placement score 2 of 10" in ladder.rungs[1].reason
    unknown = choose(RUNGS, [Quote(0.08), unlikely, Quote(0.23)], demand, "cheapest")
    assert tried(unknown) == [1, 0, 2], "one unknown score: none is used"


def expected_cost(order: list[Rung], quotes: dict[int, Quote], demand: Demand) -> float:
    """USD of trying the rungs in this order, each until its patience ends, until one has capacity."""
    total, reached = 0.0, 1.0
    for rung in order:
        quote = quotes[rung.index]
        assert quote.hour is not None
        assert quote.transfer is not None
        chance = (quote.score or 10) / 10
        runs = demand.seconds / 3600 * quote.hour + quote.transfer
        waits = quote.transfer + demand.waiting_hour * (rung.patience or 0) / 3600
        total += reached * (chance * runs + (1 - chance) * waits)
        reached *= 1 - chance
    return total


@pytest.mark.parametrize("seed", range(20))
def test_no_other_order_is_expected_to_cost_less(seed: int) -> None:
    pick = random.Random(seed)
    rungs = [Rung(i, "ml.m5.xlarge", True, HOME, patience=pick.randint(60, 7200)) for i in range(4)]
    rungs.append(Rung(4, "ml.m5.xlarge", spot=False, region=HOME))
    quotes = [
        Quote(pick.uniform(0.05, 0.2), transfer=pick.uniform(0, 0.02), score=pick.randint(1, 9))
        for _ in rungs[:4]
    ]
    quotes.append(Quote(0.23))
    demand = Demand(3600, 60, waiting_hour=pick.uniform(0, 0.05))
    ladder = choose(rungs, quotes, demand, "cheapest")
    by_index = dict(enumerate(quotes))
    ours = expected_cost(list(ladder.rungs), by_index, demand)
    spot = [rung for rung in ladder.rungs if rung.spot]
    for some in range(len(spot) + 1):
        for other in itertools.permutations(spot, some):
            assert ours <= expected_cost([*other, rungs[4]], by_index, demand) + 1e-12


def test_the_same_inputs_give_the_same_answer_and_json_keeps_it() -> None:
    quotes = [Quote(0.1), Quote(0.1), Quote(0.23)]
    first = choose(RUNGS, quotes, HOUR, "cheapest", "as asked")
    assert first == choose(RUNGS, quotes, HOUR, "cheapest", "as asked")
    assert tried(first) == [0, 1, 2], "equal costs keep the written order"
    assert first.reason == "cheapest expected cost first; as asked"
    assert Ladder.from_json(json.loads(json.dumps(first.as_json()))) == first


def test_the_guides_example_is_what_the_code_says(repository: Path) -> None:
    table = price_table()
    rungs = [
        Rung(0, "ml.m5.xlarge", spot=True, region=HOME, patience=3600),
        Rung(1, "ml.m5.4xlarge", spot=True, region=HOME, patience=1800, speed=3),
        Rung(2, "ml.m5.xlarge", spot=True, region=AWAY, patience=3600),
        Rung(3, "ml.m5.xlarge", spot=False, region=HOME),
    ]
    transfer = 50 * (table.usage("region_transfer_gb", HOME) or 0)
    spot = {0: (0.064, 0.0), 1: (0.2765, 0.0), 2: (0.1007, transfer)}
    quotes = [
        Quote(table.spot_hour(rung.instance, rung.region, price), cost, None, 1 / 20)
        for rung, (price, cost) in zip(rungs[:3], spot.values(), strict=True)
    ]
    quotes.append(Quote(table.hour("ml.m5.xlarge", HOME)))
    ladder = choose(rungs, quotes, Demand(7200, 60), "cheapest")
    guide = (repository / "docs" / "guides" / "capacity.md").read_text()
    rows = [line for line in guide.splitlines() if "expected to cost" in line and line[0] == "|"]
    decided = [*ladder.rungs, *ladder.left_out]
    assert len(rows) == len(decided)
    for row, rung in zip(rows, decided, strict=True):
        assert row.startswith(f"| {rung.index + 1}, ")
        assert row.endswith(f"| {rung.reason} |")


def test_the_next_rung_is_the_one_after_in_the_order_that_was_decided() -> None:
    ladder = choose(RUNGS, [Quote(0.2), Quote(0.1), Quote(0.23)], HOUR, "cheapest")
    assert ladder.first.index == 1
    after = ladder.after(1)
    assert after is not None
    assert after.index == 0
    assert ladder.after(2) is None


def test_the_tag_fits_what_aws_allows() -> None:
    ladder = choose([SPOT, ON_DEMAND], [Quote(0.1), Quote(0.23)], HOUR, "cheapest")
    (tag,) = ladder.first.tags.values()
    assert tag.startswith("1: ml.m5.xlarge spot in us-east-1: expected to cost 0.1000 USD")
    assert not set(tag) & set("(),%")
    assert len(tag) <= 256
    assert [Rung.index_in(rung.tags) for rung in ladder.rungs] == [0, 2]
    assert Rung.index_in({}) is None
