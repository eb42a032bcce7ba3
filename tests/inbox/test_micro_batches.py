"""Items that arrive one by one, worked on together."""

import threading

import pytest

from dermai.inbox.micro_batches import MicroBatches, QueueFull


class Work:
    """Keeps what it was given; waits until it may go on."""

    def __init__(self):
        self.batches, self.go = [], threading.Event()

    def __call__(self, items):
        self.go.wait(10)
        self.batches.append(list(items))
        if "bad" in items:
            raise ValueError("bad")
        return [f"{item}!" for item in items]


def test_what_waits_is_worked_on_together_up_to_the_largest_batch():
    work = Work()
    batches = MicroBatches(work, largest=4, wait=0.5, longest=100)
    found = [batches.submit(str(number)) for number in range(9)]
    work.go.set()
    assert [future.result(10) for future in found] == [f"{number}!" for number in range(9)]
    assert max(map(len, work.batches)) == 4
    assert len(work.batches) <= 4
    batches.close()


def test_sizes_count_and_the_order_stays():
    work = Work()
    batches = MicroBatches(work, largest=4, wait=0.5, longest=100)
    found = [batches.submit(item, size) for item, size in (("a", 3), ("b", 3), ("c", 9), ("d", 1))]
    work.go.set()
    assert [future.result(10) for future in found] == ["a!", "b!", "c!", "d!"]
    assert work.batches == [["a"], ["b"], ["c"], ["d"]]
    batches.close()


def test_one_that_fails_spoils_no_other():
    work = Work()
    batches = MicroBatches(work, largest=4, wait=0.5, longest=100)
    found = [batches.submit(item) for item in ("a", "bad", "b")]
    work.go.set()
    assert (found[0].result(10), found[2].result(10)) == ("a!", "b!")
    with pytest.raises(ValueError, match="bad"):
        found[1].result(10)
    batches.close()


def test_more_than_the_queue_holds_is_refused_and_nothing_that_was_taken_is_lost():
    work = Work()
    batches = MicroBatches(work, largest=1, wait=0.0, longest=2)
    found = [batches.submit("first")]
    refused = 0
    for _ in range(4):
        try:
            found.append(batches.submit("more"))
        except QueueFull:
            refused += 1
    work.go.set()
    batches.close()
    assert refused in (2, 3), "the first may have been taken from the queue already"
    assert all(future.result(0) for future in found)
