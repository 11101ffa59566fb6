"""What a person can mend: raise and clear each repair, and the flows that mend it from there.

Every logged-in user can read the list of repairs, so nothing private goes into their texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, override

import probatio
from homeassistant.auth.models import User
from homeassistant.components.http.const import KEY_HASS_USER
from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntry, ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.http import current_request
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
from homeassistant.util import dt as dt_util

from .bridge import async_actor
from .camera_forms import (
    TEST_SECONDS,
    address_schema,
    address_words,
    take_address,
    without_password,
)
from .const import CONF_ADDRESS, CONF_CHECKED_ON, CONF_MANAGER_USER_ID, CONF_VAULT_PATH, DOMAIN
from .copies import due_copies, inventory_of
from .core.capture.probe import probe
from .core.copies.archives import Finding, Place, PlaceKind
from .core.errors import SourceError
from .core.policy.task import TaskKind
from .duties import DutiesLook
from .exposure import async_open_entities
from .forms import stripped
from .sealing import async_turn_off
from .sources import async_source_for
from .texts import Texts, moment_text

_CHECKED: Final = "checked"
_BACKUPS_LISTED: Final = 10
_LONGEST_NAME: Final = 80


class Issue(StrEnum):
    """The repairs by their translation key."""

    VAULT_MISSING = "vault_missing"
    VAULT_FOREIGN = "vault_foreign"
    DISK_NEARLY_FULL = "disk_nearly_full"
    EVICTED = "evicted"
    CLOCK_UNTRUSTED = "clock_untrusted"
    NO_STREAM = "no_stream"
    PAST_LIMIT = "past_limit"
    LEDGER_BROKEN = "ledger_broken"
    INDEX_REBUILT = "index_rebuilt"
    ADDRESS_LOST = "address_lost"
    LIVE_SHARED = "live_shared"
    SEAL_OPEN = "seal_open"
    ADMINISTRATORS = "administrators"
    NO_MANAGER = "no_manager"
    HOLDS_DUE = "holds_due"
    FOLDER_NOT_LOOKED_AT = "folder_not_looked_at"
    FOLDER_FOREIGN = "folder_foreign"
    FOLDER_PAST_LIMIT = "folder_past_limit"
    FOOTAGE_IN_BACKUP = "footage_in_backup"
    BACKUP_PLAN = "backup_plan"
    COPIES_UNCHECKED = "copies_unchecked"
    COPY_NOTICED = "copy_noticed"
    RECOVERY_KIT = "recovery_kit"
    PACK_UNREADABLE = "pack_unreadable"
    PACK_SHORTENS = "pack_shortens"
    RECORDING_PROVISIONAL = "recording_provisional"
    RECORDING_GATED = "recording_gated"
    PAPERS_OUTDATED = "papers_outdated"
    CONTROL_BREACHED = "control_breached"
    UTILIZATION_LOST = "utilization_lost"
    DETECTOR_FAILED = "detector_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    severity: ir.IssueSeverity
    fixable: bool = False
    of_camera: bool = False
    of_folder: bool = False
    of_utilization: bool = False
    lasting: bool = False
    """Known once only, so that it must outlive a restart until someone has seen it."""
    texts: tuple[str, ...] = ()
    """What its text names besides the site, its vault's folder and whose it is."""

    @property
    def owner(self) -> str | None:
        """Return what texts call the subentry whose it is; None where it is the site's."""
        names = {
            "camera": self.of_camera,
            "managed": self.of_folder,
            "utilization": self.of_utilization,
        }
        return next((name for name, is_it in names.items() if is_it), None)


