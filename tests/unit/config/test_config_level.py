"""Levels are names for settings; what is set otherwise wins."""

from meshlint.config import LEVELS, Config, PathSettings
from meshlint.facts import table


def test_levels_are_those_of_the_schema_and_set_known_fields():
    assert list(LEVELS) == table("meshlint/config.v1")["properties"]["level"]["enum"]
    assert {key for values in LEVELS.values() for key in values} <= set(Config._fields)


def test_a_level_fills_in_what_is_not_said():
    minimal = Config(level="minimal").settled()
    assert (minimal.impact, minimal.min_confidence, minimal.fail_on) == (("breaks", "unenforced"), "medium", "warning")
    own = Config(level="minimal", impact=("ignored",), min_confidence="low", fail_on="error").settled()
    assert (own.impact, own.min_confidence, own.fail_on) == (("ignored",), "low", "error")
    assert Config(level="strict").settled().fail_on == "note"
    assert Config().settled() == Config(fail_on="warning")


def test_settling_twice_changes_nothing():
    for level in LEVELS:
        assert Config(level=level).settled().settled() == Config(level=level).settled()


def test_severities_of_the_command_line_beat_those_of_paths():
    config = Config(per_path=(PathSettings(("a/",), severity={"ML101": "error"}),)).replace(severity={"ML101": "note"})
    assert config.per_path[-1] == PathSettings(("*",), severity={"ML101": "note"})
    assert Config().replace(severity={"ML101": "note"}).per_path == ()
