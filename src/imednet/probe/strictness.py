"""What the server accepts and what it refuses: questions that each take a request or two.

A request counts as refused where the server answers 400, or with a success that holds an error; any other answer that
is no page leaves its question open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..constants import HEADER_ACCEPT, HEADER_CONTENT_TYPE
from .asking import Asker, Heard
from .report import Finding, unknown
from .spelling import Pages

_NO_SUCH: Final = "imednetProbe"
"""An attribute, parameter and study that no server has."""
NO_SITE: Final = "there is no site to ask for"


@dataclass(frozen=True)
class Scene:
    """Who asks, and the values of the study that requests are made of; none of these goes into the report.

    Attributes:
        ask: sends the requests.
        pages: first pages of the lists.
        site: the number of a site.
        form: the key of a form with capitals.
        variable: the name of a variable that can stand in a filter.
    """

    ask: Asker
    pages: Pages
    site: int | None
    form: str | None
    variable: str | None


def scene_of(ask: Asker, pages: Pages) -> Scene:
    """The values to ask with, from the first pages."""
    sites = [row.get("siteId") for row in pages.get("sites", ())]
    forms = [str(row.get("formKey") or "") for row in pages.get("forms", ())]
    variables = [str(row.get("variableName") or "") for row in pages.get("variables", ())]
    return Scene(
        ask,
        pages,
        next((site for site in sites if isinstance(site, int)), None),
        next((form for form in forms if form.isalnum() and form != form.lower()), None),
        next((name for name in variables if name.isalnum() and name.isascii()), None),
    )


def judged(heard: Heard, accepted: str = "accepted", how: str = "the server answered with a page") -> Finding:
    """What an answer says of a request that some servers refuse.

    Args:
        heard: the answer.
        accepted, how: the finding where a page came, and its words.
    """
    if heard.ok:
        return Finding(accepted, how)
    return Finding("refused", heard.manner) if heard.refused else unknown(heard.manner)


def with_site(scene: Scene, expression: str) -> Heard | None:
    """One row of the sites by a filter with the number of one; `None` where there is none."""
    if scene.site is None:
        return None
    return scene.ask.list("sites", ("filter", expression.format(site=scene.site)), ("size", "1"))


def _filtered(scene: Scene, expression: str) -> Finding:
    heard = with_site(scene, expression)
    return unknown(NO_SITE) if heard is None else judged(heard)


def filter_unknown_attribute(scene: Scene) -> Finding:
    """An attribute that the list does not have."""
    return judged(scene.ask.list("sites", ("filter", f"{_NO_SUCH}==1"), ("size", "1")), "ignored")


def filter_case(scene: Scene) -> Finding:
    """A value in another case."""
    if scene.form is None:
        return unknown("no form has a key with capitals")
    heard = scene.ask.list("forms", ("filter", f"formKey=={scene.form.lower()}"), ("size", "1"))
    exact = {str(row.get("formKey")) for row in scene.pages.get("forms", ())}
    total = heard.paging("totalElements")
    if not heard.ok or not isinstance(total, int) or scene.form.lower() in exact:
        return unknown("the answer does not tell")
    return Finding("insensitive" if total else "sensitive", "a value in lower case was asked for")


def record_data_mixed_connector(scene: Scene) -> Finding:
    """Both connectors in one `recordDataFilter`."""
    if scene.variable is None:
        return unknown("no variable has a plain name")
    name = scene.variable
    expression = f"{name}=={_NO_SUCH};{name}=={_NO_SUCH},{name}=={_NO_SUCH}"
    return judged(scene.ask.list("records", ("recordDataFilter", expression), ("size", "1")))


def deleted_filterable(scene: Scene) -> Finding:
    """`deleted` in a filter, told from an attribute that is ignored by what it leaves out."""
    totals = []
    for word in ("true", "false"):
        heard = scene.ask.list("records", ("filter", f"deleted=={word}"), ("size", "1"))
        if heard.refused:
            return Finding("no", heard.manner)
        total = heard.paging("totalElements")
        if not heard.ok or not isinstance(total, int):
            return unknown("the answer does not tell")
        totals.append(total)
    everything = scene.ask.list("records", ("size", "1")).paging("totalElements")
    if totals[0] == totals[1] == everything:
        return Finding("no", "it is accepted and leaves nothing out") if everything else unknown("there is no record")
    if isinstance(everything, int) and sum(totals) == everything:
        return Finding("yes", "it leaves records out")
    return unknown("the counts do not add up")


def size_over_500(scene: Scene) -> Finding:
    """A page size of 501."""
    heard = scene.ask.list("variables", ("size", "501"))
    if heard.ok:
        size = heard.paging("size")
        if type(size) is not int:
            return unknown("the page states no size")
        return (
            Finding("clamped", "the page is smaller than asked for") if size != 501 else Finding("served", "501 rows")
        )
    return judged(heard)


def wrong_study_key(scene: Scene) -> Finding:
    """A study that there is not."""
    status = scene.ask.path(f"/api/v1/edc/studies/{_NO_SUCH}/sites", ("size", "1")).status
    return Finding(str(status), f"HTTP {status}") if status in (403, 404) else unknown(f"HTTP {status}")


def codings_page(scene: Scene) -> Finding:
    """Whether there is a list of codings."""
    heard = scene.ask.list("codings", ("size", "1"))
    if heard.ok:
        return Finding("present", "the list answers")
    return Finding("404", "HTTP 404") if heard.status == 404 else unknown(heard.manner)


def empty_total_pages(scene: Scene) -> Finding:
    """`totalPages` where no row is."""
    heard = scene.ask.list("sites", ("filter", "siteId==0"), ("size", "1"))
    pages, total = heard.paging("totalPages"), heard.paging("totalElements")
    if not heard.ok or total != 0 or not isinstance(pages, int):
        return unknown("no empty list could be asked for")
    return Finding(str(pages), "a filter that no row passes")


def gzip(scene: Scene) -> Finding:
    """Whether a large answer is compressed."""
    pages = [heard for heard in scene.ask.all if heard.ok and len(heard.rows) > 50]
    if not pages:
        return unknown("no answer was large enough")
    return Finding("offered" if any("gzip" in heard.packed for heard in pages) else "never", "pages of many rows")


def blinded_values(scene: Scene) -> Finding:
    """What these keys see of a blinded variable."""
    asked = scene.ask.list("variables", ("filter", "blinded==true"), ("size", "25"))
    blinded = [row for row in (*asked.rows, *scene.pages.get("variables", ())) if row.get("blinded") is True]
    if not blinded:
        return unknown("no variable that was seen is blinded")
    form, name = str(blinded[0].get("formKey")), str(blinded[0].get("variableName"))
    heard = scene.ask.list("records", ("filter", f"formKey=={form}"), ("size", "100"))
    data = [row.get("recordData") for row in heard.rows]
    answers = [{str(key).lower(): value for key, value in one.items()} for one in data if isinstance(one, dict)]
    if not any(answers):
        return unknown("no record of its form has answers")
    values = [one[name.lower()] for one in answers if name.lower() in one]
    if not values:
        return Finding("omitted", "answers lack the blinded variable; or nobody gave one")
    given = [value for value in values if value not in (None, "")]
    if not given:
        return unknown("its answers are empty")
    masked = all(isinstance(value, str) and set(value) <= {"*"} for value in given)
    return Finding("masked", "asterisks") if masked else Finding("shown", "values; these keys may be unblinded")


def error_body(scene: Scene) -> Finding:
    """The shape of error bodies, from all refusals that were heard before."""
    refusals = [heard for heard in scene.ask.all if heard.status is not None and 400 <= heard.status < 500]
    if not refusals:
        return unknown("nothing was refused")
    shapes = {_shape_of(heard.body) for heard in refusals}
    for shape in ("vendor", "third-party", "gateway", "html", "empty"):
        if shape in shapes:
            more = f", {len(shapes) - 1} more" if len(shapes) > 1 else ""
            return Finding(shape, f"bodies of refusals{more}")
    return unknown("error bodies are of a shape that is not known")


def _shape_of(body: Any) -> str:
    if isinstance(body, dict):
        metadata = body.get("metadata")
        error = metadata.get("error") if isinstance(metadata, dict) else None
        if isinstance(error, dict):
            return "vendor" if "code" in error else "third-party"
        return "gateway" if "message" in body else "other"
    text = body.strip() if isinstance(body, str) else body
    return "empty" if not text else "html" if isinstance(text, str) and text.startswith("<") else "other"


QUESTIONS: Final[Mapping[str, Callable[[Scene], Finding]]] = {
    "filterSpaces": lambda scene: _filtered(scene, "siteId == {site}"),
    "filterParentheses": lambda scene: _filtered(scene, "(siteId=={site})"),
    "filterRepeatAttribute": lambda scene: _filtered(scene, "siteId>=0;siteId<={site}"),
    "filterUnknownAttribute": filter_unknown_attribute,
    "filterCase": filter_case,
    "recordDataMixedConnector": record_data_mixed_connector,
    "deletedFilterable": deleted_filterable,
    "sizeOver500": size_over_500,
    "sortUnknown": lambda scene: judged(
        scene.ask.list("sites", ("sort", f"{_NO_SUCH},asc"), ("size", "1")), "ignored"
    ),
    "unknownParameter": lambda scene: judged(
        scene.ask.list("sites", (_NO_SUCH, "1"), ("size", "1")), "ignored"
    ),
    "usersFilter": lambda scene: judged(
        scene.ask.list("users", ("filter", f"login=={_NO_SUCH}"), ("size", "1")), "ignored"
    ),
    "missingContentType": lambda scene: judged(
        scene.ask.path("/api/v1/edc/studies", ("size", "1"), without=HEADER_CONTENT_TYPE)
    ),
    "missingAccept": lambda scene: judged(
        scene.ask.path("/api/v1/edc/studies", ("size", "1"), without=HEADER_ACCEPT)
    ),
    "wrongStudyKey": wrong_study_key,
    "codingsPage": codings_page,
    "emptyTotalPages": empty_total_pages,
    "gzip": gzip,
    "blindedValues": blinded_values,
    "errorBody": error_body,
}  # fmt: skip
"""Switch of the sandbox -> what settles it. The last one looks at what the others heard."""

UNASKED: Final = (
    "postStatus", "postBody", "jobStates", "jobSeconds", "readableSeconds", "jobOutcome",
    "registrationWithSubjectKey", "postToDisabledOrSystemForm",
)  # fmt: skip
"""Switches that only a write could settle."""