_KINDS = {
    Issue.VAULT_MISSING: _Kind(severity=ir.IssueSeverity.CRITICAL, fixable=True),
    Issue.VAULT_FOREIGN: _Kind(severity=ir.IssueSeverity.CRITICAL, fixable=True),
    Issue.DISK_NEARLY_FULL: _Kind(severity=ir.IssueSeverity.WARNING, texts=("free", "total")),
    Issue.EVICTED: _Kind(
        severity=ir.IssueSeverity.WARNING, fixable=True, lasting=True, texts=("size",)
    ),
    Issue.CLOCK_UNTRUSTED: _Kind(severity=ir.IssueSeverity.ERROR, fixable=True),
    Issue.NO_STREAM: _Kind(severity=ir.IssueSeverity.WARNING, of_camera=True),
    Issue.PAST_LIMIT: _Kind(severity=ir.IssueSeverity.ERROR, fixable=True, texts=("count",)),
    Issue.LEDGER_BROKEN: _Kind(severity=ir.IssueSeverity.CRITICAL),
    Issue.INDEX_REBUILT: _Kind(
        severity=ir.IssueSeverity.WARNING, fixable=True, lasting=True, texts=("count",)
    ),
    Issue.ADDRESS_LOST: _Kind(severity=ir.IssueSeverity.ERROR, fixable=True, of_camera=True),
    Issue.LIVE_SHARED: _Kind(
        severity=ir.IssueSeverity.WARNING, of_camera=True, texts=("people", "dashboards")
    ),
    Issue.SEAL_OPEN: _Kind(
        severity=ir.IssueSeverity.ERROR, fixable=True, of_camera=True, texts=("entities",)
    ),
    Issue.ADMINISTRATORS: _Kind(severity=ir.IssueSeverity.WARNING, texts=("count",)),
    Issue.NO_MANAGER: _Kind(severity=ir.IssueSeverity.ERROR),
    Issue.HOLDS_DUE: _Kind(severity=ir.IssueSeverity.WARNING, texts=("reviews", "ending")),
    Issue.FOLDER_NOT_LOOKED_AT: _Kind(severity=ir.IssueSeverity.ERROR, of_folder=True),
    Issue.FOLDER_FOREIGN: _Kind(severity=ir.IssueSeverity.ERROR, of_folder=True),
    Issue.FOLDER_PAST_LIMIT: _Kind(
        severity=ir.IssueSeverity.ERROR, of_folder=True, texts=("count", "unreadable")
    ),
    Issue.FOOTAGE_IN_BACKUP: _Kind(severity=ir.IssueSeverity.ERROR, texts=("count", "backups")),
    Issue.BACKUP_PLAN: _Kind(severity=ir.IssueSeverity.WARNING, texts=("holds",)),
    Issue.COPIES_UNCHECKED: _Kind(
        severity=ir.IssueSeverity.WARNING, fixable=True, texts=("count",)
    ),
    Issue.COPY_NOTICED: _Kind(
        severity=ir.IssueSeverity.WARNING, fixable=True, of_camera=True, texts=("count",)
    ),
    Issue.RECOVERY_KIT: _Kind(severity=ir.IssueSeverity.WARNING),
    Issue.PACK_UNREADABLE: _Kind(
        severity=ir.IssueSeverity.ERROR, texts=("file", "line", "problem")
    ),
    Issue.PACK_SHORTENS: _Kind(severity=ir.IssueSeverity.ERROR, texts=("ceiling", "names")),
    Issue.RECORDING_PROVISIONAL: _Kind(severity=ir.IssueSeverity.WARNING, texts=("cameras",)),
    Issue.RECORDING_GATED: _Kind(severity=ir.IssueSeverity.ERROR, fixable=True, texts=("cameras",)),
    Issue.PAPERS_OUTDATED: _Kind(severity=ir.IssueSeverity.WARNING, texts=("papers",)),
    Issue.CONTROL_BREACHED: _Kind(severity=ir.IssueSeverity.ERROR, texts=("count", "articles")),
    Issue.UTILIZATION_LOST: _Kind(
        severity=ir.IssueSeverity.ERROR, of_utilization=True, texts=("lost",)
    ),
    Issue.DETECTOR_FAILED: _Kind(severity=ir.IssueSeverity.WARNING, of_utilization=True),
}


def issue_id(entry: ConfigEntry, issue: Issue, of: ConfigSubentry | None = None) -> str:
    """Return the id of the repair of a site, or of a camera, managed folder or utilization."""
    return f"{issue}_{of.subentry_id if of else entry.entry_id}"


