"""A local server that speaks the iMednet API over an invented study: learn, demonstrate and test without keys.

    from imednet import ImednetSDK
    from imednet.sandbox import Sandbox

    with Sandbox(size="demo") as box, ImednetSDK(**box.credentials) as sdk:
        print(sdk.studies.list())

It uses the standard library only and shares no code with the client, so that the two prove each other. Everything in
it is invented: study, sites, people, products and results.
"""

from .api import Api
from .faults import Fault
from .messages import Answer, Request
from .server import Sandbox
from .sizes import Scale
from .study import Study, build
from .switches import Switches

__all__ = ["Answer", "Api", "Fault", "Request", "Sandbox", "Scale", "Study", "Switches", "build"]
