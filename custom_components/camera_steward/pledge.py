"""What people pledge before they may watch: the pledge, and the rules of the site.

They are made from the site's settings and its policy pack. Their version is a digest of all of them
in both languages: when one of them reads otherwise, everybody accepts anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry

from .const import (
    CONF_AUDIO,
    CONF_CONTACT,
    CONF_DIRECTION,
    CONF_FIELD_OF_VIEW,
    CONF_INSTALLER,
    CONF_LIVE_MINUTES,
    CONF_MANAGER_NAME,
    CONF_MODE,
    CONF_PLACE,
    CONF_PURPOSE,
    CONF_RETENTION_APPROVER,
    CONF_RETENTION_HOURS,
    CONF_RETENTION_REASON,
    CONF_RETENTION_REVIEW_AT,
    DEFAULT_LIVE_MINUTES,
    SUBENTRY_CAMERA,
)
from .core.documents.lettering import plain
from .core.documents.rendering import LANGUAGES as WRITTEN, render
from .core.documents.rules import Limit, Rules, RulesCamera, RulesSite, capital, rules_of
from .core.model import RecordingMode
from .core.policy.pack import Pack

LANGUAGES: Final = tuple(sorted(WRITTEN))


@dataclass(frozen=True, slots=True, kw_only=True)
class PledgeTexts:
    """Pledge and rules by language, and the version of both; `made` are the rules by article."""

    pledge: Mapping[str, str]
    rules: Mapping[str, str]
    made: Rules
    version: str


def rules_site(entry: ConfigEntry, pack: Pack) -> RulesSite:
    """Return what a site's rules are made of."""
    data = entry.data
    return RulesSite(
        installer=data[CONF_INSTALLER],
        contact=data[CONF_CONTACT],
        purpose=data[CONF_PURPOSE],
        manager=data[CONF_MANAGER_NAME],
        limit=_limit(data),
        cameras=tuple(
            RulesCamera(
                name=each.title,
                place=each.data[CONF_PLACE],
                direction=each.data[CONF_DIRECTION],
                field_of_view=each.data[CONF_FIELD_OF_VIEW],
                purpose=each.data[CONF_PURPOSE],
                limit=_limit(each.data),
                mode=each.data.get(CONF_MODE, RecordingMode.CONTINUOUS),
                audio=each.data.get(CONF_AUDIO, False),
            )
            for each in entry.subentries.values()
            if each.subentry_type == SUBENTRY_CAMERA
        ),
        live_length=timedelta(minutes=data.get(CONF_LIVE_MINUTES, DEFAULT_LIVE_MINUTES)),
        pack=pack,
    )


def pledge_texts(site: RulesSite) -> PledgeTexts:
    """Return the texts of a site; reads files."""
    values = {"installer": plain(site.installer)}
    pledge = {each: render(each, "pledge.txt", values) for each in LANGUAGES}
    made = rules_of(site)
    digest = sha256()
    for each in LANGUAGES:
        digest.update(sha256(pledge[each].encode()).digest())
    digest.update(made.version.encode())
    return PledgeTexts(
        pledge=pledge,
        rules={
            each: made.text(each, capital(site.pack.words["rules"][each])) for each in LANGUAGES
        },
        made=made,
        version=digest.hexdigest(),
    )


def _limit(data: Mapping[str, Any]) -> Limit:
    review = data.get(CONF_RETENTION_REVIEW_AT)
    return Limit(
        length=timedelta(hours=data[CONF_RETENTION_HOURS]),
        reason=data.get(CONF_RETENTION_REASON) or "",
        approver=data.get(CONF_RETENTION_APPROVER) or "",
        review_on=date.fromisoformat(review) if review else None,
    )
