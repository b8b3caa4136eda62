"""The command line: its options and their help."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter, _ActionsContainer, _SubParsersAction
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NoReturn

from meshlint import __version__

COMMANDS = ("check", "convert", "rule", "environments", "init", "config", "completion", "lsp")
FORMATS = ("text", "concise", "json", "sarif", "github", "gitlab", "junit", "rdjson", "markdown")

_EXAMPLES = """examples:
  meshlint                                    lint the current folder
  meshlint deploy/ --target istio=1.30        judge against a release
  meshlint -o text -o sarif=meshlint.sarif    text here, SARIF into a file
  meshlint apps/reviews.yaml                  one file, judged in its project
  meshlint --select traffic --ignore ML146    rules by family, name or number
  meshlint rule vs-subset-destination         what a rule means and how to repair it

exit codes: 0 nothing at or above --fail-on, 1 findings, 2 meshlint could not do its work, 3 no file matched
"""


def _unmeasured(prog: str) -> RawDescriptionHelpFormatter:
    """argparse makes a formatter for every option; left alone, each would ask how wide the terminal is."""
    return RawDescriptionHelpFormatter(prog, width=80)


class Parser(ArgumentParser):
    """Says in one line what is wrong, with the nearest word that would be right."""

    def format_help(self) -> str:
        self.formatter_class = RawDescriptionHelpFormatter
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}{self._meant(message)}; see {self.prog} --help\n")

    def _meant(self, message: str) -> str:
        from difflib import get_close_matches

        if unknown := re.search(r"unrecognized arguments: (-\S*)", message):
            word, known = unknown[1].partition("=")[0], self._words()
        elif choice := re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message):
            word, known = choice[1], re.findall(r"[\w-]+", choice[2])
        else:
            return ""
        near = get_close_matches(word, known, 1)
        return f"; did you mean {near[0]}?" if near else ""

    def _words(self) -> list[str]:
        """The options of this parser and of its commands: the top one is told of those that no command knows."""
        words = [word for action in self._actions for word in action.option_strings]
        for action in self._actions:
            if isinstance(action, _SubParsersAction):
                words += [word for below in action.choices.values() for word in below._words()]
        return words


@lru_cache
def parser(*of: str) -> Parser:
    """The parser of some commands (of all, where none is named), made once in a process: nobody changes it."""
    return new_parser(of or COMMANDS)


def parsed(words: Sequence[str]) -> Namespace:
    """The options of a command line. Of its command alone a parser is made, of all where it names none or what none knows."""
    if words[0] in COMMANDS:
        options, unknown = parser(words[0]).parse_known_args(words)
        if not unknown:
            return options
    return parser().parse_args(words)


def new_parser(of: Sequence[str] = COMMANDS) -> Parser:
    """Another one, for whoever wants to add to it. `of`: the commands that it knows."""
    top = Parser(
        prog="meshlint",
        description="What breaks, is ignored or stops being enforced when an Istio mesh moves to ambient mode and Gateway API.",
        epilog=_EXAMPLES,
        formatter_class=_unmeasured,
    )
    top.add_argument("-V", "--version", action="version", version=f"meshlint {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in of:
        _ADDED[name](commands)
    return top


def _add(commands: _SubParsersAction[Parser], name: str, help: str, epilog: str | None = None) -> Parser:
    return commands.add_parser(name, help=help, description=help, epilog=epilog, formatter_class=_unmeasured, allow_abbrev=False)


def _check(commands: _SubParsersAction[Parser]) -> None:
    check = _add(commands, "check", "lint files and folders (the default command)", _EXAMPLES)
    _common(check)
    output = check.add_argument_group("output")
    formats = f"{', '.join(FORMATS)}; may repeat (default: text)"
    output.add_argument("-o", "--output-format", action="append", metavar="FORMAT[=FILE]", help=formats)
    output.add_argument("--output-file", metavar="FILE", help="write the (first) format to a file instead of stdout")
    output.add_argument("--color", choices=("auto", "always", "never"), help="default: auto")
    output.add_argument("--statistics", action="store_true", help="count findings by rule instead of listing them")
    output.add_argument("-q", "--quiet", action="store_true", help="findings only, no summary")
    output.add_argument("-v", "--verbose", action="store_true", help="name every skipped file and environment")
    rules = check.add_argument_group("rules")
    level = "minimal: what breaks or stops protecting; default: every finding; strict: notes fail as well"
    rules.add_argument("--level", choices=("minimal", "default", "strict"), help=level)
    rules.add_argument("--select", action="append", metavar="RULES", help="only these: ids, names, families, prefixes such as ML1")
    rules.add_argument("--extend-select", action="append", metavar="RULES", help="these as well")
    rules.add_argument("--ignore", action="append", metavar="RULES", help="not these")
    rules.add_argument("--severity", action="append", metavar="RULE=LEVEL", help="report a rule as error, warning or note")
    rules.add_argument("--impact", action="append", metavar="IMPACTS", help="only findings that say breaks, ignored, unenforced, ...")
    rules.add_argument("--min-severity", choices=("error", "warning", "note"), help="leave out what is below")
    rules.add_argument("--min-confidence", choices=("high", "medium", "low"), help="leave out what is below")
    rules.add_argument("--fail-on", choices=("error", "warning", "note", "never"), help="exit with 1 from here on (default: by level)")
    rules.add_argument("--exit-zero", action="store_true", help="exit with 0 even if there are findings")
    _others(rules)
    fixes = check.add_argument_group("fixes")
    fixes.add_argument("--fix", action="store_true", help="make the safe fixes, then report what is left")
    fixes.add_argument("--unsafe-fixes", action="store_true", help="make all fixes, those that need a look as well (implies --fix)")
    fixes.add_argument("--diff", action="store_true", help="write nothing: print what --fix would change, for git apply")
    living = check.add_argument_group("living with findings")
    living.add_argument("--baseline", metavar="FILE", help="leave out the findings that this file holds")
    living.add_argument("--write-baseline", metavar="FILE", help="write the findings to a file, for --baseline")
    living.add_argument("--new-since", metavar="GIT_REF", help="only what was not found at a git ref (main...: where this branch left it)")
    living.add_argument("--require-reason", action="store_true", help="an ignore comment without a reason does not count")
    living.add_argument("--add-ignores", metavar="REASON", help="write ignore comments for all findings into the files")
    files = check.add_argument_group("files")
    files.add_argument("--watch", action="store_true", help="lint again whenever a file changes, until Ctrl-C")
    files.add_argument("--show-files", action="store_true", help="list the files that would be read, and stop")
    files.add_argument("--show-settings", action="store_true", help="print the settings in force, and stop")
    files.add_argument("--stdin-filename", metavar="FILE", help="read stdin (path -) as this file")
    files.add_argument("--context", metavar="DIR|none", help="judge single files in this folder's project, or alone")


def _convert(commands: _SubParsersAction[Parser]) -> None:
    convert = _add(commands, "convert", "turn VirtualServices into routes of the Gateway API, where every request goes the same way")
    _common(convert)
    forms = "documents, a report, or a diff of the files (default: yaml)"
    convert.add_argument("-o", "--output-format", choices=("yaml", "json", "diff", "markdown"), default="yaml", help=forms)
    convert.add_argument("--gateways", action="store_true", help="convert Istio Gateways, and what is bound to them, as well")
    convert.add_argument("--segments", action="store_true", help="let a prefix stand for whole path segments: /api no longer takes /apiv2")
    convert.add_argument("--name", action="append", metavar="NAME", help="only objects of this name, [namespace/]name (* for any)")
    convert.add_argument("--host", action="append", metavar="HOST", help="only VirtualServices for this host (* for any); may repeat")
    beside = "change the files, or write what is made into a folder"
    convert.add_argument("--write", nargs="?", const="", metavar="DIR", help=beside)
    convert.add_argument("-q", "--quiet", action="store_true", help="no verdicts on stderr")


def _rule(commands: _SubParsersAction[Parser]) -> None:
    rule = _add(commands, "rule", "explain a rule, offline")
    rule.add_argument("names", nargs="*", metavar="RULE", help="id or name")
    rule.add_argument("--all", action="store_true", help="every rule")
    rule.add_argument("-o", "--output-format", choices=("text", "json", "markdown"), default="text")
    _others(rule)
    rule.add_argument("--config", metavar="FILE", help="use this configuration file")
    rule.add_argument("--isolated", action="store_true", help="ignore configuration files")


def _environments(commands: _SubParsersAction[Parser]) -> None:
    environments = _add(commands, "environments", "show what was found to be applied together, and what could not be followed")
    _common(environments)
    environments.add_argument("-o", "--output-format", choices=("text", "json"), default="text")


def _init(commands: _SubParsersAction[Parser]) -> None:
    init = _add(commands, "init", "write a commented meshlint.toml that fits what is found")
    init.add_argument("paths", nargs="?", default=".", metavar="FOLDER", help="where to write it, and what to look at (default: .)")
    init.add_argument("--force", action="store_true", help="replace a meshlint.toml that is there")
    init.add_argument("--stdout", action="store_true", help="print it, and write nothing")


def _config(commands: _SubParsersAction[Parser]) -> None:
    config = _add(commands, "config", "print the settings in force and where each comes from, or the schema of meshlint.toml")
    config.add_argument("paths", nargs="*", default=["."], metavar="PATH", help="files and folders that the settings are for (default: .)")
    config.add_argument("--schema", action="store_true", help="print the JSON schema, for editors")
    _others(config)
    config.add_argument("--config", metavar="FILE", help="use this configuration file")
    config.add_argument("--isolated", action="store_true", help="ignore configuration files")


def _completion(commands: _SubParsersAction[Parser]) -> None:
    completion = _add(commands, "completion", "print the completion script of a shell")
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))


def _lsp(commands: _SubParsersAction[Parser]) -> None:
    lsp = _add(commands, "lsp", "answer an editor as a language server, on stdin and stdout")
    _common(lsp, paths=False)
    lsp.add_argument("--stdio", action="store_true", help="accepted, as some editors add it; there is no other way")
    _others(lsp)


def _others(command: _ActionsContainer) -> None:
    """What brings the rules of others."""
    plugin = "use the rules of an installed plugin; may repeat"
    command.add_argument("--plugin", action="append", dest="plugins", metavar="NAME", help=plugin)
    command.add_argument("--rules", action="append", metavar="DIR", help="use the Python rules of a folder (runs its code); may repeat")


def _jobs(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError("must be at least 1")
    return number


def _common(command: Parser, paths: bool = True) -> None:
    if paths:
        command.add_argument("paths", nargs="*", default=["."], metavar="PATH", help="files and folders (default: .)")
    group = command.add_argument_group("settings")
    group.add_argument("--target", metavar="istio=1.30,gateway-api=1.5,channel=standard", help="the releases to judge against")
    group.add_argument("--goal", choices=("ambient", "gateway-api", "both"), help="what you move to (default: both)")
    group.add_argument("--phase", choices=("prepare", "switch", "cleanup"), help="where in the migration you are")
    group.add_argument("--assume-mode", choices=("ambient", "sidecar"), help="take every candidate as ambient (or sidecar) now")
    group.add_argument("--assume", action="append", metavar="KIND=NAMES", help="what other repositories hold: services=shop/cart,shop/pay")
    group.add_argument("--cluster-domain", metavar="DOMAIN", help="DNS suffix of the cluster (default: cluster.local)")
    group.add_argument("--root-namespace", metavar="NAME", help="Istio's root namespace (default: istio-system)")
    group.add_argument("--environment", action="append", metavar="NAME", help="only this environment; may repeat")
    group.add_argument("--exclude", action="append", metavar="PATTERN", help="leave out files (gitignore patterns); may repeat")
    group.add_argument("--force-exclude", action="store_true", help="exclude files that are named explicitly too")
    group.add_argument("--config", metavar="FILE", help="use this configuration file")
    group.add_argument("--isolated", action="store_true", help="ignore configuration files")
    group.add_argument("--no-cache", action="store_true", help="read every file anew and keep nothing for the next run")
    group.add_argument("--cache-dir", metavar="DIR", help="where to keep what was read (default: the user's cache folder)")
    group.add_argument("--jobs", type=_jobs, metavar="N", help="processes that read files and run rules (default: one for each CPU)")
    group.add_argument("--profile", action="store_true", help="say on stderr where the time went: by phase and by rule")
    rendering = "run kustomize and helm where they are on the PATH (auto), as a must, or never"
    group.add_argument("--render", choices=("auto", "always", "never"), help=rendering)


_ADDED: dict[str, Callable[[_SubParsersAction[Parser]], None]] = {
    "check": _check,
    "convert": _convert,
    "rule": _rule,
    "environments": _environments,
    "init": _init,
    "config": _config,
    "completion": _completion,
    "lsp": _lsp,
}