@callback
def async_report(
    hass: HomeAssistant,
    entry: ConfigEntry,
    issue: Issue,
    of: ConfigSubentry | None = None,
    **placeholders: str,
) -> None:
    """Raise a repair with what its text names; harmless when repeated."""
    kind = _KINDS[issue]
    if set(placeholders) != set(kind.texts) or (of is None) != (kind.owner is None):
        raise ValueError(f"{issue} is told with {kind.texts}, and of {kind.owner or 'the site'}")
    texts = {
        "site": entry.title,
        "folder": Path(entry.data[CONF_VAULT_PATH]).name,
        **placeholders,
    }
    if of is not None and kind.owner is not None:
        texts[kind.owner] = of.title
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id(entry, issue, of),
        data={
            "entry_id": entry.entry_id,
            "issue": issue.value,
            "camera": of.subentry_id if of is not None and kind.of_camera else None,
        },
        is_fixable=kind.fixable,
        is_persistent=kind.lasting,
        severity=kind.severity,
        translation_key=issue.value,
        translation_placeholders=texts,
    )


@callback
def async_clear(
    hass: HomeAssistant, entry: ConfigEntry, issue: Issue, of: ConfigSubentry | None = None
) -> None:
    """Take a repair back; harmless when there is none."""
    ir.async_delete_issue(hass, DOMAIN, issue_id(entry, issue, of))


@callback
def async_clear_subentry(hass: HomeAssistant, subentry: str) -> None:
    """Take back every repair of a camera, managed folder or utilization that was removed."""
    for issue, kind in _KINDS.items():
        if kind.owner is not None:
            ir.async_delete_issue(hass, DOMAIN, f"{issue}_{subentry}")


