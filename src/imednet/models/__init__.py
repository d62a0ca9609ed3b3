"""The typed objects of the API: the generated models under the names users know."""

from imednet_api.models import *  # noqa: F403
from imednet_api.models import __all__ as __all__
