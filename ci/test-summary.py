"""Counts what Surefire reported in the directories given, names every test that failed or was skipped and why, and closes
with one line of totals."""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree

passed = failed = skipped = 0
for report in (report for result in sys.argv[1:] for report in sorted(pathlib.Path(result).glob("**/TEST-*.xml"))):
    try:
        cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    except ElementTree.ParseError as error:
        # Its test was killed while it wrote: nothing of it is known to have passed.
        failed += 1
        print(f"failed: {report}: {error}")
        continue
    for case in cases:
        name = f"{case.get('classname')}.{case.get('name')}"
        skip = case.find("skipped")
        if skip is not None:
            skipped += 1
            print(f"skipped: {name}: {skip.get('message') or 'no reason given'}")
        elif case.find("failure") is not None or case.find("error") is not None:
            failed += 1
            print(f"failed: {name}")
        else:
            passed += 1
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed or not passed else 0)
