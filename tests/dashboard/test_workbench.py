"""The workbench: configurations in versions, reviews that see what changed, reports, and the way back to a record."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from imednet import ImednetSDK
from imednet.models.study_config import StudyConfiguration
from imednet.sandbox import Answer, Request, Sandbox
from imednet_streamlit import configurations, texts
from imednet_streamlit.reading import Read
from imednet_streamlit.store import Store
from imednet_streamlit.workbench.publisher_wizard import written
from support import STUDY

from .conftest import CONFIGURATION, Browser, Start

TEXT = "_imednet_configuration"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def frames(browser: Browser) -> list[Any]:
    return [one.value for one in browser.app.dataframe]


def press(browser: Browser, label: str) -> None:
    next(button for button in browser.app.main.button if button.label == label).click()
    browser.app.run()


def decide(browser: Browser, *, record: int | None = None, everything: bool = False, comment: str = "") -> None:
    """Write a decision about a record, or about all that are shown."""
    browser.app.selectbox(key="review-decided").set_value(record)
    browser.app.checkbox(key="review-all").set_value(everything)
    browser.app.text_input(key="review-comment").input(comment)
    press(browser, texts.WRITE)


def errors(browser: Browser) -> list[str]:
    return [error.value.replace("\\", "") for error in browser.app.error]


@pytest.mark.parametrize("page", ["setup_wizard", "review_workbench", "data_lineage"])
def test_without_a_folder_a_page_says_how_to_start_with_one(box: Sandbox, start: Start, page: str) -> None:
    browser = start(box, page)
    assert [info.value for info in browser.app.info] == [texts.NEEDS_STATE]


class TestSetup:
    def save(self, browser: Browser, text: str, reason: str) -> None:
        browser.app.text_area(key=TEXT).set_value(text)
        browser.app.run()
        next(field for field in browser.app.text_input if field.label == texts.REASON).input(reason)
        press(browser, texts.SAVE)

    def test_versions_are_saved_compared_and_restored(self, box: Sandbox, start: Start, state: Path) -> None:
        browser = start(box, "setup_wizard", state=state, _imednet_person="Ada")
        self.save(browser, CONFIGURATION.to_yaml(), "the forms of the CRF")
        assert browser.app.main.success[0].value == texts.SAVED.format(number=1)
        smaller = StudyConfiguration(STUDY, {"deviations": CONFIGURATION.mappings["deviations"]})
        self.save(browser, smaller.to_yaml(), "only deviations")
        known = Store(state).versions(STUDY)
        assert [(one.number, one.author, one.reason) for one in known] == [
            (1, "Ada", "the forms of the CRF"), (2, "Ada", "only deviations"),
        ]  # fmt: skip
        browser.app.selectbox(key="wizard-version").set_value(1)
        browser.app.run()
        press(browser, f"{texts.RESTORE} 1")
        known = Store(state).versions(STUDY)
        assert known[-1].number == 3
        assert known[-1].configuration == CONFIGURATION
        assert known[-1].reason == texts.RESTORED.format(number=1)
        assert browser.app.text_area(key=TEXT).value == CONFIGURATION.to_yaml()

    def test_a_version_that_was_saved_meanwhile_is_not_lost(self, box: Sandbox, start: Start, state: Path) -> None:
        store = Store(state)
        store.save_version(STUDY, CONFIGURATION, "Grace", "start", after=0)
        browser = start(box, "setup_wizard", state=state, _imednet_person="Ada")
        mine = StudyConfiguration(STUDY, {"deviations": CONFIGURATION.mappings["deviations"]})
        browser.app.text_area(key=TEXT).set_value(mine.to_yaml())
        browser.app.run()
        browser.app.text_input(key="wizard-reason").input("mine")
        theirs = StudyConfiguration(STUDY, {"deficiencies": CONFIGURATION.mappings["deficiencies"]})
        store.save_version(STUDY, theirs, "Bob", "theirs", after=1)
        press(browser, texts.SAVE)
        assert [one.author for one in store.versions(STUDY)] == ["Grace", "Bob"]
        warned = [one.value.replace("\\", "") for one in browser.app.warning]
        assert warned == [texts.SAVED_MEANWHILE.format(number=2, author="Bob")]
        assert next(button for button in browser.app.main.button if button.label == texts.SAVE).disabled
        press(browser, texts.LOAD_LAST)
        assert browser.app.text_area(key=TEXT).value == theirs.to_yaml()
        assert not browser.app.warning

    def test_a_text_that_changed_since_it_was_shown_is_not_saved(self, box: Sandbox, start: Start, state: Path) -> None:
        browser = start(box, "setup_wizard", state=state)
        browser.app.text_area(key=TEXT).set_value(CONFIGURATION.to_yaml())
        browser.app.run()
        smaller = StudyConfiguration(STUDY, {"deviations": CONFIGURATION.mappings["deviations"]}).to_yaml()
        browser.app.text_area(key=TEXT).set_value(smaller)
        browser.app.text_input(key="wizard-reason").input("both arrive at once")
        press(browser, texts.SAVE)
        assert errors(browser) == [texts.TEXT_CHANGED]
        assert Store(state).versions(STUDY) == []
        assert browser.app.text_area(key=TEXT).value == smaller

    def test_a_draft_outlives_its_page_and_a_failed_read(self, start: Start, state: Path) -> None:
        gone: list[bool] = []
        hung_up = Answer(200, b"", break_after=-1)
        with Sandbox(intercept=lambda request, answer: hung_up if gone else answer(request)) as box:
            browser = start(box, "setup_wizard", state=state)
            browser.app.text_area(key=TEXT).set_value(CONFIGURATION.to_yaml())
            browser.app.run()
            browser.open("query_status")
            browser.open("setup_wizard")
            assert browser.app.text_area(key=TEXT).value == CONFIGURATION.to_yaml()
            gone.append(True)
            next(button for button in browser.app.sidebar.button if button.label == texts.REFRESH).click()
            browser.app.run()
            assert errors(browser) == [texts.UNREACHABLE]
            gone.clear()
            browser.app.run()
            assert browser.app.text_area(key=TEXT).value == CONFIGURATION.to_yaml()

    def test_building_a_mapping_keeps_its_condition_and_says_what_does_not_fit(
        self, box: Sandbox, start: Start, state: Path
    ) -> None:
        Store(state).save_version(STUDY, CONFIGURATION, "ada", "start", after=0)
        browser = start(box, "setup_wizard", state=state)
        browser.app.selectbox(key="wizard-form").set_value("AE")
        browser.app.run()
        browser.app.selectbox(key="wizard-adverse_events-AE-term").set_value("AETERM")
        browser.app.selectbox(key="wizard-adverse_events-AE-serious").set_value("AESER")
        browser.app.run()
        press(browser, texts.PUT_IN)
        assert errors(browser) == [
            texts.NOT_PUT_IN.format(reason="widgets[0].by: there is no field 'severity'; there are term, serious")
        ]
        browser.app.selectbox(key="wizard-adverse_events-AE-severity").set_value("AESEV")
        browser.app.text_input(key="wizard-adverse_events-AE-serious-yes").input("Ja")
        press(browser, texts.PUT_IN)
        made = StudyConfiguration.from_yaml(browser.app.text_area(key=TEXT).value or "").mappings["adverse_events"]
        assert made.where == CONFIGURATION.mappings["adverse_events"].where
        assert made.fields["serious"] == 'AESER == "Ja"'

    def test_a_version_needs_a_reason(self, box: Sandbox, start: Start, state: Path) -> None:
        browser = start(box, "setup_wizard", state=state)
        self.save(browser, CONFIGURATION.to_yaml(), "  ")
        assert errors(browser) == [texts.NEEDS_REASON]
        assert Store(state).versions(STUDY) == []

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("mappings: [", "The configuration is not sound"),
            ("mapings: {}", "mapings"),
            ("mappings: {adverse_events: {form: XX, fields: {term: AETERM}}}", "has no form XX"),
            ("mappings: {adverse_events: {form: AE, fields: {term: AETREM}}}", "has no variable AETREM"),
            ("mappings: {adverse_events: {form: AE, fields: {term: __import__('os')}}}", "not sound"),
            ("study_key: OTHER", "of study OTHER"),
        ],
    )
    def test_what_the_study_does_not_have_cannot_be_saved(
        self, box: Sandbox, start: Start, state: Path, text: str, said: str
    ) -> None:
        browser = start(box, "setup_wizard", state=state)
        browser.app.text_area(key=TEXT).set_value(text)
        browser.app.run()
        assert any(said in error for error in errors(browser)), errors(browser)
        assert all(button.disabled for button in browser.app.main.button if button.label == texts.SAVE)

    def test_a_mapping_is_built_by_choosing(self, box: Sandbox, start: Start, state: Path) -> None:
        browser = start(box, "setup_wizard", state=state)
        browser.app.selectbox(key="wizard-form").set_value("AE")
        browser.app.run()
        for field, variable in {"term": "AETERM", "serious": "AESER"}.items():
            browser.app.selectbox(key=f"wizard-adverse_events-AE-{field}").set_value(variable)
        browser.app.run()
        press(browser, texts.PUT_IN)
        made = StudyConfiguration.from_yaml(browser.app.text_area(key=TEXT).value or "")
        assert made.mappings["adverse_events"].fields == {"term": "AETERM", "serious": 'AESER == "Yes"'}
        assert not errors(browser)

    def test_a_preview_shows_the_rows(self, box: Sandbox, start: Start, state: Path) -> None:
        Store(state).save_version(STUDY, CONFIGURATION, "ada", "start", after=0)
        browser = start(box, "setup_wizard", state=state)
        browser.app.toggle(key="preview-read").set_value(True)
        browser.app.run()
        with ImednetSDK(**box.credentials) as sdk:
            table = sdk.workflows.monitoring.listing(STUDY, CONFIGURATION)
        assert len(table) in [len(frame) for frame in frames(browser)]

    def test_a_chain_that_was_tampered_with_is_told(self, box: Sandbox, start: Start, state: Path) -> None:
        store = Store(state)
        store.save_version(STUDY, CONFIGURATION, "ada", "start", after=0)
        with sqlite3.connect(state / "workbench.sqlite") as base:
            base.execute("DROP TRIGGER versions_UPDATE")
            base.execute("UPDATE versions SET text = replace(text, 'start', 'other')")
        base.close()
        browser = start(box, "setup_wizard", state=state)
        assert errors(browser) == [texts.ARGUMENT.format(reason=texts.BROKEN_CHAIN.format(number=1))]


class TestReview:
    def test_a_record_is_new_until_reviewed_and_changed_once_it_differs(
        self, own_box: Any, start: Start, state: Path
    ) -> None:
        box = own_box()
        browser = start(box, "review_workbench", state=state, _imednet_person="Ada")
        browser.app.selectbox(key="review-form").set_value("AE")
        browser.app.run()
        reviewed = len(frames(browser)[0])
        decide(browser, everything=True)
        assert [one.value for one in browser.app.main.success] == [texts.WRITTEN.format(count=reviewed)]
        assert figures(browser)[texts.REVIEW_DONE] == str(reviewed)
        box.advance(30)
        next(button for button in browser.app.sidebar.button if button.label == texts.REFRESH).click()
        browser.app.run()
        with ImednetSDK(**box.credentials) as sdk:
            now = sdk.records.list(STUDY, form_key="AE")
        seen = {entry.record_id for entry in Store(state).reviews(STUDY)}
        revised = [record for record in now if record.record_id in seen and str(record.date_modified) > "2026-11-01"]
        assert revised
        assert figures(browser)[texts.REVIEW_CHANGED] == str(len(revised))
        assert figures(browser)[texts.REVIEW_DONE] == str(reviewed - len(revised))

    def test_a_decision_is_about_what_was_chosen_and_about_nothing_else(
        self, box: Sandbox, start: Start, state: Path
    ) -> None:
        """Also where the list became another one meanwhile, and where nothing was chosen."""
        browser = start(box, "review_workbench", state=state, _imednet_person="Ada")
        browser.app.selectbox(key="review-form").set_value("AE")
        browser.app.run()
        press(browser, texts.WRITE)
        assert errors(browser) == [texts.NOTHING_CHOSEN]
        assert Store(state).reviews(STUDY) == []
        first, second = (int(number) for number in frames(browser)[0]["c0"][:2])
        store = Store(state)
        person = browser.state["_imednet_signed_in"].person
        store.review(STUDY, person, "Ada", [(second, "AE", "another window")], "reviewed")
        decide(browser, record=first, comment="only this one")
        entries = [entry for entry in store.reviews(STUDY) if entry.comment]
        assert [entry.record_id for entry in entries] == [first]

    def test_a_change_that_nobody_saw_stays_a_change(self, start: Start, state: Path) -> None:
        changed: list[bool] = []

        def other_answers(request: Request, answer: Callable[[Request], Answer]) -> Answer:
            given = answer(request)
            if not (changed and request.path.endswith("/records") and given.status == 200):
                return given
            body = json.loads(given.body)
            for row in body["data"]:
                row["recordData"] = {**(row["recordData"] or {}), "AETERM": "another answer"}
            return Answer(200, json.dumps(body).encode())

        with Sandbox(intercept=other_answers) as box:
            browser = start(box, "review_workbench", state=state)
            browser.app.selectbox(key="review-form").set_value("AE")
            browser.app.run()
            number = int(frames(browser)[0]["c0"][0])
            changed.append(True)
            browser.app.selectbox(key="review-decided").set_value(number)
            browser.app.run()
            assert [one.value for one in browser.app.warning] == [texts.CHANGED_MEANWHILE]
            assert not [frame for frame in frames(browser) if texts.ANSWER in frame.columns]
            decide(browser, record=number)  # about the record as it stood in the list, which is no longer so
            next(button for button in browser.app.sidebar.button if button.label == texts.REFRESH).click()
            browser.app.run()
            assert figures(browser)[texts.REVIEW_CHANGED] == "1"
            assert figures(browser)[texts.REVIEW_DONE] == "0"

    def test_the_log_of_records_one_cannot_read_is_not_shown(self, box: Sandbox, start: Start, state: Path) -> None:
        store = Store(state)
        with ImednetSDK(**box.credentials) as sdk:
            seen = sdk.records.list(STUDY, site_id=302)[0]
        store.review(STUDY, "p", "Ada", [(seen.record_id or 0, "AE", "m")], "reviewed", "", "one that is seen")
        store.review(STUDY, "p", "Ada", [(9_999_999, "AE", "m")], "reviewed", "", "one that is not")
        browser = start(box, "review_workbench", state=state, _imednet_person="Bob")
        log = str(frames(browser)[-1].to_dict())
        assert "one that is seen" in log
        assert "one that is not" not in log
        assert texts.LOG_OF_OTHERS.format(count=1) in [caption.value for caption in browser.app.caption]

    def test_another_person_has_another_review(self, box: Sandbox, start: Start, state: Path) -> None:
        first = start(box, "review_workbench", state=state, _imednet_person="Ada")
        first.app.selectbox(key="review-form").set_value("AE")
        first.app.run()
        decide(first, everything=True)
        second = start(box, "review_workbench", state=state, _imednet_person="Bob")
        assert figures(second)[texts.REVIEW_DONE] == "0"
        log = frames(second)[-1]
        assert set(log["c2"]) == {"Ada"}

    def test_one_record_with_answers_and_queries(self, box: Sandbox, start: Start, state: Path) -> None:
        with ImednetSDK(**box.credentials) as sdk:
            query = next(one for one in sdk.queries.list(STUDY) if one.record_id and one.subject_key)
            record = sdk.records.get(STUDY, query.record_id)
        browser = start(box, "review_workbench", state=state)
        browser.app.selectbox(key="review-decided").set_value(record.record_id)
        browser.app.run()
        answers = next(frame for frame in frames(browser) if texts.ANSWER in frame.columns)
        with ImednetSDK(**box.credentials) as sdk:
            known = {one.variable_name for one in sdk.variables.list(STUDY) if one.form_key == record.form_key}
        given = {name: str(value) for name, value in (record.record_data or {}).items() if value is not None}
        shown = dict(zip(answers[texts.VARIABLE], answers[texts.ANSWER], strict=True))
        assert {name: shown[name] for name in given if name in known} == {
            name: value for name, value in given.items() if name in known
        }
        assert {shown[name] for name in given if name not in known} <= {texts.BLINDED}

    def test_no_answer_and_no_key_is_kept(self, box: Sandbox, start: Start, state: Path) -> None:
        browser = start(box, "review_workbench", state=state, _imednet_person="Ada")
        browser.app.selectbox(key="review-form").set_value("AE")
        browser.app.run()
        decide(browser, everything=True)
        browser.open("query_status")
        with ImednetSDK(**box.credentials) as sdk:
            terms = {
                str((record.record_data or {}).get("AETERM")) for record in sdk.records.list(STUDY, form_key="AE")
            }  # fmt: skip
        held = b"".join(path.read_bytes() for path in state.iterdir())
        for text in ("demo-api-key", "demo-security-key", *(term for term in terms if len(term) > 4)):
            assert text.encode() not in held, text


class TestPublishing:
    @pytest.mark.parametrize(("kind", "begins"), [("html", b"<!doctype html>"), ("xlsx", b"PK")])
    def test_a_report_is_made_and_logged(
        self, box: Sandbox, start: Start, state: Path, kind: str, begins: bytes
    ) -> None:
        browser = start(box, "publisher_wizard", state=state, _imednet_person="Ada")
        browser.app.multiselect(key="publish-sections").set_value(["queries", "sites"])
        browser.app.selectbox(key="publish-kind").set_value(kind)
        browser.app.selectbox(key="publish-site").set_value("302")
        press(browser, texts.MAKE)
        report, made_kind, _, content = browser.state["_imednet_report"]
        assert (made_kind, content[: len(begins)]) == (kind, begins)
        assert report.filters == ("only site 302",)
        (entry,) = Store(state).reports(STUDY)
        assert (entry.author, entry.kind, entry.sections) == ("Ada", kind, "queries, sites")

    def test_a_report_says_what_it_is_of_and_goes_with_a_refresh(self, box: Sandbox, start: Start, state: Path) -> None:
        browser = start(box, "publisher_wizard", state=state)
        browser.app.multiselect(key="publish-sections").set_value(["sites"])
        browser.app.selectbox(key="publish-site").set_value("301")
        press(browser, texts.MAKE)
        browser.app.selectbox(key="publish-site").set_value("302")
        browser.app.run()
        told = [caption.value.replace("\\", "") for caption in browser.app.caption]
        assert texts.REPORT_OF.format(moment="2026-11-01 00:00:00", filters="only site 301") in told
        next(button for button in browser.app.sidebar.button if button.label == texts.REFRESH).click()
        browser.app.run()
        assert "_imednet_report" not in browser.state

    def test_a_report_needs_a_section(self, box: Sandbox, start: Start, state: Path) -> None:
        browser = start(box, "publisher_wizard", state=state)
        browser.app.multiselect(key="publish-sections").set_value([])
        press(browser, texts.MAKE)
        assert errors(browser) == [texts.NO_SECTION]
        assert Store(state).reports(STUDY) == []

    def test_a_report_of_the_wizard_is_that_of_the_command(self, box: Sandbox) -> None:
        from imednet.reports import ReportOptions, study_report
        from imednet.reports.html import page

        with ImednetSDK(**box.credentials) as sdk:
            report = study_report(sdk, STUDY, ReportOptions(("queries",)))
        assert written(report, "html").decode() == page(report, "interactive")


class TestLineage:
    def test_from_an_event_to_its_record_and_rule(self, box: Sandbox, start: Start, state: Path) -> None:
        Store(state).save_version(STUDY, CONFIGURATION, "Grace", "start", after=0)
        browser = start(box, "data_lineage", state=state)
        number = int(frames(browser)[0]["c7"][0])
        browser.app.selectbox(key="lineage-record").set_value(number)
        browser.app.run()
        _, fields, answers = frames(browser)
        with ImednetSDK(**box.credentials) as sdk:
            record = sdk.records.get(STUDY, number)
        row = CONFIGURATION.mappings["adverse_events"].row(record.record_data or {})
        assert dict(zip(fields[texts.FIELD], fields[texts.EXPRESSION], strict=True)) == (
            CONFIGURATION.mappings["adverse_events"].fields
        )
        shown = dict(zip(fields[texts.FIELD], fields[texts.VALUE], strict=True))
        assert {name: shown[name] for name, value in row.items() if value is not None} == {
            name: str(value) for name, value in row.items() if value is not None
        }
        assert "AETERM" in set(answers[texts.VARIABLE])
        assert any("version 1, saved by Grace" in caption.value.replace("\\", "") for caption in browser.app.caption)

    def test_a_rule_is_of_whoever_changed_it_last(self, state: Path) -> None:
        store = Store(state)
        events = {"adverse_events": CONFIGURATION.mappings["adverse_events"]}
        lookups = CONFIGURATION.terminology_lookups
        store.save_version(STUDY, StudyConfiguration(STUDY, {}, lookups), "Grace", "start", after=0)
        store.save_version(STUDY, StudyConfiguration(STUDY, events, lookups), "Ada", "events", after=1)
        more = {**events, "deviations": CONFIGURATION.mappings["deviations"]}
        store.save_version(STUDY, StudyConfiguration(STUDY, more, lookups), "Carol", "deviations", after=2)
        known = store.versions(STUDY)
        assert configurations.rule_of(known, "adverse_events").author == "Ada"
        assert configurations.rule_of(known, "deviations").author == "Carol"


class TestBlinding:
    def test_what_names_a_blinded_variable_is_left_out(self, box: Sandbox) -> None:
        with ImednetSDK(**box.credentials) as sdk:
            rows = sdk.variables.list(STUDY)
        variables = list(rows)
        hidden = next(one for one in variables if one.blinded)
        form, name = str(hidden.form_key), str(hidden.variable_name)
        open_one = next(
            str(one.variable_name) for one in variables if one.form_key == form and not one.blinded
        )  # fmt: skip
        given = StudyConfiguration.from_dict(
            {
                "mappings": {
                    "arms": {"form": form, "fields": {"arm": name.lower(), "note": open_one}},
                    "chosen": {"form": form, "where": f'{name} == "A"', "fields": {"note": open_one}},
                },
                "widgets": [
                    {"kind": "chart", "title": "arms", "table": "arms", "by": "arm"},
                    {"kind": "metric", "title": "chosen", "table": "chosen"},
                    {"kind": "metric", "title": "all", "table": "arms"},
                ],
            }
        )
        read = Read(variables, {"variables": rows.proof}, datetime.now(UTC))
        shown, notes = configurations.visible(given, read)
        assert {table: list(mapping.fields) for table, mapping in shown.mappings.items()} == {"arms": ["note"]}
        assert [widget.title for widget in shown.widgets] == ["all"]
        assert notes == [
            texts.BLINDED_LEFT_OUT.format(count=1, table="arms"), texts.BLINDED_TABLE.format(table="chosen"),
        ]  # fmt: skip
        open_again = evolve(hidden, variable_name=name.lower(), blinded=False)
        odd_flag = evolve(hidden, blinded="restricted")  # type: ignore[arg-type]  # a server may
        for odd in (
            replace(read, value=[*variables, open_again]),
            replace(read, value=[one for one in variables if one is not hidden]),
            replace(read, value=[odd_flag if one is hidden else one for one in variables]),
            replace(read, proofs={"variables": replace(rows.proof, status="unproven")}),
        ):
            shown, _ = configurations.visible(given, odd)
            assert all("arm" not in mapping.fields for mapping in shown.mappings.values())

    def test_the_answer_is_hidden_even_from_keys_that_may_see_it(self, box: Sandbox, start: Start, state: Path) -> None:
        with ImednetSDK(**box.unblinded_credentials) as sdk:
            hidden = {
                (str(one.form_key), str(one.variable_name)) for one in sdk.variables.list(STUDY) if one.blinded
            }  # fmt: skip
            record, name = next(
                (record, name)
                for form, name in hidden
                for record in sdk.records.list(STUDY, form_key=form)
                if (record.record_data or {}).get(name)
            )
        browser = start(box, "review_workbench", state=state, _imednet_api_key="demo-unblinded-key")
        browser.app.selectbox(key="review-state").set_value(texts.ALL)
        browser.app.run()
        browser.app.selectbox(key="review-decided").set_value(record.record_id)
        browser.app.run()
        answers = next(frame for frame in frames(browser) if texts.ANSWER in frame.columns)
        assert answers.set_index(texts.VARIABLE)[texts.ANSWER][name] == texts.BLINDED


def figures(browser: Browser) -> dict[str, str]:
    return {metric.label: metric.value for metric in browser.app.metric}
