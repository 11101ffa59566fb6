"""Declare a utilization: which camera, what for, what is derived, who answers; nothing is opened here."""

from collections.abc import Mapping
from typing import Any, Final

import probatio
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME
from homeassistant.exceptions import HomeAssistantError

from .addresses import same_stream
from .bridge import cameras_of
from .camera_forms import (
    CONF_NEW_ADDRESS,
    address_schema,
    address_words,
    take_address,
    without_password,
)
from .const import (
    CONF_ADDRESS,
    CONF_ADDRESS_OPTIONS,
    CONF_ADDRESS_SINCE,
    CONF_BENEFIT,
    CONF_CAMERA,
    CONF_CASE,
    CONF_DERIVED,
    CONF_DERIVED_DAYS,
    CONF_DETECTOR,
    CONF_DETECTOR_ENTITY,
    CONF_DETECTOR_URL,
    CONF_FRAME_RATE,
    CONF_FRAME_WIDTH,
    CONF_MUNICIPALITY,
    CONF_OMITTED,
    CONF_OPERATING_ENTITY,
    CONF_ORIGINALS,
    CONF_PLACE,
    CONF_RECIPIENTS,
    CONF_RESPONSIBLE,
    CONF_START_ON,
    CONF_VIEW,
    CONF_WEB_ADDRESS,
)
from .core.policy.facts import RecordFact
from .core.policy.states import SubjectKind
from .core.policy.utilization import Declaration, DetectorKind, Node, NodeKind, UtilizationCase
from .forms import missing, stripped
from .policy_packs import async_packs, in_language, municipal
from .texts import async_texts
from .utilization_forms import (
    ASK_CITY,
    BY_ADDRESS,
    PICTURES_SCHEMA,
    SERVER_SCHEMA,
    bodies_schema,
    data_errors,
    data_schema,
    entity_errors,
    entity_schema,
    is_of_home_assistant,
    name_schema,
    omissions_schema,
    pictures_errors,
    suggestions,
    take_server,
    use_errors,
    use_schema,
)
from .utilizations import DEFAULT_FRAME_RATE, declaration_of, default_width, utilizations_of

_OF_ADDRESS: Final = (CONF_ADDRESS, CONF_ADDRESS_OPTIONS, CONF_ADDRESS_SINCE)
_OF_DETECTOR: Final = (CONF_DETECTOR_URL, CONF_DETECTOR_ENTITY, CONF_ORIGINALS)
_BLANK_USE: Final = {CONF_BENEFIT: "", CONF_PLACE: ""}
_BLANK_DATA: Final = {CONF_DERIVED: "", CONF_RECIPIENTS: [], CONF_WEB_ADDRESS: ""}


