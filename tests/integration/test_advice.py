"""What an error advises fits what was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from imednet.errors import AuthorizationError, NotFoundError
from imednet.sandbox import Sandbox
from support import STUDY, Ways

ITEM = {"formKey": "AE", "subjectKey": "301-001", "data": {"AETERM": "PLANTED"}}


@pytest.mark.parametrize(
    ("call", "switches", "kind", "advice"),
    [
        (("jobs.get", STUDY, "no-such-batch"), {}, NotFoundError, "the batch_id, not the job_id"),
        (("records.create", STUDY, [ITEM]), {}, AuthorizationError, f"may not write to study '{STUDY}'"),
        (("records.list", "ABC-01"), {}, AuthorizationError, "may not read study 'ABC-01'"),
        (("codings.list", STUDY), {"codingsPage": "404"}, NotFoundError, "no such list for study"),
    ],
)
def test_the_next_step_is_one_that_helps(
    own_box: Callable[..., Sandbox],
    door: Ways,
    call: tuple[Any, ...],
    switches: dict[str, str],
    kind: type,
    advice: str,
) -> None:
    with pytest.raises(kind, match=advice) as caught:
        door(own_box(switches=switches)).call(*call)
    assert "PLANTED" not in str(caught.value)
