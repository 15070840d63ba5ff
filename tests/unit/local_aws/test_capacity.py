"""First come, first served."""

from __future__ import annotations

import threading

from local_aws.execution.capacity import Capacity

from .conftest import await_true


def test_jobs_run_in_order_and_no_more_than_there_are_slots() -> None:
    capacity, order, running, most = Capacity(2), [], 0, 0
    lock, release = threading.Lock(), threading.Event()

    def job(number: int) -> None:
        nonlocal running, most
        with capacity.slot(threading.Event(), lambda: False, lambda: None) as held:
            assert held
            with lock:
                order.append(number)
                running += 1
                most = max(most, running)
            release.wait()
            with lock:
                running -= 1

    threads = []
    for number in range(5):
        thread = threading.Thread(target=job, args=(number,))
        thread.start()
        threads.append(thread)
        expected = min(number + 1, 2)
        await_true(lambda wanted=expected: len(order) == wanted)  # type: ignore[misc]
    release.set()
    for thread in threads:
        thread.join()
    assert (order[:2], sorted(order), most) == ([0, 1], [0, 1, 2, 3, 4], 2)


def test_who_gives_up_gets_nothing_and_is_told_to_wait_once() -> None:
    capacity, waited, stopped = Capacity(1), [], threading.Event()
    with capacity.slot(threading.Event(), lambda: False, lambda: None):
        results: list[bool] = []
        woken = threading.Event()

        def impatient() -> None:
            with capacity.slot(woken, stopped.is_set, lambda: waited.append(1)) as held:
                results.append(held)

        thread = threading.Thread(target=impatient)
        thread.start()
        await_true(lambda: waited)
        stopped.set()
        woken.set()
        thread.join()
        assert (results, waited) == ([False], [1])
    with capacity.slot(threading.Event(), lambda: False, lambda: None) as held:
        assert held


def test_a_slot_that_is_given_back_wakes_the_next_alone() -> None:
    capacity, stopped = Capacity(1), threading.Event()
    woken = [threading.Event() for _ in range(3)]
    waiting: list[int] = []
    took: list[int] = []

    def job(number: int) -> None:
        with capacity.slot(woken[number], stopped.is_set, lambda: waiting.append(number)) as held:
            if held:
                took.append(number)
                stopped.wait()

    threads = [threading.Thread(target=job, args=(number,)) for number in range(3)]
    with capacity.slot(threading.Event(), lambda: False, lambda: None):
        for number, thread in enumerate(threads):
            thread.start()
            await_true(lambda wanted=number + 1: len(waiting) == wanted)  # type: ignore[misc]
    await_true(lambda: took)
    assert (took, [event.is_set() for event in woken[1:]]) == ([0], [False, False])
    stopped.set()
    for thread in threads:
        thread.join()
