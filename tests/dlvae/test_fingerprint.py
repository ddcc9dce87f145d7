import pytest

from dlvae import fingerprint as module

TREE = {
    "dlvae/__init__.py": "",
    "dlvae/stage.py": '"""Doc."""\n'
    "from dlvae.helper import VALUE\n\n\ndef run():\n    return VALUE\n",
    "dlvae/helper.py": "VALUE = 1  # a comment\n",
    "dlvae/other.py": "VALUE = 5\n",
    "dlvae/lazy.py": "def run():\n    from dlvae.helper import VALUE\n    return VALUE\n",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A small project; the returned function edits a file and gives a stage's fingerprint."""
    monkeypatch.setattr(module, "ROOT", tmp_path)
    for name, text in TREE.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def after(name=None, text=None, stage="dlvae.stage"):
        if name:
            (tmp_path / name).write_text(text)
        for function in (module.fingerprint, module._tree, module._imports, module._normalised):
            function.cache_clear()
        return module.fingerprint(stage)

    return after


def test_comments_and_docstrings_do_not_count(project):
    before = project()
    assert project("dlvae/helper.py", "# more words\nVALUE = 1\n") == before
    text = TREE["dlvae/stage.py"].replace("Doc.", "Other words.")
    assert project("dlvae/stage.py", text) == before


def test_a_number_in_an_imported_module_counts(project):
    before = project()
    assert project("dlvae/helper.py", "VALUE = 2\n") != before


def test_an_import_inside_a_function_counts(project):
    before = project(stage="dlvae.lazy")
    assert project("dlvae/helper.py", "VALUE = 2\n", stage="dlvae.lazy") != before


def test_an_unrelated_module_does_not_count(project):
    before = project()
    assert project("dlvae/other.py", "VALUE = 6\n") == before
    assert project("dlvae/new.py", "VALUE = 7\n") == before


def test_a_data_file_that_a_module_names_counts(project):
    source = 'PATH = "numbers.csv"\nVALUE = 1\n'
    without = project("dlvae/helper.py", source)
    first = project("dlvae/numbers.csv", "1\n")
    assert len({without, first, project("dlvae/numbers.csv", "2\n")}) == 3
    before = project()
    assert project("dlvae/unnamed.csv", "3\n") == before


def test_the_published_numbers_and_the_template_are_seen():
    assert [p.name for p in module._named_files("reports.published")] == ["published.csv"]
    assert [p.name for p in module._named_files("reports.report")] == ["report.html.j2"]


def test_training_sees_the_loop_and_no_baseline():
    names = module.closure("dlvae.train.__main__")
    assert "dlvae.train.loop" in names and "dlvae.data.batches" in names
    assert not any(name.startswith(("baselines", "eval", "reports")) for name in names)