class UtilizationSubentryFlow(ConfigSubentryFlow):
    """Ask whatever is not answered yet, form by form; save once nothing is left to ask."""

    def __init__(self) -> None:
        """Begin with nothing given."""
        self._name = ""
        self._data: dict[str, Any] = {}
        self._suggested: dict[str, Any] = {}
        self._records: dict[str, RecordFact] = {}
        """The site's open records: recipients, and removals of cameras."""
        self._municipalities: dict[str, str] = {}
        self._bodies: dict[str, str] = {}
        """Who answered at the nodes before the forms asked for it again."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Begin a new utilization."""
        if user_input is None and (reason := await self._async_begin()):
            return self.async_abort(reason=reason)
        return await self._async_ask_name("user", user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Begin to change a utilization."""
        if reason := await self._async_begin():
            return self.async_abort(reason=reason)
        subentry = self._get_reconfigure_subentry()
        self._name, self._data = subentry.title, dict(subentry.data)
        self._bodies = dict(self._data.get(CONF_RESPONSIBLE, {}))
        # Whoever has no contract any more is no recipient once the form is saved.
        recipients = self._data.get(CONF_RECIPIENTS, ())
        self._data[CONF_RECIPIENTS] = [each for each in recipients if each in self._recipients]
        options = ["source", "use", "data", "nodes", "pictures"]
        if CONF_ADDRESS in self._data:
            options.insert(1, "address")
        if self._detector is not DetectorKind.BUILT_IN:
            options.insert(options.index("nodes"), self._detector.value)
        if self._declared.empty_items:
            options.insert(options.index("nodes"), "omissions")
        return self.async_show_menu(step_id="reconfigure", menu_options=options)

    async def async_step_source(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for another name or camera; what it is used for stays, or it is another utilization."""
        return await self._async_ask_name("source", user_input)

    async def async_step_address(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the address of a camera's stream; what is there already is not shown."""
        errors: dict[str, str] = {}
        if user_input is not None:
            data = dict(self._data)
            errors = take_address(data, stripped(user_input))
            if not errors and is_of_home_assistant(self.hass, data[CONF_ADDRESS]):
                errors = {CONF_NEW_ADDRESS: "address_of_home_assistant"}
            if not errors:
                before = self._data.get(CONF_ADDRESS)
                if before is not None and same_stream(before, data[CONF_ADDRESS]):
                    # Another login is no other camera, and needs no other notice.
                    data[CONF_ADDRESS_SINCE] = self._data[CONF_ADDRESS_SINCE]
                self._data = data
                return await self._async_go_on()
        return self.async_show_form(
            step_id="address",
            data_schema=self.add_suggested_values_to_schema(
                address_schema(new=CONF_ADDRESS not in self._data), without_password(user_input)
            ),
            errors=errors,
            description_placeholders=address_words(self._data.get(CONF_ADDRESS, "")),
        )

    async def async_step_use(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what it is used for, by whom, for whose benefit, where, and from when on."""
        errors: dict[str, str] = {}
        shown = {**self._suggested, **self._data}
        shown[CONF_MUNICIPALITY] = shown[CONF_MUNICIPALITY] or ASK_CITY
        if user_input is not None:
            shown = _BLANK_USE | stripped(user_input)
            errors = use_errors(shown, self._data.get(CONF_START_ON))
            if not errors:
                city = shown[CONF_MUNICIPALITY]
                self._data |= shown | {CONF_MUNICIPALITY: "" if city == ASK_CITY else city}
                return await self._async_go_on()
        return self._show("use", use_schema(self._municipalities), shown, errors)

    async def async_step_data(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what finds people, what is derived, for how long it is kept, and who gets it."""
        errors: dict[str, str] = {}
        shown = {**self._suggested, **self._data}
        if user_input is not None:
            shown = _BLANK_DATA | stripped(user_input)
            errors = data_errors(shown, UtilizationCase(self._data[CONF_CASE]))
            if not errors:
                if shown[CONF_DETECTOR] != self._data.get(CONF_DETECTOR):
                    self._drop(_OF_DETECTOR)
                shown[CONF_DERIVED_DAYS] = int(shown[CONF_DERIVED_DAYS])
                self._data |= shown
                return await self._async_go_on()
        return self._show("data", data_schema(self._recipients), shown, errors)

    async def async_step_server(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask where the detection server is, and what becomes of pictures there."""
        errors: dict[str, str] = {}
        shown = self._data
        if user_input is not None:
            shown = stripped(user_input)
            errors = missing(shown, (CONF_ORIGINALS,)) | take_server(shown)
            if not errors:
                self._data |= shown
                return await self._async_go_on()
        return self._show("server", SERVER_SCHEMA, shown, errors)

    async def async_step_entity(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask which entity counts, and what becomes of the pictures that it counts in."""
        errors: dict[str, str] = {}
        shown: Mapping[str, Any] = self._data
        if user_input is not None:
            shown = stripped(user_input)
            errors = missing(shown, (CONF_ORIGINALS,)) | entity_errors(self.hass, shown)
            if not errors:
                self._data |= shown
                return await self._async_go_on()
        return self._show("entity", entity_schema(self.hass), shown, errors)

    async def async_step_omissions(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask why the notices leave out what was left empty."""
        errors: dict[str, str] = {}
        items = self._declared.empty_items
        shown: Mapping[str, Any] = self._data.get(CONF_OMITTED, {})
        if user_input is not None:
            shown = stripped(user_input)
            errors = {item.value: "reason_missing" for item in items if not shown[item.value]}
            if not errors:
                self._data[CONF_OMITTED] = {item.value: shown[item.value] for item in items}
                return await self._async_go_on()
        return self._show("omissions", omissions_schema(items), shown, errors)

    async def async_step_nodes(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask who answers at each place that pictures or derived data pass; recipients come next."""
        errors: dict[str, str] = {}
        keys = [each.key for each in self._declared.nodes if each.kind is not NodeKind.RECIPIENT]
        operator = self._data[CONF_OPERATING_ENTITY]
        shown: Mapping[str, Any] = {each: self._bodies.get(each, operator) for each in keys}
        if user_input is not None:
            shown = stripped(user_input)
            errors = missing(shown, keys)
            if not errors:
                self._data[CONF_RESPONSIBLE] = {each: shown[each] for each in keys}
                return await self._async_go_on()
        return self._show("nodes", bodies_schema(keys), shown, errors)

    async def async_step_recipient(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask who answers for what one recipient gets, until that is known of each."""
        errors: dict[str, str] = {}
        node = self._unanswered[0]
        name = self._recipients[node.id]
        shown: Mapping[str, Any] = {CONF_RESPONSIBLE: self._bodies.get(node.key, name)}
        if user_input is not None:
            shown = stripped(user_input)
            errors = missing(shown, (CONF_RESPONSIBLE,))
            if not errors:
                self._data[CONF_RESPONSIBLE][node.key] = shown[CONF_RESPONSIBLE]
                return await self._async_go_on()
        return self._show(
            "recipient", bodies_schema([CONF_RESPONSIBLE]), shown, errors, recipient=name
        )

    async def async_step_pictures(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask how many pictures are looked at, and how large."""
        errors: dict[str, str] = {}
        shown: Mapping[str, Any] = self._data
        if user_input is not None:
            shown = user_input
            errors = pictures_errors(shown)
            if not errors:
                self._data |= {
                    CONF_FRAME_RATE: float(shown[CONF_FRAME_RATE]),
                    CONF_FRAME_WIDTH: int(shown[CONF_FRAME_WIDTH]),
                }
                return await self._async_go_on()
        return self._show("pictures", PICTURES_SCHEMA, shown, errors)

    # ------------------------------------------------------------------ between the steps

    async def _async_begin(self) -> str | None:
        """Read what the forms offer; return why they cannot be shown."""
        entry = self._get_entry()
        if entry.state is not ConfigEntryState.LOADED:
            return "site_not_running"
        try:
            self._records = await entry.runtime_data.bridge.async_open_records()
        except HomeAssistantError:
            return "records_unreadable"
        packs = municipal(await async_packs(self.hass))
        texts = await async_texts(self.hass)
        self._municipalities = {
            **{id_: in_language(self.hass, each.title) for id_, each in packs.items()},
            ASK_CITY: texts["utilization_ask_city"],
        }
        self._suggested = suggestions(entry.data, packs)
        return None

    async def _async_ask_name(
        self, step: str, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        errors: dict[str, str] = {}
        shown: Mapping[str, Any] = {
            CONF_NAME: self._name,
            CONF_CAMERA: self._data.get(CONF_CAMERA) or (BY_ADDRESS if self._data else None),
        }
        if user_input is not None:
            shown = stripped(user_input)
            errors = missing(shown, (CONF_NAME,))
            if shown[CONF_NAME] in self._other_names():
                errors[CONF_NAME] = "name_taken"
            if not errors:
                self._take_name(dict(shown))
                return await self._async_go_on()
        texts = await async_texts(self.hass)
        cameras = {**self._cameras, BY_ADDRESS: texts["utilization_by_address"]}
        return self._show(step, name_schema(cameras, new=step == "user"), shown, errors)

    def _take_name(self, given: dict[str, Any]) -> None:
        self._name = given.pop(CONF_NAME)
        self._data |= given
        if self._data[CONF_CAMERA] == BY_ADDRESS:
            self._drop((CONF_CAMERA,))
        else:
            self._drop(_OF_ADDRESS)

    async def _async_go_on(self) -> SubentryFlowResult:
        """Show the first form that has not all its answers; save where all have."""
        data = self._data
        if CONF_CAMERA not in data and CONF_ADDRESS not in data:
            return await self.async_step_address()
        if CONF_START_ON not in data:
            return await self.async_step_use()
        if CONF_DETECTOR not in data:
            return await self.async_step_data()
        if self._detector is not DetectorKind.BUILT_IN and CONF_ORIGINALS not in data:
            server = self._detector is DetectorKind.SERVER
            return await (self.async_step_server() if server else self.async_step_entity())
        declared = self._declared
        data[CONF_OMITTED] = {
            k: v for k, v in data.get(CONF_OMITTED, {}).items() if k in declared.empty_items
        }
        if declared.unexplained_items:
            return await self.async_step_omissions()
        keys = {each.key for each in declared.nodes}
        data[CONF_RESPONSIBLE] = {
            k: v for k, v in data.get(CONF_RESPONSIBLE, {}).items() if k in keys
        }
        if unanswered := self._unanswered:
            of_recipients = all(each.kind is NodeKind.RECIPIENT for each in unanswered)
            return await (self.async_step_recipient() if of_recipients else self.async_step_nodes())
        return self._save()

    def _save(self) -> SubentryFlowResult:
        if self.source == SOURCE_RECONFIGURE:
            subentry = self._get_reconfigure_subentry()
            if CONF_VIEW in subentry.data:
                # The panel may have set it while the forms were open.
                self._data[CONF_VIEW] = subentry.data[CONF_VIEW]
            return self.async_update_and_abort(
                self._get_entry(), subentry, title=self._name, data=self._data
            )
        self._data |= {
            CONF_FRAME_RATE: DEFAULT_FRAME_RATE,
            CONF_FRAME_WIDTH: default_width(self._declared),
        }
        return self.async_create_entry(title=self._name, data=self._data)

    # ------------------------------------------------------------------ what is known

    @property
    def _declared(self) -> Declaration:
        return declaration_of(self._data, self._records)

    @property
    def _detector(self) -> DetectorKind:
        return DetectorKind(self._data[CONF_DETECTOR])

    @property
    def _unanswered(self) -> list[Node]:
        """Return the nodes at which nobody answers yet."""
        known = self._data[CONF_RESPONSIBLE]
        return [each for each in self._declared.nodes if each.key not in known]

    @property
    def _recipients(self) -> dict[str, str]:
        """Return the names of the recipients on record."""
        return {
            id_: each.fields.get("name", "")
            for id_, each in self._records.items()
            if each.subject.kind is SubjectKind.RECIPIENT
        }

    @property
    def _cameras(self) -> dict[str, str]:
        """Return the names of the site's cameras but for those that are being removed."""
        going = {
            each.fields.get("camera", "")
            for each in self._records.values()
            if each.subject.kind is SubjectKind.REMOVAL
        }
        cameras = cameras_of(self._get_entry())
        return {id_: each.title for id_, each in cameras.items() if not going & {id_, ""}}

    def _other_names(self) -> set[str]:
        own = self._reconfigure_subentry_id if self.source == SOURCE_RECONFIGURE else None
        return {e.title for id_, e in utilizations_of(self._get_entry()).items() if id_ != own}

    def _drop(self, names: tuple[str, ...]) -> None:
        for name in names:
            self._data.pop(name, None)

    def _show(
        self,
        step: str,
        schema: probatio.Schema,
        shown: Mapping[str, Any],
        errors: dict[str, str],
        **texts: str,
    ) -> SubentryFlowResult:
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors,
            description_placeholders=texts,
        )
