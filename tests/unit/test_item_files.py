"""Files of items become what their author wrote, or nothing: a damaged table is refused, by its line."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet.errors import ArgumentError
from imednet.utils.csv_rows import read_csv_rows
from imednet.validation.dictionary import load_dictionary
from imednet.workflows.writing.item_files import read_items

HEAD = "formKey,subjectKey,AETERM,AEST\n"
DAMAGED = {
    "a quote inside a cell that has none": (
        f'{HEAD}AE,301-901, "Cough",3\nAE,301-902,30" wide,3\n',
        ["line 2: there is a quote", "line 3: there is a quote"],
    ),
    "a quote that is never closed": (
        f'{HEAD}AE,301-901,"Cough,2026-10-01\nAE,301-902,Fall,2026-10-02\nAE,301-903,Rash,2026-10-03\n',
        ["line 2: the quote that opens in this row is never closed"],
    ),
    "a quote that a later cell closes": (
        f'{HEAD}AE,301-901,"Cough,2026-10-01\nAE,301-902,"Fall",2026-10-02\n',
        ["line 2: there is a quote inside a cell"],
    ),
    "rows that are too short or too long": (
        f"{HEAD}AE,301-901\nAE,301-902,Fall,2026-10-02\nAE,301-903,Rash,mild,2026-10-03\n",
        ["line 2: the row has 2 cells, the header has 4", "line 4: the row has 5 cells"],
    ),
    "a NUL": (f"{HEAD}AE,301-901,Co\0ugh,\n", ["line 2: the line holds a NUL"]),
    "semicolons": (HEAD.replace(",", ";") + "AE;301-901;Cough;\n", ["line 1", "semicolons; commas are expected"]),
    "tabs": (HEAD.replace(",", "\t") + "AE\t301-901\tCough\t\n", ["line 1", "tabs; commas are expected"]),
    "two columns of one name": ("formKey,AETERM,AETERM\nAE,a,b\n", ["2 columns write the same: AETERM, AETERM"]),
    "two columns of one answer": ("formKey,AETERM,data.aeterm\nAE,a,b\n", ["AETERM, data.aeterm"]),
    "a column without a name": ("formKey,AETERM,\nAE,a,b\n", ["line 2: column 3 is filled in"]),
    "numbers that are none": (
        "formKey,recordId,siteId,A\nAE,x,1,a\nAE,2,y,a\n",
        ["line 2: column recordId must be a whole number", "line 3: column siteId must be a whole number"],
    ),
}


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(text: str, name: str = "items.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return write


@pytest.mark.parametrize("what", DAMAGED)
def test_a_damaged_table_is_refused_by_its_line(what: str, write: Any) -> None:
    """Every fault is told at once, and none of the cells."""
    text, said = DAMAGED[what]
    with pytest.raises(ArgumentError) as error:
        read_items(write(text))
    for part in said:
        assert part in str(error.value)
    assert "nothing was sent" in str(error.value)
    assert "Next: " in str(error.value)
    assert "Cough" not in str(error.value)


def test_sound_rows_keep_their_lines(write: Any) -> None:
    """Quoted line breaks and rows without text move lines; places follow."""
    found = read_items(write(f'\ufeff{HEAD}\n,,,\nAE,301-901,"a\nb","c""d"\n\nAE,301-902,"e,f", <CLEAR> \n'))
    assert [one["data"] for one in found.items] == [{"AETERM": "a\nb", "AEST": 'c"d'}, {"AETERM": "e,f", "AEST": ""}]
    assert found.places == ["line 4", "line 7"]


@given(st.lists(st.lists(st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"])), min_size=2,
                         max_size=2), min_size=1))  # fmt: skip
def test_any_cells_are_read_back_as_they_were_written(rows: list[list[str]]) -> None:
    text = "A,B\n" + "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows)
    read = read_csv_rows(text)
    assert read.faults == []
    assert [cells for _, cells in read.rows] == [row for row in rows if any(cell.strip() for cell in row)]


@given(st.text(st.sampled_from('",;\n\r\0 ab'), max_size=40), st.booleans())
def test_any_text_is_rows_or_faults(text: str, ragged: bool) -> None:
    read = read_csv_rows(text, ragged=ragged)
    assert all(line >= 1 and what for line, what in read.faults)
    assert ragged or all(len(cells) == len(read.names) for _, cells in read.rows)


class TestJson:
    def test_a_name_that_stands_twice_is_refused(self, write: Any) -> None:
        text = '[{"formKey": "AE", "data": {"AETERM": "a", "AETERM": "b"}}]'
        with pytest.raises(ArgumentError, match="two members named 'AETERM'"):
            read_items(write(text, "items.json"))

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[{", "line 1"),
            ("[" * 100_000, "nested"),
            ('[{"recordId": ' + "9" * 5000 + "}]", "thousands of digits"),
            ('[{"data": {"A": 1e999}}]', "more digits"),
            ('[{"data": {"A": 0.1234567890123456789}}]', "more digits"),
            ('[{"data": {"A": NaN}}]', "NaN"),
            ("{}", "list"),
        ],
    )
    def test_what_is_no_list_of_items_is_refused(self, write: Any, text: str, said: str) -> None:
        with pytest.raises(ArgumentError, match=said):
            read_items(write(text, "items.json"))


def test_line_breaks_in_cells_stay_as_they_are(write: Any) -> None:
    found = read_items(write('formKey,AETERM\r\nAE,"x\r\ny"\r\nAE,"x\ry"\r\n'))
    assert [one["data"]["AETERM"] for one in found.items] == ["x\r\ny", "x\ry"]


class TestExcel:
    @pytest.fixture
    def book(self, tmp_path: Path) -> Any:
        def book(*rows: list[Any]) -> Path:
            made = openpyxl.Workbook()
            for row in rows:
                made.active.append(row)
            made.save(tmp_path / "items.xlsx")
            return tmp_path / "items.xlsx"

        return book

    def test_rows_keep_their_numbers(self, book: Any) -> None:
        found = read_items(book(["formKey", "recordId", "A"], [], ["AE", 7.0, 1.5], [None, None, None], ["AE", 8, "x"]))
        assert found.items == [
            {"formKey": "AE", "recordId": 7, "data": {"A": 1.5}}, {"formKey": "AE", "recordId": 8, "data": {"A": "x"}}
        ]  # fmt: skip
        assert found.places == ["row 3", "row 5"]

    @pytest.mark.parametrize(
        ("row", "said"),
        [
            (["AE", "=1+1"], "row 2: column A holds a formula"),
            (["AE", "#REF!"], "row 2: column A holds #REF!"),
            (["AE", "a", "b"], "row 2: column 3 is filled in"),
        ],
    )
    def test_cells_that_nobody_wrote_are_refused(self, book: Any, row: list[Any], said: str) -> None:
        with pytest.raises(ArgumentError, match=said):
            read_items(book(["formKey", "A"], row))

    def test_charts_alone_are_no_items(self, tmp_path: Path) -> None:
        made = openpyxl.Workbook()
        made.create_chartsheet("Chart")
        made.remove(made.worksheets[0])
        made.save(tmp_path / "items.xlsx")
        with pytest.raises(ArgumentError, match=r"Next: "):
            read_items(tmp_path / "items.xlsx")

    def test_a_damaged_sheet_is_refused(self, book: Any, tmp_path: Path) -> None:
        sound = book(["formKey", "A"], ["AE", "a"])
        with zipfile.ZipFile(sound) as source, zipfile.ZipFile(tmp_path / "bad.xlsx", "w") as target:
            for name in source.namelist():
                data = source.read(name)
                target.writestr(name, data[: len(data) // 2] if name.startswith("xl/worksheets/") else data)
        with pytest.raises(ArgumentError, match="is not an Excel file"):
            read_items(tmp_path / "bad.xlsx")


def test_a_damaged_data_dictionary_is_refused(write: Any) -> None:
    path = write('Form,Variable,Choice\nAE,AESEV,"Mild\nAE,AESEV,Severe\n', "CHOICES.csv")
    with pytest.raises(ArgumentError, match="line 2: the quote"):
        load_dictionary(path)
    assert json.dumps(load_dictionary(write("Form,Variable,Choice\nAE,AESEV,Mild\nAE,AESEV\n", "CHOICES.csv")).warnings)


def test_merged_cells_are_refused(tmp_path: Path) -> None:
    """Only the first of them holds the value that a person sees in each row."""
    book = openpyxl.Workbook()
    for row in (["formKey", "subjectKey", "AESEV"], ["AE", "1", "Severe"], ["AE", "2", None], ["AE", "3", None]):
        book.active.append(row)
    book.active.merge_cells("C2:C4")
    book.save(tmp_path / "x.xlsx")
    with pytest.raises(ArgumentError, match="row 2: cells C2:C4 are merged"):
        read_items(tmp_path / "x.xlsx")


def test_a_hidden_first_sheet_is_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "lookup"
    book.active.append(["formKey", "subjectKey", "AENUM"])
    book.create_sheet("data").append(["formKey", "subjectKey", "AENUM"])
    book.active.sheet_state = "hidden"
    book.save(tmp_path / "x.xlsx")
    with pytest.raises(ArgumentError, match="the first sheet, 'lookup', is hidden"):
        read_items(tmp_path / "x.xlsx")


@pytest.mark.parametrize("name", ["gone.csv", "gone.xlsx", "gone.json"])
def test_a_file_that_is_not_there_is_not_called_something_else(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArgumentError, match="No such file or directory"):
        read_items(tmp_path / name)
