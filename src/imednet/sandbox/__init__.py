"""A local server with the iMednet API over an invented study, to learn, demonstrate and test without keys.

    from imednet import ImednetSDK
    from imednet.sandbox import Sandbox

    with Sandbox(size="demo") as box, ImednetSDK(**box.credentials) as sdk:
        print(sdk.studies.list())

The package uses the standard library only and shares no code with the client, so that each can be tested against the
other. Everything in the study is invented: sites, people, products and results.

`server` answers requests, `study` computes the lists, `invent` decides what is in them.
"""

from .invent.sizes import Scale
from .server.api import Api
from .server.faults import Fault
from .server.messages import Answer, Request
from .server.server import Sandbox
from .server.switches import Dialect, Switches
from .study.study import Study, build

__all__ = ["Answer", "Api", "Dialect", "Fault", "Request", "Sandbox", "Scale", "Study", "Switches", "build"]
