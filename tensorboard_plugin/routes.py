"""The routes: HTTP around the replies. They only read, and answer GET and HEAD alone."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tensorboard import plugin_util
from tensorboard.backend import http_util
from werkzeug import wrappers

from keras_explain.store import STATS, Reader, StoreError, UnknownRecord

from . import guard, inputs, queries, replies, summary_replies
from .alerts import LIMITS, MAX_POINTS, Watches, alerts
from .channels import Kept, channels
from .exports import FORMATS
from .layers import OF_LAYERS, layers
from .maps import maps
from .outcomes import answers
from .pairs import FIGURES, Side, pairs
from .queries import BadRequest, NotFound
from .runs import Runs
from .static_files import static_file
from .summaries import HISTOGRAMS, MAX_STEP, PICTURES, Summaries, Unanswered

App = Callable[[dict[str, Any], Any], Iterable[bytes]]
Request = wrappers.Request
Response = wrappers.Response

MAX_SIDE = 10_000
"""Most pixels a side that a request may name."""

OF_TENSORBOARD = (PICTURES, HISTOGRAMS)

PROTECTION = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
"""Headers of every reply: opened on its own it can do nothing, and no other site can use it."""

_TEXT_RECEIVED = re.compile(r""" Received: ['"].*""", re.DOTALL)
_DAY = 86_400  # seconds
_WORTH_PACKING = 1_024
_SAMPLE = 64 * 1_024
_FAST = 1  # gzip: the browser is mostly on the same machine


def apps(runs: Runs, summaries: Summaries, kept_pictures: int, static: Path) -> dict[str, App]:
    """By path below `/data/plugin/keras_explain`, the WSGI application.

    Args:
        runs: The runs with records.
        summaries: What TensorBoard keeps of any run.
        kept_pictures: Pictures of a tag that it keeps; 0 is all.
        static: Folder of the built front end.
    """
    kept, watches = Kept(), Watches()

    def reader(request: Request, argument: str = "run") -> Reader:
        run = queries.text(request.args, argument)
        return runs.reader(run, *_origin(request))

    def serve_static(request: Request) -> Response:
        name = request.path.rpartition("/static/")[2]
        content, content_type, etag = static_file(static, name)
        headers = [("ETag", f'"{etag}"')]
        if request.if_none_match.contains_weak(etag):
            unchanged = [*headers, ("Cache-Control", "no-cache"), *PROTECTION]
            return Response(status=304, headers=unchanged)
        return _respond(request, content, content_type, headers=headers)

    def serve_runs(request: Request) -> Response:
        found = runs.readers(*_origin(request))
        named = {run: (runs.name(run), of) for run, of in found.items()}
        reply = replies.runs(named, runs.logdir)
        try:
            others = summaries.runs(*_origin(request))
        except Unanswered as error:
            # The runs with records are there all the same.
            return _json(request, {**reply, "problem": str(error)})
        reply["runs"] += [
            summary_replies.entry(run, runs.name(run), last)
            for run, last in sorted(others.items())
            if run not in found
        ]
        hidden = sorted(runs.name(run) for run in runs.linked.difference(others))
        if hidden:
            reply["problem"] = summary_replies.linked(hidden)
        return _json(request, reply)

    def serve_manifest(request: Request) -> Response:
        run = queries.text(request.args, "run")
        try:
            found = reader(request)
        except NotFound:
            if run not in summaries.runs(*_origin(request)):
                raise
            return _json(request, without_records(request, run))
        more = queries.number(request.args, "more", 0, 1) == 1
        return _json(request, replies.manifest(found, run, runs.name(run), more))

    def without_records(request: Request, run: str) -> dict[str, Any]:
        of = {kind: summaries.series(kind, run, *_origin(request)) for kind in OF_TENSORBOARD}
        ours = runs.announced(run)
        why = summary_replies.missing(
            ours, runs.is_local, kept_pictures, of[PICTURES], run in runs.linked
        )
        return summary_replies.manifest(run, runs.name(run), of, ours, why)

    def serve_picture(request: Request) -> Response:
        run, tag = queries.text(request.args, "run"), queries.text(request.args, "tag")
        step = queries.number(request.args, "step", -MAX_STEP, MAX_STEP)
        sample = queries.number(request.args, "sample", 0, MAX_SIDE)
        if step is None:
            raise BadRequest("`step` must be given.")
        content = summaries.picture(run, tag, step, sample or 0, *_origin(request))
        content_type = summary_replies.picture_type(content)
        # The page's address of a picture changes with the run; without that it may be another's.
        expires = _DAY if "stamp" in request.args else 0
        return _respond(request, content, content_type, expires=expires)

    def serve_histograms(request: Request) -> Response:
        run, tag = queries.text(request.args, "run"), queries.text(request.args, "tag")
        found = summaries.histograms(run, tag, *_origin(request))
        return _binary(request, summary_replies.histograms(found))

    def serve_columns(request: Request) -> Response:
        key = queries.text(request.args, "key")
        stats = queries.names(request.args, "stats", STATS)
        steps = queries.numbers(request.args, "steps")
        return _binary(request, replies.columns(reader(request), key, stats, steps))

    def serve_targets(request: Request) -> Response:
        steps = queries.numbers(request.args, "steps")
        return _binary(request, replies.targets(reader(request), steps))

    def serve_answers(request: Request) -> Response:
        steps, rows = (queries.numbers(request.args, name) for name in ("steps", "rows"))
        if steps is None:
            raise BadRequest("`steps` must be given.")
        return _binary(request, answers(reader(request), steps, rows))

    def serve_maps(request: Request) -> Response:
        key = queries.text(request.args, "key")
        steps, rows, channels = (
            queries.numbers(request.args, name) for name in ("steps", "rows", "channels")
        )
        if steps is None:
            raise BadRequest("`steps` must be given.")
        return _binary(request, maps(reader(request), key, steps, rows, channels))

    def serve_channels(request: Request) -> Response:
        key = queries.text(request.args, "key")
        steps = queries.numbers(request.args, "steps")
        since = queries.number(request.args, "since", -1, 10**10)
        if steps is None:
            raise BadRequest("`steps` must be given.")
        return _binary(request, channels(reader(request), kept, key, steps, since))

    def serve_layers(request: Request) -> Response:
        method = queries.text(request.args, "of")
        step = queries.number(request.args, "step", -1, 10**10)
        if step is None:
            raise BadRequest("`step` must be given.")
        names = queries.names(request.args, "figures", OF_LAYERS)
        at = queries.numbers(request.args, "at")
        return _binary(request, layers(reader(request), kept, method, step, names, at))

    def serve_alerts(request: Request) -> Response:
        limits = queries.decimals(request.args, LIMITS)
        points = queries.number(request.args, "points", 0, MAX_POINTS) or 0
        return _json(request, alerts(reader(request), watches, limits, points))

    def serve_inputs(request: Request) -> Response:
        name, rows = queries.text(request.args, "input"), queries.numbers(request.args, "rows")
        size = queries.number(request.args, "size", 1, MAX_SIDE)
        return _binary(request, inputs.pictures(reader(request), name, rows, size))

    def serve_values(request: Request) -> Response:
        name, rows = queries.text(request.args, "input"), queries.numbers(request.args, "rows")
        return _binary(request, inputs.values(reader(request), name, rows))

    def serve_pair(request: Request) -> Response:
        asked = request.args
        key, steps = queries.text(asked, "key"), queries.numbers(asked, "steps")
        if steps is None:
            raise BadRequest("`steps` must be given.")
        # What is not said of B is as it is of A.
        keyb = queries.text(asked, "keyb") if "keyb" in asked else key
        stepsb = queries.numbers(asked, "stepsb")
        if stepsb is not None and len(stepsb) != len(steps):
            sizes = f"{len(steps)} and {len(stepsb)}"
            raise BadRequest(f"`steps` and `stepsb` must be of one length. Received: {sizes}")
        stepsb = steps if stepsb is None else stepsb
        a = Side.of(reader(request), key, steps)
        b = Side.of(reader(request, "runb" if "runb" in asked else "run"), keyb, stepsb)
        both = list(zip(steps, stepsb, strict=True))
        figures = queries.names(asked, "figures", list(FIGURES))
        rows = queries.numbers(asked, "rows")
        return _binary(request, pairs(a, b, both, rows, figures))

    def serve_export(request: Request) -> Response:
        key = queries.text(request.args, "key")
        kind = queries.names(request.args, "format", tuple(FORMATS))[0]
        steps, rows = (queries.numbers(request.args, name) for name in ("steps", "rows"))
        some = {"rows": rows} | ({"steps": steps} if kind == "npz" else {})
        file = FORMATS[kind](reader(request), key, **some)
        attached = [("Content-Disposition", f'attachment; filename="{file.name}"')]
        return _respond(request, file.content, file.content_type, headers=attached)

    return {
        "/static/*": _reading(serve_static),
        "/runs": _reading(serve_runs),
        "/manifest": _reading(serve_manifest),
        "/columns": _reading(serve_columns),
        "/targets": _reading(serve_targets),
        "/answers": _reading(serve_answers),
        "/maps": _reading(serve_maps),
        "/channels": _reading(serve_channels),
        "/layers": _reading(serve_layers),
        "/alerts": _reading(serve_alerts),
        "/inputs": _reading(serve_inputs),
        "/values": _reading(serve_values),
        "/pair": _reading(serve_pair),
        "/export": _reading(serve_export),
        "/picture": _reading(serve_picture),
        "/histograms": _reading(serve_histograms),
    }


def _origin(request: Request) -> tuple[Any, str]:
    return plugin_util.context(request.environ), plugin_util.experiment_id(request.environ)


def _reading(serve: Callable[[Request], Response]) -> App:
    """The application of a route: other methods are refused, and known errors told in words."""

    def answer(request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            allowed = [("Allow", "GET, HEAD")]
            return _refusal(request, 405, "Only GET and HEAD are answered.", allowed)
        objection = guard.objection(request)
        if objection is not None:
            return _refusal(request, 403, objection)
        try:
            return serve(request)
        except (NotFound, UnknownRecord) as error:
            return _refusal(request, 404, str(error))
        except BadRequest as error:
            return _refusal(request, 400, str(error))
        except StoreError as error:
            return _refusal(request, 404, str(error))
        except Unanswered as error:
            return _refusal(request, 503, str(error))
        except OSError as error:
            return _refusal(request, 404, f"This cannot be read: {error.strerror}")

    app: App = Request.application(answer)
    return app


def _refusal(
    request: Request, code: int, sentence: str, headers: list[tuple[str, str]] | None = None
) -> Response:
    # Text is not said back: who asked knows it, and it may be another's who made the link.
    text = _TEXT_RECEIVED.sub("", sentence).encode("utf-8", "backslashreplace")
    return _respond(request, text, "text/plain", code=code, headers=headers)


def _respond(request: Request, content: Any, content_type: str, **options: Any) -> Response:
    # It sets lengths and caching, and leaves the body out for HEAD.
    response: Response = http_util.Respond(request, content, content_type, **options)
    response.headers.update(PROTECTION)
    return response


def _json(request: Request, content: Any) -> Response:
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return _respond(request, text, "application/json")


def _shrinks(content: bytes) -> bool:
    """Whether packing pays: noisy maps cost much time and hardly get smaller."""
    sample = content[:_SAMPLE]
    return len(content) > _WORTH_PACKING and len(zlib.compress(sample, _FAST)) < 0.75 * len(sample)


def _binary(request: Request, content: bytes) -> Response:
    encoding = None
    if request.accept_encodings["gzip"] > 0 and _shrinks(content):
        content, encoding = gzip.compress(content, _FAST, mtime=0), "gzip"
    return _respond(request, content, "application/octet-stream", content_encoding=encoding)
