"""Two sessions and the network between them, as one machine: what can happen next in each state, up to stated bounds.

The two sides are our own code: `SessionCore` of the server, `Session` of the JavaScript client. Each becomes a machine
of numbered states, built as it is explored, so that the product of both and of what is under way between them can be
searched to its end. What a state must not show, and that each one can still come to its end, is checked in all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from client_machine import ClientMachine, ClientStep, Output
from server_machine import ServerMachine, bye_frame


class Bounds(NamedTuple):
    """How much happens at most, and how finely time is cut."""

    events: int = 0
    """That the client emits."""
    cuts: int = 0
    """Connections that break. What was under way arrives as far as it may; each side notices when it does, or the
    other's next connection comes first."""
    silences: int = 0
    """Connections that the client gives up without their being cut; what it sent is still under way."""
    any_order: bool = False
    """Whether commands are answered in any order, or in theirs."""
    slow_client: bool = False
    """Whether something may happen between a break, the next attempt and the open connection."""


class Link(NamedTuple):
    """One connection. A frame is its text, or its bytes as hex after a "b"; a side that has left takes no more."""

    to_server: tuple[str, ...]
    to_client: tuple[str, ...]
    is_cut: bool
    has_client: bool
    """Whether it is the client's newest: the client hears nothing from any other (RESUME-9)."""
    has_server: bool
    """Whether the server still takes what comes."""
    is_greeted: bool
    """Whether its hello has been taken."""


class State(NamedTuple):
    """All that there is at one moment."""

    server: int
    client: int
    running: tuple[int, ...]
    """Commands that the client has not answered."""
    started: int
    emitted: int
    saved: tuple[tuple[int, str], ...]
    ended: str
    """The code of the bye that the client's session has ended with."""
    links: tuple[Link, ...]
    attached: int
    """Which of them is the session's, -1 if none is."""
    cuts: int
    silences: int


class Move(NamedTuple):
    """One thing that can happen next."""

    what: str
    detail: object
    state: State
    wrong: str
    """What is wrong with that, empty if nothing is."""
    is_fault: bool = False

    def __str__(self) -> str:
        return f"{self.what} {self.detail}"[:120]


_OPENED: Final = "opened"
_CLOSE_SILENT: Final = 4000
_NOTHING_YET: Final = State(0, 0, (), 0, 0, (), "", (), -1, 0, 0)


