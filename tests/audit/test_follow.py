"""Which records the independent reader asks for, and what it makes of the answers."""

import struct

from small_logs import ENTITY, RUN, low_of

from seawall.audit.follow import LEAST_AHEAD, LEFT_BEHIND, Follower, Sighting, Wanted, uuid_array


def asked(follower: Follower) -> set[int]:
    """Return what the next poll asks for."""
    return follower.wanted()[ENTITY].low


def test_a_record_is_sighted_between_the_poll_that_missed_it_and_the_one_that_saw_it() -> None:
    """The first poll sees nothing, the second sees user 7's first record."""
    follower = Follower(RUN, ["orders"], [7])
    follower.note([], 100, 110)
    follower.note([low_of(7, 1)], 200, 210)
    assert follower.sightings()[0] == Sighting(low_of(7, 1), 100, 200, 210)


def test_what_is_there_at_the_first_look_has_no_poll_before_it() -> None:
    """Nobody knows since when that row was there."""
    follower = Follower(RUN, ["orders"], [7])
    follower.note([low_of(7, 1)], 100, 110)
    assert follower.sightings()[0] == Sighting(low_of(7, 1), -1, 100, 110)


def test_sequences_ahead_of_the_last_one_seen_are_asked_for() -> None:
    """A user that went on to its third record is looked for up to its eleventh."""
    follower = Follower(RUN, ["orders"], [7])
    assert asked(follower) == {low_of(7, sequence) for sequence in range(1, LEAST_AHEAD + 1)}
    follower.note([low_of(7, 1), low_of(7, 3)], 100, 110)
    assert asked(follower) == {low_of(7, sequence) for sequence in (2, *range(4, 3 + LEAST_AHEAD + 1))}


def test_the_window_grows_with_what_appears_between_two_polls() -> None:
    """After eight at once, sixteen more are asked for."""
    follower = Follower(RUN, ["orders"], [7])
    follower.note(sorted(asked(follower)), 100, 110)
    assert max(asked(follower)) == low_of(7, 3 * LEAST_AHEAD)


def test_what_never_appears_keeps_the_last_poll_that_missed_it() -> None:
    """Such a record may contradict who says that it was visible."""
    follower = Follower(RUN, ["orders"], [7])
    follower.note([low_of(7, 2)], 100, 110)
    follower.note([], 200, 210)
    assert follower.sightings()[0] == Sighting(low_of(7, 1), 200, -1, -1)


def test_a_record_left_far_behind_is_given_up() -> None:
    """It is asked for no more, and still known."""
    follower = Follower(RUN, ["orders"], [7])
    for begin_ns in range(100, 10_000, 100):
        follower.note([low for low in asked(follower) if low != low_of(7, 1)], begin_ns, begin_ns)
    assert low_of(7, LEFT_BEHIND + LEAST_AHEAD) < max(asked(follower))
    assert low_of(7, 1) not in asked(follower)
    assert follower.sightings()[0].end_ns == -1


def test_each_record_is_asked_of_the_table_that_it_belongs_to() -> None:
    """In a mix, user and sequence say which entity a record is."""
    follower = Follower(RUN, ["orders", "users"], [0])
    wanted = follower.wanted()
    assert sorted(wanted) == [2, 3]
    assert {low >> 30 & 1 for low in wanted[2].low} != {low >> 30 & 1 for low in wanted[3].low}
    assert len(wanted[2].low) == len(wanted[3].low) == LEAST_AHEAD // 2


def test_ids_are_encoded_as_the_database_takes_them() -> None:
    """Twenty bytes of head, then sixteen bytes an id with their length before them."""
    wanted = Wanted(RUN.high, uuid_array)
    assert wanted.encoded == struct.pack("!iii", 0, 0, 2950)
    wanted.change(add=[low_of(1, 1)])
    assert wanted.encoded[20:] == struct.pack("!iQQ", 16, RUN.high, low_of(1, 1))
