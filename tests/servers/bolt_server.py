"""A Bolt server in this process until SIGTERM: `bolt_server.py FOLDER BOLT_PORT HTTP_PORT`."""

from __future__ import annotations

import signal
import sys
import threading

import arcadedb_embedded


def main() -> None:
    folder, bolt, web = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    config = {
        "host": "127.0.0.1",
        "http_port": web,
        "mode": "development",
        "server_plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
        "bolt_port": bolt,
    }
    server = arcadedb_embedded.create_server(root_path=folder, root_password="playwithdata", config=config)
    server.start()
    server.create_database("neo4j")
    print("database is there", flush=True)
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    while not done.wait(0.5):
        pass
    server.stop()


if __name__ == "__main__":
    main()