class Product:
    """Server, client and network together."""

    def __init__(self, server: ServerMachine, client: ClientMachine, bounds: Bounds) -> None:
        self._server = server
        self._client = client
        self._bounds = bounds

    def start(self) -> State:
        """Return the state in which the client has begun to connect."""
        return self._client_does("starts", _NOTHING_YET, self._sure(self._client.step(0, "start")), -1).state

    def is_complete(self, state: State) -> bool:
        """Whether everything has been sent, delivered, answered and acknowledged."""
        if not self._server.is_settled(state.server) or any(link.to_client for link in state.links if link.has_client):
            return False
        if state.ended:
            # What the client emits at the end of the session may be too late.
            return True
        has_all_events = self._server.program(state.server).events == self._bounds.events
        return has_all_events and state.emitted == self._bounds.events and not state.running

    def moves(self, state: State) -> Iterator[Move]:
        """Give all that can happen next: what needs no fault first."""
        yield from self._network(state)
        newest = _newest(state)
        if not state.ended:
            yield from self._client_moves(state, newest)
        for name in ("run", "acknowledge"):
            if self._server.step(state.server, name) is not None:
                yield self._server_does("server:", name, state, name, "")
        yield from self._faults(state, newest)

    # -- the network delivers, or not --------------------------------------------------------------

    def _network(self, state: State) -> Iterator[Move]:
        for index, link in enumerate(state.links):
            if link.has_client and link.to_client:
                yield self._deliver_to_client(state, index, link)
            if link.has_server and link.to_server:
                yield self._deliver_to_server(state, index, link)
            if link.is_cut and link.has_client:
                step = self._sure(self._client.step(state.client, "closed", 1006))
                yield self._client_does("client sees a break", _leave(state, index), step, -1)
            if link.is_cut and link.has_server:
                yield self._server_loses(state, index, link)

    def _deliver_to_client(self, state: State, index: int, link: Link) -> Move:
        frame = link.to_client[0]
        state = _with_link(state, index, link._replace(to_client=link.to_client[1:]))
        if frame == _OPENED:
            step = self._client.step(state.client, _OPENED)
        elif frame[0] == "b":
            step = self._client.step(state.client, "binary", frame[1:])
        else:
            step = self._client.step(state.client, "text", frame)
        return self._client_does(f"client gets, on link {index}:", state, self._sure(step), index, frame)

    def _deliver_to_server(self, state: State, index: int, link: Link) -> Move:
        frame = link.to_server[0]
        state = _with_link(state, index, link._replace(to_server=link.to_server[1:], is_greeted=True))
        what = f"server gets, on link {index}:"
        return self._server_does(what, frame, state, "text" if link.is_greeted else "hello", frame, index)

    def _server_loses(self, state: State, index: int, link: Link) -> Move:
        state = _with_link(state, index, link._replace(has_server=False, to_server=()))
        what = f"server sees link {index} break"
        if state.attached != index:
            return Move(what, "", _tidy(state), "")
        return self._server_does(what, "", state._replace(attached=-1), "detach", "")

    def _faults(self, state: State, newest: int) -> Iterator[Move]:
        if newest < 0:
            return
        link = state.links[newest]
        if state.cuts < self._bounds.cuts and not link.is_cut:
            cut = _with_link(state._replace(cuts=state.cuts + 1), newest, link._replace(is_cut=True))
            yield Move(f"link {newest} is cut", "", cut, "", is_fault=True)
        if state.silences < self._bounds.silences:
            step = self._client.step(state.client, "silence")
            if step is not None:
                silenced = state._replace(silences=state.silences + 1)
                yield self._client_does("client gives up link", silenced, step, newest)._replace(is_fault=True)

    # -- the client ----------------------------------------------------------------------------------

    def _client_moves(self, state: State, newest: int) -> Iterator[Move]:
        answerable = state.running if self._bounds.any_order else state.running[:1]
        for id_ in answerable:
            step = self._sure(self._client.step(state.client, "answer", id_))
            yield self._client_does("client answers", state, step, newest, id_)
        if state.emitted < self._bounds.events:
            step = self._sure(self._client.step(state.client, "emit"))
            yield self._client_does("client emits", state._replace(emitted=state.emitted + 1), step, newest)
        for name in ("ack", "retry"):
            timed = self._client.step(state.client, name)
            if timed is not None:
                yield self._client_does("client's timer:", state, timed, newest, name)

    def _client_does(self, what: str, state: State, step: ClientStep, link: int, detail: object = "") -> Move:
        state = state._replace(client=step.state, running=step.running)
        wrong = ""
        for output in step.outputs:
            state, link, complaint = self._obey(state, output, link)
            wrong = wrong or complaint
        if not self._bounds.slow_client:
            state = self._hurry(state)
        return Move(what, detail, _tidy(state), wrong)

    def _hurry(self, state: State) -> State:
        """Connect at once: what else could happen meanwhile can happen as well before or after."""
        while (step := self._client.step(state.client, "retry")) is not None:
            state = self._connect(state._replace(client=step.state))
        newest = _newest(state)
        if newest >= 0 and state.links[newest].to_client[:1] == (_OPENED,):
            link = state.links[newest]
            step = self._sure(self._client.step(state.client, _OPENED))
            state = _with_link(state._replace(client=step.state), newest, link._replace(to_client=()))
            for output in step.outputs:
                state = _send_to_server(state, newest, output[1])
        return state

    def _obey(self, state: State, output: Output, index: int) -> tuple[State, int, str]:
        wrong = ""
        match output:
            case ("send", str(frame)):
                state = _send_to_server(state, index, frame)
            case ("connect",):
                state, index = self._connect(state), len(state.links)
            case ("close", int(code)):
                state = _leave(state, index)
                wrong = "" if code == _CLOSE_SILENT else f"the client closes with {code}"
            case ("abandon",):
                state = _leave(state, index)
            case ("ended", str(code)):
                state = _leave(state._replace(ended=code), index)
                wrong = "" if code == "session_ended" else f"the client's session ends: {code}"
            case ("started", int(id_)):
                wrong = "" if id_ > state.started else f"command {id_} starts after {state.started}"
                state = state._replace(started=id_)
            case ("saved", int(id_), str(content)):
                wrong = self._wrong_file(state, id_, content)
                state = state._replace(saved=(*state.saved, (id_, content)))
            case _:
                raise ValueError(f"an output that is unknown here: {output}")
        return state, index, wrong

    @staticmethod
    def _connect(state: State) -> State:
        for index, link in enumerate(state.links):
            if link.has_client:
                state = _leave(state, index)
        opening = Link((), (_OPENED,), is_cut=False, has_client=True, has_server=True, is_greeted=False)
        return state._replace(links=(*state.links, opening))

    def _wrong_file(self, state: State, id_: int, content: str) -> str:
        if any(saved == id_ for saved, _ in state.saved):
            return f"file {id_} is saved twice"
        fed = self._server.program(state.server).fed.get(id_)
        return "" if content == fed else f"file {id_} holds {content}, where {fed} was sent"

    # -- the server ----------------------------------------------------------------------------------

    def _server_does(self, what: str, detail: object, state: State, event: str, argument: str, link: int = -1) -> Move:
        step = self._server.step(state.server, event, argument)
        if step is None:
            raise RuntimeError(f"the server's machine can't do {event} {argument}")
        state, wrong = state._replace(server=step.state), ""
        for kind, text in step.outputs:
            match kind:
                case "wrong":
                    wrong = wrong or text
                case "attached":
                    state = _take_over(state, link)
                case "refused":
                    state = _dismiss(state, link, text)
                case "bye":
                    state = _dismiss(state, state.attached, text)._replace(attached=-1)
                case "text":
                    state = _send_to_client(state, text)
                case "binary":
                    state = _send_to_client(state, f"b{text}")
        return Move(what, detail, _tidy(state), wrong)

    @staticmethod
    def _sure(step: ClientStep | None) -> ClientStep:
        if step is None:
            raise RuntimeError("the client's machine can't do what happens to it")
        return step


