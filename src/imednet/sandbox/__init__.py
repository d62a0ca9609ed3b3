"""A local server that speaks the iMednet API over an invented study: learn, demonstrate and test without keys.

    from imednet import ImednetSDK
    from imednet.sandbox import Sandbox

    with Sandbox(size="demo") as box, ImednetSDK(**box.credentials) as sdk:
        print(sdk.studies.list())

It uses the standard library only and shares no code with the client, so that the two prove each other. Everything in
it is invented: study, sites, people, products and results.
"""

from .invent.sizes import Scale
from .server.api import Api
from .server.faults import Fault
from .server.messages import Answer, Request
from .server.server import Sandbox
from .server.switches import Switches
from .study.study import Study, build

__all__ = ["Answer", "Api", "Fault", "Request", "Sandbox", "Scale", "Study", "Switches", "build"]
