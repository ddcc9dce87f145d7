"""config/README.md explains every key, as the models have them."""

import re

from dlvae.config.key_tables import README, TABLES, table, with_tables
from dlvae.config.keys import PresetKeys
from dlvae.config.section import Section


def test_the_tables_are_up_to_date():
    text = README.read_text(encoding="utf-8")
    assert with_tables(text) == text, "run python -m dlvae.config.key_tables"
    assert sorted(re.findall(r"<!-- table: (\w+) -->", text)) == sorted(TABLES)


def test_every_key_is_explained():
    text = README.read_text(encoding="utf-8")
    schema = PresetKeys.model_json_schema()
    sections = [schema, *schema["$defs"].values()]
    keys = {key for section in sections for key in section.get("properties", {})}
    assert len(keys) > 80
    assert not {key for key in keys if f"`{key}" not in text and f".{key}`" not in text}
    assert not re.search(r"\|  \|$", text, re.MULTILINE), "a key without a meaning"


def test_a_change_of_a_model_changes_its_table():
    class Weight(Section):
        share: float = 0.5
        """how much of it"""
        names: list[str]
        """whose"""

    assert table({"": Weight}).splitlines()[2:] == [
        "| `share` | a number | `0.5` | how much of it |",
        "| `names` | a list, each text | required | whose |",
    ]