@callback
def async_clear_all(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Take back every repair of a site that is being removed, and of its cameras."""
    for found_domain, found_id in list(ir.async_get(hass).issues):
        if found_domain == DOMAIN and (
            found_id.endswith(f"_{entry.entry_id}")
            or any(found_id.endswith(f"_{camera}") for camera in entry.subentries)
        ):
            ir.async_delete_issue(hass, DOMAIN, found_id)


async def async_create_fix_flow(
    hass: HomeAssistant,
    issue_id: str,
    data: dict[str, str | int | float | None] | None,
) -> RepairsFlow:
    """Return the flow that mends a repair."""
    found = data or {}
    flows: dict[str, type[RepairsFlow]] = {
        Issue.CLOCK_UNTRUSTED: AcceptClockFlow,
        Issue.PAST_LIMIT: PurgeFlow,
        Issue.VAULT_MISSING: LookAgainFlow,
        Issue.VAULT_FOREIGN: LookAgainFlow,
        Issue.ADDRESS_LOST: AddressFlow,
        Issue.SEAL_OPEN: SealFlow,
        Issue.COPIES_UNCHECKED: CopiesCheckedFlow,
        Issue.COPY_NOTICED: NoticedEndedFlow,
        Issue.RECORDING_GATED: RecordAgainFlow,
    }
    return flows.get(str(found.get("issue")), ConfirmRepairFlow)()


class _SiteFlow(RepairsFlow):
    """One question, then something done to the site."""

    async def async_step_init(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask, then do it."""
        if user_input is None:
            issue = ir.async_get(self.hass).async_get_issue(self.handler, self.issue_id)
            texts = dict(issue.translation_placeholders or {}) if issue else {}
            return self.async_show_form(
                step_id="confirm",
                data_schema=probatio.Schema({}),
                description_placeholders=texts | self._more_texts(),
            )
        entry = self.hass.config_entries.async_get_entry(str((self.data or {}).get("entry_id")))
        if entry is None:
            return self.async_abort(reason="site_gone")
        if reason := await self._async_mend(entry):
            return self.async_abort(reason=reason)
        return self.async_create_entry(data={})

    def _more_texts(self) -> dict[str, str]:
        return {}

    async def _async_mend(self, entry: ConfigEntry) -> str | None:
        """Mend it; return why not when it could not be mended."""
        raise NotImplementedError


class AcceptClockFlow(_SiteFlow):
    """The operations manager vouches for the clock, after which purging goes on."""

    @override
    def _more_texts(self) -> dict[str, str]:
        return {"now": dt_util.now().strftime("%Y-%m-%d %H:%M %Z")}

    @override
    async def _async_mend(self, entry: ConfigEntry) -> str | None:
        actor = _asking()
        if actor is None:
            return "manager_only"
        manager = await self.hass.auth.async_get_user(entry.data[CONF_MANAGER_USER_ID])
        # Repairs open for administrators only: where the manager is none, one of them confirms
        # on the manager's word, and the ledger names who did.
        if manager is not None and manager.is_admin and actor.id != manager.id:
            return "manager_only"
        if entry.state is not ConfigEntryState.LOADED:
            return "site_not_running"
        await entry.runtime_data.bridge.async_accept_clock(actor=actor.id)
        return None


class PurgeFlow(_SiteFlow):
    """Purge now what should have gone."""

    @override
    async def _async_mend(self, entry: ConfigEntry) -> str | None:
        actor = _asking()
        if actor is None or entry.state is not ConfigEntryState.LOADED:
            return "site_not_running"
        try:
            await entry.runtime_data.bridge.async_purge(actor=actor.id)
        except HomeAssistantError:
            return "purge_failed"
        return None


class LookAgainFlow(_SiteFlow):
    """Start the site again once its vault should be back."""

    @override
    async def _async_mend(self, entry: ConfigEntry) -> str | None:
        # Out of the way first: what the set-up raises again is then known to be true still.
        ir.async_delete_issue(self.hass, DOMAIN, self.issue_id)
        running = await self.hass.config_entries.async_reload(entry.entry_id)
        back = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        return None if running and back is None else "vault_not_back"


class SealFlow(_SiteFlow):
    """Turn off again what shows a sealed camera to every login."""

    @override
    async def _async_mend(self, entry: ConfigEntry) -> str | None:
        camera = entry.subentries.get(str((self.data or {}).get("camera")))
        for entity_id in async_open_entities(self.hass, camera.data) if camera is not None else ():
            await async_turn_off(self.hass, entity_id)
        return None


class NoticedEndedFlow(_SiteFlow):
    """Take a person's word that nothing saves a camera's pictures elsewhere any more."""

    @override
    async def _async_mend(self, entry: ConfigEntry) -> str | None:
        actor = _asking()
        if actor is None or entry.state is not ConfigEntryState.LOADED:
            return "site_not_running"
        name = await async_actor(self.hass, entry, actor.id)
        camera = str((self.data or {}).get("camera"))
        await entry.runtime_data.copies.async_forget_noticed(camera, actor=name)
        return None


class RecordAgainFlow(_SiteFlow):
    """Record again where all is there that recording needs."""

    @override
    async def _async_mend(self, entry: ConfigEntry) -> str | None:
        actor = _asking()
        if actor is None or entry.state is not ConfigEntryState.LOADED:
            return "site_not_running"
        running = entry.runtime_data
        await running.duties.async_look()
        look = running.coordinator.duties
        may = {each: look.gates[each].open for each in look.gated} if look is not None else {}
        for camera in (each for each, is_open in may.items() if is_open):
            await running.bridge.async_set_recording(camera, True, actor=actor.id)
        await running.duties.async_look()
        return None if all(may.values()) else "still_missing"


class CopiesCheckedFlow(RepairsFlow):
    """Ask which copies of the inventory were looked at today."""

    async def async_step_init(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_checked()

    async def async_step_checked(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Ask, and note today as the day on which they were checked; who did is in the ledger."""
        entry = self.hass.config_entries.async_get_entry(str((self.data or {}).get("entry_id")))
        if entry is None:
            return self.async_abort(reason="site_gone")
        today = dt_util.now().date()
        due = due_copies(entry, today)
        copies = inventory_of(entry)
        if user_input is not None:
            checked = [each for each in user_input[_CHECKED] if each in copies]
            for id_ in checked:
                data = {**copies[id_].data, CONF_CHECKED_ON: today.isoformat()}
                self.hass.config_entries.async_update_subentry(entry, copies[id_], data=data)
            if set(due) <= set(checked):
                return self.async_create_entry(data={})
            return self.async_abort(reason="some_left")
        options = [SelectOptionDict(value=each, label=copies[each].title) for each in due]
        selector = SelectSelector(
            SelectSelectorConfig(options=options, multiple=True, mode=SelectSelectorMode.LIST)
        )
        return self.async_show_form(
            step_id="checked",
            data_schema=probatio.Schema({probatio.Required(_CHECKED, default=[]): selector}),
        )


class AddressFlow(RepairsFlow):
    """Ask for an address or login that works in place of one that no longer does."""

    async def async_step_init(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_address()

    async def async_step_address(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask, receive the camera there, and only then save it."""
        data = self.data or {}
        entry = self.hass.config_entries.async_get_entry(str(data.get("entry_id")))
        camera = entry.subentries.get(str(data.get("camera"))) if entry is not None else None
        if entry is None or camera is None or CONF_ADDRESS not in camera.data:
            return self.async_abort(reason="camera_gone")
        errors: dict[str, str] = {}
        if user_input is not None:
            found = dict(camera.data)
            if not (errors := take_address(found, stripped(user_input))):
                try:
                    source = async_source_for(self.hass, found)
                    await self.hass.async_add_executor_job(probe, source, TEST_SECONDS)
                except SourceError as err:
                    errors = {"base": err.key}
            if not errors:
                self.hass.config_entries.async_update_subentry(entry, camera, data=found)
                return self.async_create_entry(data={})
        return self.async_show_form(
            step_id="address",
            data_schema=self.add_suggested_values_to_schema(
                address_schema(new=False), without_password(user_input)
            ),
            errors=errors,
            description_placeholders={
                "camera": camera.title,
                **address_words(camera.data[CONF_ADDRESS]),
            },
        )


def backup_lines(found: Sequence[Finding], texts: Texts, now: datetime) -> str:
    """Return a line for each backup that holds footage, the newest first, as all may read it."""
    lines = []
    for each in sorted(found, key=lambda e: e.archive.made_at, reverse=True)[:_BACKUPS_LISTED]:
        archive = each.archive
        end = texts.option("copies_end", each.end).format(date=_local_day(each.gone_at))
        lines.append(
            texts["copies_backup_line"].format(
                name=" ".join(archive.name.split())[:_LONGEST_NAME],
                date=_local_day(archive.made_at),
                days=max((now - archive.made_at).days, 0),
                kind=texts.option("copies_remark", each.origin),
                places=", ".join(
                    dict.fromkeys(
                        holder.place or texts["copies_this_machine"] for holder in archive.holders
                    )
                ),
                holds=texts["copies_holds" if each.sure else "copies_may_hold"].format(
                    what=place_names(each.places, texts)
                ),
                end=end,
            )
        )
    return "\n".join(lines)


def place_names(places: Sequence[Place], texts: Texts) -> str:
    """Return what of the footage lies at some places, without where: everyone can read it."""
    names = (
        each.name if each.kind is PlaceKind.FOLDER else texts[f"copies_{each.kind}"]
        for each in places
    )
    return " / ".join(dict.fromkeys(names))


def gate_lines(look: DutiesLook, texts: Texts, *, provisional: bool) -> str:
    """Return a line for each camera that records provisionally, or that recorded and may not."""
    lines = []
    for each in look.facts.cameras:
        gate = look.gates[each.id]
        values = {"camera": each.name, "missing": texts.missing_of(gate)}
        if provisional and each.recording and gate.provisional_until is not None:
            until = moment_text(gate.provisional_until)
            lines.append(texts["gate_line_provisional"].format(**values, until=until))
        elif not provisional and each.id in look.gated:
            key = "gate_line_complete" if gate.open else "gate_line_missing"
            lines.append(texts[key].format(**values))
    return "\n".join(lines)


def outdated_lines(look: DutiesLook, texts: Texts) -> str:
    """Return a line for each paper that reads otherwise by now: the rules, a camera's sign."""
    facts = look.facts
    lines = []
    if facts.rules.adopted_version and facts.rules.adopted_version != facts.rules.running_version:
        articles = " / ".join(look.differing(texts.language))
        lines.append(texts["outdated_rules"].format(articles=articles))
    lines += [
        texts["outdated_sign"].format(camera=each.name)
        for each in look.tasks
        if each.kind is TaskKind.POST_SIGN
        and each.last is not None
        and facts.sign_missing_at(each.subject.id) is None
    ]
    return "\n".join(lines)


def _local_day(moment: datetime | None) -> str:
    return dt_util.as_local(moment).date().isoformat() if moment is not None else ""


def _asking() -> User | None:
    """Return the user whose request this is; tasks that a request left behind have none."""
    request = current_request.get()
    user: User | None = request.get(KEY_HASS_USER) if request is not None else None
    return user


def lacking_lines(lost: Sequence[str], texts: Texts) -> str:
    """Return a line for each thing that a utilization lost."""
    return "\n".join(f"- {texts[f'lacking_{each}']}" for each in lost)