# -- links -------------------------------------------------------------------------------------------


def _newest(state: State) -> int:
    """Return the index of the client's link, -1 if it has none."""
    last = len(state.links) - 1
    return last if last >= 0 and state.links[last].has_client else -1


def _with_link(state: State, index: int, link: Link) -> State:
    return state._replace(links=(*state.links[:index], link, *state.links[index + 1 :]))


def _send_to_server(state: State, index: int, frame: str) -> State:
    if index < 0:
        return state
    link = state.links[index]
    if link.is_cut or not link.has_server:
        return state
    return _with_link(state, index, link._replace(to_server=(*link.to_server, frame)))


def _send_to_client(state: State, frame: str) -> State:
    link = state.links[state.attached]
    if link.is_cut or not link.has_client:
        return state
    return _with_link(state, state.attached, link._replace(to_client=(*link.to_client, frame)))


def _take_over(state: State, index: int) -> State:
    """RESUME-8: the older connection is detached in the same step."""
    if state.attached >= 0:
        state = _dismiss(state, state.attached, "replaced")
    return state._replace(attached=index)


def _dismiss(state: State, index: int, code: str) -> State:
    """The server says bye on a link, and takes no more from it."""
    if index < 0:
        return state
    link = state.links[index]
    to_client = (*link.to_client, bye_frame(code)) if link.has_client and not link.is_cut else link.to_client
    return _with_link(state, index, link._replace(to_client=to_client, to_server=(), has_server=False))


def _leave(state: State, index: int) -> State:
    """The client hears no more of a link; what it has sent is still under way, and arrives as far as it may."""
    if index < 0:
        return state
    return _with_link(state, index, state.links[index]._replace(has_client=False, to_client=(), is_cut=True))


def _tidy(state: State) -> State:
    """Forget the links of which neither side can learn anything more."""
    links = state.links
    kept = [
        index
        for index, link in enumerate(links)
        if link.has_client or (link.has_server and (link.to_server or index == state.attached))
    ]
    if len(kept) == len(links):
        return state
    attached = kept.index(state.attached) if state.attached in kept else -1
    return state._replace(links=tuple(links[index] for index in kept), attached=attached)
