"""One machine at a time in a bucket: ``lease.json`` says which, and for whom it is free.

It is written again while work goes on and given up at the end, each time on condition that it still
is what this machine wrote last: so nobody takes away what another holds, and a machine that was
taken over knows. From then on it changes nothing in the bucket (``Bucket.may_write``).

A lease that nobody wrote for two minutes is of a machine that died, and is taken over. That rests
on clocks that agree within that time; where they do not, the conditions on every index and manifest
still let only one through.

Belongs here: taking, keeping and giving up. Does not belong here: what is done meanwhile, and the
lock of this machine (``kept.alone``).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

from via_pipeline.storage.atomic import BusyError, as_json
from via_pipeline.storage.bucket import Bucket, BucketError, Overtaken

LEASE = "lease.json"
BEAT = "via-lease"
_BEAT_SECONDS = 20
_DEAD_SECONDS = 120
_LOOK_SECONDS = 1


class Lease:
    """The claim of ``owner`` on a bucket. Safe to use from several threads."""

    def __init__(self, bucket: Bucket, owner: str) -> None:
        # A connection of its own: what the other may not write any more, this one must look at.
        self._bucket = Bucket(bucket.name, bucket.prefix, bucket.spool)
        self._owner = owner
        self._tag: str | None = None
        self._unanswered: list[bytes] = []
        self._written = 0.0
        self._is_lost = False
        self._writing = threading.Lock()

    def take(self, wait_seconds: float) -> None:
        """Make it ours, if need be when who holds it has done.

        Raises:
            BusyError: another machine held it for longer than ``wait_seconds``.
            BucketError: the server does not answer, or does not know conditional writes.
        """
        end = time.monotonic() + wait_seconds
        while True:
            try:
                self._tag = self._taken()
                break
            except BusyError:
                left = end - time.monotonic()
                if left <= 0:
                    raise
                time.sleep(min(left, _LOOK_SECONDS))
        self._written = time.time()
        self._refuse_without_conditions()

    def renew(self) -> None:
        """Write it again.

        Raises:
            Overtaken: another machine took it over.
            BucketError: the server does not answer.
        """
        self._write(_content(self._owner))

    def check(self) -> None:
        """Whether something may be changed now: who slept looks first whether it was taken over.

        Raises:
            Overtaken, BucketError: see ``renew``.
        """
        if self._is_lost or abs(time.time() - self._written) > _DEAD_SECONDS / 2:
            self.renew()

    def give_up(self) -> None:
        """Leave it to whoever wants it next. Where no answer comes it ends by itself.

        Raises:
            Overtaken: another machine took it over; its claim stays.
        """
        try:
            self._write(_content(None))
        except Overtaken:
            raise
        except BucketError:
            return

    def _write(self, content: bytes) -> None:
        with self._writing:
            if self._is_lost:
                raise self._overtaken()
            try:
                self._tag = self._put(content)
            except Overtaken:
                self._is_lost = True
                raise self._overtaken() from None
            except OSError:
                # It may have been written all the same.
                self._unanswered.append(content)
                raise
            self._unanswered.clear()
            self._written = time.time()

    def _put(self, content: bytes) -> str:
        """Put on condition that what lies there is ours, written with or without an answer."""
        try:
            return self._bucket.put_if(LEASE, content, self._tag)
        except Overtaken:
            try:
                there, tag = self._bucket.get_with_tag(LEASE)
            except FileNotFoundError:
                raise self._overtaken() from None
            if there not in self._unanswered:
                raise
            return self._bucket.put_if(LEASE, content, tag)

    def _taken(self) -> str:
        with suppress(Overtaken):
            return self._bucket.put_if(LEASE, _content(self._owner), None)
        found = self._bucket.head(LEASE)
        if found is None:
            return self._taken()
        try:
            holder = json.loads(self._bucket.get(LEASE))
        except FileNotFoundError:
            return self._taken()
        busy = BusyError(
            f"another machine is at work in {self._bucket.url} (last seen {holder.get('seen')}); "
            f"wait for it to end. If it died, its claim ends by itself after {_DEAD_SECONDS} s"
        )
        # Who was killed and runs again on the same state folder need not wait for itself.
        is_ours = holder.get("owner") in (None, self._owner)
        is_dead = datetime.now(tz=UTC) - found.modified > timedelta(seconds=_DEAD_SECONDS)
        if not is_ours and not is_dead:
            raise busy
        try:
            return self._bucket.put_if(LEASE, _content(self._owner), found.etag)
        except Overtaken:
            # Somebody wrote in between: its holder lives, or another was first.
            raise busy from None

    def _refuse_without_conditions(self) -> None:
        try:
            self._bucket.put_if(LEASE, _content(self._owner), None)
        except Overtaken:
            return
        self._bucket.delete(LEASE)
        raise BucketError(
            f"the object storage of {self._bucket.url} does not keep to conditional writes "
            "(If-None-Match): two machines could write over each other. Use a server that does"
        )

    def _overtaken(self) -> Overtaken:
        return Overtaken(
            f"another machine took over {self._bucket.url} while this one did not answer; what it "
            "wrote stands. Run again"
        )


@contextmanager
def held(bucket: Bucket, owner: str, wait_seconds: float) -> Iterator[Lease]:
    """Hold the lease of ``bucket``; a thread writes it again meanwhile.

    Once it was taken over, nothing is changed through ``bucket`` until it is held again.

    Raises:
        BusyError, BucketError: see ``Lease.take``.
        Overtaken: another machine took over, and nothing else went wrong.
    """
    lease = Lease(bucket, owner)
    lease.take(wait_seconds)
    bucket.may_write = lease.check
    done = threading.Event()

    def beat() -> None:
        while not done.wait(_BEAT_SECONDS):
            try:
                lease.renew()
            except Overtaken:
                return
            except OSError:
                continue

    thread = threading.Thread(target=beat, name=BEAT, daemon=True)
    thread.start()
    try:
        yield lease
    except BaseException:
        _end(thread, done)
        with suppress(OSError):
            lease.give_up()
            bucket.may_write = None
        raise
    _end(thread, done)
    lease.give_up()
    bucket.may_write = None


def _end(thread: threading.Thread, done: threading.Event) -> None:
    done.set()
    thread.join()


def _content(owner: str | None) -> bytes:
    """What the lease says; None: it is nobody's. No two are the same."""
    now = datetime.now(tz=UTC)
    told = {"owner": owner, "seen": f"{now:%Y-%m-%dT%H:%M:%SZ}", "beat": time.monotonic_ns()}
    return as_json(told).encode("utf-8")
