"""Programs and labels that an export writes for others: read back, parsed, and measured."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imednet.integrations.on_disk.reading_scripts import sas_reader
from imednet.integrations.spss_sas import SavSink
from imednet.integrations.tables.batches import REPEATED, Reader, repeated_members
from imednet.integrations.tables.layout import Shape, Table, form_table
from imednet.integrations.tables.options import ExportOptions
from imednet_api.models import Variable
from naming_targets import KEYS, Drawn, write
from support import examples


def form(variables: dict[str, str], label: str = "l") -> Table:
    """A table with these variables and their types."""
    made = [
        Variable.from_dict({"variableName": name, "variableType": kind, "variableId": number, "label": label})
        for number, (name, kind) in enumerate(variables.items(), 1)
    ]
    return form_table("F", made, ExportOptions(values="text"), Shape(values="text"))[0]


class Program:
    """A SAS program as far as `read.sas` uses the language: statements, and the names each of them makes."""

    def __init__(self, text: str) -> None:
        without = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        pieces = re.split(r"""('(?:[^']|'')*'|"(?:[^"]|"")*")""", without)
        self.strings = [piece for piece in pieces if piece[:1] in ("'", '"')]
        plain = "".join(" $string " if piece[:1] in ("'", '"') else piece for piece in pieces)
        assert "'" not in plain, "a quote is never closed"
        assert '"' not in plain, "a quote is never closed"
        self.statements = [one.split() for one in plain.split(";") if one.split()]

    def of(self, word: str) -> list[list[str]]:
        """Statements of a kind; `label = ...` is an assignment to a variable of that name."""
        return [one[1:] for one in self.statements if one[0].casefold() == word and one[1:2] != ["="]]


NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")


def check_program(table: Table) -> None:
    """Names are unique without regard to case and valid, lengths and input agree, every variable is there once."""
    program = Program(sas_reader({"F.csv": table}))
    (lengths,), (read,) = program.of("length"), program.of("input")
    names = lengths[::2]
    assert names == read
    casts = [one for one in program.statements if len(one) > 1 and one[1] == "="]
    made = [*names, *(one[0] for one in casts)]
    assert len({one.casefold() for one in made}) == len(made)
    assert all(NAME.fullmatch(one) for one in made), made
    assert all(re.fullmatch(r"\$\d+", one) and int(one[1:]) <= 32_767 for one in lengths[1::2])
    for one in casts:
        call = " ".join(one[2:])
        assert re.fullmatch(rf"input\((?:{'|'.join(names)}), \?\? [a-z]+\d+\.\)", call), call
    dropped = program.of("drop")[0] if program.of("drop") else []
    assert len(made) - len(dropped) == len(table.columns)
    labels = program.of("label")
    assert all(one[0] in made and one[1:] == ["=", "$string"] for one in labels)
    assert all(len(one[1:-1].replace("''", "'")) <= 256 for one in program.strings if one[0] == "'")


def test_a_number_and_a_text_of_like_names_are_two_variables() -> None:
    check_program(form({"WEIGHT": "NUMBER", "WEIGHT_C": "TEXT", "weight_c_": "DATE"}))


@settings(max_examples=examples(500), deadline=None)
@given(st.dictionaries(KEYS.filter(bool), st.sampled_from(["NUMBER", "TEXT", "DATE", "TIME", "DATETIME"]), min_size=1,
                       max_size=6), st.text(max_size=300))  # fmt: skip
def test_any_program_for_sas_is_sound(variables: dict[str, str], label: str) -> None:
    check_program(form(variables, label))


LABELS: dict[str, list[tuple[str, str | None]]] = {
    "German": [("Größenänderung", None), ("klein", "1"), ("groß", "Größe")],
    "Russian": [("легко", None), ("тяжело", None)],
    "Japanese": [("血圧が高いです", None), ("x", "血圧")],
    "codes": [("not done", "-9"), ("one", "1"), ("half", "0.5")],
}


@pytest.mark.parametrize("rows", [0, 1, 3])
@pytest.mark.parametrize("script", LABELS)
def test_value_labels_are_read_back_equal_in_every_script(script: str, rows: int, tmp_path: Path) -> None:
    import pyreadstat

    pairs = LABELS[script]
    answers = [{"A": code or text} for text, code in pairs][:rows]
    sink = SavSink(tmp_path / "o")
    write(sink, Drawn([("F", {"A": ("Größe", pairs)}, answers)]), tmp_path / "o")
    frame, meta = pyreadstat.read_sav(str(tmp_path / "o" / "F.sav"))
    assert list(frame["A"]) == [one["A"] for one in answers]
    found: dict[Any, str] = {**meta.variable_value_labels.get("A", {})}
    for text, code in pairs if rows else ():
        assert found[code or text] == text
    assert all(value in {code or text for text, code in pairs} | {text for text, _ in pairs} for value in found)


