"""Names that more than one file of the edge uses: keys of entry data, defaults, links."""

from datetime import timedelta
from typing import Final

DOMAIN: Final = "camera_steward"
DOCUMENTATION_URL: Final = "https://github.com/camera-steward/camera-steward"

SUBENTRY_CAMERA: Final = "camera"
SUBENTRY_OPERATOR: Final = "operator"
SUBENTRY_FOLDER: Final = "folder"
SUBENTRY_COPY: Final = "copy"
SUBENTRY_UTILIZATION: Final = "utilization"

# Entry data: the site.
CONF_INSTALLER: Final = "installer"
CONF_CONTACT: Final = "contact"
CONF_PURPOSE: Final = "purpose"
CONF_REASON: Final = "reason"
CONF_MANAGER_USER_ID: Final = "manager_user_id"
CONF_MANAGER_NAME: Final = "manager_name"
CONF_MANAGER_SINCE: Final = "manager_since"
CONF_MANAGER_UNTIL: Final = "manager_until"
"""Local dates, the last one included (people.py)."""
CONF_PACK: Final = "pack"
CONF_CEILING_HOURS: Final = "ceiling_hours"
"""The longest retention without a reason on record, as the pack said when it was chosen."""
CONF_LIVE_MINUTES: Final = "live_minutes"
CONF_INQUIRY_WEBHOOK: Final = "inquiry_webhook"
"""The id of the public form for inquiries; None or missing where it is off (inquiries.py)."""
CONF_VAULT_PATH: Final = "vault_path"
CONF_VAULT_ID: Final = "vault_id"
CONF_KEY_MARK: Final = "key_mark"
"""Tells the site's key from another without giving it away (keys.py)."""
CONF_ADOPTED: Final = "adopted"
"""Where the vault was another Home Assistant's: who took it over, and its cameras' names by id."""
CONF_BY: Final = "by"
CONF_CAMERAS: Final = "cameras"

# Subentry data: an operator; dates are local, the last one included (people.py).
CONF_USER_ID: Final = "user_id"
CONF_SINCE: Final = "since"
CONF_UNTIL: Final = "until"

# Subentry data: a copy elsewhere; its place in words is CONF_PLACE.
CONF_KIND: Final = "kind"
CONF_CAMERA: Final = "camera"
CONF_KEPT_DAYS: Final = "kept_days"
"""How many days it keeps pictures by its own settings; None where nobody knows."""
CONF_RESPONSIBLE: Final = "responsible"
CONF_CHECKED_ON: Final = "checked_on"
"""A local date."""
CONF_NOTE: Final = "note"

# Entry and subentry data: how long footage is kept (limits.py).
CONF_RETENTION_HOURS: Final = "retention_hours"
CONF_RETENTION_REASON: Final = "retention_reason"
CONF_RETENTION_APPROVER: Final = "retention_approver"
CONF_RETENTION_REVIEW_AT: Final = "retention_review_at"

# Subentry data: a camera; its purpose is CONF_PURPOSE.
CONF_SOURCE_ENTITY: Final = "source_entity"
"""Missing where a camera was added by its address alone."""
CONF_SEALED: Final = "sealed"
CONF_SOURCE_REGISTRY_ID: Final = "source_registry_id"
"""What a sealed camera's entity is known by when it is renamed."""
CONF_ADDRESS: Final = "address"
"""Of a sealed camera, with its login in it; never shown, entered or logged."""
CONF_ADDRESS_OPTIONS: Final = "address_options"
CONF_ADDRESS_SINCE: Final = "address_since"
"""When the address was given: tells of a change without telling the address."""
CONF_UNSEALED_REASON: Final = "unsealed_reason"
CONF_PLACE: Final = "place"
CONF_DIRECTION: Final = "direction"
CONF_FIELD_OF_VIEW: Final = "field_of_view"
CONF_MODE: Final = "mode"
CONF_SCHEDULE: Final = "schedule"
CONF_WEEKDAY: Final = "weekday"
CONF_START: Final = "start"
CONF_END: Final = "end"
CONF_PRE_ROLL_SECONDS: Final = "pre_roll_seconds"
CONF_POST_ROLL_SECONDS: Final = "post_roll_seconds"
CONF_SEGMENT_SECONDS: Final = "segment_seconds"
CONF_STILL_INTERVAL_SECONDS: Final = "still_interval_seconds"
CONF_AUDIO: Final = "audio"
CONF_RTSP_TRANSPORT: Final = "rtsp_transport"

# Subentry data: a utilization (core/policy/utilization.py); its camera is CONF_CAMERA, or it has an
# address of its own; CONF_PURPOSE, CONF_CONTACT, CONF_PLACE and CONF_RESPONSIBLE (bodies by node) too.
CONF_CASE: Final = "case"
CONF_DETECTOR: Final = "detector"
CONF_DETECTOR_URL: Final = "detector_url"
CONF_DETECTOR_ENTITY: Final = "detector_entity"
CONF_OPERATING_ENTITY: Final = "operating_entity"
CONF_BENEFIT: Final = "benefit"
CONF_DERIVED: Final = "derived"
CONF_DERIVED_DAYS: Final = "derived_days"
CONF_RECOGNIZABLE: Final = "recognizable"
CONF_IDENTIFIABLE: Final = "identifiable"
CONF_RECIPIENTS: Final = "recipients"
CONF_ORIGINALS: Final = "originals"
CONF_PUBLIC_SPACE: Final = "public_space"
CONF_OMITTED: Final = "omitted"
CONF_START_ON: Final = "start_on"
CONF_MUNICIPALITY: Final = "municipality"
CONF_WEB_ADDRESS: Final = "web_address"
CONF_VIEW: Final = "view"
"""Lines, zones, floor plan and the like (core/utilization/view.py); no part of the notice."""
CONF_FRAME_RATE: Final = "frame_rate"
CONF_FRAME_WIDTH: Final = "frame_width"

# Subentry data: a managed folder; its path is Home Assistant's CONF_PATH, its purpose CONF_PURPOSE.
CONF_PATTERNS: Final = "patterns"
CONF_AGE_BY: Final = "age_by"
CONF_FOOTAGE_OF: Final = "footage_of"
"""Ids of cameras of the site, or words for what is none of it."""
CONF_IMPORT: Final = "import_videos"
CONF_CONFIRMED: Final = "confirmed"
"""What someone was shown would be erased, and agreed to."""
CONF_MARK: Final = "mark"
"""What the marker in the folder says; a new one with each confirmation."""

PURPOSES: Final = ("incident_check", "inspection", "disclosure_request", "test")
"""What a person may state as the purpose of a look; a product default."""

DEFAULT_PACK: Final = "jp_kumagaya_2019"
DEFAULT_CEILING_HOURS: Final = 14 * 24
"""That pack's (Kumagaya 第3 2(2)); of sites from before packs could be chosen."""
DEFAULT_RETENTION: Final = timedelta(days=7)
"""Product default; the guideline names the ceiling only."""
DEFAULT_LIVE_MINUTES: Final = 10
DEFAULT_SEGMENT_SECONDS: Final = 60
DEFAULT_PRE_ROLL_SECONDS: Final = 10
DEFAULT_POST_ROLL_SECONDS: Final = 30
DEFAULT_STILL_INTERVAL_SECONDS: Final = 1
