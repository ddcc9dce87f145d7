"""What `fail_below` may ask for."""

import pytest

from dlvae.stage.errors import UserError
from reports.compare.comparison import COLUMNS
from reports.compare.conditions import LESS_IS_BETTER, MORE_IS_BETTER, SHARES, thresholds

SETS = ("synthetic_faces", "digits")


def test_a_number_holds_everywhere_and_one_of_a_data_set_goes_first():
    found = thresholds({"inception_score": 7, "digits": {"inception_score": 9, "recall": 0}}, SETS)
    assert found == {
        ("synthetic_faces", "inception_score"): 7.0,
        ("digits", "inception_score"): 9.0,
        ("digits", "recall"): 0.0,
    }
    assert thresholds({}, SETS) == {}


def test_every_compared_metric_has_a_better_direction():
    assert sorted(COLUMNS) == sorted([*MORE_IS_BETTER, *LESS_IS_BETTER])
    assert {name for name, column in COLUMNS.items() if column.percent} <= set(SHARES)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"fid": 3}, "of 'fid' less is better.*expected inception_score, "),
        ({"digits": {"fid": 3}}, "of 'fid' less is better"),
        ({"inception_scor": 7}, "unknown metric 'inception_scor'.*mean 'inception_score'"),
        ({"digit": {"recall": 0.5}}, "'digit' is no data set .*mean 'digits'"),
        ({"cifar10": {"recall": 0.5}}, "'cifar10' is no data set of this comparison.*never fail"),
        ({"label_fidelity": 70}, "label_fidelity is a share .*found 70: write 70 % as 0.7"),
    ],
)
def test_what_could_never_fail_or_never_pass_is_refused(given, words):
    with pytest.raises(UserError, match=f"(?s){words}"):
        thresholds(given, SETS)