def test_negative_codes_of_numbers_keep_their_labels(tmp_path: Path) -> None:
    import pandas as pd
    import pyreadstat

    variable = Variable.from_dict({"variableName": "N", "variableType": "NUMBER", "variableId": 1})
    options = ExportOptions(choices={("F", "N"): (("not done", "-9"), ("one", "1"), ("?", "x"))})
    table = form_table("F", [variable], options, SavSink.shape)[0]
    column = next(one for one in table.columns if one.source == "N")
    sink = SavSink(tmp_path)
    labels = sink._value_labels(table, column, pd.DataFrame({"N": [1.0]}))
    assert labels == {-9.0: "not done", 1.0: "one"}
    assert [one.reason for one in sink.losses] == ["value label: the code is not a number"]
    assert pyreadstat is not None


class TestSaidTwice:
    TABLE = form({"A": "TEXT", "B": "TEXT"})

    @pytest.mark.parametrize(
        ("line", "found"),
        [
            ('{"recordId":1,"recordData":{"A":"x","A":"y"}}', [("A", "x")]),
            ('{"recordId":1,"recordData":{"A":"x","B":null,"A":"y","A":7}}', [("A", "x"), ("A", "y")]),
            ('{"recordId":2,"recordId":1,"recordData":{"A":null}}', [("recordId", "2")]),
            ('{"recordId":1,"recordData":{"A":"say \\":\\"","B":null}}', []),
            ('{"recordId":1,"keywords":[{"keywordName":"k","keywordId":null}],"recordData":{"A":"1"}}', []),
        ],
    )
    def test_the_earlier_value_is_an_issue(self, line: str, found: list[tuple[str, str]]) -> None:
        for reader in (Reader(self.TABLE), self._exact()):
            batch, issues = reader.batch(0, [line.encode() + b"\n"])
            assert [(one.variable, one.value) for one in issues if one.reason == REPEATED] == found
            assert batch.column("recordId") == [1]
        assert repeated_members(line.encode(), json.loads(line)) == found

    def _exact(self) -> Reader:
        reader = Reader(self.TABLE)
        reader._fast = None
        return reader

    @given(st.lists(st.tuples(st.sampled_from("AB"), st.none() | st.text(max_size=4)), max_size=6))
    def test_any_members(self, members: list[tuple[str, str | None]]) -> None:
        """Exactly the values that a later one of the same name takes the place of are listed, by both ways."""
        data = ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in members)
        line = f'{{"recordId":1,"recordData":{{{data}}}}}'.encode()
        later = [
            (name, value)
            for place, (name, value) in enumerate(members)
            if value is not None and name in [other for other, _ in members[place + 1 :]]
        ]
        for reader in (Reader(self.TABLE), self._exact()):
            _, issues = reader.batch(0, [line])
            assert sorted((one.variable, one.value) for one in issues if one.reason == REPEATED) == sorted(later)

    @pytest.mark.parametrize(("word", "said"), [('"true"', True), ("1", True), ('"No"', False), ('"perhaps"', None)])
    def test_words_for_deleted_are_understood(self, word: str, said: bool | None) -> None:
        batch, issues = Reader(self.TABLE).batch(0, [f'{{"recordId":1,"deleted":{word}}}'.encode()])
        assert batch.column("deleted") == [said]
        assert bool(issues) is (said is None)


WIDE = """
import json, re, sys
from pathlib import Path
from naming_targets import TARGETS, Drawn, write
target, home = sys.argv[1], Path(sys.argv[2]) / "home"
names = {f"V{number}": (f"the question number {number}", []) for number in range(5000)}
sink = TARGETS[target][0](home)
write(sink, Drawn([("WIDE", names, [{"V1": "a", "V4999": "b"}] * 3)]), home)
most = re.search(r"VmHWM:[^0-9]*([0-9]+)", Path("/proc/self/status").read_text())  # ru_maxrss counts the parent's
print(json.dumps([sink.outputs["WIDE"], int(most[1]) / 1024]))
"""


@pytest.mark.parametrize("target", ["csv", "jsonl", "parquet", "excel", "sav", "xpt", "duckdb", "sqlite"])
def test_five_thousand_labelled_columns_take_little_memory(target: str, tmp_path: Path) -> None:
    """At most 600 MB in a process of its own, whose address space is limited too, since one without took a machine."""
    limited = "import resource; resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))\n"
    tests = str(Path(__file__).parent.parent)
    code = f"{limited}import sys; sys.path.insert(0, {tests!r}){WIDE}"
    done = subprocess.run(
        [sys.executable, "-c", code, target, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[Any] = json.loads(done.stdout)
    assert found[1] < 600, found
