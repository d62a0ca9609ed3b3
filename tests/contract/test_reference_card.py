"""The reference card: made of the code, short, and every example runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from imednet.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
CARD = ROOT / "docs" / "reference-card.md"


def test_the_card_is_what_the_code_makes() -> None:
    command = [sys.executable, "-B", str(ROOT / "scripts" / "reference_card.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_card_is_short() -> None:
    """Under 7,000 tokens: it fits beside a conversation."""
    assert len(CARD.read_text("utf-8")) < 27_000


def test_every_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Sandbox(switches={"jobSeconds": "0"}) as box:
        monkeypatch.setenv("IMEDNET_API_KEY", box.credentials["api_key"])
        monkeypatch.setenv("IMEDNET_SECURITY_KEY", box.credentials["security_key"])
        monkeypatch.setenv("IMEDNET_BASE_URL", box.credentials["base_url"])
        names: dict[str, object] = {}
        examples = re.findall(r"```python\n(.*?)```", CARD.read_text("utf-8"), re.DOTALL)
        assert len(examples) >= 6
        for example in examples:
            exec(compile(example, str(CARD), "exec"), names)
        names["sdk"].close()  # type: ignore[attr-defined]
