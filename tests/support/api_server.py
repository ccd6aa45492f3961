"""A part of an API server on loopback, which fails when told to.

It lists and watches nodes (or other objects), shows pods, and takes events:

with ApiServer(node("a")) as server:
    server.change("ADDED", node("b"))  # whoever watches is told
    server.hang_up()                   # each watch ends in the middle
    server.forget()                    # each watch from now on is too late: 410 Gone, as after a compaction
"""

import threading
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from support.loopback import Loopback

GONE = {
    "kind": "Status",
    "code": 410,
    "reason": "Expired",
    "message": "too old resource version: 1 (2)",
}


class ApiServer(Loopback):
    """A context manager.

    Attributes:
        pods: By namespace and name.
        objects: Further objects of namespaces, by ``NAMESPACE/RESOURCE/NAME``.
        shown: Which of those were asked for, in order.
        events_written: By name.
        event_requests: How many times one was to be made or changed.
        lists: How many times the nodes were listed.
        watches: The resourceVersions that watches began at.
        chosen: The fieldSelectors of lists and watches.
        refusing: A status that everything is answered with, if any.
    """

    def __init__(self, *nodes: dict[str, Any], pods: list[dict[str, Any]] | None = None) -> None:
        self.pods = {
            f"{item['metadata']['namespace']}/{item['metadata']['name']}": item
            for item in pods or []
        }
        self.objects: dict[str, dict[str, Any]] = {}
        self.shown: list[str] = []
        self.events_written: dict[str, dict[str, Any]] = {}
        self.event_requests = 0
        self.lists = 0
        self.watches: list[str] = []
        self.chosen: set[str] = set()
        self.refusing = 0
        self._nodes = {_key(item): item for item in nodes}
        self._events: list[dict[str, Any]] = []
        self._forgotten = 0
        self._changed = threading.Condition()
        self._epoch = 0
        api = self

        class Handler(_Handler):
            server_state = api

        super().__init__(Handler)

    def stop(self) -> None:
        """Hang up, and serve no longer."""
        self.hang_up()
        super().stop()

    def change(self, kind: str, obj: dict[str, Any], *, tell: bool = True) -> None:
        """Add, modify or delete a node (or send a BOOKMARK); with ``tell`` off, those who watch are not told."""
        with self._changed:
            if kind == "DELETED":
                del self._nodes[_key(obj)]
            elif kind != "BOOKMARK":
                self._nodes[_key(obj)] = obj
            version = str(len(self._events) + 1)
            event = {
                "type": kind,
                "object": obj | {"metadata": obj["metadata"] | {"resourceVersion": version}},
            }
            self._events.append(event if tell else {})
            self._changed.notify_all()

    def say(self, event: dict[str, Any]) -> None:
        """Send an event as it is."""
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    def hang_up(self) -> None:
        """End every watch in the middle of its stream."""
        with self._changed:
            self._epoch += 1
            self._changed.notify_all()

    def forget(self) -> None:
        """Forget what happened until now."""
        with self._changed:
            self._forgotten = len(self._events)

    def changing(self) -> threading.Condition:
        """Held while what the server knows is changed."""
        return self._changed

    def list(self) -> dict[str, Any]:
        """A NodeList."""
        with self._changed:
            self.lists += 1
            metadata = {"resourceVersion": str(len(self._events))}
            return {"kind": "NodeList", "metadata": metadata, "items": list(self._nodes.values())}

    def too_late(self, version: str) -> bool:
        """Note a watch; whether it begins before what is still known."""
        with self._changed:
            self.watches.append(version)
            return int(version) < self._forgotten

    def events(self, version: str) -> Any:
        """What happens after a version; None once when it is time to hang up."""
        at = int(version)
        with self._changed:
            epoch = self._epoch
        while True:
            with self._changed:
                self._changed.wait_for(partial(self._moved, epoch, at))
                if self._epoch != epoch:
                    return
                event, at = self._events[at], at + 1
            if event:
                yield event

    def _moved(self, epoch: int, at: int) -> bool:
        return self._epoch != epoch or len(self._events) > at


def _key(obj: dict[str, Any]) -> tuple[str, str]:
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata.get("name", "")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_state: ApiServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        state = self.server_state
        state.chosen.update(query.get("fieldSelector", ()))
        if state.refusing:
            self._send(state.refusing, {"message": "not now"})
        elif url.path.startswith("/api/v1/namespaces/"):
            path = url.path.removeprefix("/api/v1/namespaces/")
            state.shown.append(path)
            found = state.objects.get(path) or state.pods.get(path.replace("/pods/", "/"))
            self._send(200 if found else 404, found or {"message": "not found"})
        elif "watch" not in query:
            self._send(200, state.list())
        elif state.too_late(query["resourceVersion"][0]):
            self._send(410, GONE)
        else:
            self._stream(query["resourceVersion"][0])

    def do_POST(self) -> None:
        event = self._body()
        with self.server_state.changing():
            self.server_state.event_requests += 1
            known = event["metadata"]["name"] in self.server_state.events_written
            if not known:
                self.server_state.events_written[event["metadata"]["name"]] = event
        self._send(409 if known else 201, event)

    def do_PATCH(self) -> None:
        change = self._body()
        with self.server_state.changing():
            self.server_state.event_requests += 1
            self.server_state.events_written[self.path.rpartition("/")[2]].update(change)
        self._send(200, change)

    def _body(self) -> Any:
        return orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _send(self, status: int, obj: object) -> None:
        body = orjson.dumps(obj)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, version: str) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for event in self.server_state.events(version):
                line = orjson.dumps(event) + b"\n"
                self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))
        except OSError:
            pass  # whoever watched has gone
