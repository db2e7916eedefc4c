"""What the doctor found, as values."""

from __future__ import annotations

from typing import Literal

import msgspec

Area = Literal["machine", "app"]
State = Literal["good", "note", "new", "gone", "changed", "failed"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the report.

    `check` is what was looked at, `text` what was found. `by` is the request or control that served the need,
    and `shape` the shape of its answer. `advice` says what to do.

    States: "good" is as it should be; "note" works, by a fallback or with a limit; "new", "gone" and
    "changed" are differences between the app and what the agent knows; "failed" does not work.
    """

    area: Area
    check: str
    state: State = "good"
    text: str = ""
    by: str = ""
    shape: str = ""
    advice: str = ""


def make_app_finding(
    check: str, text: str, state: State = "good", *, by: str = "", shape: str = "", advice: str = ""
) -> Finding:
    """A finding about the app."""
    return Finding(area="app", check=check, state=state, text=text, by=by, shape=shape, advice=advice)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All findings, in the order of the checks. `sound` is false if any needs attention."""

    findings: list[Finding]

    @property
    def sound(self) -> bool:
        return all(each.state in ("good", "note") for each in self.findings)
