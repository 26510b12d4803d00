from __future__ import annotations

from itertools import pairwise

import numpy as np

from surveil.labels import SURVEIL_6, LabelMap
from surveil.track import classes
from tests.support.scenes import found, person


def elected(sequence: list[int]) -> list[int]:
    """Labels after each detection of one track."""
    first = np.array(sequence[:1], np.int32)
    votes, label, labels = classes.first_votes(first, 3), first, sequence[:1]
    for hits, new in enumerate(sequence[1:], start=1):
        votes = classes.vote(votes, np.array([hits]), np.array([new], np.int32))
        label = classes.elect(votes, label)
        labels.append(int(label[0]))
        assert abs(votes.sum() - 1) < 1e-9
    return labels


def test_a_flicker_changes_nothing() -> None:
    assert set(elected([0, 0, 0, 1, 0, 0, 2, 2, 0])) == {0}


def test_a_wrong_first_label_is_outvoted_soon() -> None:
    assert elected([1, 0, 0, 0]) == [1, 1, 0, 0]


def test_the_label_follows_a_lasting_change_once() -> None:
    labels = elected([0] * 50 + [1] * 20)
    assert labels[50:56] == [0] * 6
    assert labels[-1] == 1
    assert sum(a != b for a, b in pairwise(labels)) == 1


def test_a_draw_does_not_swing() -> None:
    labels = elected([0] * 20 + [1, 0] * 30)
    assert sum(a != b for a, b in pairwise(labels)) == 0


def test_a_swapped_model_keeps_classes_by_name() -> None:
    old = LabelMap("old", ("person", "dog", "car"))
    votes = np.array([[0.8, 0.2, 0], [0, 0, 1.0]])
    labels, moved, ids = classes.adopt(SURVEIL_6, old, votes, np.array([0, 2], np.int32))
    assert labels.names == (*SURVEIL_6.names, "dog")
    assert [labels[int(k)] for k in ids] == ["person", "car"]
    assert moved[0, labels.id_of("dog")] == 0.2
    np.testing.assert_allclose(moved.sum(axis=1), 1)


def test_a_swapped_model_that_knows_all_living_classes_brings_its_own_map() -> None:
    old = LabelMap("old", ("dog", "car"))
    labels, moved, ids = classes.adopt(SURVEIL_6, old, np.array([[0.0, 1.0]]), np.array([1], np.int32))
    assert labels is SURVEIL_6
    assert moved.shape == (1, 6)
    assert ids.tolist() == [2]


CAR, TRUCK = SURVEIL_6.id_of("car"), SURVEIL_6.id_of("truck")


def test_guesses_at_one_object_become_the_best_one() -> None:
    twins = [person(10), (10.5, 100, 50, 200), person(300)]
    best = classes.best_guesses(found(twins, [0.5, 0.6, 0.7], [CAR, TRUCK, CAR]), 0.85)
    assert best.tolist() == [False, True, True]


def test_equal_guesses_leave_exactly_one() -> None:
    assert classes.best_guesses(found([person(10)] * 3, 0.5, [CAR, TRUCK, 0]), 0.85).sum() == 1


def test_people_close_to_each_other_and_a_rider_stay_apart() -> None:
    scene = found([person(10), person(11), (5, 140, 55, 220)], 0.9, [0, 0, SURVEIL_6.id_of("bicycle")])
    assert classes.best_guesses(scene, 0.85).all()
