"""Entry points of installed models, read before any job."""

import pytest

from dlvae.stage.errors import UserError
from dlvae.stage.registry import check_entry_point
from installed import install


@pytest.fixture
def offer(tmp_path, monkeypatch):
    def offered(**models):
        monkeypatch.syspath_prepend(str(install(tmp_path, models, {})))

    return offered


def test_a_module_and_its_model_pass_as_does_what_is_not_installed(offer):
    offer(mine="mine.model:MODEL")
    for name in ("mine", "ours", "cvae", "nobody"):
        check_entry_point(name)


@pytest.mark.parametrize("target", ["mine.model:Other", "mine.model", '"mine.model:MODEL"'])
def test_another_attribute_is_refused(offer, target):
    offer(mine=target)
    with pytest.raises(UserError, match="'mine' of theirs: expected <module>:MODEL, found "):
        check_entry_point("mine")


@pytest.mark.parametrize("name", ["ours", "cvae"])
def test_the_name_of_a_model_here_is_refused(offer, name):
    offer(**{name: "mine.model:MODEL"})
    with pytest.raises(UserError, match="would be taken in its place; rename it"):
        check_entry_point(name)
