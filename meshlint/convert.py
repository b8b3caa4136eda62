"""`meshlint convert`: VirtualServices, and on request Istio Gateways, as objects of the Gateway API."""

from __future__ import annotations

import sys
from argparse import Namespace

from meshlint.conversions import verdicts
from meshlint.options import UsageError, configuration
from meshlint.project import Project
from meshlint.report.visible import visible

EXIT_WHOLE, EXIT_PARTLY, EXIT_NO_FILES = 0, 1, 3


def convert(options: Namespace, scope: Project) -> int:
    """Run the command; the exit code tells whether everything that was chosen converts."""
    from meshlint.report.conversion import write

    config = configuration(options)
    _usable(options)
    run = verdicts(options, scope, config)
    all_of_it = True
    for note in run.notes:
        print(f"meshlint: {visible(note)}", file=sys.stderr)
    if options.write is not None:
        from meshlint.convert_write import write_beside, write_in_place

        written, all_of_it = write_in_place(run) if options.write == "" else write_beside(run, options.write)
        for line in written:
            print(f"meshlint: {visible(line)}", file=sys.stderr)
    elif options.output_format == "diff":
        from meshlint.convert_write import differences

        text, left = differences(run)
        all_of_it = not left
        sys.stdout.write(text)
        for line in left:
            print(f"meshlint: {visible(line)}", file=sys.stderr)
    else:
        write(run, options.output_format, sys.stdout)
    if options.output_format in ("yaml", "diff") and not options.quiet:
        write(run, "table", sys.stderr)
    if not run.read:
        return EXIT_NO_FILES
    return EXIT_WHOLE if all_of_it and all(one.found.whole for one in run.verdicts) else EXIT_PARTLY


def _usable(options: Namespace) -> None:
    if options.write is not None and options.output_format != "yaml":
        raise UsageError(f"--write cannot go with --output-format {options.output_format}")
