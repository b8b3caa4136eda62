"""Every rule of the package: its cases and its documented example."""

import unittest
from pathlib import Path

import meshlint_acme

from meshlint.testing import cases, check, check_example

CASES = cases(Path(__file__).parent / "cases")
ARGUMENTS = ("--plugin", "acme", "--select", "acme")


class Rules(unittest.TestCase):
    def test_cases(self) -> None:
        for case in CASES:
            with self.subTest(case.id):
                check(case, *ARGUMENTS)

    def test_examples(self) -> None:
        for name in meshlint_acme.__all__:
            with self.subTest(name):
                check_example(getattr(meshlint_acme, name), *ARGUMENTS)

    def test_every_rule_has_a_case_that_fires_and_one_that_does_not(self) -> None:
        for name in meshlint_acme.__all__:
            fires = [bool(case.expected()) for case in CASES if case.rule == getattr(meshlint_acme, name).name]
            self.assertEqual(set(fires), {True, False})


if __name__ == "__main__":
    unittest.main()
