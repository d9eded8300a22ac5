"""The kinds of work, by their names."""

from __future__ import annotations

from collections.abc import Callable

from contract.connections import Connections
from contract.errors import BadConnection
from workers.analytics.publisher import Publisher
from workers.analytics.windows import Windows
from workers.analytics.work import Analytics
from workers.groups.archive import Archive
from workers.groups.notification import Notifications
from workers.groups.search import SearchIndex
from workers.groups.settings import Settings
from workers.groups.work import Work


def _analytics(settings: Settings, connections: Connections) -> Work:
    windows = Windows(
        size_us=round(settings.group_window_s * 1e6),
        lateness_us=round(settings.group_lateness_s * 1e6),
        remember_us=round(settings.group_remember_s * 1e6),
        idle_s=settings.group_idle_s,
    )
    publisher = Publisher(connections.redis_url, settings.group_name)
    return Analytics(windows, publisher, every_s=settings.group_refresh_ms / 1000)


def _notification(settings: Settings, _: Connections) -> Work:
    if not settings.group_notify_url:
        raise BadConnection("no receiver of notifications: set SEAWALL_GROUP_NOTIFY_URL")
    return Notifications(settings.group_notify_url)


def _search(settings: Settings, _: Connections) -> Work:
    return SearchIndex(settings.group_directory / f"{settings.group_name}.sqlite")


def _archive(settings: Settings, _: Connections) -> Work:
    return Archive(settings.group_directory / settings.group_name, every_s=settings.group_archive_every_s)


KINDS: dict[str, Callable[[Settings, Connections], Work]] = {
    "analytics": _analytics,
    "notification": _notification,
    "search": _search,
    "archive": _archive,
}
"""Makers of each kind; they open nothing that has to be closed but by the work's `close`."""
