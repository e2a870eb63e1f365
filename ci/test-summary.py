"""Counts what Surefire reported, names every test that was skipped and why, and closes with one line of totals."""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree

passed = failed = skipped = 0
for report in sorted(pathlib.Path(".").glob("**/target/surefire-reports/TEST-*.xml")):
    for case in ElementTree.parse(report).getroot().iter("testcase"):
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
