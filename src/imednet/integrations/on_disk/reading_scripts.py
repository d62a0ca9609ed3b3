"""Scripts that read exported CSV files with types and labels: `read.R` for R, `read.sas` for SAS.

They follow the rules of `validation.kinds`: a text that does not fit its variable's type becomes missing, and stays in
the file as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...validation.kinds import Kind, kind_of
from ..tables.layout import Column, Table
from ..tables.naming import Namer

_R_HEAD = r"""# Reads the CSV files beside this script, with types and labels. Needs nothing but R itself.
#
#   source("read.R", encoding = "UTF-8"); study <- read_study(".")
#   attr(study$VS$SYSBP1, "label")
#
# A text that does not fit its variable's type is NA here; _issues.csv lists these answers.

# R takes a carriage return for the end of a line even inside quotes, so it is replaced while the file is read.
.read_text <- function(path) {
  text <- readChar(path, file.size(path), useBytes = TRUE)
  parts <- strsplit(text, "\"", fixed = TRUE, useBytes = TRUE)[[1]]
  quoted <- seq_along(parts) %% 2 == 0
  parts[quoted] <- gsub("\r", "\ue00d", parts[quoted], fixed = TRUE, useBytes = TRUE)
  copy <- tempfile(fileext = ".csv")
  on.exit(unlink(copy))
  writeBin(charToRaw(paste(parts, collapse = "\"")), copy)
  frame <- read.csv(copy, colClasses = "character", na.strings = "", check.names = FALSE, encoding = "UTF-8",
                    strip.white = FALSE, blank.lines.skip = FALSE, quote = "\"", comment.char = "")
  for (name in names(frame)) frame[[name]] <- gsub("\ue00d", "\r", frame[[name]], fixed = TRUE)
  frame
}

.cast <- list(
  integer = function(x) as.numeric(x),
  boolean = function(x) x == "true",
  number = function(x) {
    x[!grepl("^-?(0|[1-9][0-9]*)([.][0-9]+)?$", x)] <- NA
    value <- as.numeric(x)
    rounded <- !is.na(value) & abs(value) >= 2^53 & sprintf("%.0f", value) != sub("[.].*", "", x)
    value[rounded] <- NA
    value
  },
  date = function(x) {
    x[!grepl("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", x)] <- NA
    as.Date(x, format = "%Y-%m-%d")
  },
  datetime = function(x) {
    x[!grepl("^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$", x)] <- NA
    x <- sub("T", " ", x)
    short <- !is.na(x) & nchar(x) == 16
    x[short] <- paste0(x[short], ":00")
    as.POSIXct(x, format = "%Y-%m-%d %H:%M:%S", tz = "UTC")
  },
  time = function(x) { x[!grepl("^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$", x)] <- NA; x },
  partial = function(x) {
    x[!grepl("^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$", x)] <- NA
    day <- ifelse(is.na(x), NA, paste0(x, substring("-01-01", nchar(x) - 3)))
    x[is.na(as.Date(day, format = "%Y-%m-%d"))] <- NA
    x
  },
  text = function(x) x
)

.read_table <- function(path, kinds, labels) {
  frame <- .read_text(path)
  for (name in names(kinds)) frame[[name]] <- .cast[[kinds[[name]]]](frame[[name]])
  for (name in names(labels)) attr(frame[[name]], "label") <- labels[[name]]
  frame
}

read_study <- function(folder = ".") {
  study <- list()
"""


def r_reader(files: Mapping[str, Table]) -> str:
    """An R script that reads all files, given as file name -> table."""
    lines = [_R_HEAD]
    for name, table in files.items():
        kinds = ", ".join(f"{_r_name(c.name)} = {_r_text(_r_kind(c))}" for c in table.columns)
        labels = ", ".join(f"{_r_name(c.name)} = {_r_text(c.label)}" for c in table.columns if c.label)
        lines.append(
            f"  study[[{_r_text(table.key)}]] <- .read_table(file.path(folder, {_r_text(name)}),\n"
            f"    list({kinds}),\n    list({labels}))\n"
        )
    lines.append("  study\n}\n")
    return "".join(lines)


def kind_by_design(column: Column) -> Kind:
    """The kind a column has by the study's design, whether or not the export typed it."""
    if column.part == "answer" and column.variable_type:
        return kind_of(column.variable_type)
    return column.checked or column.kind


def _r_kind(column: Column) -> str:
    kind = kind_by_design(column)
    return {Kind.JSON: "text", Kind.PARTIAL: "partial", Kind.INSTANT: "datetime"}.get(kind, str(kind))


def _r_text(value: str) -> str:
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": ""}
    return '"' + "".join(escapes.get(character, character) for character in value) + '"'


def _r_name(value: str) -> str:
    return "`" + value.replace("\\", "\\\\").replace("`", "\\`") + "`"


_SAS_HEAD = """/* Reads the CSV files beside this program, with types and labels.
   Set the folder first. Names are cut to 32 characters; the dictionary (_dictionary.csv) holds the long ones.
   SAS ends a record at CR LF, so answers with such a line break inside must be read from Parquet or XPT instead. */
%let folder = .;
options validvarname=v7 compress=yes;
"""
_LONGEST_SAS_LABEL = 256
_INFORMATS = {
    Kind.NUMBER: ("best32.", "best12."),
    Kind.INTEGER: ("best32.", "best20."),
    Kind.DATE: ("yymmdd10.", "yymmdd10."),
    Kind.DATETIME: ("anydtdtm19.", "datetime19."),
    Kind.INSTANT: ("anydtdtm19.", "datetime19."),
    Kind.TIME: ("time8.", "time8."),
}


def sas_reader(files: Mapping[str, Table]) -> str:
    """A SAS program that reads all files, given as file name -> table."""
    lines = [_SAS_HEAD]
    sets = Namer(longest=32, clean=True)
    for name, table in files.items():
        namer = Namer(longest=32, clean=True)
        names = [namer.name(column.name, column.name) for column in table.columns]
        text_names = {variable: namer.name(f"{variable}/text", f"{variable[:30]}_c") for variable in names}
        typed = [
            (variable, _INFORMATS[kind_by_design(column)])
            for variable, column in zip(names, table.columns, strict=True)
            if kind_by_design(column) in _INFORMATS
        ]
        read_as = {variable: variable for variable in names} | {variable: text_names[variable] for variable, _ in typed}
        typed_names = {variable for variable, _ in typed}
        lines.append(f"data {sets.name(table.key, table.key)};\n")
        lines.append(
            f'  infile "&folder./{name}" dsd dlm="," firstobs=2 lrecl=1000000 termstr=crlf encoding="utf-8";\n'
        )
        lines.append("  length\n")
        lines += [f"    {read_as[variable]} {'$40' if variable in typed_names else '$32767'}\n" for variable in names]
        lines.append("  ;\n  input\n")
        lines += [f"    {read_as[variable]}\n" for variable in names]
        lines.append("  ;\n")
        for variable, (informat, display) in typed:
            lines.append(f"  {variable} = input({text_names[variable]}, ?? {informat}); format {variable} {display};\n")
        for variable, column in zip(names, table.columns, strict=True):
            if column.label:
                lines.append(f"  label {variable} = '{_sas_label(column.label)}';\n")
        if typed:
            lines.append(f"  drop {' '.join(text_names[variable] for variable, _ in typed)};\n")
        lines.append("run;\n\n")
    return "".join(lines)


def _sas_label(label: str) -> str:
    return " ".join(label.split())[:_LONGEST_SAS_LABEL].replace("'", "''")
