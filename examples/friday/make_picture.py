"""Make memo.png, the picture of the weekly memo in the documentation, as Chromium shows it.

    python make_picture.py

Needs `pip install 'budgetopt[report,plot]'` and Chromium. Runs a Friday into a ledger of its own.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
LEDGER = ("plan.toml", "--ledger", "friday.db")
COMMANDS = (
    ("week", *LEDGER, "--history", "history.csv", "--as-of", "2025-10-31"),
    ("report", *LEDGER, "--out", "memo.html"),
)
UNSEEN = "nav,section:nth-of-type(-n+4){display:none}"
"""What comes before the split, the verdict apart."""


def main() -> None:
    """Run the week, make the page, and take its picture."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))))
    with tempfile.TemporaryDirectory() as folder:
        for name in ("plan.toml", "history.csv"):
            shutil.copy(HERE / name, folder)
        for command in COMMANDS:
            run(folder, sys.executable, "-m", "budgetopt", *command)
        page = Path(folder) / "memo.html"
        text = page.read_text("utf-8")
        page.write_text(text.replace("</head>", f"<style>{UNSEEN}</style></head>"), "utf-8")
        run(
            folder, chromium, "--headless=new", "--no-sandbox", "--hide-scrollbars",
            "--window-size=1000,1040", "--screenshot=memo.png", page.as_uri(),
        )  # fmt: skip
        small = Image.open(Path(folder) / "memo.png").convert("RGB").quantize(64)
        small.save(HERE / "memo.png", optimize=True)


def run(folder: str, *command: str) -> None:
    """Run a command in a folder; what `week` says by its exit code is no failure."""
    code = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL).returncode
    if code not in (0, 5, 7):
        raise SystemExit(code)


if __name__ == "__main__":
    main()
