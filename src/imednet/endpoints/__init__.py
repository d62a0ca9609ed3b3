# Written by scripts/resource_code.py. Do not edit: run `nox -s generate`.
"""One small class a resource; `lists` holds what they share."""

from .codings import AsyncCodingsEndpoint, CodingsEndpoint
from .forms import AsyncFormsEndpoint, FormsEndpoint
from .intervals import AsyncIntervalsEndpoint, IntervalsEndpoint
from .jobs import AsyncJobsEndpoint, JobsEndpoint
from .lists.async_base import AsyncGenericListGetEndpoint
from .lists.base import GenericListGetEndpoint
from .lists.shared import GenericEndpoint
from .queries import AsyncQueriesEndpoint, QueriesEndpoint
from .record_revisions import AsyncRecordRevisionsEndpoint, RecordRevisionsEndpoint
from .records import AsyncRecordsEndpoint, RecordsEndpoint
from .rows import RowPage, Rows
from .sites import AsyncSitesEndpoint, SitesEndpoint
from .studies import AsyncStudiesEndpoint, StudiesEndpoint
from .subjects import AsyncSubjectsEndpoint, SubjectsEndpoint
from .users import AsyncUsersEndpoint, UsersEndpoint
from .variables import AsyncVariablesEndpoint, VariablesEndpoint
from .visits import AsyncVisitsEndpoint, VisitsEndpoint

__all__ = [
    "AsyncCodingsEndpoint",
    "AsyncFormsEndpoint",
    "AsyncGenericListGetEndpoint",
    "AsyncIntervalsEndpoint",
    "AsyncJobsEndpoint",
    "AsyncQueriesEndpoint",
    "AsyncRecordRevisionsEndpoint",
    "AsyncRecordsEndpoint",
    "AsyncSitesEndpoint",
    "AsyncStudiesEndpoint",
    "AsyncSubjectsEndpoint",
    "AsyncUsersEndpoint",
    "AsyncVariablesEndpoint",
    "AsyncVisitsEndpoint",
    "CodingsEndpoint",
    "FormsEndpoint",
    "GenericEndpoint",
    "GenericListGetEndpoint",
    "IntervalsEndpoint",
    "JobsEndpoint",
    "QueriesEndpoint",
    "RecordRevisionsEndpoint",
    "RecordsEndpoint",
    "RowPage",
    "Rows",
    "SitesEndpoint",
    "StudiesEndpoint",
    "SubjectsEndpoint",
    "UsersEndpoint",
    "VariablesEndpoint",
    "VisitsEndpoint",
]
