"""Inferentia: real-time endpoints on inf1 and inf2 instances, whose chips this machine does not have.

What Neuron compiles is refused here. On such an instance the local AWS serves images for the CPU, with the limits of
its generation.
"""

from __future__ import annotations

import pytest

from frugal.jobs.outcome import AlgorithmFailed, RolledBack
from tests.contract.serving.conftest import Account, with_result


def test_a_version_replaces_another_and_nothing_is_left_in_the_end(account: Account) -> None:
    deploy = (
        "{strategy: realtime, instance: ml.inf1.xlarge, capture_percent: 0, autoscale: {max: 2}}"
    )
    spec = account.spec(deploy)
    account.take_live(spec, account.version(10))
    account.take_live(spec, account.version(100))
    assert account.ask("2") == "200"
    account.take_away(deploy)


def test_inf2_has_guardrails(account: Account) -> None:
    deploy = (
        "{strategy: realtime, instance: ml.inf2.xlarge, instances: 2, capture_percent: 0, "
        "rollout: {kind: canary, bake: 1h}}"
    )
    spec = account.spec(deploy)
    account.take_live(spec, account.version(10))
    broken = account.version(100)
    broken.results["train"]["artifact"] += ".missing"  # type: ignore[index]
    with pytest.raises(RolledBack):
        account.take_live(spec, broken)
    assert account.ask("2") == "20"
    account.take_away(deploy)


NEURON = "{strategy: inferentia, instance: ml.inf2.xlarge, capture_percent: 0}\n"
NETWORK = NEURON + "train: {framework: pytorch}\ncompile: {backend: neuron}"


def test_what_neuron_compiled_is_refused_here_with_the_reason(account: Account) -> None:
    """Never a pretended success: the endpoint fails, and nothing is left after it."""
    inputs = account.version(10)
    inputs = with_result(inputs, "compile", {"artifact": inputs["train"]["artifact"]})
    with pytest.raises(AlgorithmFailed, match="This machine has no AWS Inferentia"):
        account.take_live(account.spec(NETWORK), inputs)
    account.take_away(NETWORK)
