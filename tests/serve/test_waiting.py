"""Lines: who works, who waits, who is told to come again."""

import threading

import pytest

from demeanor.serve.waiting import Busy, Line, NoLongerWanted, State


#  places   working 1, waiting 2
#  a  b  c  d
#  w  .  .  Busy
def test_the_line_is_as_long_as_it_was_said_to_be() -> None:
    line = Line("explaining", workers=1, places=2)
    tickets = [line.join() for _ in range(3)]
    assert line.state == State(working=1, waiting=2, places=2)
    with pytest.raises(Busy, match=r"explaining: all 2 places .* Try again in \d+ s") as busy:
        line.join()
    assert busy.value.retry_after_s >= 1
    tickets[1].leave()
    assert line.state == State(1, 1, 2)
    line.join()


def test_first_come_first_served() -> None:
    line, served = Line("explaining"), []
    first = line.join()
    rest = [line.join() for _ in range(3)]

    def work(number: int) -> None:
        with rest[number].turn():
            served.append(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in (2, 1, 0)]
    for thread in threads:
        thread.start()
    first.leave()
    for thread in threads:
        thread.join(30.0)
    assert served == [0, 1, 2]
    assert line.state == State(0, 0, 8)


def test_who_goes_away_while_waiting_gives_the_place_back() -> None:
    line = Line("explaining")
    line.join()
    with pytest.raises(NoLongerWanted), line.join().turn(lambda: True):
        pytest.fail("it was not this one's turn")
    assert line.state == State(1, 0, 8)


def test_a_failure_gives_the_place_back() -> None:
    line = Line("explaining")
    with pytest.raises(KeyError), line.join() as place, place.turn():
        raise KeyError
    assert line.state == State(0, 0, 8)
