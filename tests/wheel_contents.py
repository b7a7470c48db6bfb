"""Checks a built wheel: its top level is exactly the four packages, and the data files are inside."""

import sys
import zipfile

EXPECTED = {"kit", "generators", "evals", "data_cards"}
DATA = {"kit/presets/demo.toml", "kit/report/page.html", "data_cards/world.md"}


def main(path: str) -> int:
    names = zipfile.ZipFile(path).namelist()
    top = {n.split("/")[0] for n in names if ".dist-info" not in n}
    missing = DATA - set(names)
    if top != EXPECTED or missing:
        print(f"{path}: top level {sorted(top)}, expected {sorted(EXPECTED)}; missing {sorted(missing)}")
        return 1
    print(f"{path}: {len(names)} files, top level {sorted(top)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
